//! An output of a known size: one allocation, written in place by many threads.

use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_buffer::Buffer;

use crate::codec::memory::pages::{Fill, Memory};
use crate::error::{Error, Result};

/// The values of a whole column: memory that is filled part by part, and only then readable.
///
/// ```text
/// |  slot 0      |  slot 1          |  slot 2  |      disjoint, each filled from its front
/// |xxxxxxx.......|xxxxxxxxxxxxxxxxxx|xxx.......|      filled counts the x of all of them
/// ```
pub(in crate::codec) struct Output {
    memory: Memory,
    size: usize,
    filled: AtomicUsize,
}

impl Output {
    /// Memory for `size` bytes, not yet touched.
    pub(in crate::codec) fn new(size: u64) -> Result<Self> {
        let wanted = usize::try_from(size).ok();
        match wanted.and_then(|size| Some((size, Memory::new(size, Fill::Whole)?))) {
            Some((size, mut memory)) => {
                memory.touch(size);
                Ok(Self { memory, size, filled: AtomicUsize::new(0) })
            }
            None => Err(Error::OutOfMemory { what: "values", bytes: size }),
        }
    }

    /// The memory as slots of the given sizes, one after the other, each behind a lock so that
    /// any one worker can take it. To be taken out, not worked on in its place: slots lie so close to
    /// each other that workers would write to the same cache lines, value by value.
    ///
    /// # Panics
    ///
    /// If the sizes do not sum up to the size of the output.
    pub(in crate::codec) fn slots(
        &mut self,
        sizes: impl Iterator<Item = usize>,
    ) -> Vec<Mutex<Option<Slot<'_>>>> {
        let Self { memory, filled, .. } = self;
        let mut rest = memory.bytes();
        let slots = sizes
            .map(|size| {
                let (slot, behind) = std::mem::take(&mut rest).split_at_mut(size);
                rest = behind;
                Mutex::new(Some(Slot { rest: slot, filled: 0, total: filled }))
            })
            .collect();
        assert!(rest.is_empty(), "slots leave {} bytes of the output", rest.len());
        slots
    }

    /// The values, now that each slot was filled to its end.
    ///
    /// # Panics
    ///
    /// If one was not.
    pub(in crate::codec) fn finish(self) -> Filled {
        let filled = self.filled.load(Ordering::Acquire);
        assert_eq!(filled, self.size, "the output is not filled");
        Filled { memory: self.memory, size: self.size }
    }
}

/// Values that are all there.
///
/// Slots are disjoint parts of the output and count a byte only when it is initialised
/// (`Slot::advance`), so that as many bytes as the output has ([`Output::finish`]) are all of them.
pub(in crate::codec) struct Filled {
    memory: Memory,
    size: usize,
}

impl Filled {
    pub(in crate::codec) fn bytes(&mut self) -> &mut [u8] {
        let bytes = &mut self.memory.bytes()[..self.size];
        // SAFETY: by the type's invariant.
        unsafe { bytes.assume_init_mut() }
    }

    /// Leaves the first `size` bytes.
    pub(in crate::codec) fn truncate(&mut self, size: usize) {
        self.size = self.size.min(size);
    }

    /// The values, for Arrow.
    pub(in crate::codec) fn into_buffer(self) -> Buffer {
        // SAFETY: by the type's invariant.
        unsafe { self.memory.into_buffer(self.size) }
    }
}

/// A part of an [`Output`] that one worker fills from front to end.
pub(in crate::codec) struct Slot<'a> {
    rest: &'a mut [MaybeUninit<u8>],
    filled: usize,
    /// Where `filled` is added when the slot is done with. An atomic addition for each value
    /// instead makes threads wait for each other.
    total: &'a AtomicUsize,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.total.fetch_add(self.filled, Ordering::Release);
    }
}

impl Slot<'_> {
    /// The next `size` bytes, to be written.
    pub(in crate::codec) fn spare(&mut self, size: usize) -> &mut [MaybeUninit<u8>] {
        &mut self.rest[..size]
    }

    /// The next `size` bytes, and up to `slack` more that belong to what comes behind, and will be
    /// written again.
    pub(in crate::codec) fn spare_with_slack(
        &mut self,
        size: usize,
        slack: usize,
    ) -> &mut [MaybeUninit<u8>] {
        let end = self.rest.len().min(size + slack);
        &mut self.rest[..end]
    }

    /// Counts the next `size` bytes as written, and shows them.
    ///
    /// # Safety
    ///
    /// Each of them has been initialised.
    pub(in crate::codec) unsafe fn advance(&mut self, size: usize) -> &[u8] {
        let (written, rest) = std::mem::take(&mut self.rest).split_at_mut(size);
        self.rest = rest;
        self.filled += size;
        // SAFETY: by this function's contract.
        unsafe { written.assume_init_ref() }
    }

    /// Copies `bytes` to the front.
    pub(in crate::codec) fn push(&mut self, bytes: &[u8]) {
        self.spare(bytes.len()).write_copy_of_slice(bytes);
        // SAFETY: the line above has written exactly these bytes.
        unsafe { self.advance(bytes.len()) };
    }

    /// Writes zeros to the front, in place of a value that could not be made.
    pub(in crate::codec) fn push_zeros(&mut self, size: usize) {
        self.spare(size).fill(MaybeUninit::new(0));
        // SAFETY: the line above has written exactly these bytes.
        unsafe { self.advance(size) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_the_output() {
        let mut output = Output::new(10).unwrap();
        let slots = output.slots([4, 0, 6].into_iter());
        lock_and(&slots[2], |slot| slot.push(b"456789"));
        lock_and(&slots[0], |slot| {
            slot.push(b"01");
            slot.push_zeros(2);
        });
        drop(slots);
        assert_eq!(output.finish().bytes(), b"01\0\x00456789");
    }

    fn lock_and<'a>(slot: &Mutex<Option<Slot<'a>>>, work: impl FnOnce(&mut Slot<'a>)) {
        work(&mut slot.lock().unwrap().take().unwrap());
    }

    #[test]
    #[should_panic(expected = "the output is not filled")]
    fn unfilled_memory_is_not_handed_out() {
        let mut output = Output::new(10).unwrap();
        let slots = output.slots([10].into_iter());
        lock_and(&slots[0], |slot| slot.push(b"01234"));
        drop(slots);
        output.finish();
    }

    #[test]
    #[should_panic(expected = "slots leave 3 bytes")]
    fn slots_cover_the_output() {
        Output::new(10).unwrap().slots([4, 3].into_iter());
    }

    #[test]
    fn too_large_is_an_error() {
        let error = Output::new(u64::MAX).err().unwrap();
        assert_eq!(error.to_string(), "no memory for 18446744073709551615 bytes of values");
    }
}
