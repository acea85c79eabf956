//! One sequence of eight streams in a step.

use std::arch::x86_64::*;

use crate::codec::batch::moves::{Before, SHORT, Sequence};
use crate::codec::batch::sequences::{BELOW, LOADED};
use crate::codec::batch::tables::{LENGTH_STATE, LITERALS, MATCHES, OFFSET_STATE};
use crate::codec::batch::wide::lanes::{
    Numbers, load, load_below, look_up, low, number, skip, take,
};
use crate::codec::batch::wide::tables::{BASELINE, MIN_MATCH, NEXT, NEXT_BITS};

/// The numbers that states are.
const LENGTH_MASK: i64 = (1 << LENGTH_STATE) - 1;
const OFFSET_MASK: i64 = (1 << OFFSET_STATE) - 1;

/// Streams, from where they begin, as columns.
#[derive(Clone, Copy)]
pub(super) struct Streams {
    /// As of `sequences::stream_of`.
    pub(super) bases: Numbers,
    pub(super) left: Numbers,
    /// Where states begin, and the bits for that (`Start::packed`).
    pub(super) starts: Numbers,
    /// What is added to the states (`OwnStart`).
    pub(super) own: Numbers,
    pub(super) counts: Numbers,
    /// Where the content begins in that of the group.
    pub(super) content: Numbers,
    /// What the sequences have to add up to.
    pub(super) sizes: Numbers,
    pub(super) literals: Numbers,
}

/// Streams, partly read.
#[derive(Clone, Copy)]
pub(super) struct Lanes {
    left: __m512i,
    literal_state: __m512i,
    offset_state: __m512i,
    match_state: __m512i,
    /// The last three offsets.
    first: __m512i,
    second: __m512i,
    third: __m512i,
    /// Content so far, and literals.
    at: __m512i,
    literals: __m512i,
    /// Below 0 where something was wrong.
    wrong: __m512i,
    counts: __m512i,
    /// Lanes that have another sequence.
    active: __mmask8,
}

/// Tables of so many states.
#[derive(Clone, Copy)]
pub(super) struct Tables<'a, const LENGTHS: usize, const OFFSETS: usize> {
    pub(super) literals: &'a [u64; LENGTHS],
    pub(super) offsets: &'a [u64; OFFSETS],
    pub(super) matches: &'a [u64; LENGTHS],
}

/// What the tables say for a state in each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
fn entries<const GATHER: bool, const STATES: usize>(
    table: &[u64; STATES],
    states: __m512i,
) -> __m512i {
    const { assert!(STATES.is_power_of_two()) };
    let states = low(states, STATES as i64 - 1);
    // SAFETY: each number is masked to the array.
    unsafe { look_up::<GATHER, 8>(table.as_ptr().cast(), states) }
}

impl Lanes {
    /// At the start of all streams.
    ///
    /// # Safety
    ///
    /// Bases are those of streams, and exposed, and positions those of their ends.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi2,avx2")]
    pub(super) unsafe fn new<const GATHER: bool>(streams: &Streams, before: &Before) -> Self {
        let zero = _mm512_setzero_si512();
        let mut left = load(&streams.left);
        let starts = load(&streams.starts);
        let own = load(&streams.own);
        let literal_log = _mm512_srli_epi64::<32>(starts);
        let offset_log = _mm512_srli_epi64::<40>(starts);
        let match_log = _mm512_srli_epi64::<48>(starts);
        // SAFETY: by this function's contract.
        let bits = unsafe { load_below::<GATHER>(&streams.bases, left) };
        let literal_state = low(_mm512_srli_epi64::<LITERALS>(starts), LENGTH_MASK);
        let literal_state = _mm512_add_epi64(literal_state, take(zero, bits, literal_log));
        let literal_state = _mm512_add_epi64(literal_state, low(own, 0xffff));
        let bits = skip(bits, literal_log);
        let offset_state = low(starts, OFFSET_MASK);
        let offset_state = _mm512_add_epi64(offset_state, take(zero, bits, offset_log));
        let offset_own = low(_mm512_srli_epi64::<16>(own), 0xffff);
        let offset_state = _mm512_add_epi64(offset_state, offset_own);
        let bits = skip(bits, offset_log);
        let match_state = low(_mm512_srli_epi64::<MATCHES>(starts), LENGTH_MASK);
        let match_state = _mm512_add_epi64(match_state, take(zero, bits, match_log));
        let match_own = low(_mm512_srli_epi64::<32>(own), 0xffff);
        let match_state = _mm512_add_epi64(match_state, match_own);
        for log in [literal_log, offset_log, match_log] {
            // Not below 0: `BELOW` is more.
            left = _mm512_sub_epi64(left, low(log, 0xff));
        }
        let [first, second, third] = before.repeat.map(|offset| number(i64::from(offset)));
        let counts = load(&streams.counts);
        Self {
            left,
            literal_state,
            offset_state,
            match_state,
            first,
            second,
            third,
            at: zero,
            literals: zero,
            wrong: zero,
            counts,
            active: _mm512_cmpgt_epi64_mask(counts, zero),
        }
    }

