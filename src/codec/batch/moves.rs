//! Sequences, from what their stream says to what is to be copied (RFC 8878, section 3.1.1.5).
//!
//! A stream names offsets by values that depend on the offsets before. Here these become places, and
//! everything is checked that the copies rest on. (`wide/steps.rs` does the same for eight frames.)

use std::hint::select_unpredictable;

use crate::codec::batch::MAX_CONTENT;

/// The most bytes that a copy has at once; longer ones have a way of their own.
pub(super) const SHORT: usize = 32;

/// A sequence of a frame: some literals, then a match.
///
/// ```text
/// coded     | offset value 32        |   match length 16 |   literal length 16
/// placed    | the match begins at 32 | 0 match length 15 | special 1 literal length 15
/// ```
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub(super) struct Sequence(u64);

/// Of a length that has its place. Each is that of a part of the content.
const LENGTH: u64 = (1 << 15) - 1;
const _: () = assert!(MAX_CONTENT as u64 <= LENGTH);

impl Sequence {
    pub(super) const SPECIAL: u64 = 1 << 15;

    /// By the value of its offset, and both lengths, as in the stream.
    #[inline(always)]
    pub(super) fn coded(offset_value: u64, lengths: u32) -> Self {
        Self(offset_value << 32 | u64::from(lengths))
    }

    /// Literals alone, of a frame whose content begins at `content` in that of the group.
    pub(super) fn literals(count: usize, content: usize) -> Self {
        Self::placed(count, 0, content as isize, count > SHORT)
    }

    /// With a place for its match, and lengths of at most `MAX_CONTENT`.
    #[inline(always)]
    fn placed(literal_length: usize, match_length: usize, from: isize, special: bool) -> Self {
        debug_assert!(match_length <= MAX_CONTENT && literal_length <= MAX_CONTENT);
        let lengths = (match_length as u64) << 16 | literal_length as u64;
        Self((from as u64) << 32 | lengths | if special { Self::SPECIAL } else { 0 })
    }

    #[inline(always)]
    pub(super) fn literal_length(self) -> usize {
        (self.0 & LENGTH) as usize
    }

    #[inline(always)]
    pub(super) fn match_length(self) -> usize {
        (self.0 >> 16 & LENGTH) as usize
    }

    /// Where in the content the match begins; below 0, so far before the end of the dictionary.
    #[inline(always)]
    pub(super) fn from(self) -> isize {
        (self.0 as i64 >> 32) as isize
    }

    /// Whether one of its copies is longer than `SHORT`, or the match is not all there before it is
    /// copied, or goes from the dictionary over to the content.
    #[inline(always)]
    pub(super) fn is_special(self) -> bool {
        self.0 & Self::SPECIAL != 0
    }
}

/// What frames begin with.
#[derive(Clone, Copy)]
pub(super) struct Before {
    /// The last three offsets.
    pub(super) repeat: [u32; 3],
    /// Bytes of the dictionary's content that matches may begin in: its last 2 GiB at the most.
    pub(super) dictionary: u32,
}

/// The sequences of one frame on their way from coded to placed, one after the other.
pub(super) struct Placing {
    repeat: [usize; 3],
    /// Content so far, and literals.
    at: usize,
    literals: usize,
    size: usize,
    dictionary: isize,
}

impl Placing {
    #[inline(always)]
    pub(super) fn new(before: &Before, size: usize) -> Self {
        let repeat = before.repeat.map(|offset| offset as usize);
        Self { repeat, at: 0, literals: 0, size, dictionary: before.dictionary as isize }
    }

    /// The next sequence with its place, if that is sound: if there is room for it in the content, and
    /// its match begins in what is written by then, or in the dictionary.
    #[inline(always)]
    pub(super) fn next(&mut self, coded: Sequence) -> Option<Sequence> {
        let literal_length = (coded.0 & 0xffff) as usize;
        let match_length = (coded.0 >> 16 & 0xffff) as usize;
        let value = (coded.0 >> 32) as usize;
        let offset = next_offset(&mut self.repeat, value, literal_length == 0);
        self.literals += literal_length;
        let match_at = self.at + literal_length;
        self.at = match_at + match_length;
        // Far below 2^63: each length is below 2^16, and there are at most as many as bytes.
        let from = match_at as isize - offset as isize;
        if offset == 0 || from < -self.dictionary || self.at > self.size {
            return None;
        }
        let long = literal_length.max(match_length) > SHORT;
        // From below 0 to above it.
        let crosses = (from < 0) & (from + match_length as isize > 0);
        let special = long | (offset < match_length) | crosses;
        Some(Sequence::placed(literal_length, match_length, from, special))
    }

    /// Whether, behind the last sequence, those literals are left that the content still wants.
    #[inline(always)]
    pub(super) fn is_complete(&self, literals: usize) -> bool {
        self.literals + (self.size - self.at) == literals
    }
}

/// The offset that a value stands for, and the last three then (section 3.1.1.5). 0 is none.
#[inline(always)]
fn next_offset(repeat: &mut [usize; 3], value: usize, no_literals: bool) -> usize {
    let [first, second, third] = *repeat;
    // Without literals the values stand for the ones that are one further on. A new offset has a
    // number above 3, and so has the one that is one less than the first.
    let number = value + usize::from(no_literals);
    let far = select_unpredictable(value > 3, value.wrapping_sub(3), first.wrapping_sub(1));
    let low = select_unpredictable(number > 1, second, first);
    let high = select_unpredictable(number == 3, third, far);
    let offset = select_unpredictable(number < 3, low, high);
    *repeat = [
        offset,
        select_unpredictable(number > 1, first, second),
        select_unpredictable(number < 3, third, second),
    ];
    offset
}
