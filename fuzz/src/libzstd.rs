//! The oracle: libzstd's own calls, one value after the other.

use zstd::zstd_safe::zstd_sys::{
    ZSTD_FrameHeader, ZSTD_FrameType_e, ZSTD_format_e, ZSTD_getFrameHeader_advanced,
};
use zstd::zstd_safe::{DCtx, DParameter, FrameFormat};

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

/// A decompressor as anybody would make one.
pub struct Plain<'a> {
    context: DCtx<'a>,
    dictionary: Option<&'a [u8]>,
}

impl<'a> Plain<'a> {
    pub fn new(dictionary: Option<&'a [u8]>, magicless: bool) -> Self {
        let mut context = DCtx::create();
        let format = if magicless { FrameFormat::Magicless } else { FrameFormat::One };
        context.set_parameter(DParameter::Format(format)).expect("a format");
        Self { context, dictionary }
    }

    /// The content of all frames of a value, if it is sound and not more than `most` bytes.
    pub fn decompress(&mut self, value: &[u8], most: usize) -> Option<Vec<u8>> {
        // Not larger than need be: most values are small.
        let mut room = (value.len() * 20 + 1000).min(most);
        loop {
            let mut content: Vec<u8> = Vec::with_capacity(room);
            // A value of no bytes is no frame here; libzstd makes an empty value of it.
            if value.is_empty() {
                return None;
            }
            let dictionary = self.dictionary.unwrap_or_default();
            match self.context.decompress_using_dict(&mut content, value, dictionary) {
                Ok(_) => return Some(content),
                Err(_) if room < most => room = most,
                Err(_) => return None,
            }
        }
    }
}
