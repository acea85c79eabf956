//! Eight streams in the lanes of an AVX-512 register.

use std::arch::x86_64::*;

/// Frames that are decoded side by side.
pub(super) const LANES: usize = 8;

/// A register's lanes, in memory.
pub(super) type Numbers = [u64; LANES];

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn number(number: i64) -> __m512i {
    _mm512_set1_epi64(number)
}

/// The bits of each lane that are in `mask`.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn low(lanes: __m512i, mask: i64) -> __m512i {
    _mm512_and_si512(lanes, number(mask))
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(numbers: &Numbers) -> __m512i {
    // SAFETY: as many bytes as are loaded, which need no alignment.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store(lanes: __m512i) -> Numbers {
    let mut numbers = [0; LANES];
    // SAFETY: as many bytes as are stored, which need no alignment.
    unsafe { _mm512_storeu_si512(numbers.as_mut_ptr().cast(), lanes) };
    numbers
}

/// The top bits of each lane, as many as the lowest six bits of `count` say, and `above` above them.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi2")]
pub(super) fn take(above: __m512i, bits: __m512i, count: __m512i) -> __m512i {
    _mm512_shldv_epi64(above, bits, count)
}

/// Leaves those bits behind.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn skip(bits: __m512i, count: __m512i) -> __m512i {
    _mm512_rolv_epi64(bits, count)
}

/// Eight numbers of 64 bits from memory: those that begin so many times `SCALE` bytes behind `table` as
/// each lane says, in its lowest 32 bits. With `GATHER` that is one instruction, else a load for each:
/// which is quicker depends on the processor (`Instructions`).
///
/// # Safety
///
/// They can be read there. The upper half of each lane is 0.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
pub(super) unsafe fn look_up<const GATHER: bool, const SCALE: i32>(
    table: *const u8,
    numbers: __m512i,
) -> __m512i {
    // SAFETY: by this function's contract.
    unsafe {
        if GATHER {
            _mm512_i64gather_epi64::<SCALE>(numbers, table.cast())
        } else {
            load_each(numbers, |_, number| table.wrapping_add(number as usize * SCALE as usize))
        }
    }
}

/// Eight numbers of 64 bits from memory, each so many bytes behind its base, an address, as its lane
/// says in its lowest 32 bits.
///
/// # Safety
///
/// They can be read there, and bases are exposed. The upper half of each lane of `bytes` is 0.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
pub(super) unsafe fn load_behind<const GATHER: bool>(bases: __m512i, bytes: __m512i) -> __m512i {
    // SAFETY: by this function's contract.
    unsafe {
        if GATHER {
            _mm512_i64gather_epi64::<1>(_mm512_add_epi64(bases, bytes), std::ptr::null())
        } else {
            let bases = store(bases);
            load_each(bytes, |lane, byte| {
                std::ptr::with_exposed_provenance::<u8>(bases[lane] as usize)
                    .wrapping_add(byte as usize)
            })
        }
    }
}

/// Eight numbers of 64 bits from memory, each from where `at` says for the lowest 32 bits of its lane.
///
/// # Safety
///
/// They can be read there.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
unsafe fn load_each(lanes: __m512i, at: impl Fn(usize, u32) -> *const u8) -> __m512i {
    let lanes = _mm512_cvtepi64_epi32(lanes);
    let (front, back) = (_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
    let pair = |lane: usize, two: i64| {
        let (low, high) = (at(lane, two as u32), at(lane + 1, (two as u64 >> 32) as u32));
        // SAFETY: by this function's contract.
        unsafe {
            let low = _mm_castsi128_pd(_mm_loadl_epi64(low.cast()));
            _mm_castpd_si128(_mm_loadh_pd(low, high.cast()))
        }
    };
    let four = |a, b| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(a), b);
    let low = four(pair(0, _mm_cvtsi128_si64(front)), pair(2, _mm_extract_epi64::<1>(front)));
    let high = four(pair(4, _mm_cvtsi128_si64(back)), pair(6, _mm_extract_epi64::<1>(back)));
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
}

/// The bits below a position in each stream, from the top of each lane on: `LOADED` or more.
///
/// # Safety
///
/// Positions are not below 0, and there are eight bytes to be read so many whole bytes behind each base.
/// Bases are exposed.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
pub(super) unsafe fn load_below<const GATHER: bool>(bases: &Numbers, left: __m512i) -> __m512i {
    // SAFETY: by this function's contract.
    let loaded = unsafe { load_behind::<GATHER>(load(bases), _mm512_srli_epi64::<3>(left)) };
    // Of the highest byte, the bits from the position on are not to be had.
    let shift = _mm512_andnot_si512(left, _mm512_set1_epi64(7));
    _mm512_sllv_epi64(_mm512_slli_epi64::<1>(loaded), shift)
}

/// Rows and columns changed over.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn transpose(rows: [__m512i; 8]) -> [__m512i; 8] {
    let low = |a, b| _mm512_unpacklo_epi64(a, b);
    let high = |a, b| _mm512_unpackhi_epi64(a, b);
    let [a, b, c, d, e, f, g, h] = rows;
    let [r0, r2, r4, r6] = transpose_pairs([low(a, b), low(c, d), low(e, f), low(g, h)]);
    let [r1, r3, r5, r7] = transpose_pairs([high(a, b), high(c, d), high(e, f), high(g, h)]);
    [r0, r1, r2, r3, r4, r5, r6, r7]
}

/// Rows and columns of pairs changed over.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose_pairs([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let front = |a, b| _mm512_shuffle_i64x2::<0b01_00_01_00>(a, b);
    let back = |a, b| _mm512_shuffle_i64x2::<0b11_10_11_10>(a, b);
    let even = |a, b| _mm512_shuffle_i64x2::<0b10_00_10_00>(a, b);
    let odd = |a, b| _mm512_shuffle_i64x2::<0b11_01_11_01>(a, b);
    let (ab, cd) = (front(a, b), front(c, d));
    let (ab_back, cd_back) = (back(a, b), back(c, d));
    [even(ab, cd), odd(ab, cd), even(ab_back, cd_back), odd(ab_back, cd_back)]
}
