//! Work on several threads, whose results are taken in the order in which it was given out.

use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::files::pipeline::spawn;

type Task = Box<dyn FnOnce() + Send>;

/// Threads that work; they end when this is dropped and all work is done.
pub(super) struct Threads {
    tasks: Sender<Task>,
}

/// What is being worked on: the result comes when it is there, and never if the work panicked.
pub(super) type Pending<T> = Receiver<T>;

impl Threads {
    /// Starts `count` threads, one at least.
    pub(super) fn start(count: usize) -> Result<Self> {
        let (tasks, taken) = channel::<Task>();
        let taken = Arc::new(Mutex::new(taken));
        for _ in 0..count.max(1) {
            let taken = taken.clone();
            spawn("zstd-arrow-work", move || {
                loop {
                    // Whoever waits for the next task holds the lock, and nothing else meanwhile.
                    let next = taken.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(task) = next else { return };
                    task();
                }
            })?;
        }
        Ok(Self { tasks })
    }

    /// Gives out work. How much may be under way at a time is the caller's to see to.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Pending<T> {
        let (done, pending) = sync_channel(1);
        // Nobody waits for the result if the job has failed. Without threads left (each of them
        // panicked) it never comes, which is said where it is waited for.
        let task = move || drop(done.send(work()));
        drop(self.tasks.send(Box::new(task)));
        pending
    }
}
