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

/// Streams of eight frames that are read from their end.
pub(super) struct Ends {
    /// So many bytes before the start of each stream as it was asked for.
    pub(super) bases: __m512i,
    /// Bits in each; 0 where it cannot be read.
    pub(super) left: __m512i,
    /// Those of the lanes asked for that can be read.
    pub(super) sound: __mmask8,
}

/// The streams that begin and end there in these frames, in the first `len` lanes.
///
/// # Safety
///
/// Each frame has eight bytes up to the end of its stream, and its address is exposed.
#[inline]
#[target_feature(enable = "avx512f,avx512cd,avx512dq,avx2")]
pub(super) unsafe fn ends<const GATHER: bool>(
    frames: __m512i,
    [start, end]: [__m512i; 2],
    before: usize,
    len: usize,
) -> Ends {
    // SAFETY: by this function's contract.
    let last = unsafe { load_behind::<GATHER>(frames, _mm512_sub_epi64(end, number(8))) };
    // Bits above the highest one of the last byte, which is no part of the stream. A byte of 0 has none.
    let above = _mm512_lzcnt_epi64(last);
    let sound = _mm512_mask_cmplt_epi64_mask(u8::MAX >> (LANES - len), above, number(8));
    let bits = _mm512_slli_epi64::<3>(_mm512_sub_epi64(end, start));
    let left = _mm512_sub_epi64(bits, _mm512_add_epi64(above, number(1)));
    Ends {
        bases: _mm512_sub_epi64(_mm512_add_epi64(frames, start), number(before as i64)),
        left: _mm512_maskz_mov_epi64(sound, left),
        sound,
    }
}
