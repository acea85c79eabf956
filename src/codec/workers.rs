//! Who does the work: the caller's thread, rayon's global pool, or a pool of a given size.
//!
//! The unit of work is a *run*: consecutive rows of about the same number of bytes in all. Each
//! worker takes the next run that nobody has, so one that meets slow rows holds nobody back; a
//! worker's context (libzstd's tables, some 100 KB and more) lives as long as the worker and then
//! waits for the next call.

use std::any::Any;
use std::collections::BTreeMap;
use std::mem::take;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// Columns of fewer bytes than this are done on the caller's thread: waking others up takes as
/// long as the work.
const WORTH_SHARING: u64 = 64 << 10;
/// The smallest and largest run, in bytes, that work is shared in.
const RUN_BYTES: Range<u64> = 32 << 10..1 << 20;
/// From this number on, threads are refused: more than any machine has, and each takes memory.
const MAX_THREADS: usize = 1025;
/// Runs a worker, so that the last ones to finish do not wait long.
const RUNS_PER_WORKER: u64 = 8;

/// Consecutive rows that one worker does in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) rows: Range<usize>,
    /// Bytes to read and write, more or less.
    pub(super) weight: u64,
}

/// Locks, also after a panic elsewhere: what the codec keeps behind locks is never half-written.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The threads that a codec works on.
#[derive(Clone)]
pub(super) enum Workers {
    Caller,
    Global,
    Own(Arc<ThreadPool>),
}

/// The pools of this process, by their number of threads.
static POOLS: Mutex<Pools> = Mutex::new(Pools { process: 0, by_threads: BTreeMap::new() });
/// The process that rayon's global pool is of; 0 before there is one.
static GLOBAL_PROCESS: AtomicU32 = AtomicU32::new(0);

struct Pools {
    /// A forked child has its parent's memory and none of its threads.
    process: u32,
    by_threads: BTreeMap<usize, Arc<ThreadPool>>,
}

impl Pools {
    /// The pool of `threads` threads.
    fn get(&mut self, threads: usize) -> Result<Arc<ThreadPool>> {
        let process = std::process::id();
        if self.process != process {
            self.process = process;
            // Dropped, they would tell threads to end that are not there.
            std::mem::forget(take(&mut self.by_threads));
        }
        if let Some(pool) = self.by_threads.get(&threads) {
            return Ok(pool.clone());
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("zstd-arrow-{i}"))
            .build()
            .map_err(|error| Error::Threads { threads, reason: error.to_string() })?;
        let pool = Arc::new(pool);
        self.by_threads.insert(threads, pool.clone());
        Ok(pool)
    }

    fn has(&self, pool: &Arc<ThreadPool>) -> bool {
        let found = self.by_threads.get(&pool.current_num_threads());
        self.process == std::process::id() && found.is_some_and(|found| Arc::ptr_eq(found, pool))
    }
}

/// Starts rayon's global pool, if nobody has. (Rayon does so by itself, and panics if the system has no
/// threads to give.)
fn start_global() -> Result<()> {
    static STARTED: OnceLock<Option<String>> = OnceLock::new();
    let failed = STARTED.get_or_init(|| {
        let start = ThreadPoolBuilder::new().build_global();
        // It can be there already; then it has threads.
        start
            .err()
            .and_then(|error| std::error::Error::source(&error).map(|reason| reason.to_string()))
    });
    match failed {
        None => Ok(()),
        Some(reason) => {
            let threads = thread::available_parallelism().map_or(1, usize::from);
            Err(Error::Threads { threads, reason: reason.clone() })
        }
    }
}

/// Does `work`; what it panics with is an error.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T> {
    // What is shared between workers is behind locks and whole, or thrown away with the call.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Error::Panicked { message: said(&*panic) })
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