    /// Sequence number `i` of each stream, with its place in the content of the group (as of
    /// `Sequence`); of a stream that has not so many, anything.
    ///
    /// # Safety
    ///
    /// All sequences before were decoded, from these streams.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi2,avx2")]
    pub(super) unsafe fn step<const GATHER: bool, const LENGTHS: usize, const OFFSETS: usize>(
        &mut self,
        tables: Tables<'_, LENGTHS, OFFSETS>,
        streams: &Streams,
        dictionary: __m512i,
        i: usize,
    ) -> __m512i {
        let zero = _mm512_setzero_si512();
        let active = self.active;
        let literal_entry = entries::<GATHER, _>(tables.literals, self.literal_state);
        let match_entry = entries::<GATHER, _>(tables.matches, self.match_state);
        let offset_entry = entries::<GATHER, _>(tables.offsets, self.offset_state);
        // SAFETY: the position is 0 or above, and went down only.
        let bits = unsafe { load_below::<GATHER>(&streams.bases, self.left) };
        let value = take(number(1), bits, offset_entry);
        let bits = skip(bits, offset_entry);
        let match_length = take(_mm512_srli_epi64::<BASELINE>(match_entry), bits, match_entry);
        let match_length = _mm512_add_epi64(match_length, number(i64::from(MIN_MATCH)));
        let bits = skip(bits, match_entry);
        let literal_length =
            take(_mm512_srli_epi64::<BASELINE>(literal_entry), bits, literal_entry);
        let mut bits = skip(bits, literal_entry);

        // The next states. The last sequence has no bits for them.
        let more = _mm512_cmpgt_epi64_mask(self.counts, number(i as i64 + 1));
        let sums = _mm512_add_epi64(_mm512_add_epi64(literal_entry, match_entry), offset_entry);
        let extra = low(sums, 0xff);
        let for_next = low(_mm512_srli_epi64::<NEXT_BITS>(sums), 0xff);
        let left = _mm512_mask_sub_epi64(self.left, active, self.left, extra);
        let all = _mm512_add_epi64(extra, for_next);
        if _mm512_mask_cmpgt_epi64_mask(more, all, number(LOADED)) != 0 {
            // SAFETY: as above.
            bits = unsafe { load_below::<GATHER>(&streams.bases, _mm512_max_epi64(left, zero)) };
        }
        let left = _mm512_mask_sub_epi64(left, more, left, for_next);
        let next = |entry| low(_mm512_srli_epi64::<NEXT>(entry), 0xffff);
        let count = _mm512_srli_epi64::<NEXT_BITS>(literal_entry);
        self.literal_state = take(next(literal_entry), bits, count);
        let bits = skip(bits, count);
        let count = _mm512_srli_epi64::<NEXT_BITS>(match_entry);
        self.match_state = take(next(match_entry), bits, count);
        let bits = skip(bits, count);
        let count = _mm512_srli_epi64::<NEXT_BITS>(offset_entry);
        self.offset_state = take(next(offset_entry), bits, count);
        // Damaged streams stay where they end.
        self.left = _mm512_max_epi64(left, zero);
        self.active = more;

        // Places, as in `moves::Placing`.
        let offset = self.next_offset(value, literal_length);
        let match_at = _mm512_add_epi64(self.at, literal_length);
        let from = _mm512_sub_epi64(match_at, offset);
        self.at = _mm512_mask_add_epi64(self.at, active, match_at, match_length);
        self.literals = _mm512_mask_add_epi64(self.literals, active, self.literals, literal_length);
        let outside = _mm512_add_epi64(from, dictionary);
        let no_offset = _mm512_sub_epi64(offset, number(1));
        // Of three, the sign of any (an offset's entry has one if it is `FAR`).
        let here = _mm512_ternarylogic_epi64::<0xfe>(outside, no_offset, offset_entry);
        let wrong = _mm512_mask_or_epi64(self.wrong, active, self.wrong, here);
        self.wrong = _mm512_or_si512(wrong, left);

        let longest = _mm512_max_epi64(literal_length, match_length);
        let is_long = _mm512_cmpgt_epi64_mask(longest, number(SHORT as i64));
        let repeats = _mm512_cmplt_epi64_mask(offset, match_length);
        let from_end = _mm512_sub_epi64(zero, from);
        let in_dictionary = _mm512_cmpgt_epi64_mask(from_end, zero);
        let crosses = _mm512_mask_cmplt_epi64_mask(in_dictionary, from_end, match_length);
        let lengths = _mm512_or_si512(literal_length, _mm512_slli_epi64::<16>(match_length));
        // In the content of the group.
        let content = load(&streams.content);
        let from = _mm512_mask_add_epi64(from, !in_dictionary, from, content);
        let placed = _mm512_or_si512(lengths, _mm512_slli_epi64::<32>(from));
        let special = number(Sequence::SPECIAL as i64);
        _mm512_mask_or_epi64(placed, is_long | repeats | crosses, placed, special)
    }

