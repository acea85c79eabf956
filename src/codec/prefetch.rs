//! Memory that is wanted soon.

/// What a processor fetches at once, in bytes.
const LINE: usize = 64;

/// Asks for some bytes to be near when they are read, if they ever are.
#[inline(always)]
pub(super) fn prefetch(start: *const u8, size: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    for at in (0..size).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction, which takes any address and does nothing
        // that can be seen.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(at).cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = (start, size, LINE);
}