impl Workers {
    /// 0 is rayon's global pool, 1 the caller's thread, n a pool of n threads, which is made once
    /// in the process and shared.
    pub(super) fn new(threads: usize) -> Result<Self> {
        match threads {
            0 => {
                // Whoever asks the pool anything first starts it, and that is not before this.
                let _ = GLOBAL_PROCESS.compare_exchange(
                    0,
                    std::process::id(),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                start_global()?;
                Ok(Workers::Global)
            }
            1 => Ok(Workers::Caller),
            MAX_THREADS.. => {
                let problem = format!("{threads} is over the limit of {}", MAX_THREADS - 1);
                Err(Error::Option { name: "threads", problem })
            }
            _ => Ok(Workers::Own(lock(&POOLS).get(threads)?)),
        }
    }

    /// The same, of threads that this process has: those of its parent did not come along when it
    /// was forked.
    fn living(&self) -> Result<Self> {
        match self {
            Workers::Own(pool) => {
                let mut pools = lock(&POOLS);
                match pools.has(pool) {
                    true => Ok(self.clone()),
                    false => Ok(Workers::Own(pools.get(pool.current_num_threads())?)),
                }
            }
            Workers::Global => {
                if GLOBAL_PROCESS.load(Ordering::Relaxed) == std::process::id() {
                    return Ok(Workers::Global);
                }
                let threads = thread::available_parallelism().map_or(1, usize::from);
                Ok(Workers::Own(lock(&POOLS).get(threads)?))
            }
            Workers::Caller => Ok(Workers::Caller),
        }
    }

    /// How many threads there are.
    pub(super) fn count(&self) -> usize {
        match self {
            Workers::Caller => 1,
            Workers::Global => rayon::current_num_threads(),
            Workers::Own(pool) => pool.current_num_threads(),
        }
    }

    /// Cuts `rows` rows into runs for these workers. `weigh` tells the weight of a range of rows
    /// in bytes; it is asked for groups of rows, and for single ones only in a heavy group.
    pub(super) fn split(&self, rows: usize, weigh: impl Fn(Range<usize>) -> u64) -> Vec<Run> {
        let share = weigh(0..rows) / (self.count() as u64 * RUNS_PER_WORKER);
        split(rows, weigh, share.clamp(RUN_BYTES.start, RUN_BYTES.end))
    }

    /// Does `job` for each run, with a context from `contexts`. The numbers passed are the runs'
    /// places in `runs`.
    ///
    /// Ends when all runs are done; which thread does which is not said. Where a job panics, the
    /// others end their run and the call fails.
    pub(super) fn for_each<C: Send>(
        &self,
        runs: &[Run],
        contexts: &Contexts<C>,
        job: impl Fn(&mut C, usize, &Run) + Sync,
    ) -> Result<()> {
        if runs.is_empty() {
            return Ok(());
        }
        let total = runs.iter().fold(0_u64, |total, run| total.saturating_add(run.weight));
        let count = self.count().min(runs.len());
        if count <= 1 || total < WORTH_SHARING {
            let mut context = contexts.take()?;
            guarded(|| {
                for (place, run) in runs.iter().enumerate() {
                    job(&mut context, place, run);
                }
            })?;
            contexts.give_back(context);
            return Ok(());
        }
        let order = heaviest_first(runs);
        let next = AtomicUsize::new(0);
        let failed = Mutex::new(None);
        let panicked = Mutex::new(None);
        let work = || {
            let mut context = match contexts.take() {
                Ok(context) => context,
                Err(error) => {
                    *lock(&failed) = Some(error);
                    return;
                }
            };
            // Each number is handed out once; the order of other memory does not hang on it.
            let done = guarded(|| {
                while let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    job(&mut context, *place, &runs[*place]);
                }
            });
            match done {
                Ok(()) => contexts.give_back(context),
                Err(error) => {
                    // Nobody begins another run. What the context was in the middle of, nobody knows.
                    next.store(runs.len(), Ordering::Relaxed);
                    *lock(&panicked) = Some(error);
                }
            }
        };
        let share = || {
            rayon::scope(|scope| {
                for _ in 1..count {
                    scope.spawn(|_| work());
                }
                work();
            });
        };
        match self.living()? {
            Workers::Own(pool) => pool.install(share),
            Workers::Caller | Workers::Global => share(),
        }
        if let Some(error) = panicked.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        // A worker that got no context leaves its share to the others; only if all of them got
        // none is there work left undone.
        let undone = next.load(Ordering::Relaxed) < runs.len();
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) if undone => Err(error),
            _ => Ok(()),
        }
    }
}

