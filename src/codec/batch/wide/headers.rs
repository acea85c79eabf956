//! The headers of eight frames at once (RFC 8878, section 3.1.1.3), of those that are as nearly all are.
//!
//! What `Plan::read` does for one frame, without a branch for what it has. Where anything is otherwise,
//! a lane says nothing, and `Plan::read` is asked.

use std::arch::x86_64::*;

use crate::codec::batch::job::{
    Jobs, LITERALS, LITERALS_END, LITERALS_START, OUTLINE, SEQUENCES, SIZE, STREAM_END,
};
use crate::codec::batch::plan::{CHECKSUM_SIZE, Outline};
use crate::codec::batch::sets::Kinds;
use crate::codec::batch::starts::Starts;
use crate::codec::batch::wide::columns::field;
use crate::codec::batch::wide::lanes::{LANES, Numbers, load, load_behind, look_up, low, number};
use crate::codec::batch::{literals, sequences};

/// Bytes of a load.
const LOAD: i64 = 8;

/// Plans those frames that have literals by the dictionary's code in one stream, or raw ones, and
/// sequences all of whose codes are by tables that are there.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(in crate::codec::batch) fn plan<const GATHER: bool>(
    jobs: &mut Jobs<'_>,
    starts: &Starts,
    kinds: &mut Kinds,
) {
    let count = jobs.len();
    if count == 0 {
        return;
    }
    let (frames, given, plans) = jobs.planning();
    let (frames, _) = frames.as_chunks::<LANES>();
    let given = given.as_chunks::<LANES>().0;
    let ranges = plans.ranges.as_chunks_mut::<LANES>().0;
    let counts = plans.counts.as_chunks_mut::<LANES>().0;
    let states = plans.states.as_chunks_mut::<LANES>().0;
    for first in (0..count).step_by(LANES) {
        let i = first / LANES;
        let here = u8::MAX >> (LANES - LANES.min(count - first));
        // SAFETY: frames with a number below `count` are as their columns say.
        let eight = unsafe { read::<GATHER>(&frames[i], &given[i], here, starts) };
        store(&mut ranges[i], eight.ranges);
        store(&mut counts[i], eight.counts);
        store(&mut states[i], eight.states);
        kinds.taken.insert_eight(first, eight.planned);
        kinds.sequences.insert_eight(first, eight.with_sequences);
        kinds.plain.insert_eight(first, eight.planned & eight.raw);
        kinds.literals.insert_eight(first, eight.planned & !eight.raw);
    }
}

