//! The oracle: libzstd's own calls, one value after the other.

use zstd::zstd_safe::zstd_sys::{
    ZSTD_FrameHeader, ZSTD_FrameType_e, ZSTD_format_e, ZSTD_getFrameHeader_advanced,
};
use zstd::zstd_safe::{DCtx, DParameter, FrameFormat};
use zstd_arrow::Format;
use zstd_arrow::codec::read_value;

/// The most content of a value that is compared.
pub const MOST: usize = 1 << 20;

/// What libzstd says of a header: `None` if it is none, or not all there, or a skippable frame's.
pub fn header(bytes: &[u8], magicless: bool) -> Option<ZSTD_FrameHeader> {
    let mut header = std::mem::MaybeUninit::zeroed();
    let format = match magicless {
        true => ZSTD_format_e::ZSTD_f_zstd1_magicless,
        false => ZSTD_format_e::ZSTD_f_zstd1,
    };
    // SAFETY: libzstd reads `bytes` alone and writes to the header; all zeros is a value of it.
    let (code, header) = unsafe {
        let at = bytes.as_ptr().cast();
        let code = ZSTD_getFrameHeader_advanced(header.as_mut_ptr(), at, bytes.len(), format);
        (code, header.assume_init())
    };
    (code == 0 && header.frameType == ZSTD_FrameType_e::ZSTD_frame).then_some(header)
}

/// A decompressor as anybody would make one: with the dictionary loaded once, which libzstd then
/// digests. (Given with each call, it is more strict: a digested one lets a frame refer to bytes of
/// the dictionary's own tables.)
pub struct Plain {
    context: DCtx<'static>,
    format: Format,
}

impl Plain {
    pub fn new(dictionary: Option<&[u8]>, magicless: bool) -> Self {
        let mut context = DCtx::create();
        let (format, its_name) = match magicless {
            true => (Format::Magicless, FrameFormat::Magicless),
            false => (Format::Zstd, FrameFormat::One),
        };
        context.set_parameter(DParameter::Format(its_name)).expect("a format");
        if let Some(dictionary) = dictionary {
            context.load_dictionary(dictionary).expect("a sound dictionary");
        }
        Self { context, format }
    }

    /// The content of all frames of a value, if it is sound and not more than `most` bytes. (libzstd
    /// lets a block hold up to 32 bytes more than the format does; that is not sound here.)
    pub fn decompress(&mut self, value: &[u8], most: usize) -> Option<Vec<u8>> {
        // Not larger than need be: most values are small.
        let mut room = (value.len() * 20 + 1000).min(most);
        loop {
            let mut content: Vec<u8> = Vec::with_capacity(room);
            // A value of no bytes is no frame here; libzstd makes an empty value of it.
            if value.is_empty() {
                return None;
            }
            match self.context.decompress(&mut content, value) {
                Ok(_) => {
                    let info = read_value(value, self.format);
                    let bound = info.map_or(u64::MAX, |info| info.content_bound);
                    return (content.len() as u64 <= bound).then_some(content);
                }
                Err(_) if room < most => room = most,
                Err(_) => return None,
            }
        }
    }
}
