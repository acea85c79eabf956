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

/// The most literals that one stream of a frame has.
#[inline(always)]
pub(super) fn most_literals(job: &Job<'_>) -> u32 {
    if job.four { job.literals.div_ceil(4) } else { job.literals }
}

/// Hands the streams of a frame to `each`, in order; whether they are all there and were all taken.
#[inline(always)]
pub(super) fn for_each<'a>(job: &Job<'a>, mut each: impl FnMut(Stream<'a>) -> bool) -> bool {
    let (bytes, mut start) = job.literal_bytes();
    if job.own_code {
        let Some(size) = bytes.get(start).map(|first| code_size(*first)) else { return false };
        start += size;
    }
    let (at, count) = (job.literals_at as usize, job.literals as usize);
    if !job.four {
        return each(Stream { bytes, start, at, count });
    }
    // Sizes of the first three, two bytes each; all but the last have as many literals.
    let Some(sizes) = bytes.get(start..).and_then(|rest| rest.first_chunk::<6>()) else {
        return false;
    };
    start += sizes.len();
    let most = count.div_ceil(4);
    let Some(least @ 1..) = count.checked_sub(3 * most) else { return false };
    for (i, size) in sizes.chunks_exact(2).enumerate() {
        let end = start + usize::from(u16::from_le_bytes([size[0], size[1]]));
        let Some(bytes) = bytes.get(..end) else { return false };
        if !each(Stream { bytes, start, at: at + i * most, count: most }) {
            return false;
        }
        start = end;
    }
    each(Stream { bytes, start, at: at + 3 * most, count: least })
}

/// The bytes of a code's description, by the first of them (section 4.2.1).
#[inline(always)]
fn code_size(first: u8) -> usize {
    match usize::from(first) {
        packed @ 0..128 => 1 + packed,
        direct => 1 + (direct - 127).div_ceil(2),
    }
}
