//! Long work: without the GIL, with an ear for Ctrl-C.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;

use crate::codec::CancelFlag;

/// How often a waiting call looks for signals.
const LOOK: Duration = Duration::from_millis(50);
/// Input of fewer bytes is done before anyone could press Ctrl-C.
const WORTH_WATCHING: usize = 128 << 10;

/// Does `work` without the GIL.
///
/// Python runs signal handlers in the main thread only, and only when it is asked to: so there,
/// work on much input is done by another thread while this one looks for signals. The first
/// handler that raises (Ctrl-C does) raises `cancel`, and its exception is what the call ends with.
pub(super) fn run<T: Send>(
    py: Python<'_>,
    input_bytes: usize,
    cancel: &CancelFlag,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    if input_bytes < WORTH_WATCHING || !on_main_thread(py)? {
        return Ok(py.detach(work));
    }
    let work = Mutex::new(Some(work));
    let begin = || work.lock().unwrap_or_else(PoisonError::into_inner).take().map(|work| work());
    let (done, raised) = py.detach(|| {
        std::thread::scope(|scope| {
            let (done, wait) = sync_channel::<()>(1);
            let worker = std::thread::Builder::new().name("zstd-arrow-call".to_owned());
            let worker = worker.spawn_scoped(scope, || {
                // Dropped when the work is over, also if it panics: that ends the wait.
                let _done = done;
                begin()
            });
            // No thread to be had: then nobody listens.
            let Ok(worker) = worker else { return (begin(), None) };
            let mut raised = None;
            while let Err(RecvTimeoutError::Timeout) = wait.recv_timeout(LOOK) {
                if raised.is_none()
                    && let Err(error) = Python::attach(|py| py.check_signals())
                {
                    cancel.raise();
                    raised = Some(error);
                }
            }
            match worker.join() {
                Ok(done) => (done, raised),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    });
    match (raised, done) {
        (Some(error), _) => Err(error),
        (None, Some(done)) => Ok(done),
        (None, None) => unreachable!("the work is begun once"),
    }
}

fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import(intern!(py, "threading"))?;
    let current = threading.call_method0(intern!(py, "current_thread"))?;
    Ok(current.is(&threading.call_method0(intern!(py, "main_thread"))?))
}
