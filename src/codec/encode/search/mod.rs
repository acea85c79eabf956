//! The search for matches: libzstd's "fast" and "double fast", with the same results.
//!
//! Tables have the last place where bytes had a certain hash. Values are put one behind the other, so that places of
//! earlier ones are told by being lower, and nothing is cleared until there is no room.

mod double;
mod fast;

use crate::codec::encode::bits::zeroed;
use crate::codec::encode::dictionary::{Dictionary, View};
use crate::codec::encode::sequences::{PIECE, REPEATS, Sequences};
use crate::codec::libzstd::NoMemory;

/// The largest tables.
pub(super) const LONG_LOG: u32 = 13;
pub(super) const SHORT_LOG: u32 = 12;
/// How many bytes of values are kept: a place in them is a number of 16 bits, whatever it is.
const KEPT: usize = 1 << 16;
/// What is hashed.
const WIDE: usize = 8;

/// How places are found: by which way, sizes of the tables, and how many bytes the shorter hash is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hashes {
    pub(super) way: Way,
    pub(super) long_log: u32,
    pub(super) short_log: u32,
    pub(super) short_bytes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// One table, the larger one, with the shorter hash; the next bytes that are looked at are `step` away.
    Fast { step: usize },
    /// One of eight bytes, and one with the shorter hash, which is of 4 or 5.
    Double,
}

/// Multipliers of hashes of so many bytes, as libzstd has them.
const OF_EIGHT: u64 = 0xcf1b_bcdc_b7a5_6463;
const OF_SEVEN: u64 = 58_295_818_150_454_627;
const OF_SIX: u64 = 227_718_039_650_203;
const OF_FIVE: u64 = 889_523_592_379;
const OF_FOUR: u64 = 2_654_435_761;

/// Eight bytes, of whose upper bits a hash is made.
#[inline(always)]
pub(super) fn long_hash(bytes: u64) -> u64 {
    bytes.wrapping_mul(OF_EIGHT)
}

/// The same of the first few.
#[inline(always)]
pub(super) fn short_hash<const BYTES: u32>(bytes: u64) -> u64 {
    let multiplier = const {
        match BYTES {
            4 => OF_FOUR,
            5 => OF_FIVE,
            6 => OF_SIX,
            7 => OF_SEVEN,
            _ => panic!("a hash is of 4 to 7 bytes"),
        }
    };
    (bytes << (64 - 8 * BYTES)).wrapping_mul(multiplier)
}

/// The values, and where their bytes were seen last.
pub(super) struct Search {
    long: Box<[u16; 1 << LONG_LOG]>,
    short: Box<[u16; 1 << SHORT_LOG]>,
    /// One value behind the other, and bytes behind them that say nothing.
    bytes: Box<[u8; KEPT + PIECE]>,
    /// Where the last value ends; 0 is no place.
    end: usize,
}

/// A value that is searched.
struct Now<'a, const BYTES: u32> {
    long: &'a mut [u16; 1 << LONG_LOG],
    short: &'a mut [u16; 1 << SHORT_LOG],
    bytes: &'a [u8; KEPT + PIECE],
    /// Where it begins and ends.
    begin: usize,
    end: usize,
    long_shift: u32,
    short_shift: u32,
}

/// A match that ends a search.
struct Found {
    at: usize,
    length: usize,
    /// As it is written.
    offset: u32,
}

impl Search {
    pub(super) fn new() -> Result<Self, NoMemory> {
        Ok(Self { long: zeroed()?, short: zeroed()?, bytes: zeroed()?, end: 1 })
    }

    /// Finds the matches of a value, of at least eight bytes if there are to be some, behind a dictionary if there is
    /// one.
    #[inline(always)]
    pub(super) fn run(
        &mut self,
        value: &[u8],
        hashes: Hashes,
        dictionary: Option<&Dictionary>,
        sequences: &mut Sequences,
    ) {
        if self.end + value.len() >= KEPT {
            self.long.fill(0);
            self.short.fill(0);
            self.end = 1;
        }
        let begin = self.end;
        self.end += value.len();
        self.bytes[begin..self.end].copy_from_slice(value);
        // A shorter hash of six or seven bytes is for "fast" alone.
        match (hashes.way, hashes.short_bytes) {
            (Way::Double, 5) => self.now::<5>(begin, hashes).run_double(dictionary, sequences),
            (Way::Double, _) => self.now::<4>(begin, hashes).run_double(dictionary, sequences),
            (Way::Fast { step }, 4) => {
                self.now::<4>(begin, hashes).run_fast(step, dictionary, sequences);
            }
            (Way::Fast { step }, 5) => {
                self.now::<5>(begin, hashes).run_fast(step, dictionary, sequences);
            }
            (Way::Fast { step }, 6) => {
                self.now::<6>(begin, hashes).run_fast(step, dictionary, sequences);
            }
            (Way::Fast { step }, _) => {
                self.now::<7>(begin, hashes).run_fast(step, dictionary, sequences);
            }
        }
    }