/// Runs in their order, but for those that are much larger than others (a huge value), which come first, the
/// heaviest before all: so nobody starts on one when the others are about to finish. The others stay as
/// they are: what is made in order of its place need not be moved there later.
fn heaviest_first(runs: &[Run]) -> Vec<usize> {
    let huge = |run: &Run| run.weight > 2 * RUN_BYTES.end;
    let mut order: Vec<usize> = (0..runs.len()).collect();
    if runs.iter().any(huge) {
        let weight = |run: &Run| if huge(run) { run.weight } else { 0 };
        order.sort_by_key(|place| std::cmp::Reverse(weight(&runs[*place])));
    }
    order
}

/// Rows that are weighed at once.
const GROUP: usize = 64;

/// Cuts rows into runs of at least `target` bytes; a row heavier than that is a run of its own.
fn split(rows: usize, weigh: impl Fn(Range<usize>) -> u64, target: u64) -> Vec<Run> {
    let mut runs = Runs { done: Vec::new(), open: Run { rows: 0..0, weight: 0 }, target };
    for start in (0..rows).step_by(GROUP) {
        let group = start..rows.min(start + GROUP);
        let weight = weigh(group.clone());
        if weight < target {
            runs.push(group, weight);
        } else {
            group.for_each(|row| runs.push(row..row + 1, weigh(row..row + 1)));
        }
    }
    runs.close();
    runs.done
}

struct Runs {
    done: Vec<Run>,
    open: Run,
    target: u64,
}

impl Runs {
    fn push(&mut self, rows: Range<usize>, weight: u64) {
        if weight >= self.target {
            self.close();
        }
        self.open.rows.end = rows.end;
        self.open.weight = self.open.weight.saturating_add(weight);
        if self.open.weight >= self.target {
            self.close();
        }
    }

    fn close(&mut self) {
        let end = self.open.rows.end;
        if !self.open.rows.is_empty() {
            self.done.push(std::mem::replace(&mut self.open, Run { rows: end..end, weight: 0 }));
        }
    }
}

/// Contexts that wait for the next worker, and how to make another.
pub(super) struct Contexts<C> {
    idle: Mutex<Vec<C>>,
    make: Box<dyn Fn() -> Result<C> + Send + Sync>,
}

impl<C> Contexts<C> {
    pub(super) fn new(make: impl Fn() -> Result<C> + Send + Sync + 'static) -> Self {
        Self { idle: Mutex::new(Vec::new()), make: Box::new(make) }
    }

    fn take(&self) -> Result<C> {
        let idle = lock(&self.idle).pop();
        idle.map_or_else(&self.make, Ok)
    }

    fn give_back(&self, context: C) {
        lock(&self.idle).push(context);
    }
}

