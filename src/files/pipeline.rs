//! Read, work, write: three stages on threads of their own, with a bounded number of batches between
//! them.
//!
//! ```text
//! reader  --[ step ]-->  the caller's thread: the codec  --[ step ]-->  writer
//! ```
//!
//! At most three batches exist at a time, one in each stage: a stage that is done waits until the next
//! one takes what it has. The order is the file's. What a stage fails with ends the others; the output gets its name only when all of it is
//! written and the worker says so.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::codec::CancelFlag;
use crate::error::{Error, Result};
use crate::files::sink::Sink;
use crate::files::source::{Source, Step};

/// The name of the thread that reads a file. What it panics with (the crates that read formats can, on
/// damaged files) is an error of the job, and need not be shown.
pub const READER_THREAD: &str = "zstd-arrow-read";
/// Steps that wait between two stages: none, so that a long file takes no more memory than a short one.
const QUEUED: usize = 0;
/// How often a job that waits for input looks whether it shall end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Reads all steps of `source`, the file at `path`, gives each to `work`, and writes what that hands
/// to its [`Writer`].
pub(super) fn run(
    path: &Path,
    source: Source,
    sink: Sink,
    cancel: Option<&CancelFlag>,
    mut work: impl FnMut(Step, &Writer) -> Result<()>,
) -> Result<()> {
    let writer = Writer::start(sink)?;
    let done = take_all(&read(path, source)?, cancel, |step| work(step, &writer));
    // What the writer failed with is why it took no more.
    match writer.end(done.is_ok()) {
        Err(error) => Err(error),
        Ok(()) => done,
    }
}

/// Opens a file on the reading thread: what that panics with is an error here too.
pub(super) fn open<S: Send + 'static>(
    path: &Path,
    cancel: Option<&CancelFlag>,
    open: impl FnOnce(&Path) -> Result<S> + Send + 'static,
) -> Result<S> {
    let theirs = path.to_owned();
    let (opened, taken) = sync_channel(1);
    let thread = spawn(READER_THREAD, move || {
        // Not taken any more if the job was cancelled.
        let _ = opened.send(open(&theirs));
    })?;
    match next(&taken, cancel)? {
        Some(source) => source,
        None => match thread.join() {
            Err(panic) => Err(damaged(path, &*panic)),
            Ok(()) => unreachable!("a thread that does not panic sends what it opened"),
        },
    }
}

/// Waits for what a thread sends; `None` if it is gone.
pub(super) fn next<T>(taken: &Receiver<T>, cancel: Option<&CancelFlag>) -> Result<Option<T>> {
    loop {
        match taken.recv_timeout(LOOK_EVERY) {
            Ok(sent) => return Ok(Some(sent)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) if cancel.is_some_and(CancelFlag::is_raised) => {
                return Err(Error::Cancelled);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Reads all steps of `source`, the file at `path`, and gives each to `work`.
pub(super) fn read_all(
    path: &Path,
    source: Source,
    cancel: Option<&CancelFlag>,
    work: impl FnMut(Step) -> Result<()>,
) -> Result<()> {
    take_all(&read(path, source)?, cancel, work)
}

/// Reads on a thread of its own. It ends with the file, or when nobody takes the steps any more; it
/// is not waited for, since it may be waiting for input that never comes.
fn read(path: &Path, source: Source) -> Result<Receiver<Result<Read>>> {
    let (steps, taken) = sync_channel(QUEUED);
    let path = path.to_owned();
    let mut source = source.steps;
    let read = move || {
        loop {
            // The crates that read formats can panic on damaged files.
            let next = catch_unwind(AssertUnwindSafe(|| source.next()));
            let step = match next {
                Ok(Some(step)) => step.map(Read::Step),
                Ok(None) => Ok(Read::End),
                Err(panic) => Err(damaged(&path, &*panic)),
            };
            let last = !matches!(step, Ok(Read::Step(_)));
            if steps.send(step).is_err() || last {
                return;
            }
        }
    };
    spawn(READER_THREAD, read)?;
    Ok(taken)
}

/// What the reader has.
enum Read {
    Step(Step),
    /// All steps were read. A reader that is gone without a word is not at the end.
    End,
}

/// Gives each step to `work`, until the reader says that there are no more.
fn take_all(
    steps: &Receiver<Result<Read>>,
    cancel: Option<&CancelFlag>,
    mut work: impl FnMut(Step) -> Result<()>,
) -> Result<()> {
    loop {
        match next(steps, cancel)? {
            Some(Ok(Read::Step(step))) => work(step)?,
            Some(Ok(Read::End)) => return Ok(()),
            Some(Err(error)) => return Err(error),
            None => unreachable!("the reader says how it ended"),
        }
    }
}

fn damaged(path: &Path, panic: &(dyn Any + Send)) -> Error {
    Error::in_file(path, damage(panic))
}

/// What a crate that reads a format panicked with, as what is wrong with the file.
pub(super) fn damage(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    format!("the file is damaged: {text}")
}

/// The writing stage.
pub(super) struct Writer {
    steps: SyncSender<Order>,
    thread: JoinHandle<Result<()>>,
}

enum Order {
    Step(Step),
    /// All is there: the output may have its name.
    Finish,
}

impl Writer {
    fn start(mut sink: Sink) -> Result<Self> {
        let (steps, taken) = sync_channel(QUEUED);
        let write = move || {
            for order in taken {
                match order {
                    Order::Step(Step::Batch(batch)) => sink.write(&batch)?,
                    Order::Step(Step::EndOfGroup) => sink.end_group()?,
                    Order::Finish => return sink.finish(),
                }
            }
            Ok(())
        };
        Ok(Self { steps, thread: spawn("zstd-arrow-write", write)? })
    }

    /// Hands a step over; waits until it is taken.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] if the writer has failed; its own error is what the job ends with.
    pub(super) fn write(&self, step: Step) -> Result<()> {
        self.steps.send(Order::Step(step)).map_err(|_| Error::Cancelled)
    }

    /// Waits for the writer; what it failed with.
    fn end(self, whole: bool) -> Result<()> {
        if whole {
            // Fails only if the writer has failed, which it says below.
            let _ = self.steps.send(Order::Finish);
        }
        drop(self.steps);
        match self.thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

pub(super) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    let failed = |error: std::io::Error| Error::Threads { threads: 1, reason: error.to_string() };
    Builder::new().name(name.to_owned()).spawn(work).map_err(failed)
}
