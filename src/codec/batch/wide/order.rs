//! Streams in order of their length, as of `order.rs`, without a branch or a count for each.
//!
//! Counted one by one, each stream waits for the one before it that is of the same kind. Here, for each
//! bit in which kinds differ, from the lowest on, those that do not have it go before those that have
//! it, in steps of 32; else all stay in the order that they had.

use std::arch::x86_64::*;

use crate::codec::batch::GROUP_FRAMES;
use crate::codec::batch::job::{FOUR, LITERALS, Plans, SEQUENCES};
use crate::codec::batch::order::{EXACT, KINDS, Order};
use crate::codec::batch::sets::FrameSet;
use crate::codec::batch::wide::columns::field;
use crate::codec::batch::wide::lanes::{LANES, load, number};

/// Of a step.
const ITEMS: usize = 32;

/// `| kind | number |`, and room for a step more.
type Items = [u16; GROUP_FRAMES + ITEMS];

/// Where a kind begins in its item.
const KIND: u32 = 8;
const _: () = assert!(KINDS <= 1 << KIND && GROUP_FRAMES <= 1 << KIND);

/// By the most literals that one stream of each has.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn by_literals(plans: &Plans, frames: &FrameSet) -> Order {
    let mut kinds = [0; GROUP_FRAMES];
    for (kinds, counts) in in_lanes(&mut kinds, plans) {
        let counts = load(counts);
        let literals = field(counts, LITERALS, 16);
        let four = _mm512_test_epi64_mask(counts, number(FOUR as i64));
        let literals = _mm512_mask_add_epi64(literals, four, literals, number(3));
        store_kinds(kinds, _mm512_mask_srli_epi64::<2>(literals, four, literals));
    }
    sorted(&kinds, frames)
}

/// By their sequences.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn by_sequences(plans: &Plans, frames: &FrameSet) -> Order {
    let mut kinds = [0; GROUP_FRAMES];
    for (kinds, counts) in in_lanes(&mut kinds, plans) {
        store_kinds(kinds, field(load(counts), SEQUENCES, 16));
    }
    sorted(&kinds, frames)
}

fn in_lanes<'a>(
    kinds: &'a mut [u16; GROUP_FRAMES],
    plans: &'a Plans,
) -> impl Iterator<Item = (&'a mut [u16; LANES], &'a [u64; LANES])> {
    kinds.as_chunks_mut().0.iter_mut().zip(plans.counts.as_chunks().0)
}

/// The kinds of eight lengths.
#[inline]
#[target_feature(enable = "avx512f,avx512cd")]
fn store_kinds(kinds: &mut [u16; LANES], lengths: __m512i) {
    let exact = number(i64::from(EXACT));
    let octave_of_exact = number(i64::from(u64::BITS - 1 - EXACT.ilog2()));
    let octave =
        _mm512_sub_epi64(octave_of_exact, _mm512_lzcnt_epi64(_mm512_or_si512(lengths, exact)));
    let first = _mm512_slli_epi64::<{ EXACT.ilog2() }>(octave);
    let kind = _mm512_add_epi64(first, _mm512_srlv_epi64(lengths, octave));
    let kind = _mm512_min_epi64(kind, number(KINDS as i64 - 1));
    // SAFETY: as many bytes as are stored, which need no alignment.
    unsafe { _mm_storeu_si128(kinds.as_mut_ptr().cast(), _mm512_cvtepi64_epi16(kind)) };
}

