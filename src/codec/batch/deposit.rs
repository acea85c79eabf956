//! Dealing bits out to fields, by the processor's own instruction or without.

/// A way to deal bits out. All give the same results.
pub(super) trait Deposit {
    /// The lowest bits of `bits`, dealt out to the bits that are set in `mask`, from the lowest on.
    /// Of the mask's fields, of `LOW` bits, then `MIDDLE`, then any number, each is set from
    /// its lowest bit on without a gap.
    fn deposit<const LOW: u32, const MIDDLE: u32>(bits: u64, mask: u64) -> u64;

    /// The lowest `count` bits, of at most 63.
    fn lowest(bits: u64, count: u32) -> u64;
}

/// For any processor.
pub(super) struct Portable;

impl Deposit for Portable {
    #[inline(always)]
    fn deposit<const LOW: u32, const MIDDLE: u32>(bits: u64, mask: u64) -> u64 {
        let low = mask & ((1 << LOW) - 1);
        let middle = (mask >> LOW) & ((1 << MIDDLE) - 1);
        let high = mask >> (LOW + MIDDLE);
        let behind_low = bits >> low.trailing_ones();
        let behind_middle = behind_low >> middle.trailing_ones();
        bits & low | (behind_low & middle) << LOW | (behind_middle & high) << (LOW + MIDDLE)
    }

    #[inline(always)]
    fn lowest(bits: u64, count: u32) -> u64 {
        bits & ((1 << count) - 1)
    }
}

/// For x86-64 processors with BMI2; to be called only where that is enabled.
#[cfg(target_arch = "x86_64")]
pub(super) struct Bmi2;

#[cfg(target_arch = "x86_64")]
impl Deposit for Bmi2 {
    #[inline(always)]
    fn deposit<const LOW: u32, const MIDDLE: u32>(bits: u64, mask: u64) -> u64 {
        // SAFETY: the type is named only by functions for which BMI2 is enabled, and those are
        // called only where the processor has it (`Instructions::detect`).
        unsafe { std::arch::x86_64::_pdep_u64(bits, mask) }
    }

    #[inline(always)]
    fn lowest(bits: u64, count: u32) -> u64 {
        // SAFETY: as above.
        unsafe { std::arch::x86_64::_bzhi_u64(bits, count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit by bit.
    fn plain(bits: u64, mask: u64) -> u64 {
        let places = (0..64).filter(|to| mask >> to & 1 == 1);
        places.enumerate().fold(0, |dealt, (from, to)| dealt | (bits >> from & 1) << to)
    }

    #[test]
    fn all_ways_are_one() {
        let bits = 0x9E37_79B9_7F4A_7C15;
        for low in 0..=9 {
            for middle in 0..=10 {
                for high in 0..=10 {
                    let mask =
                        ((1 << high) - 1) << 19 | ((1 << middle) - 1) << 9 | ((1 << low) - 1);
                    let expected = plain(bits, mask);
                    assert_eq!(Portable::deposit::<9, 10>(bits, mask), expected);
                    #[cfg(target_arch = "x86_64")]
                    if is_x86_feature_detected!("bmi2") {
                        assert_eq!(Bmi2::deposit::<9, 10>(bits, mask), expected);
                        assert_eq!(Bmi2::lowest(bits, high), Portable::lowest(bits, high));
                    }
                }
            }
        }
    }
}
