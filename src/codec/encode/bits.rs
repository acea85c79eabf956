//! Bits, from the lowest of each byte on, written to an array that is large enough.

use crate::codec::libzstd::NoMemory;

/// Room for what is written before it is known whether it is shorter than the value: literals, and for each
/// four bytes of the value at most eight of a sequence.
pub(super) const ROOM: usize = 16 << 10;
/// The most bytes that may have been written where bits are added: eight more are touched.
const MOST: usize = ROOM - 1;

/// Bytes that are written one after the other.
pub(super) struct Output {
    bytes: Box<[u8; ROOM + 8]>,
    pub(super) len: usize,
}

impl Output {
    pub(super) fn new() -> Result<Self, NoMemory> {
        Ok(Self { bytes: zeroed()?, len: 0 })
    }

    #[inline(always)]
    pub(super) fn byte(&mut self, byte: u8) {
        self.set(self.len, [byte]);
        self.len += 1;
    }

    #[inline(always)]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Writes over bytes that were left out, of which the first is the one at `at`.
    #[inline(always)]
    pub(super) fn set<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        const { assert!(N <= 8) };
        debug_assert!(at <= MOST);
        let at = at & MOST;
        self.bytes[at..at + N].copy_from_slice(&bytes);
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Bits that begin with a byte of their own.
    #[inline(always)]
    pub(super) fn bits(&mut self) -> Bits<'_> {
        let Self { bytes, len } = self;
        Bits { at: *len, bytes, len, waiting: 0, count: 0 }
    }
}

/// Zeros on the heap, which are not on the stack before.
pub(super) fn zeroed<T: Copy + Default, const N: usize>() -> Result<Box<[T; N]>, NoMemory> {
    let zeros = zeros(N).ok_or(NoMemory("a compression context"))?;
    Ok(zeros.try_into().unwrap_or_else(|_| unreachable!("there are N")))
}

/// As many zeros, if there is memory for them.
pub(super) fn zeros<T: Copy + Default>(count: usize) -> Option<Box<[T]>> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(count).ok()?;
    zeros.resize(count, T::default());
    Some(zeros.into())
}

/// How many bits may wait to be written: a number of 64 bits has one less, so that it can be shifted by them.
pub(super) const MOST_WAITING: u8 = 63;

pub(super) struct Bits<'a> {
    bytes: &'a mut [u8; ROOM + 8],
    /// The output's length, which is set at the end.
    len: &'a mut usize,
    at: usize,
    waiting: u64,
    count: u32,
}

impl Bits<'_> {
    /// The lowest `count` bits of `value`, behind those that are there.
    #[inline(always)]
    pub(super) fn add(&mut self, value: u64, count: u32) {
        self.add_only(value & ((1 << count) - 1), count);
    }

    /// The same for a value that has no other bits.
    #[inline(always)]
    pub(super) fn add_only(&mut self, value: u64, count: u32) {
        debug_assert!(value >> count == 0 && self.count + count <= MOST_WAITING.into());
        self.waiting |= value << self.count;
        self.count += count;
    }

    /// Writes whole bytes; up to seven bits wait on.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        debug_assert!(self.at <= MOST);
        let at = self.at & MOST;
        self.bytes[at..at + 8].copy_from_slice(&self.waiting.to_le_bytes());
        self.at += (self.count / 8) as usize;
        self.waiting >>= self.count & !7;
        self.count &= 7;
    }

    /// Ends with zeros up to a whole byte.
    #[inline(always)]
    pub(super) fn finish(mut self) {
        self.flush();
        *self.len = self.at + usize::from(self.count > 0);
    }

    /// Ends with a one, and zeros up to a whole byte: such bits are read from the end.
    #[inline(always)]
    pub(super) fn finish_with_mark(mut self) {
        self.add_only(1, 1);
        self.finish();
    }
}
