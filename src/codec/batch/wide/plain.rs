//! Literals that are not coded (RFC 8878, section 3.1.1.3.1): copied to where the others go.

use std::arch::x86_64::*;

use crate::codec::batch::job::Listed;

/// The most that one copy has.
const SHORT: usize = 64;

/// Puts the literals of all that are listed in their places, and nothing behind them.
///
/// # Panics
///
/// If a place is not in `out`.
#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(in crate::codec::batch) fn copy(listed: Listed<'_>, out: &mut [u8]) {
    for number in listed.numbers().iter() {
        let job = listed.job(number);
        let (bytes, start) = job.literal_bytes();
        let (bytes, place) =
            (&bytes[start..], &mut out[job.literals_at as usize..][..job.literals as usize]);
        if bytes.len() < place.len() {
            // One byte for all.
            place.fill(bytes[0]);
        } else if place.len() <= SHORT {
            let mask = _bzhi_u64(u64::MAX, place.len() as u32);
            // SAFETY: only bytes are read and written that have a bit in the mask, and these are there.
            unsafe {
                let literals = _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast());
                _mm512_mask_storeu_epi8(place.as_mut_ptr().cast(), mask, literals);
            }
        } else {
            place.copy_from_slice(&bytes[..place.len()]);
        }
    }
}
