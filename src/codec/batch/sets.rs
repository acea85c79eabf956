//! Some of the frames of a group.
//!
//! (A set is a bit for each, so that eight come in one step.)

use crate::codec::batch::GROUP_FRAMES;

const WORD: usize = u64::BITS as usize;

/// Frames of a group, by their numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FrameSet([u64; GROUP_FRAMES / WORD]);

impl FrameSet {
    #[inline(always)]
    pub(super) fn insert(&mut self, number: u8) {
        self.0[usize::from(number) / WORD] |= 1 << (usize::from(number) % WORD);
    }

    /// A bit for each of 32 frames: the first, the second and so on of these.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn half(&self, at: usize) -> u32 {
        (self.0[at / 2] >> (at % 2 * 32)) as u32
    }

    /// Adds those of eight, from number `first` on, a multiple of eight, that have a bit.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn insert_eight(&mut self, first: usize, which: u8) {
        self.0[first / WORD] |= u64::from(which) << (first % WORD);
    }

    #[inline(always)]
    pub(super) fn contains(&self, number: u8) -> bool {
        self.0[usize::from(number) / WORD] >> (usize::from(number) % WORD) & 1 != 0
    }

    #[cfg(any(target_arch = "x86_64", test))]
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The first `count` of a group.
    #[inline(always)]
    pub(super) fn first(count: usize) -> Self {
        Self(std::array::from_fn(|i| {
            let here = count.saturating_sub(i * WORD).min(WORD) as u32;
            u64::MAX.checked_shr(u64::BITS - here).unwrap_or(0)
        }))
    }

    #[inline(always)]
    pub(super) fn without(&self, others: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & !others.0[i]))
    }

    #[inline(always)]
    pub(super) fn or(&self, others: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] | others.0[i]))
    }

    #[inline(always)]
    fn bits(&self) -> u128 {
        let [first, second] = self.0;
        u128::from(second) << WORD | u128::from(first)
    }

    /// The first from `number` on, or how many numbers there are.
    #[inline(always)]
    pub(super) fn next(&self, number: usize) -> usize {
        let behind = self.bits().checked_shr(number as u32).unwrap_or(0).trailing_zeros() as usize;
        (number + behind).min(GROUP_FRAMES)
    }

    /// The numbers, in order.
    #[inline(always)]
    pub(super) fn iter(self) -> Numbers {
        Numbers(self.bits())
    }
}

/// Those of a set that are left.
#[derive(Clone)]
pub(super) struct Numbers(u128);

impl Iterator for Numbers {
    type Item = u8;

    // (A decoder for certain processors is a function with features of its own, into which what is not
    // asked to be is not reliably inlined.)
    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        let number = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (number < u128::BITS).then_some(number as u8)
    }
}

/// The frames of a group that are taken, and which of them have what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kinds {
    pub(super) taken: FrameSet,
    /// Literals by the dictionary's code, those of them in four streams, those by a code of their own,
    /// and others, which are not coded.
    pub(super) literals: FrameSet,
    pub(super) four: FrameSet,
    pub(super) codes: FrameSet,
    pub(super) plain: FrameSet,
    pub(super) sequences: FrameSet,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let numbers = [0, 1, 5, 62, 63, 64, 65, 100, 127];
        let mut set = FrameSet::default();
        assert!(set.is_empty());
        numbers.iter().rev().for_each(|number| set.insert(*number));
        assert_eq!(set.iter().collect::<Vec<_>>(), numbers);
        assert_eq!(set.len(), numbers.len());
        for number in 0..=128 {
            let next = numbers.iter().find(|next| usize::from(**next) >= number);
            assert_eq!(set.next(number), next.map_or(128, |next| usize::from(*next)));
        }
        assert!((0..128).all(|number| set.contains(number) == numbers.contains(&number)));
        for count in [0, 1, 3, 63, 64, 65, 128] {
            let first = FrameSet::first(count);
            assert_eq!(first.iter().collect::<Vec<_>>(), (0..count as u8).collect::<Vec<_>>());
            let here = numbers.iter().filter(|number| usize::from(**number) < count).count();
            assert_eq!(first.without(&set).len(), count - here);
            assert_eq!(first.or(&set).len(), count + numbers.len() - here);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn eight_at_once() {
        let mut set = FrameSet::default();
        set.insert_eight(56, 0b1000_0001);
        set.insert_eight(120, 0b1000_0000);
        assert_eq!(set.iter().collect::<Vec<_>>(), [56, 63, 127]);
    }
}
