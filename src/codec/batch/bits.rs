//! Streams of bits that are read from their end (RFC 8878, section 4).

/// The number of bits in a stream: those below the highest bit set of its last byte. `None` if there
/// is no such bit.
#[inline(always)]
pub(super) fn bits_in(stream: &[u8]) -> Option<usize> {
    match stream.last() {
        None | Some(0) => None,
        Some(last) => Some(8 * stream.len() - 1 - last.leading_zeros() as usize),
    }
}

/// A stream that is read number by number, each with a look at its start.
pub(super) struct BackwardBits<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> BackwardBits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        Some(Self { bytes, left: bits_in(bytes)? })
    }

    /// The next `count` bits, of at most 24; `None` if there are not so many.
    #[inline]
    pub(super) fn read(&mut self, count: u32) -> Option<u32> {
        self.left = self.left.checked_sub(count as usize)?;
        let from = &self.bytes[self.left / 8..];
        let four = match from.first_chunk() {
            Some(four) => *four,
            None => std::array::from_fn(|i| from.get(i).copied().unwrap_or(0)),
        };
        Some((u32::from_le_bytes(four) >> (self.left % 8)) & ((1 << count) - 1))
    }
}

/// The eight bytes at `at`, as a number.
///
/// # Safety
///
/// They are there to be read.
#[inline(always)]
pub(super) unsafe fn load(at: *const u8) -> u64 {
    // SAFETY: by this function's contract; a byte array has no alignment to keep.
    u64::from_le_bytes(unsafe { at.cast::<[u8; 8]>().read() })
}
