//! Streams in order of their length, so that those that are decoded side by side end together.

use crate::codec::batch::GROUP_FRAMES;

/// Lengths below this are told apart, and of longer ones the highest bits: as many in each octave.
const EXACT: u32 = 16;
/// Kinds of lengths up to 2^15.
const KINDS: usize = 12 * EXACT as usize;

/// The kind of a length: the longer, the higher.
#[inline(always)]
fn kind(length: u32) -> usize {
    let octave = (length | EXACT).ilog2() - EXACT.ilog2();
    ((octave * EXACT + (length >> octave)) as usize).min(KINDS - 1)
}

/// The numbers of streams, by their lengths.
pub(super) struct Order {
    numbers: [u8; GROUP_FRAMES],
    count: usize,
}

impl Order {
    /// Of streams with these numbers and lengths, of which there are not more than a group has frames.
    #[inline(always)]
    pub(super) fn new(streams: impl ExactSizeIterator<Item = (u8, u32)> + Clone) -> Self {
        let mut order = Self { numbers: [0; GROUP_FRAMES], count: streams.len() };
        let mut at = [0_u8; KINDS];
        for (_, length) in streams.clone() {
            at[kind(length)] += 1;
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
        order
    }

    /// The numbers, from that of the shortest on.
    pub(super) fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        self.numbers[..self.count].iter().copied()
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
