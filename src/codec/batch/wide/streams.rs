//! The streams of a frame's literals (RFC 8878, section 3.1.1.3.1.6).

use crate::codec::batch::job::Job;

/// A stream of literals.
pub(super) struct Stream<'a> {
    /// The frame up to the end of the stream, and where it begins there.
    pub(super) bytes: &'a [u8],
    pub(super) start: usize,
    /// Where its literals are in the workspace, and how many.
    pub(super) at: usize,
    pub(super) count: usize,
}

/// The only stream of a frame; `None` if it is not there.
#[inline(always)]
pub(super) fn one<'a>(job: &Job<'a>) -> Option<Stream<'a>> {
    let (bytes, mut start) = job.literal_bytes();
    if job.own_code {
        start += code_size(*bytes.get(start)?);
    }
    Some(Stream { bytes, start, at: job.literals_at as usize, count: job.literals as usize })
}

/// The streams of a frame that has four, in order; `None` if they are not there.
#[inline]
pub(super) fn four<'a>(job: &Job<'a>) -> Option<[Stream<'a>; 4]> {
    let Stream { bytes, start, at, count } = one(job)?;
    // Sizes of the first three, two bytes each; all but the last have as many literals.
    let sizes = bytes.get(start..)?.first_chunk::<6>()?;
    let most = count.div_ceil(4);
    let least @ 1.. = count.checked_sub(3 * most)? else { return None };
    let first = start + sizes.len();
    let mut start = first;
    let mut next = |i: usize, count: usize, end: usize| {
        let stream = Stream { bytes: bytes.get(..end)?, start, at: at + i * most, count };
        start = end;
        Some(stream)
    };
    let [a, b, c] = [0, 2, 4].map(|i| usize::from(u16::from_le_bytes([sizes[i], sizes[i + 1]])));
    Some([
        next(0, most, first + a)?,
        next(1, most, first + a + b)?,
        next(2, most, first + a + b + c)?,
        next(3, least, bytes.len())?,
    ])
}

/// The bytes of a code's description, by the first of them (section 4.2.1).
#[inline(always)]
fn code_size(first: u8) -> usize {
    match usize::from(first) {
        packed @ 0..128 => 1 + packed,
        direct => 1 + (direct - 127).div_ceil(2),
    }
}
