//! libzstd's "fast": places of a few bytes.

use crate::codec::encode::dictionary::{Dictionary, View};
use crate::codec::encode::search::{Found, LONG_LOG, Now, WIDE, short_hash};
use crate::codec::encode::sequences::{REPEAT, REPEATS, Sequences};

/// After so many bytes without a match the next are looked at less closely: without a dictionary, and with one.
const PATIENCE: usize = 128;
const PATIENCE_BEHIND: usize = 256;
/// Up to this step a search goes on behind the places that were looked at.
const SHORT_STEP: usize = 4;

impl<const BYTES: u32> Now<'_, BYTES> {
    /// Behind a dictionary if there is one.
    #[inline(always)]
    pub(super) fn run_fast(
        self,
        step: usize,
        dictionary: Option<&Dictionary>,
        sequences: &mut Sequences,
    ) {
        match dictionary {
            None => self.fast(step + 1, sequences),
            Some(dictionary) => {
                self.fast_behind(step, dictionary.view(), dictionary.repeat, sequences);
            }
        }
    }

    /// Without a dictionary. Places of earlier values, and the first of this one, are no matches. Two places that are
    /// next to each other are looked at together; from one pair to the next it is `pairs` bytes.
    #[inline(always)]
    fn fast(mut self, pairs: usize, sequences: &mut Sequences) {
        let (mut anchor, mut now) = (self.begin, self.begin + 1);
        // Of the offsets that a frame begins with the second is beyond the first byte.
        let (mut last, mut last_but_one) = (1, 0);
        let limit = self.end.saturating_sub(WIDE);
        'matches: loop {
            let mut step = pairs;
            let mut next_step = now + PATIENCE;
            // The second of this pair, and the next pair.
            let (mut second, mut third) = (now + 1, now + step);
            let mut fourth = third + 1;
            if fourth >= limit {
                break;
            }
            let mut hash = self.place_of(self.eight(now));
            let mut next_hash = self.place_of(self.eight(second));
            let mut place = usize::from(self.long[hash]);
            let searched;
            let found = loop {
                self.long[hash] = now as u16;
                if self.four(third) == self.four(third - last) {
                    searched = now;
                    self.long[next_hash] = second as u16;
                    let back = usize::from(self.byte(third - 1) == self.byte(third - last - 1));
                    let length = 4 + back + self.same(third + 4, third + 4 - last);
                    break Found { at: third - back, length, offset: REPEAT };
                }
                if self.is(place, self.eight(now), 32) {
                    searched = now;
                    self.long[next_hash] = second as u16;
                    let length = 4 + self.same(now + 4, place + 4);
                    break self.found(now, place, length, anchor);
                }
                place = usize::from(self.long[next_hash]);
                (hash, next_hash) = (next_hash, self.place_of(self.eight(third)));
                (now, second, third) = (second, third, fourth);
                self.long[hash] = now as u16;
                if self.is(place, self.eight(now), 32) {
                    searched = now;
                    if step <= SHORT_STEP {
                        self.long[next_hash] = second as u16;
                    }
                    let length = 4 + self.same(now + 4, place + 4);
                    break self.found(now, place, length, anchor);
                }
                place = usize::from(self.long[next_hash]);
                (hash, next_hash) = (next_hash, self.place_of(self.eight(third)));
                (now, second) = (second, third);
                (third, fourth) = (now + step, second + step);
                if third >= next_step {
                    step += 1;
                    next_step += PATIENCE;
                }
                if fourth >= limit {
                    break 'matches;
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
            self.see_fast(searched, now);
            while now <= limit
                && last_but_one > 0
                && self.four(now) == self.four(now - last_but_one)
            {
                let length = 4 + self.same(now + 4, now + 4 - last_but_one);
                (last, last_but_one) = (last_but_one, last);
                self.set_fast(now);
                self.push(anchor, &Found { at: now, length, offset: REPEAT }, sequences);
                now += length;
                anchor = now;
            }
        }
        sequences.push_literals(&self.bytes[anchor..], self.end - anchor);
    }

    /// With a dictionary before the value.
    #[inline(always)]
    fn fast_behind(
        mut self,
        first_step: usize,
        dictionary: View<'_>,
        repeat: [u32; 2],
        sequences: &mut Sequences,
    ) {
        let (mut anchor, mut now) = (self.begin, self.begin);
        let [mut last, mut last_but_one] = repeat.map(|offset| offset as usize);
        let limit = self.end.saturating_sub(WIDE);
        'matches: while now + first_step <= limit {
            let mut step = first_step;
            let mut next_step = now + PATIENCE_BEHIND;
            let mut next = now + step;
            let found = loop {
                let bytes = self.eight(now);
                let bytes_hash = short_hash::<BYTES>(bytes);
                let hash = (bytes_hash >> self.long_shift) as usize % (1 << LONG_LOG);
                let place = usize::from(self.long[hash]);
                let before = dictionary.long(bytes_hash);
                self.long[hash] = now as u16;
                if let Some(length) = self.repeats(now + 1, last, dictionary) {
                    break Found { at: now + 1, length, offset: REPEAT };
                }
                // The dictionary is asked where there is no place in the value behind its first.
                if before > 0 && place <= self.begin && dictionary.four(before) == bytes as u32 {
                    let length = 4 + self.same_as(dictionary, now + 4, before + 4);
                    break self.found_before(dictionary, now, before, length, anchor);
                }
                if self.is_or_first(place, bytes, 32) {
                    let length = 4 + self.same(now + 4, place + 4);
                    break self.found(now, place, length, anchor);
                }
                if next >= next_step {
                    step += 1;
                    next_step += PATIENCE_BEHIND;
                }
                now = next;
                next += step;
                if next > limit {
                    break 'matches;
                }
            };
            let searched = now;
            if found.offset > REPEAT {
                (last, last_but_one) = ((found.offset - REPEATS) as usize, last);
            }
            self.push(anchor, &found, sequences);
            now = found.at + found.length;
            anchor = now;
            if now > limit {
                break;
            }
            self.see_fast(searched, now);
            while now <= limit
                && let Some(length) = self.repeats(now, last_but_one, dictionary)
            {
                (last, last_but_one) = (last_but_one, last);
                self.set_fast(now);
                self.push(anchor, &Found { at: now, length, offset: REPEAT }, sequences);
                now += length;
                anchor = now;
            }
        }
        sequences.push_literals(&self.bytes[anchor..], self.end - anchor);
    }

    /// Where the table has bytes with such a hash.
    #[inline(always)]
    fn place_of(&self, bytes: u64) -> usize {
        (short_hash::<BYTES>(bytes) >> self.long_shift) as usize % (1 << LONG_LOG)
    }

    #[inline(always)]
    fn set_fast(&mut self, at: usize) {
        let hash = self.place_of(self.eight(at));
        self.long[hash] = at as u16;
    }

    /// Notes two places of a match, which was searched for at one place, and ends at another.
    #[inline(always)]
    fn see_fast(&mut self, searched: usize, end: usize) {
        self.set_fast(searched + 2);
        self.set_fast(end - 2);
    }
}
