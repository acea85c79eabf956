//! The bytes of a fuzzer as numbers, and as rows of frames.

use zstd::zstd_safe::{CCtx, CParameter};

/// Bytes that are read from the front; where there are none left, zeros.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    pub fn bit(&mut self) -> bool {
        self.byte() & 1 != 0
    }

    pub fn u16(&mut self) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }

    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.u16() % end
    }

    /// `size` bytes, or as many as there are.
    pub fn bytes(&mut self, size: usize) -> &'a [u8] {
        let (front, behind) = self.0.split_at(size.min(self.0.len()));
        self.0 = behind;
        front
    }

    /// Bytes with their length in front.
    pub fn string(&mut self) -> &'a [u8] {
        let size = self.u16();
        self.bytes(size)
    }

    /// A value: literal bytes, or one byte many times.
    pub fn value(&mut self) -> Vec<u8> {
        match self.byte() % 4 {
            0 => vec![self.byte(); self.below(40_000)],
            1 => {
                let piece = self.string();
                piece.repeat(1 + self.below(30))
            }
            _ => self.string().to_vec(),
        }
    }

    /// A row of frames: null, bytes as they are, or a frame made here and then edited.
    pub fn row(&mut self, dictionary: Option<&[u8]>) -> Option<Vec<u8>> {
        let kind = self.byte();
        match kind % 8 {
            0 => None,
            1..=4 => Some(self.string().to_vec()),
            _ => {
                let options = self.byte();
                let value = self.value();
                let mut frame = compress(&value, options, dictionary);
                if kind & 0x80 != 0 {
                    // A second frame in the same value.
                    let second = self.value();
                    frame.extend(compress(&second, options, dictionary));
                }
                self.edit(&mut frame);
                Some(frame)
            }
        }
    }

    /// All that is left, as rows.
    pub fn rows(&mut self, most: usize, dictionary: Option<&[u8]>) -> Vec<Option<Vec<u8>>> {
        let mut rows = Vec::new();
        while !self.is_empty() && rows.len() < most {
            rows.push(self.row(dictionary));
        }
        rows
    }

    /// A few changes to sound bytes, or none.
    pub fn edit(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.byte() % 4 {
            if bytes.is_empty() {
                return;
            }
            let kind = self.byte();
            let at = self.below(bytes.len());
            match kind % 6 {
                0 => bytes.truncate(at),
                1 => bytes.extend_from_slice(self.bytes(usize::from(kind >> 3))),
                2 => bytes[at] = self.byte(),
                3 => {
                    let with = self.bytes(usize::from(kind >> 3));
                    let size = with.len().min(bytes.len() - at);
                    bytes[at..at + size].copy_from_slice(&with[..size]);
                }
                4 => drop(bytes.remove(at)),
                _ => bytes[at] ^= 1 << (kind >> 5),
            }
        }
    }
}

/// One frame, with options by the bits of a byte.
fn compress(value: &[u8], options: u8, dictionary: Option<&[u8]>) -> Vec<u8> {
    let mut context = CCtx::create();
    let mut set = |parameter| {
        context.set_parameter(parameter).expect("in its range");
    };
    let levels = [-5, 1, 3, 6, 9, 12, 3, 3];
    set(CParameter::CompressionLevel(levels[usize::from(options & 7)]));
    set(CParameter::ChecksumFlag(options & 8 != 0));
    set(CParameter::ContentSizeFlag(options & 16 == 0));
    set(CParameter::DictIdFlag(options & 32 == 0));
    if options & 64 != 0 {
        set(CParameter::WindowLog(10));
    }
    if options & 128 == 0
        && let Some(dictionary) = dictionary
    {
        context.load_dictionary(dictionary).expect("a sound dictionary");
    }
    let mut frame = Vec::with_capacity(zstd::zstd_safe::compress_bound(value.len()));
    context.compress2(&mut frame, value).expect("there is room");
    frame
}
