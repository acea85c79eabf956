//! libzstd's "double fast": places of eight bytes, and of the first few of them.

use std::hint::select_unpredictable;

use crate::codec::encode::dictionary::{Dictionary, View};
use crate::codec::encode::search::{Found, LONG_LOG, Now, SHORT_LOG, WIDE, long_hash, short_hash};
use crate::codec::encode::sequences::{REPEAT, REPEATS, Sequences};

/// After so many bytes without a match the next are looked at less closely.
const PATIENCE_LOG: u32 = 8;

impl<const BYTES: u32> Now<'_, BYTES> {
    /// Behind a dictionary if there is one.
    #[inline(always)]
    pub(super) fn run_double(self, dictionary: Option<&Dictionary>, sequences: &mut Sequences) {
        match dictionary {
            None => self.run(sequences),
            Some(dictionary) => self.run_behind(dictionary.view(), dictionary.repeat, sequences),
        }
    }

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
                if self.four(now + 1 - last) == self.four(now + 1) {
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
                let next_hash = super::long_hash(next_bytes);
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
        if self.is_or_first(place, bytes, 0) {
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