/// Those frames, by their kinds.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn sorted(kinds: &[u16; GROUP_FRAMES], frames: &FrameSet) -> Order {
    let mut items: Items = [0; _];
    let mut count = 0;
    let mut numbers = load_items(&std::array::from_fn(|i| i as u16));
    let (mut any, mut all) = (_mm512_setzero_si512(), _mm512_set1_epi16(-1));
    for (step, kinds) in kinds.as_chunks().0.iter().enumerate() {
        let here = frames.half(step);
        let step = _mm512_or_si512(_mm512_slli_epi16::<KIND>(load_items(kinds)), numbers);
        count += append(&mut items, count, here, step);
        any = _mm512_or_si512(any, _mm512_maskz_mov_epi16(here, step));
        all = _mm512_and_si512(all, _mm512_mask_mov_epi16(all, here, step));
        numbers = _mm512_add_epi16(numbers, _mm512_set1_epi16(ITEMS as i16));
    }
    // Bits that some have and some do not.
    let halves = |word: i64| (word | word >> 32, word & word >> 32);
    let (any, _) = halves(_mm512_reduce_or_epi64(any));
    let (_, all) = halves(_mm512_reduce_and_epi64(all));
    let mut differ = ((any | any >> 16) & !(all & all >> 16)) as u16 & (u16::MAX << KIND);
    if count == 0 {
        differ = 0;
    }
    let (mut front, mut back): (Items, Items) = ([0; _], [0; _]);
    while differ != 0 {
        let bit = _mm512_set1_epi16(1 << differ.trailing_zeros());
        differ &= differ - 1;
        let (mut low, mut high) = (0, 0);
        for first in (0..count).step_by(ITEMS) {
            let step = load_items(chunk(&items, first));
            let here = _bzhi_u32(u32::MAX, (count - first).min(ITEMS) as u32);
            let has = _mm512_mask_test_epi16_mask(here, step, bit);
            low += append(&mut front, low, here & !has, step);
            high += append(&mut back, high, has, step);
        }
        for first in (0..high).step_by(ITEMS) {
            let step = load_items(chunk(&back, first));
            append(&mut front, low + first, u32::MAX, step);
        }
        std::mem::swap(&mut items, &mut front);
    }
    let mut order = Order::default();
    for (numbers, items) in order.room().as_chunks_mut().0.iter_mut().zip(items.as_chunks().0) {
        let step = _mm512_cvtepi16_epi8(load_items(items));
        let numbers: &mut [u8; ITEMS] = numbers;
        // SAFETY: as many bytes as are stored, which need no alignment.
        unsafe { _mm256_storeu_si256(numbers.as_mut_ptr().cast(), step) };
    }
    order.set_count(count);
    order
}

#[inline(always)]
fn chunk(items: &Items, first: usize) -> &[u16; ITEMS] {
    items[first..].first_chunk().expect("room for a step")
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_items(items: &[u16; ITEMS]) -> __m512i {
    // SAFETY: as many bytes as are loaded, which need no alignment.
    unsafe { _mm512_loadu_si512(items.as_ptr().cast()) }
}

/// Puts those of a step that are wanted at `at`, and anything behind them; how many they are.
///
/// # Panics
///
/// If there is no room for a whole step.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
fn append(items: &mut Items, at: usize, wanted: u32, step: __m512i) -> usize {
    let place: &mut [u16; ITEMS] = items[at..].first_chunk_mut().expect("room for a step");
    // SAFETY: as many bytes as are stored, which need no alignment.
    unsafe {
        _mm512_storeu_si512(place.as_mut_ptr().cast(), _mm512_maskz_compress_epi16(wanted, step));
    }
    wanted.count_ones() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::batch::instructions::Instructions;
    use crate::codec::batch::job::Plans;

    #[test]
    fn in_the_same_order() {
        if !Instructions::detect().take_own_tables() {
            // The processor has no AVX-512, and no decoder that wants this order.
            return;
        }
        let mut state = 7_u64;
        let mut random = || {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            state >> 33
        };
        for round in 0..2000 {
            let most = [1, 12, 200, 3000, 32_767][round % 5];
            let mut plans = Plans::new();
            let mut frames = FrameSet::default();
            for number in 0..GROUP_FRAMES {
                let (literals, sequences) = (random() % most, random() % most);
                let four = if random() % 3 == 0 { FOUR } else { 0 };
                plans.counts[number] = literals << LITERALS | sequences << SEQUENCES | four;
                if random() % 100 < (round % 102) as u64 {
                    frames.insert(number as u8);
                }
            }
            let lengths = |length: fn(u64) -> u32| {
                let counts = plans.counts;
                frames.iter().map(move |number| (number, length(counts[usize::from(number)])))
            };
            let literals = lengths(|counts| {
                let literals = (counts >> LITERALS) as u32 & 0xffff;
                if counts & FOUR != 0 { literals.div_ceil(4) } else { literals }
            });
            let sequences = lengths(|counts| (counts >> SEQUENCES) as u32 & 0xffff);
            // SAFETY: the processor has these instructions (`detect`).
            let made = unsafe { [by_literals(&plans, &frames), by_sequences(&plans, &frames)] };
            let expected = [Order::new(literals), Order::new(sequences)];
            for (made, expected) in made.iter().zip(&expected) {
                assert_eq!(made.as_slice(), expected.as_slice());
            }
        }
    }
}
