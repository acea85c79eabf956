//! An output whose size is known only when it is all there, written run by run, in order.
//!
//! ```text
//! |  run 0  | run 1 |   run 2 ......                    |    address space for the most there can be
//!                    ^ the run whose turn it is is written in place
//!   waiting: run 3, run 5                                 runs that were done before their turn
//! ```
//!
//! On one thread each run has its turn when it begins, and nothing is written twice.

use std::collections::BTreeMap;
use std::mem::{MaybeUninit, take};
use std::sync::Mutex;

use arrow_buffer::Buffer;

use crate::codec::memory::pages::{Fill, Memory};
use crate::codec::memory::stash::Stash;
use crate::codec::workers::lock;
use crate::error::{Error, Result};

/// The output, filled from its front.
pub(in crate::codec) struct InOrder {
    memory: Memory,
}

impl InOrder {
    /// Room for at most `bound` bytes.
    pub(in crate::codec) fn new(bound: u64) -> Result<Self> {
        let memory = usize::try_from(bound).ok().and_then(|bound| Memory::new(bound, Fill::AtMost));
        let memory = memory.ok_or(Error::OutOfMemory { what: "values", bytes: bound })?;
        Ok(Self { memory })
    }

    /// What the workers write with.
    pub(in crate::codec) fn writer(&mut self) -> Writer<'_> {
        let tail = Tail { rest: self.memory.bytes(), filled: 0 };
        Writer { state: Mutex::new(State { next: 0, tail: Some(tail), waiting: BTreeMap::new() }) }
    }

    /// The output: the `filled` bytes that [`Writer::finish`] gave.
    ///
    /// # Safety
    ///
    /// `filled` comes from the last writer of this output.
    pub(in crate::codec) unsafe fn finish(mut self, filled: usize) -> Buffer {
        self.memory.touch(filled);
        // SAFETY: a writer counts a byte only when it is initialised.
        unsafe { self.memory.into_buffer(filled) }
    }
}

/// Puts runs one behind the other.
pub(in crate::codec) struct Writer<'a> {
    state: Mutex<State<'a>>,
}

struct State<'a> {
    /// The run whose turn it is.
    next: usize,
    /// What is not written yet; `None` while that run is being written in place.
    tail: Option<Tail<'a>>,
    waiting: BTreeMap<usize, Stash>,
}

/// The unwritten rest of the output.
pub(in crate::codec) struct Tail<'a> {
    rest: &'a mut [MaybeUninit<u8>],
    filled: usize,
}

/// Where a run is written.
pub(in crate::codec) enum Turn<'a> {
    /// Its place, since all runs before it are there.
    InPlace(Tail<'a>),
    /// Memory of its own.
    Aside(Stash),
}

impl<'a> Writer<'a> {
    /// Where run `place` goes. Each run is begun once, and ended with [`Self::end`].
    pub(in crate::codec) fn begin(&self, place: usize) -> Turn<'a> {
        let mut state = lock(&self.state);
        match state.next == place {
            true => state.tail.take().map_or_else(|| Turn::Aside(Stash::default()), Turn::InPlace),
            false => Turn::Aside(Stash::default()),
        }
    }

    /// Takes a run that was written.
    pub(in crate::codec) fn end(&self, place: usize, turn: Turn<'a>) {
        let mut state = lock(&self.state);
        match turn {
            Turn::InPlace(tail) => {
                state.tail = Some(tail);
                state.next += 1;
            }
            Turn::Aside(stash) => {
                state.waiting.insert(place, stash);
            }
        }
        let State { next, tail: Some(tail), waiting } = &mut *state else { return };
        while let Some(stash) = waiting.remove(next) {
            stash.blocks().for_each(|block| tail.push(block));
            *next += 1;
        }
    }

    /// How many bytes the runs have, now that all are written.
    ///
    /// # Panics
    ///
    /// If one was begun and not ended.
    pub(in crate::codec) fn finish(self) -> usize {
        let state = self.state.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        assert!(state.waiting.is_empty(), "a run is missing");
        state.tail.expect("a run was not ended").filled
    }
}

impl Tail<'_> {
    fn push(&mut self, bytes: &[u8]) {
        self.rest[..bytes.len()].write_copy_of_slice(bytes);
        // SAFETY: the line above has written exactly these bytes.
        unsafe { self.advance(bytes.len()) };
    }

    /// # Safety
    ///
    /// The first `size` bytes of the rest are initialised.
    unsafe fn advance(&mut self, size: usize) {
        self.rest = &mut take(&mut self.rest)[size..];
        self.filled += size;
    }
}

impl Turn<'_> {
    /// Room for a value of at most `bound` bytes. `more` is the most bytes that this value and those
    /// of the run after it can take.
    pub(in crate::codec) fn spare(
        &mut self,
        bound: usize,
        more: usize,
    ) -> std::result::Result<&mut [MaybeUninit<u8>], crate::error::ValueError> {
        match self {
            Turn::InPlace(tail) => Ok(&mut tail.rest[..bound]),
            Turn::Aside(stash) => stash.spare(bound, more),
        }
    }

    /// Counts the first `size` bytes of what [`Self::spare`] gave as a value.
    ///
    /// # Safety
    ///
    /// Each of them has been initialised, and they were asked for.
    pub(in crate::codec) unsafe fn advance(&mut self, size: usize) {
        match self {
            // SAFETY: by this function's contract.
            Turn::InPlace(tail) => unsafe { tail.advance(size) },
            // SAFETY: by this function's contract.
            Turn::Aside(stash) => unsafe { stash.advance(size) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(turn: &mut Turn<'_>, bytes: &[u8]) {
        turn.spare(bytes.len() + 5, bytes.len() + 5).unwrap()[..bytes.len()]
            .write_copy_of_slice(bytes);
        // SAFETY: written by the line above.
        unsafe { turn.advance(bytes.len()) };
    }

    /// Whatever order runs are begun and ended in, they lie in theirs.
    #[test]
    fn runs_lie_in_order() {
        let runs = [b"zero".as_slice(), b"", b"two", b"three"];
        for orders in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]] {
            for ends in [[0, 1, 2, 3], [3, 2, 1, 0], [0, 3, 1, 2]] {
                let mut output = InOrder::new(100).unwrap();
                let writer = output.writer();
                let mut turns: Vec<Option<Turn>> = runs.iter().map(|_| None).collect();
                for place in orders {
                    let mut turn = writer.begin(place);
                    write(&mut turn, runs[place]);
                    turns[place] = Some(turn);
                }
                for place in ends {
                    writer.end(place, turns[place].take().unwrap());
                }
                let filled = writer.finish();
                // SAFETY: from the writer.
                assert_eq!(unsafe { output.finish(filled) }.as_slice(), b"zerotwothree");
            }
        }
    }

    #[test]
    #[should_panic(expected = "a run is missing")]
    fn runs_must_be_there() {
        let mut output = InOrder::new(100).unwrap();
        let writer = output.writer();
        let turn = writer.begin(1);
        writer.end(1, turn);
        writer.finish();
    }
}
