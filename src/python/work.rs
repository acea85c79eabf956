//! Long work: without the GIL, with an ear for Ctrl-C.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::intern;
use pyo3::prelude::*;

use crate::codec::CancelFlag;
use crate::python::calls::method;
use crate::python::modules::import;

/// How often a waiting call looks for signals.
const LOOK: Duration = Duration::from_millis(50);
/// How long an interrupted call waits for its rows in progress.
const PATIENCE: Duration = Duration::from_millis(500);
/// Input of fewer bytes is done before anyone could press Ctrl-C.
const WORTH_WATCHING: usize = 128 << 10;

/// Does `work` without the GIL.
///
/// Python runs signal handlers in the main thread only, and only when it is asked to: so there,
/// work on much input is done by another thread while this one looks for signals. The first
/// handler that raises (Ctrl-C does) raises `cancel`, and its exception is what the call ends with.
///
/// The codec looks at `cancel` row by row. A row that takes longer than a person waits is left to
/// its thread, which ends after it and drops what it made.
pub(super) fn run<T: Send + 'static>(
    py: Python<'_>,
    input_bytes: usize,
    cancel: &CancelFlag,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    if input_bytes < WORTH_WATCHING || !on_main_thread(py)? {
        return Ok(py.detach(work));
    }
    let (done, wait) = sync_channel(1);
    // In a place of its own, so that it is still there if no thread is to be had.
    let work = Arc::new(Mutex::new(Some(work)));
    let theirs = work.clone();
    let spawned = thread::Builder::new().name("zstd-arrow-call".to_owned()).spawn(move || {
        if let Some(work) = take(&theirs) {
            // Nobody listens any more if the caller has left.
            let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
        }
    });
    if spawned.is_err() {
        // Then nobody looks for signals.
        let work = take(&work).expect("nobody else has taken it");
        return Ok(py.detach(work));
    }
    match py.detach(move || listen(&wait, cancel))? {
        Ok(done) => Ok(done),
        Err(panic) => resume_unwind(panic),
    }
}

fn take<F>(work: &Mutex<Option<F>>) -> Option<F> {
    work.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Waits for the outcome, and looks for signals.
fn listen<T>(
    wait: &Receiver<thread::Result<T>>,
    cancel: &CancelFlag,
) -> PyResult<thread::Result<T>> {
    let error = loop {
        match wait.recv_timeout(LOOK) {
            Ok(outcome) => return Ok(outcome),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => unreachable!("an outcome is always sent"),
        }
        if let Err(error) = Python::attach(|py| py.check_signals()) {
            break error;
        }
    };
    cancel.raise();
    let since = Instant::now();
    while since.elapsed() < PATIENCE
        && matches!(wait.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout))
    {}
    Err(error)
}

fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = import(py, intern!(py, "threading"))?;
    let current = method(&threading, intern!(py, "current_thread"), ())?;
    Ok(current.is(&method(&threading, intern!(py, "main_thread"), ())?))
}
