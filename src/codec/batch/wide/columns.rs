//! Numbers of eight frames of a group, from their columns.

use std::arch::x86_64::*;

use crate::codec::batch::GROUP_FRAMES;
use crate::codec::batch::job::Column;
use crate::codec::batch::wide::lanes::{LANES, load_behind, look_up, low, number};

const _: () = assert!(size_of::<*const u8>() == size_of::<u64>(), "a pointer is a lane");

/// The numbers of frames, in lanes.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn numbers_of(frames: [u8; LANES]) -> __m512i {
    _mm512_cvtepu8_epi64(_mm_cvtsi64_si128(i64::from_le_bytes(frames)))
}

/// What a column has for the frames with these numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
pub(super) fn column_at<const GATHER: bool>(column: &Column, numbers: __m512i) -> __m512i {
    let numbers = low(numbers, GROUP_FRAMES as i64 - 1);
    // SAFETY: each number is masked to the column.
    unsafe { look_up::<GATHER, 8>(column.as_ptr().cast(), numbers) }
}

/// The addresses of the frames with these numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
pub(super) fn frames_at<const GATHER: bool>(
    frames: &[*const u8; GROUP_FRAMES],
    numbers: __m512i,
) -> __m512i {
    let numbers = low(numbers, GROUP_FRAMES as i64 - 1);
    // SAFETY: each number is masked to the column, whose pointers are lanes.
    unsafe { look_up::<GATHER, 8>(frames.as_ptr().cast(), numbers) }
}

/// So many bits from bit `from` on.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn field(numbers: __m512i, from: u32, bits: u32) -> __m512i {
    let from = number(i64::from(from));
    low(_mm512_srlv_epi64(numbers, from), (1 << bits) - 1)
}

/// How many bits there are above the highest one of the last byte of each stream, which ends there in
/// its frame: 8 or more if there is none.
///
/// # Safety
///
/// Each frame has eight bytes up to there, and its address is exposed.
#[inline]
#[target_feature(enable = "avx512f,avx512cd,avx512dq,avx2")]
pub(super) unsafe fn end_marks<const GATHER: bool>(frames: __m512i, ends: __m512i) -> __m512i {
    // SAFETY: by this function's contract.
    let last = unsafe { load_behind::<GATHER>(frames, _mm512_sub_epi64(ends, number(8))) };
    _mm512_lzcnt_epi64(last)
}
