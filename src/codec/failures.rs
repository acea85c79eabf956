//! What happens when rows fail on several threads at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::codec::cancel::CancelFlag;
use crate::codec::options::OnError;
use crate::codec::workers::lock;
use crate::error::{Error, Result, ValueError};

/// A row that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFailure {
    /// The row, from zero.
    pub row: usize,
    /// What is wrong with it.
    pub error: ValueError,
}

/// Collects the failures of one call.
///
/// With [`OnError::Fail`] the call ends with the lowest failing row. Whichever thread meets a bad
/// row first, rows below it go on being looked at ([`Self::wants`]) and those above do not matter
/// any more; so the answer does not depend on threads.
///
/// With [`OnError::Null`] bad rows are listed, and only what concerns the whole call (no memory,
/// the output's limit) ends it.
pub(super) struct Failures {
    on_error: OnError,
    cancel: Option<CancelFlag>,
    /// Whether the flag was seen raised. It may be lowered again, and rows were passed over.
    cancelled: AtomicBool,
    /// One above the last row that still matters.
    end: AtomicUsize,
    fatal: Mutex<Option<RowFailure>>,
    listed: Mutex<Vec<RowFailure>>,
}

impl Failures {
    pub(super) fn new(on_error: OnError, cancel: Option<CancelFlag>) -> Self {
        Self {
            on_error,
            cancel,
            cancelled: AtomicBool::new(false),
            end: AtomicUsize::new(usize::MAX),
            fatal: Mutex::new(None),
            listed: Mutex::new(Vec::new()),
        }
    }

    /// Whether the outcome of this row can still matter.
    #[inline]
    pub(super) fn wants(&self, row: usize) -> bool {
        // A stale answer only means some work for nothing: what counts is decided under a lock.
        row < self.end.load(Ordering::Relaxed) && !self.is_cancelled()
    }

    /// One above the last row that still matters, at most `rows`.
    pub(super) fn end(&self, rows: usize) -> usize {
        self.end.load(Ordering::Relaxed).min(rows)
    }

    #[inline]
    fn is_cancelled(&self) -> bool {
        let Some(flag) = &self.cancel else { return false };
        if flag.is_raised() {
            self.cancelled.store(true, Ordering::Relaxed);
        }
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Notes that a row failed.
    pub(super) fn record(&self, row: usize, error: ValueError) {
        let ends_the_call =
            matches!(error, ValueError::OutputTooLarge { .. } | ValueError::OutOfMemory { .. });
        let failure = RowFailure { row, error };
        if self.on_error == OnError::Null && !ends_the_call {
            lock(&self.listed).push(failure);
            return;
        }
        let mut fatal = lock(&self.fatal);
        if fatal.as_ref().is_none_or(|lowest| row < lowest.row) {
            *fatal = Some(failure);
            self.end.fetch_min(row, Ordering::Relaxed);
        }
    }

    /// The rows listed so far, by row.
    pub(super) fn listed_rows(&self) -> Vec<usize> {
        let mut rows: Vec<usize> = lock(&self.listed).iter().map(|failure| failure.row).collect();
        rows.sort_unstable();
        rows
    }

    /// Ends the call early if it was cancelled.
    pub(super) fn check_cancelled(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// The failures that became nulls, by row; or the error that the call ends with.
    pub(super) fn finish(self) -> Result<Vec<RowFailure>> {
        self.check_cancelled()?;
        if let Some(RowFailure { row, error }) =
            self.fatal.into_inner().unwrap_or_else(PoisonError::into_inner)
        {
            return Err(Error::Row { row, error });
        }
        let mut listed = self.listed.into_inner().unwrap_or_else(PoisonError::into_inner);
        listed.sort_unstable_by_key(|failure| failure.row);
        Ok(listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flag that is lowered again does not bring back the rows that were passed over: the call
    /// ends, and never hands out what it did not fill.
    #[test]
    fn a_cancelled_call_stays_cancelled() {
        let flag = CancelFlag::new();
        let failures = Failures::new(OnError::Fail, Some(flag.clone()));
        assert!(failures.wants(0));
        flag.raise();
        assert!(!failures.wants(1));
        flag.lower();
        assert!(!failures.wants(2));
        assert!(matches!(failures.check_cancelled(), Err(Error::Cancelled)));
        assert!(matches!(failures.finish(), Err(Error::Cancelled)));
    }

    #[test]
    fn the_lowest_row_ends_the_call() {
        let failures = Failures::new(OnError::Fail, None);
        for row in [9, 5, 7] {
            failures.record(row, ValueError::Empty);
        }
        assert!(failures.wants(4) && !failures.wants(5));
        assert_eq!(failures.end(100), 5);
        assert_eq!(failures.finish().unwrap_err().row(), Some(5));
    }
}