/// Plans, as columns of `Plans`.
struct Eight {
    ranges: __m512i,
    counts: __m512i,
    states: __m512i,
    planned: __mmask8,
    /// Whose literals are raw.
    raw: __mmask8,
    /// That have sequences.
    with_sequences: __mmask8,
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(numbers: &mut Numbers, lanes: __m512i) {
    // SAFETY: as many bytes as are stored, which need no alignment.
    unsafe { _mm512_storeu_si512(numbers.as_mut_ptr().cast(), lanes) };
}

/// # Safety
///
/// The frames `here` have the sizes that are given, and their addresses are exposed.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn read<const GATHER: bool>(
    frames: &[*const u8; LANES],
    given: &Numbers,
    here: __mmask8,
    starts: &Starts,
) -> Eight {
    let zero = _mm512_setzero_si512();
    let one = number(1);
    let given = load(given);
    let (len, size) = (field(given, 0, 16), field(given, SIZE, 16));
    let outline = field(given, OUTLINE, 8);
    let start = low(outline, i64::from(!(Outline::CHECKSUM | Outline::RAW)));
    let with_checksum = _mm512_test_epi64_mask(outline, number(i64::from(Outline::CHECKSUM)));
    let end = _mm512_mask_sub_epi64(len, with_checksum, len, number(CHECKSUM_SIZE as i64));
    let compressed = _mm512_testn_epi64_mask(outline, number(i64::from(Outline::RAW)));
    // Eight bytes can be read.
    let lanes = _mm512_mask_cmpge_epi64_mask(here & compressed, len, number(LOAD));
    let lanes = _mm512_mask_cmplt_epi64_mask(lanes, start, end);

    // The header of literals: raw ones, or those by the code that was there before, in one stream.
    // SAFETY: by this function's contract; what is in no lane is read as the first bytes of nothing.
    let header = unsafe { load_masked::<GATHER>(lanes, frames, start, len) };
    let kind = low(header, 3);
    let format = field(header, 2, 2);
    let raw = _mm512_cmpeq_epi64_mask(kind, zero);
    let repeat = _mm512_cmpeq_epi64_mask(low(header, 0xf), number(3));
    let lanes = lanes & (raw | repeat);
    let odd = _mm512_test_epi64_mask(format, one);
    let longest = _mm512_mask_cmpeq_epi64_mask(odd, format, number(3));
    // One byte if the format is even, else two or three.
    let bytes = _mm512_mask_mov_epi64(one, odd, number(2));
    let bytes = _mm512_mask_mov_epi64(bytes, longest | !raw, number(3));
    let above = _mm512_sub_epi64(number(64), _mm512_slli_epi64::<3>(bytes));
    let bits = _mm512_mask_mov_epi64(number(3), odd, number(4));
    let raw_count = _mm512_sllv_epi64(header, above);
    let raw_count = _mm512_srlv_epi64(raw_count, _mm512_add_epi64(above, bits));
    let count = _mm512_mask_mov_epi64(field(header, 4, 10), raw, raw_count);
    let coded = _mm512_mask_mov_epi64(field(header, 14, 10), raw, raw_count);
    let none = _mm512_cmpeq_epi64_mask(count, zero) | _mm512_cmpeq_epi64_mask(coded, zero);
    let lanes = lanes & (raw | !none);
    let lanes = _mm512_mask_cmple_epi64_mask(lanes, count, size);
    let literals_start = _mm512_add_epi64(start, bytes);
    let near = _mm512_cmplt_epi64_mask(literals_start, number(literals::BEFORE_STREAM as i64));
    let lanes = lanes & (raw | !near);
    let literals_end = _mm512_add_epi64(literals_start, coded);

    // The header of sequences: how many there are, and by which tables.
    let lanes = _mm512_mask_cmplt_epi64_mask(lanes, literals_end, end);
    // SAFETY: as above.
    let header = unsafe { load_masked::<GATHER>(lanes, frames, literals_end, len) };
    let first = low(header, 0xff);
    let short = _mm512_cmplt_epi64_mask(first, number(128));
    let there = _mm512_mask_cmpneq_epi64_mask(lanes, first, number(255));
    let long = _mm512_slli_epi64::<8>(_mm512_sub_epi64(first, number(128)));
    let long = _mm512_or_si512(long, field(header, 8, 8));
    let sequences = _mm512_mask_mov_epi64(long, short, first);
    let there = _mm512_mask_cmpneq_epi64_mask(there, sequences, zero);
    let modes = _mm512_mask_mov_epi64(field(header, 16, 8), short, field(header, 8, 8));
    let there = there & _mm512_testn_epi64_mask(modes, number(3));
    // SAFETY: numbers below 64.
    let states = unsafe {
        look_up::<GATHER, 8>(starts.words().as_ptr().cast(), _mm512_srli_epi64::<2>(modes))
    };
    let there = there & _mm512_testn_epi64_mask(states, number(Starts::MORE as i64));
    let used = _mm512_mask_mov_epi64(number(3), short, number(2));
    let stream = _mm512_add_epi64(literals_end, used);
    let there =
        _mm512_mask_cmpge_epi64_mask(there, stream, number(sequences::BEFORE_STREAM as i64));
    let there = _mm512_mask_cmplt_epi64_mask(there, stream, end);
    // Each is three bytes of content at least.
    let least = _mm512_add_epi64(sequences, _mm512_slli_epi64::<1>(sequences));
    let there = _mm512_mask_cmple_epi64_mask(there, least, size);
    // Or there are none, and nothing behind that.
    let none = _mm512_mask_cmpeq_epi64_mask(lanes, first, zero);
    let behind = _mm512_add_epi64(literals_end, one);
    let none = _mm512_mask_cmpeq_epi64_mask(none, behind, end);
    let none = _mm512_mask_cmpeq_epi64_mask(none, count, size);
    let stream = _mm512_mask_mov_epi64(stream, none, end);

    let at = |numbers, from: u32| _mm512_sllv_epi64(numbers, number(i64::from(from)));
    let all =
        |[a, b, c, d]: [__m512i; 4]| _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d));
    let (end, start) = (at(end, STREAM_END), at(literals_start, LITERALS_START));
    Eight {
        ranges: all([stream, end, start, at(literals_end, LITERALS_END)]),
        counts: all([size, at(count, LITERALS), at(sequences, SEQUENCES), zero]),
        // (Without sequences there are none to begin with.)
        states: _mm512_maskz_mov_epi64(there, states),
        planned: there | none,
        raw,
        with_sequences: there,
    }
}

