//! Streams in order of their length, so that those that are decoded side by side end together.

use crate::codec::batch::GROUP_FRAMES;

/// Lengths below this are told apart, and of longer ones the highest bits: as many in each octave.
pub(super) const EXACT: u32 = 16;
/// Kinds of lengths up to 2^15.
pub(super) const KINDS: usize = 12 * EXACT as usize;

/// The kind of a length: the longer, the higher.
#[inline(always)]
fn kind(length: u32) -> usize {
    let octave = (length | EXACT).ilog2() - EXACT.ilog2();
    ((octave * EXACT + (length >> octave)) as usize).min(KINDS - 1)
}

/// Bytes behind the numbers: from each of them on, as many can be taken at once.
const BEHIND: usize = 8;

/// The numbers of streams, by their lengths.
pub(super) struct Order {
    /// Behind them, the first of them again.
    numbers: [u8; GROUP_FRAMES + BEHIND],
    count: usize,
}

impl Default for Order {
    fn default() -> Self {
        Self { numbers: [0; _], count: 0 }
    }
}

impl Order {
    /// Of streams with these numbers and lengths, of which there are not more than a group has frames.
    #[inline(always)]
    pub(super) fn new(streams: impl Iterator<Item = (u8, u32)> + Clone) -> Self {
        let mut order = Self::default();
        let mut at = [0_u8; KINDS];
        let mut count = 0;
        for (_, length) in streams.clone() {
            at[kind(length)] += 1;
            count += 1;
        }
        let mut sum = 0;
        for kind in &mut at {
            (sum, *kind) = (sum + *kind, sum);
        }
        for (number, length) in streams {
            let at = &mut at[kind(length)];
            order.numbers[usize::from(*at)] = number;
            *at += 1;
        }
        order.set_count(count);
        order
    }

    /// For the numbers.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.numbers
    }

    /// With so many numbers.
    ///
    /// # Panics
    ///
    /// If they are more than a group has frames.
    #[inline(always)]
    pub(super) fn set_count(&mut self, count: usize) {
        let first = self.numbers[0];
        self.numbers[count..][..BEHIND].fill(first);
        self.count = count;
    }

    /// Up to eight numbers from place `at` on, behind which there is the first of all, and how many
    /// they are.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn eight(&self, at: usize) -> Option<([u8; BEHIND], usize)> {
        let len = self.count.checked_sub(at).filter(|len| *len > 0)?;
        Some((*self.numbers[at..].first_chunk()?, len.min(BEHIND)))
    }

    /// The numbers, from that of the shortest on.
    pub(super) fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        self.as_slice().iter().copied()
    }

    #[inline(always)]
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.numbers[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_order() {
        let kinds: Vec<usize> = (0..1 << 15).map(kind).collect();
        assert!(kinds.is_sorted());
        assert_eq!(kinds[..32], (0..32).collect::<Vec<_>>());
        assert_eq!(kinds.last(), Some(&(KINDS - 1)));
        assert_eq!(kind(u32::MAX), KINDS - 1);
    }

    #[test]
    fn each_number_comes_once_and_the_longest_last() {
        let lengths: Vec<u32> = (0..GROUP_FRAMES as u32).map(|i| i * 37 % 101).collect();
        let order = Order::new(lengths.iter().enumerate().map(|(i, length)| (i as u8, *length)));
        let mut numbers: Vec<u8> = order.iter().collect();
        assert!(numbers.iter().map(|number| kind(lengths[usize::from(*number)])).is_sorted());
        numbers.sort_unstable();
        assert_eq!(numbers, (0..GROUP_FRAMES as u8).collect::<Vec<_>>());
        assert_eq!(Order::new([].into_iter()).iter().count(), 0);
    }
}