    #[inline(always)]
    fn now<const BYTES: u32>(&mut self, begin: usize, hashes: Hashes) -> Now<'_, BYTES> {
        Now {
            long: &mut self.long,
            short: &mut self.short,
            bytes: &self.bytes,
            begin,
            end: self.end,
            long_shift: 64 - hashes.long_log,
            short_shift: 64 - hashes.short_log,
        }
    }
}

impl<const BYTES: u32> Now<'_, BYTES> {
    #[inline(always)]
    fn push(&self, anchor: usize, found: &Found, sequences: &mut Sequences) {
        let literals = found.at - anchor;
        sequences.push(&self.bytes[anchor..], literals, found.offset, found.length);
    }

    #[inline(always)]
    fn eight(&self, at: usize) -> u64 {
        let at = at % KEPT;
        u64::from_le_bytes(*self.bytes[at..].first_chunk().expect("there are eight"))
    }

    #[inline(always)]
    fn four(&self, at: usize) -> u32 {
        self.eight(at) as u32
    }

    /// Whether a place is one of this value, but for its first, and has such bytes, of which the last few `bits` are
    /// left out. Whether a place is of this value cannot be foreseen, whether it is a match mostly can: so that is
    /// one number, and one branch.
    #[inline(always)]
    fn is(&self, place: usize, bytes: u64, bits: u32) -> bool {
        let earlier = !self.begin.wrapping_sub(place) >> (usize::BITS - 1);
        (self.eight(place) ^ bytes) << bits | earlier as u64 == 0
    }

    /// The same where the first place is one like the others.
    #[inline(always)]
    fn is_or_first(&self, place: usize, bytes: u64, bits: u32) -> bool {
        let earlier = place.wrapping_sub(self.begin) >> (usize::BITS - 1);
        (self.eight(place) ^ bytes) << bits | earlier as u64 == 0
    }

    /// Where the table has bytes with such a hash.
    #[inline(always)]
    fn long_at(&self, bytes: u64) -> usize {
        (long_hash(bytes) >> self.long_shift) as usize % (1 << LONG_LOG)
    }

    #[inline(always)]
    fn short_at(&self, bytes: u64) -> usize {
        (short_hash::<BYTES>(bytes) >> self.short_shift) as usize % (1 << SHORT_LOG)
    }

    /// How many bytes from `at` on are as those from `before` on, up to the value's end.
    #[inline(always)]
    fn same(&self, at: usize, before: usize) -> usize {
        let most = self.end - at;
        let mut same = 0;
        while same < most {
            let other = self.eight(at + same) ^ self.eight(before + same);
            if other > 0 {
                return most.min(same + other.trailing_zeros() as usize / 8);
            }
            same += WIDE;
        }
        most
    }

    /// The same for bytes of a dictionary, behind which the value is.
    #[inline(always)]
    fn same_as(&self, dictionary: View<'_>, at: usize, before: usize) -> usize {
        let left = dictionary.end - before;
        let most = left.min(self.end - at);
        let mut same = 0;
        while same < most {
            let other = self.eight(at + same) ^ dictionary.eight(before + same);
            if other > 0 {
                same += other.trailing_zeros() as usize / 8;
                break;
            }
            same += WIDE;
        }
        if same < most || most < left {
            return same.min(most);
        }
        left + self.same(at + left, self.begin)
    }

    /// How many bytes are as those `offset` before them, if at least four are; an offset may lead into the
    /// dictionary, but what it leads to not over its end.
    #[inline(always)]
    fn repeats(&self, at: usize, offset: usize, dictionary: View<'_>) -> Option<usize> {
        let bytes = self.four(at);
        if offset <= at - self.begin {
            return (self.four(at - offset) == bytes)
                .then(|| 4 + self.same(at + 4, at + 4 - offset));
        }
        let from = dictionary.end + at - self.begin - offset;
        let same = from + 4 <= dictionary.end && dictionary.four(from) == bytes;
        same.then(|| 4 + self.same_as(dictionary, at + 4, from + 4))
    }

    /// A match at `at` of what is at `before`, and of what is before both, down to `anchor`.
    #[inline(always)]
    fn found(&self, mut at: usize, mut before: usize, mut length: usize, anchor: usize) -> Found {
        let offset = (at - before) as u32 + REPEATS;
        while at > anchor && before > self.begin && self.byte(at - 1) == self.byte(before - 1) {
            at -= 1;
            before -= 1;
            length += 1;
        }
        Found { at, length, offset }
    }

    /// The same of what is in a dictionary.
    #[inline(always)]
    fn found_before(
        &self,
        dictionary: View<'_>,
        mut at: usize,
        mut before: usize,
        mut length: usize,
        anchor: usize,
    ) -> Found {
        let offset = (dictionary.end - before + at - self.begin) as u32 + REPEATS;
        let first = View::BEGIN;
        while at > anchor && before > first && self.byte(at - 1) == dictionary.byte(before - 1) {
            at -= 1;
            before -= 1;
            length += 1;
        }
        Found { at, length, offset }
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.bytes[at % KEPT]
    }
}