/// The bytes of each frame from `at` on, as many as there are, up to eight; anything where there is no
/// lane.
///
/// # Safety
///
/// In all `lanes` the frame has `len` bytes, which are eight or more, and `at` is less; and addresses
/// are exposed.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
unsafe fn load_masked<const GATHER: bool>(
    lanes: __mmask8,
    frames: &[*const u8; LANES],
    at: __m512i,
    len: __m512i,
) -> __m512i {
    static NOTHING: [u8; LOAD as usize] = [0; _];
    let nothing = NOTHING.as_ptr().expose_provenance() as i64;
    // SAFETY: as many bytes as are loaded.
    let frames = unsafe { _mm512_loadu_si512(frames.as_ptr().cast()) };
    let frames = _mm512_mask_mov_epi64(number(nothing), lanes, frames);
    let last = _mm512_sub_epi64(len, number(LOAD));
    let from = _mm512_min_epi64(at, last);
    // SAFETY: by this function's contract.
    let bytes = unsafe { load_behind::<GATHER>(frames, _mm512_maskz_mov_epi64(lanes, from)) };
    _mm512_srlv_epi64(bytes, _mm512_slli_epi64::<3>(_mm512_sub_epi64(at, from)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::batch::instructions::Instructions;
    use crate::codec::batch::plan::{Literals, Plan, Takes};
    use crate::codec::batch::{GROUP_FRAMES, Prepared};

    /// Numbers that are random enough.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            (self.0 >> 33) % end
        }

        fn bytes(&mut self, count: u64) -> impl Iterator<Item = u8> {
            (0..count).map(|_| self.below(256) as u8)
        }
    }

    /// A frame of which nothing is right but, most times, the headers, and its outline; and a size of its
    /// content.
    fn frame(random: &mut Random) -> (Vec<u8>, Outline, usize) {
        let start = 5 + random.below(12);
        let mut frame: Vec<u8> = random.bytes(start).collect();
        let most = if random.below(9) == 0 { 5000 } else { 40 };
        let count = random.below(most);
        let coded = random.below(count / 2 + 2);
        let body = match random.below(10) {
            0..4 => {
                frame.extend_from_slice(&(3 | count << 4 | coded << 14).to_le_bytes()[..3]);
                coded
            }
            4..6 => {
                frame.push((count << 3) as u8);
                count % 32
            }
            6 => {
                frame.extend_from_slice(&(1 << 2 | count << 4).to_le_bytes()[..2]);
                count & 0xfff
            }
            7 => {
                frame.extend_from_slice(&(3 << 2 | count << 4).to_le_bytes()[..3]);
                count
            }
            // One byte for all, four streams, a code of its own, or anything.
            _ => {
                let header = random.bytes(3);
                frame.extend(header);
                coded
            }
        };
        let literals = random.bytes(body);
        frame.extend(literals);
        match random.below(8) {
            0 => frame.push(0),
            1 => frame.extend([128 + random.below(3) as u8, random.below(3) as u8]),
            2 => frame.extend(random.bytes(2)),
            _ => frame.push(1 + random.below(9) as u8),
        }
        // Tables that are there, and others.
        let modes = [0xFC, 0xFC, 0xFC, 0, 0xF0, 0xC0, random.below(256) as u8];
        let behind = random.below(20);
        if random.below(5) > 0 && frame.last() != Some(&0) {
            frame.push(modes[random.below(7) as usize]);
            frame.extend(random.bytes(behind));
        }
        let checksum = if random.below(3) == 0 { Outline::CHECKSUM } else { 0 };
        if checksum != 0 {
            frame.extend(random.bytes(4));
        }
        let cut = if random.below(6) == 0 { random.below(12) as usize } else { 0 };
        frame.truncate(frame.len().saturating_sub(cut));
        let raw = if random.below(30) == 0 { Outline::RAW } else { 0 };
        let size = [count, count, random.below(200)][random.below(3) as usize];
        (frame, Outline::unpacked(start as u8 | checksum | raw), size as usize)
    }

    /// Whatever is planned in lanes is what is planned alone; and all that is of the usual kind is.
    #[test]
    fn as_planned_alone() {
        if !Instructions::detect().take_own_tables() {
            // The processor has no AVX-512, and no decoder that reads headers so.
            return;
        }
        let parts = include_bytes!("../frames.bin");
        let (size, parts) = parts.split_first_chunk().unwrap();
        let prepared = Prepared::trained(&parts[..u32::from_le_bytes(*size) as usize]).unwrap();
        let mut random = Random(3);
        let (mut planned, mut without) = (0, 0);
        for round in 0..3000 {
            let frames: Vec<_> =
                (0..1 + round % GROUP_FRAMES).map(|_| frame(&mut random)).collect();
            let mut jobs = Jobs::new();
            for (frame, outline, size) in &frames {
                jobs.push(frame, *outline, *size);
            }
            let alone: Vec<Option<Plan>> = (0..frames.len() as u8)
                .map(|number| {
                    let (frame, outline, size) = jobs.given(number);
                    let takes = Takes::new(true, false, size);
                    let starts = &prepared.starts;
                    Plan::read::<false>(frame, outline, size, starts, takes, |_, _| None)
                })
                .collect();
            for gather in [false, true] {
                let mut kinds = Kinds::default();
                // SAFETY: the processor has these instructions (`detect`).
                unsafe {
                    match gather {
                        false => plan::<false>(&mut jobs, &prepared.starts, &mut kinds),
                        true => plan::<true>(&mut jobs, &prepared.starts, &mut kinds),
                    }
                }
                for (number, ((frame, outline, _), alone)) in frames.iter().zip(&alone).enumerate()
                {
                    let number = number as u8;
                    let words = |jobs: &Jobs<'_>| {
                        let at = usize::from(number);
                        let plans = &jobs.columns().plans;
                        [plans.ranges[at], plans.counts[at], plans.states[at]]
                    };
                    let usual = alone.as_ref().is_some_and(|plan| {
                        plan.kind != Literals::Rle
                            && outline.packed() & Outline::RAW == 0
                            && frame.len() >= LOAD as usize
                            && (plan.sequences == 0
                                || prepared.starts.words().contains(&plan.start.packed()))
                    });
                    assert_eq!(kinds.taken.contains(number), usual, "{frame:x?} {alone:?}");
                    if !usual {
                        continue;
                    }
                    let Some(alone) = alone else { continue };
                    let raw = alone.kind == Literals::Raw;
                    assert_eq!(kinds.plain.contains(number), raw);
                    assert_eq!(kinds.literals.contains(number), !raw);
                    assert_eq!(kinds.sequences.contains(number), alone.sequences > 0);
                    planned += 1;
                    without += usize::from(alone.sequences == 0);
                    let made = words(&jobs);
                    jobs.set_plan(number, Some(alone));
                    assert_eq!(made, words(&jobs), "{frame:x?}");
                }
            }
        }
        assert!(planned > 10_000 && without > 100, "{planned}, {without} without sequences");
    }
}