    /// The offsets that values stand for, as in `moves::next_offset`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn next_offset(&mut self, value: __m512i, literal_length: __m512i) -> __m512i {
        let Self { first, second, third, .. } = *self;
        let no_literals = _mm512_cmpeq_epi64_mask(literal_length, _mm512_setzero_si512());
        let numbered = _mm512_mask_add_epi64(value, no_literals, value, number(1));
        let is_new = _mm512_cmpgt_epi64_mask(value, number(3));
        let is_first = _mm512_cmplt_epi64_mask(numbered, number(2));
        let is_near = _mm512_cmplt_epi64_mask(numbered, number(3));
        let is_third = _mm512_cmpeq_epi64_mask(numbered, number(3));
        let offset = _mm512_sub_epi64(first, number(1));
        let offset = _mm512_mask_sub_epi64(offset, is_new, value, number(3));
        let offset = _mm512_mask_mov_epi64(offset, is_third, third);
        let offset = _mm512_mask_mov_epi64(offset, is_near, second);
        let offset = _mm512_mask_mov_epi64(offset, is_first, first);
        self.third = _mm512_mask_mov_epi64(second, is_near, third);
        self.second = _mm512_mask_mov_epi64(first, is_first, second);
        self.first = offset;
        offset
    }

    /// The literals behind the last sequence of each stream, as a sequence.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn rest(&self, streams: &Streams) -> __m512i {
        let rest = _mm512_sub_epi64(load(&streams.sizes), self.at);
        // A match of no bytes, from where there are some.
        let placed = _mm512_or_si512(rest, _mm512_slli_epi64::<32>(load(&streams.content)));
        let is_long = _mm512_cmpgt_epi64_mask(rest, number(SHORT as i64));
        _mm512_mask_or_epi64(placed, is_long, placed, number(Sequence::SPECIAL as i64))
    }

    /// Lanes whose streams ended where their last sequence did, all of which have their places and
    /// leave no literal out.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn sound(&self, streams: &Streams) -> __mmask8 {
        let sizes = load(&streams.sizes);
        let used = _mm512_add_epi64(self.literals, _mm512_sub_epi64(sizes, self.at));
        _mm512_cmpeq_epi64_mask(self.left, number(BELOW))
            & _mm512_cmpge_epi64_mask(self.wrong, _mm512_setzero_si512())
            & _mm512_cmple_epi64_mask(self.at, sizes)
            & _mm512_cmpeq_epi64_mask(used, load(&streams.literals))
    }
}