impl Contexts<()> {
    /// For work that needs no context.
    pub(super) fn none() -> Self {
        Self::new(|| Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(runs: &[Run]) -> Vec<(usize, usize, u64)> {
        runs.iter().map(|run| (run.rows.start, run.rows.end, run.weight)).collect()
    }

    fn split_weights(weights: &[u64], target: u64) -> Vec<Run> {
        let sum =
            |rows: Range<usize>| weights[rows].iter().fold(0, |a: u64, b| a.saturating_add(*b));
        split(weights.len(), sum, target)
    }

    #[test]
    fn runs_cover_all_rows_once() {
        assert_eq!(rows(&split_weights(&[], 10)), []);
        assert_eq!(rows(&split_weights(&[0, 0, 0], 10)), [(0, 3, 0)]);
        assert_eq!(rows(&split_weights(&[4, 4, 4, 4], 10)), [(0, 3, 12), (3, 4, 4)]);
        // A huge row stands alone, also between small ones.
        assert_eq!(rows(&split_weights(&[1, 1, 500, 1], 10)), [(0, 2, 2), (2, 3, 500), (3, 4, 1)]);
        assert_eq!(split_weights(&[u64::MAX, u64::MAX], 10).len(), 2);
        // Light rows go in whole groups, a heavy one among them does not take them along.
        let mut weights = vec![1; 10 * GROUP];
        weights[5 * GROUP + 7] = 1000;
        let runs = split_weights(&weights, 3 * GROUP as u64);
        assert!(runs.iter().any(|run| run.rows == (5 * GROUP + 7..5 * GROUP + 8)));
        assert_eq!(runs.iter().map(|run| run.weight).sum::<u64>(), 10 * GROUP as u64 + 999);
        let ends: Vec<usize> = runs.iter().map(|run| run.rows.end).collect();
        let starts: Vec<usize> = runs.iter().map(|run| run.rows.start).collect();
        assert_eq!((starts[0], ends[ends.len() - 1]), (0, 10 * GROUP));
        assert_eq!(starts[1..], ends[..ends.len() - 1]);
    }

    #[test]
    fn each_run_is_done_once() {
        for threads in [0, 1, 2, 7] {
            let workers = Workers::new(threads).unwrap();
            let runs = split(1000, |rows| (rows.len() as u64) << 12, 1 << 14);
            let done: Vec<AtomicUsize> = runs.iter().map(|_| AtomicUsize::new(0)).collect();
            let contexts = Contexts::new(|| Ok(0_usize));
            workers
                .for_each(&runs, &contexts, |count, place, run| {
                    *count += run.rows.len();
                    done[place].fetch_add(1, Ordering::Relaxed);
                })
                .unwrap();
            assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            // What the workers' contexts counted is all rows, and no context is lost.
            assert_eq!(lock(&contexts.idle).iter().sum::<usize>(), 1000);
        }
    }

    /// A worker that panics ends its call with an error that says what it said; the pool, the other
    /// calls on it and the next ones go on.
    #[test]
    fn a_panic_ends_its_call_alone() {
        for threads in [0, 1, 2, 7] {
            let workers = Workers::new(threads).unwrap();
            let runs = split(1000, |rows| (rows.len() as u64) << 12, 1 << 14);
            assert!(runs.len() > 10);
            let contexts = Contexts::new(|| Ok(0_usize));
            let sound = || {
                let done = AtomicUsize::new(0);
                let job = |_: &mut usize, _: usize, run: &Run| {
                    done.fetch_add(run.rows.len(), Ordering::Relaxed);
                };
                workers.for_each(&runs, &contexts, job).map(|()| done.into_inner())
            };
            for bad in [0, 5, runs.len() - 1] {
                thread::scope(|scope| {
                    let beside = scope.spawn(sound);
                    let error = workers
                        .for_each(&runs, &contexts, |_, place, _| {
                            assert!(place != bad, "run {place} is one too many");
                        })
                        .unwrap_err();
                    assert_eq!(
                        error.to_string(),
                        format!("a worker panicked, which is a bug: run {bad} is one too many")
                    );
                    assert_eq!(beside.join().unwrap().unwrap(), 1000);
                });
                assert_eq!(sound().unwrap(), 1000);
            }
        }
    }

    /// One pool for each number of threads in the process, not one a call.
    #[test]
    fn pools_are_made_once() {
        let (Workers::Own(a), Workers::Own(b)) =
            (Workers::new(3).unwrap(), Workers::new(3).unwrap())
        else {
            panic!("3 threads are a pool of their own")
        };
        assert!(Arc::ptr_eq(&a, &b));
    }

    /// Huge ones first, the others as they lie.
    #[test]
    fn the_heaviest_come_first() {
        let order = |weights: &[u64]| {
            let run = |weight: &u64| Run { rows: 0..1, weight: *weight };
            heaviest_first(&weights.iter().map(run).collect::<Vec<_>>())
        };
        let end = RUN_BYTES.end;
        assert_eq!(order(&[5, 9, 1, 7]), [0, 1, 2, 3]);
        assert_eq!(order(&[1, 2, 300 << 20]), [2, 0, 1]);
        assert_eq!(order(&[5, 9, 3 * end, 1, 7, 80 * end, 2 * end]), [5, 2, 0, 1, 3, 4, 6]);
    }
}
