//! Pages that nobody uses any more, kept for the next output.
//!
//! The first touch of a fresh page is a fault, and the system fills it with zeros: that is up to a
//! third of the time of a decompression (`cargo bench`). Pages of an output that was dropped
//! have all that behind them.
//!
//! What is kept is bounded twice: in all by the limit, and by [`Idle::take`], which lets a call
//! start with little more idle memory than it is about to use.

use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::codec::memory::pages::Pages;

/// The most memory that is kept for later outputs, in bytes, unless [`set_idle_limit`] says
/// otherwise.
pub const DEFAULT_IDLE_LIMIT: usize = 256 << 20;
/// Idle memory that stays beside an output that is being made, in bytes.
const BESIDE_OUTPUT: usize = 44 << 20;
/// By how much an output may be smaller than the pages it lives in, in bytes.
const LARGER_THAN_OUTPUT: usize = 16 << 20;

static IDLE: Mutex<Idle> = Mutex::new(Idle { pages: Vec::new(), limit: DEFAULT_IDLE_LIMIT });

/// The bytes that are kept for later outputs in this process.
///
/// The memory of a large output (1 MiB or more) is kept when its last buffer is dropped, up to
/// the limit of [`set_idle_limit`], and used again by a later call, which so does not pay for fresh
/// pages. A call that has no use for it gives most of it back before it takes its own.
pub fn idle_memory() -> usize {
    wait().size()
}

/// Sets how many bytes are kept for later outputs in this process, and gives back what is above;
/// 0 keeps nothing. The default is [`DEFAULT_IDLE_LIMIT`].
pub fn set_idle_limit(bytes: usize) {
    let mut idle = wait();
    idle.limit = bytes;
    idle.shrink(bytes);
}

fn wait() -> MutexGuard<'static, Idle> {
    // Nothing is left half-done by a panic: each change is one call on a vector.
    IDLE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The idle pages, unless someone else looks at them right now. Nobody waits: fresh pages are
/// always to be had, and after a fork the one who holds the lock may not exist any more.
fn try_now() -> Option<MutexGuard<'static, Idle>> {
    match IDLE.try_lock() {
        Ok(idle) => Some(idle),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Pages for an output of `size` bytes, if there are idle ones that fit.
pub(super) fn take(size: usize) -> Option<Pages> {
    try_now()?.take(size)
}

/// Keeps pages for later, or gives them back to the system.
pub(super) fn keep(pages: Pages) {
    if let Some(mut idle) = try_now() {
        idle.keep(pages);
    }
}

struct Idle {
    /// The one that was given back last is last.
    pages: Vec<Pages>,
    limit: usize,
}

impl Idle {
    fn size(&self) -> usize {
        self.pages.iter().map(Pages::touched).sum()
    }

    fn take(&mut self, size: usize) -> Option<Pages> {
        let fits = |pages: &Pages| {
            (size..=size.saturating_mul(2)).contains(&pages.len())
                && pages.touched() <= size.saturating_add(LARGER_THAN_OUTPUT)
        };
        let best = self.pages.iter().enumerate().filter(|(_, pages)| fits(pages));
        let best = best.min_by_key(|(_, pages)| pages.len()).map(|(place, _)| place);
        let taken = best.map(|place| self.pages.remove(place));
        if taken.is_none() {
            self.replace(size);
        }
        self.shrink(BESIDE_OUTPUT);
        taken
    }

    /// Gives back the oldest pages that are too small for an output, but not by far: those that it gets
    /// instead will take their place. So the outputs of a stream do not leave pages of each size.
    fn replace(&mut self, size: usize) {
        let nearly_fits = |pages: &Pages| (size / 4..size).contains(&pages.len());
        if let Some(place) = self.pages.iter().position(nearly_fits) {
            self.pages.remove(place);
        }
    }

    fn keep(&mut self, pages: Pages) {
        if pages.touched() <= self.limit {
            self.shrink(self.limit - pages.touched());
            self.pages.push(pages);
        }
    }

    /// Gives the oldest back until at most `size` bytes are left.
    fn shrink(&mut self, size: usize) {
        while self.size() > size {
            self.pages.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::memory::pages::Fill;

    const MIB: usize = 1 << 20;

    fn pages(mib: usize) -> Pages {
        let mut pages = Pages::map(mib * MIB, Fill::Whole, mib * MIB).unwrap();
        pages.touch(mib * MIB);
        pages
    }

    fn sizes(idle: &Idle) -> Vec<usize> {
        idle.pages.iter().map(|pages| pages.touched() / MIB).collect()
    }

    #[test]
    fn the_smallest_that_fits_is_taken() {
        let mut idle = Idle { pages: Vec::new(), limit: 100 * MIB };
        [20, 9, 11, 30].into_iter().for_each(|mib| idle.keep(pages(mib)));
        assert_eq!(idle.take(10 * MIB).unwrap().len(), 11 * MIB);
        assert!(idle.take(31 * MIB).is_none(), "too small");
        assert!(idle.take(4 * MIB).is_none(), "too large by far");
    }

    #[test]
    fn the_limit_holds() {
        let mut idle = Idle { pages: Vec::new(), limit: 30 * MIB };
        [10, 11, 12, 31].into_iter().for_each(|mib| idle.keep(pages(mib)));
        assert_eq!(sizes(&idle), [11, 12]);
        idle.shrink(0);
        assert_eq!(idle.size(), 0);
    }

    /// What is idle beside a new output is never more than `BESIDE_OUTPUT`.
    #[test]
    fn a_call_starts_with_little_beside_it() {
        let mut idle = Idle { pages: Vec::new(), limit: 500 * MIB };
        [100, 20, 50].into_iter().for_each(|mib| idle.keep(pages(mib)));
        assert_eq!(idle.take(50 * MIB).unwrap().len(), 50 * MIB);
        assert_eq!(sizes(&idle), [20]);
    }
    /// Pages that have become too small for a stream's outputs make room for those that fit.
    #[test]
    fn a_stream_does_not_leave_pages_of_each_size() {
        let mut idle = Idle { pages: Vec::new(), limit: 100 * MIB };
        [1, 8, 8, 12].into_iter().for_each(|mib| idle.keep(pages(mib)));
        assert!(idle.take(13 * MIB).is_none());
        assert_eq!(
            sizes(&idle),
            [1, 8, 12],
            "one for one, the oldest first; far smaller ones stay"
        );
        assert_eq!(idle.take(12 * MIB).unwrap().len(), 12 * MIB);
        assert_eq!(sizes(&idle), [1, 8], "what fits is taken, and nothing else goes");
    }
}
