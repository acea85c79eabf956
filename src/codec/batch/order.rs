//! Streams in order of their length, so that those that are decoded side by side end together.

use crate::codec::batch::GROUP_FRAMES;

/// Lengths below this are told apart, and of longer ones the highest bits: as many in each octave.
const EXACT: usize = 16;
/// Kinds of lengths up to 2^15.
const KINDS: usize = 12 * EXACT;

/// The kind of a length: the longer, the higher.
#[inline(always)]
fn kind(length: usize) -> usize {
    let octave = (length | EXACT).ilog2() - EXACT.ilog2();
    ((octave as usize * EXACT) + (length >> octave)).min(KINDS - 1)
}

/// The places of streams, by their lengths.
pub(super) struct Order {
    places: [u8; GROUP_FRAMES],
    count: usize,
}

impl Order {
    /// Of streams with these lengths, of which there are not more than a group has frames.
    #[inline(always)]
    pub(super) fn new(lengths: impl ExactSizeIterator<Item = usize> + Clone) -> Self {
        let mut order = Self { places: [0; GROUP_FRAMES], count: lengths.len() };
        let mut at = [0_u8; KINDS];
        for length in lengths.clone() {
            at[kind(length)] += 1;
        }
        let mut sum = 0;
        for kind in &mut at {
            (sum, *kind) = (sum + *kind, sum);
        }
        for (place, length) in lengths.enumerate() {
            let at = &mut at[kind(length)];
            order.places[usize::from(*at)] = place as u8;
            *at += 1;
        }
        order
    }

    /// The places, from the shortest on.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.places[..self.count].iter().map(|place| usize::from(*place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_order() {
        let kinds: Vec<usize> = (0..1 << 15).map(kind).collect();
        assert!(kinds.is_sorted());
        assert_eq!(kinds[..2 * EXACT], (0..2 * EXACT).collect::<Vec<_>>());
        assert_eq!(kinds.last(), Some(&(KINDS - 1)));
        assert_eq!(kind(usize::MAX), KINDS - 1);
    }

    #[test]
    fn each_place_comes_once_and_the_longest_last() {
        let lengths: Vec<usize> = (0..GROUP_FRAMES).map(|i| i * 37 % 101).collect();
        let order = Order::new(lengths.iter().copied());
        let mut places: Vec<usize> = order.iter().collect();
        assert!(places.iter().map(|place| kind(lengths[*place])).is_sorted());
        places.sort_unstable();
        assert_eq!(places, (0..GROUP_FRAMES).collect::<Vec<_>>());
        assert_eq!(Order::new([].into_iter()).iter().count(), 0);
    }
}
