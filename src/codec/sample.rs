//! An even sample of a long sequence of values, in bounded memory.

/// The most bytes of one value that are kept: one block. What a dictionary can give lies at the
/// front of a value.
const MAX_SAMPLE: usize = 128 << 10;

/// Keeps each value with the same chance, whatever its place, and as many as fit in a budget.
///
/// Each place in the sequence has a fixed random number; a value is kept if its number is below a
/// threshold. When the kept values outgrow the budget, the threshold is halved and those above it
/// go. So the sample depends on the sequence alone, keeps its order, and needs no second pass.
#[derive(Debug)]
pub(super) struct Sample {
    budget: usize,
    threshold: u64,
    seen: u64,
    kept: Vec<(u64, Vec<u8>)>,
    bytes: usize,
}

impl Sample {
    pub(super) fn new(budget: usize) -> Self {
        Self { budget, threshold: u64::MAX, seen: 0, kept: Vec::new(), bytes: 0 }
    }

    /// Looks at the next value. An empty one teaches nothing and is not kept.
    pub(super) fn push(&mut self, value: &[u8]) {
        let number = mix(self.seen);
        self.seen += 1;
        if value.is_empty() || number > self.threshold {
            return;
        }
        let value = &value[..value.len().min(MAX_SAMPLE)];
        self.bytes += cost(value);
        self.kept.push((number, value.to_vec()));
        self.shrink();
    }

    /// Takes in what was kept of another sequence, as if it followed on this one: again each value
    /// of both has the same chance.
    pub(super) fn merge(&mut self, threshold: u64, kept: impl IntoIterator<Item = (u64, Vec<u8>)>) {
        self.kept.extend(kept);
        self.threshold = self.threshold.min(threshold);
        self.keep_below();
        self.shrink();
    }

    /// Halves the threshold until what is kept fits in the budget.
    fn shrink(&mut self) {
        while self.bytes > self.budget && self.threshold > 0 {
            self.threshold /= 2;
            self.keep_below();
        }
    }

    fn keep_below(&mut self) {
        self.kept.retain(|(number, _)| *number <= self.threshold);
        self.bytes = self.kept.iter().map(|(_, value)| cost(value)).sum();
    }

    /// The memory of what is kept, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The threshold, and the kept values with their numbers.
    pub(super) fn kept(self) -> (u64, Vec<(u64, Vec<u8>)>) {
        (self.threshold, self.kept)
    }

    /// The kept values one after the other, and the size of each.
    pub(super) fn into_parts(self) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut sizes = Vec::with_capacity(self.kept.len());
        for (_, value) in self.kept {
            bytes.extend_from_slice(&value);
            sizes.push(value.len());
        }
        (bytes, sizes)
    }
}

/// The memory of a kept value, in bytes: its own and that of keeping it.
fn cost(value: &[u8]) -> usize {
    value.len() + size_of::<(u64, Vec<u8>)>() + 16
}

/// A number without pattern for each place: the finaliser of splitmix64 (Steele, Lea, Flood 2014).
fn mix(place: u64) -> u64 {
    let mut z = place.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of a short sequence; of a long one no more than the budget, from everywhere in it.
    #[test]
    fn bounded_and_even() {
        let mut short = Sample::new(1000);
        for i in 0..10_u8 {
            short.push(&[i]);
        }
        assert_eq!(short.into_parts().0, (0..10).collect::<Vec<u8>>());

        let mut long = Sample::new(100_000);
        for i in 0..1_000_000_u32 {
            long.push(&i.to_le_bytes());
            assert!(long.bytes <= 100_000);
        }
        let (bytes, sizes) = long.into_parts();
        let used = sizes.len() * cost(&[0; 4]);
        assert!(used > 40_000, "the budget is used: {used}");
        assert_eq!(sizes.len() * 4, bytes.len());
        let places: Vec<u32> =
            bytes.chunks(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect();
        assert!(places.is_sorted());
        for tenth in 0..10 {
            let inside = places.iter().filter(|place| **place / 100_000 == tenth).count();
            let share = inside * 10 / sizes.len().max(1);
            assert!(inside * 20 > sizes.len(), "tenth {tenth} has {inside} ({share})");
        }
    }

    /// Samples of two parts become one as even and as bounded as that of the whole.
    #[test]
    fn merged() {
        let part = |places: std::ops::Range<u32>| {
            let mut sample = Sample::new(50_000);
            places.for_each(|place| sample.push(&place.to_le_bytes()));
            sample
        };
        let mut whole = part(0..900_000);
        let (threshold, kept) = part(900_000..1_000_000).kept();
        assert!(threshold > whole.threshold, "the second part is the shorter one");
        whole.merge(threshold, kept);
        assert!(whole.bytes() <= 50_000);
        let (bytes, sizes) = whole.into_parts();
        let second = bytes
            .chunks(4)
            .filter(|place| u32::from_le_bytes((*place).try_into().unwrap()) >= 900_000)
            .count();
        let share = second as f64 / sizes.len() as f64;
        assert!((0.05..0.2).contains(&share), "a tenth of the values, {share} of the sample");
    }

    /// One value larger than the whole budget does not stay, and does not loop for ever.
    #[test]
    fn larger_than_the_budget() {
        let mut sample = Sample::new(100);
        for _ in 0..200 {
            sample.push(&[7; 300]);
            assert!(sample.bytes <= 100);
        }
    }
}
