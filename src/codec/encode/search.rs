//! The search for matches: libzstd's "double fast", with the same results.
//!
//! Two tables have the last place where eight bytes and where the first few of them had a certain hash. Values are
//! put one behind the other, so that places of earlier ones are told by being lower, and nothing is cleared until
//! there is no room.

use std::hint::select_unpredictable;

use crate::codec::encode::bits::zeroed;
use crate::codec::encode::dictionary::{Dictionary, View};
use crate::codec::encode::sequences::{PIECE, REPEAT, REPEATS, Sequences};

/// The largest tables.
pub(super) const LONG_LOG: u32 = 13;
pub(super) const SHORT_LOG: u32 = 12;
/// How many bytes of values are kept: a place in them is a number of 16 bits, whatever it is.
const KEPT: usize = 1 << 16;
/// What is hashed.
const WIDE: usize = 8;
/// After so many bytes without a match the next are looked at less closely.
const PATIENCE_LOG: u32 = 8;

/// How places are found: sizes of the tables, and how many bytes the shorter hash is of, 4 or 5.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hashes {
    pub(super) long_log: u32,
    pub(super) short_log: u32,
    pub(super) short_bytes: u32,
}

/// Multipliers of hashes of so many bytes, as libzstd has them.
const OF_EIGHT: u64 = 0xcf1b_bcdc_b7a5_6463;
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
    let multiplier = if BYTES == 5 { OF_FIVE } else { OF_FOUR };
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
    pub(super) fn new() -> Self {
        Self { long: zeroed(), short: zeroed(), bytes: zeroed(), end: 1 }
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
        match (hashes.short_bytes, dictionary) {
            (5, None) => self.now::<5>(begin, hashes).run(sequences),
            (_, None) => self.now::<4>(begin, hashes).run(sequences),
            (5, Some(dictionary)) => self.now::<5>(begin, hashes).run_behind(
                dictionary.view(),
                dictionary.repeat,
                sequences,
            ),
            (_, Some(dictionary)) => self.now::<4>(begin, hashes).run_behind(
                dictionary.view(),
                dictionary.repeat,
                sequences,
            ),
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
    /// Without a dictionary. Places of earlier values, and the first of this one, are no matches.
    #[inline(always)]
    fn run(mut self, sequences: &mut Sequences) {
        let (mut anchor, mut now) = (self.begin, self.begin + 1);
        // Of the offsets that a frame begins with the second is beyond the first byte.
        let (mut last, mut last_but_one) = (1, 0);
        let limit = self.end.saturating_sub(WIDE);
        'matches: while now < limit {
            let mut step = 1;
            let mut next_step = now + (1 << PATIENCE_LOG);
            let mut next = now + 1;
            let mut bytes = self.eight(now);
            let mut long = self.long_at(bytes);
            let mut long_place = usize::from(self.long[long]);
            let searched;
            let found = loop {
                let short = self.short_at(bytes);
                let short_place = usize::from(self.short[short]);
                self.long[long] = now as u16;
                self.short[short] = now as u16;
                if (last > 0) & (self.four(now + 1 - last) == self.four(now + 1)) {
                    searched = now;
                    let length = 4 + self.same(now + 5, now + 5 - last);
                    break Found { at: now + 1, length, offset: REPEAT };
                }
                let next_bytes = self.eight(next);
                let next_long = self.long_at(next_bytes);
                if self.is(long_place, bytes, 0) {
                    searched = now;
                    let length = 8 + self.same(now + 8, long_place + 8);
                    break self.found(now, long_place, length, anchor);
                }
                let next_long_place = usize::from(self.long[next_long]);
                if self.is(short_place, bytes, 32) {
                    searched = now;
                    let length = 4 + self.same(now + 4, short_place + 4);
                    if self.is(next_long_place, next_bytes, 0) {
                        let longer = 8 + self.same(next + 8, next_long_place + 8);
                        if longer > length {
                            break self.found(next, next_long_place, longer, anchor);
                        }
                    }
                    break self.found(now, short_place, length, anchor);
                }
                if next >= next_step {
                    step += 1;
                    next_step += 1 << PATIENCE_LOG;
                }
                now = next;
                next += step;
                (bytes, long, long_place) = (next_bytes, next_long, next_long_place);
                if next > limit {
                    break 'matches;
                }
            };
            if found.offset > REPEAT {
                (last, last_but_one) = ((found.offset - REPEATS) as usize, last);
                if step < 4 {
                    let long = self.long_at(self.eight(next));
                    self.long[long] = next as u16;
                }
            }
            self.push(anchor, &found, sequences);
            now = found.at + found.length;
            anchor = now;
            if now > limit {
                break;
            }
            self.see(searched, now);
            while now <= limit
                && last_but_one > 0
                && self.four(now) == self.four(now - last_but_one)
            {
                let length = 4 + self.same(now + 4, now + 4 - last_but_one);
                (last, last_but_one) = (last_but_one, last);
                self.set(now);
                self.push(anchor, &Found { at: now, length, offset: REPEAT }, sequences);
                now += length;
                anchor = now;
            }
        }
        sequences.push_literals(&self.bytes[anchor..], self.end - anchor);
    }

    /// With a dictionary before the value.
    #[inline(always)]
    fn run_behind(mut self, dictionary: View<'_>, repeat: [u32; 2], sequences: &mut Sequences) {
        let (mut anchor, mut now) = (self.begin, self.begin);
        let [mut last, mut last_but_one] = repeat.map(|offset| offset as usize);
        let limit = self.end.saturating_sub(WIDE);
        while now < limit {
            let bytes = self.eight(now);
            let (long_hash, short_hash) = (long_hash(bytes), short_hash::<BYTES>(bytes));
            let long = (long_hash >> self.long_shift) as usize % (1 << LONG_LOG);
            let short = (short_hash >> self.short_shift) as usize % (1 << SHORT_LOG);
            let long_place = usize::from(self.long[long]);
            let short_place = usize::from(self.short[short]);
            let long_before = dictionary.long(long_hash);
            let short_before = dictionary.short(short_hash);
            self.long[long] = now as u16;
            self.short[short] = now as u16;
            let searched = now;
            let found = if let Some(length) = self.repeats(now + 1, last, dictionary) {
                Found { at: now + 1, length, offset: REPEAT }
            } else if let Some(found) =
                self.long_match(now, bytes, long_place, long_before, dictionary, anchor)
            {
                found
            } else {
                // The dictionary is asked where there is no place in the value.
                let is_near = self.is(short_place, bytes, 32);
                let far = select_unpredictable(short_place > self.begin, 0, short_before);
                let is_far = far > 0 && dictionary.four(far) == bytes as u32;
                if !is_near && !is_far {
                    now += ((now - anchor) >> PATIENCE_LOG) + 1;
                    continue;
                }
                let next_bytes = self.eight(now + 1);
                let next_hash = self::long_hash(next_bytes);
                let next_long = (next_hash >> self.long_shift) as usize % (1 << LONG_LOG);
                let next_place = usize::from(self.long[next_long]);
                let next_before = dictionary.long(next_hash);
                self.long[next_long] = (now + 1) as u16;
                let longer = self.long_match(
                    now + 1,
                    next_bytes,
                    next_place,
                    next_before,
                    dictionary,
                    anchor,
                );
                match longer {
                    Some(found) => found,
                    None if is_near => {
                        let length = 4 + self.same(now + 4, short_place + 4);
                        self.found(now, short_place, length, anchor)
                    }
                    None => {
                        let length = 4 + self.same_as(dictionary, now + 4, far + 4);
                        self.found_before(dictionary, now, far, length, anchor)
                    }
                }
            };
            if found.offset > REPEAT {
                (last, last_but_one) = ((found.offset - REPEATS) as usize, last);
            }
            self.push(anchor, &found, sequences);
            now = found.at + found.length;
            anchor = now;
            if now > limit {
                break;
            }
            self.see(searched, now);
            while now <= limit
                && let Some(length) = self.repeats(now, last_but_one, dictionary)
            {
                (last, last_but_one) = (last_but_one, last);
                self.set(now);
                self.push(anchor, &Found { at: now, length, offset: REPEAT }, sequences);
                now += length;
                anchor = now;
            }
        }
        sequences.push_literals(&self.bytes[anchor..], self.end - anchor);
    }

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

    /// Where the table has bytes with such a hash.
    #[inline(always)]
    fn long_at(&self, bytes: u64) -> usize {
        (long_hash(bytes) >> self.long_shift) as usize % (1 << LONG_LOG)
    }

    #[inline(always)]
    fn short_at(&self, bytes: u64) -> usize {
        (short_hash::<BYTES>(bytes) >> self.short_shift) as usize % (1 << SHORT_LOG)
    }

    #[inline(always)]
    fn set(&mut self, at: usize) {
        let bytes = self.eight(at);
        let (long, short) = (self.long_at(bytes), self.short_at(bytes));
        self.long[long] = at as u16;
        self.short[short] = at as u16;
    }

    /// Notes some places of a match, which was searched for at one place, and ends at another.
    #[inline(always)]
    fn see(&mut self, searched: usize, end: usize) {
        self.set(searched + 2);
        let long = self.long_at(self.eight(end - 2));
        self.long[long] = (end - 2) as u16;
        let short = self.short_at(self.eight(end - 1));
        self.short[short] = (end - 1) as u16;
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

    /// A match of at least eight bytes: of the value if the place that is known is of it, else of the
    /// dictionary.
    #[inline(always)]
    fn long_match(
        &self,
        at: usize,
        bytes: u64,
        place: usize,
        before: usize,
        dictionary: View<'_>,
        anchor: usize,
    ) -> Option<Found> {
        let earlier = place.wrapping_sub(self.begin) >> (usize::BITS - 1);
        if self.eight(place) ^ bytes | earlier as u64 == 0 {
            let length = 8 + self.same(at + 8, place + 8);
            return Some(self.found(at, place, length, anchor));
        }
        if before == 0 || dictionary.eight(before) != bytes {
            return None;
        }
        let length = 8 + self.same_as(dictionary, at + 8, before + 8);
        Some(self.found_before(dictionary, at, before, length, anchor))
    }
}
