//! One piece of memory that several lanes write to, each in places of its own.

use std::marker::PhantomData;

/// Memory for the length of a borrow, by pointer: references to parts of it, made one after the other
/// for the lanes, would end those made before.
pub(super) struct Places<'a, T> {
    start: *mut T,
    len: usize,
    memory: PhantomData<&'a mut [T]>,
}

impl<'a, T> Places<'a, T> {
    pub(super) fn new(memory: &'a mut [T]) -> Self {
        Self { start: memory.as_mut_ptr(), len: memory.len(), memory: PhantomData }
    }

    /// The place `at`, which has `count - 1` more behind it.
    ///
    /// # Panics
    ///
    /// If it has not.
    pub(super) fn get(&self, at: usize, count: usize) -> *mut T {
        assert!(at <= self.len && count <= self.len - at, "places outside their memory");
        // SAFETY: not behind the end of the memory.
        unsafe { self.start.add(at) }
    }
}
