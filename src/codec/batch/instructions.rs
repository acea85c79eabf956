//! The stages, for the instructions that the processor has. All give the same results.

use std::mem::MaybeUninit;

use crate::codec::batch::deposit::Portable;
use crate::codec::batch::execute::Execution;
use crate::codec::batch::huffman::Table;
use crate::codec::batch::sequences::Sequence;
use crate::codec::batch::tables::SequenceTables;
use crate::codec::batch::{literals, sequences};

/// Frames whose literals, and whose sequences, are decoded side by side.
const LITERAL_LANES: usize = 5;
const SEQUENCE_LANES: usize = 2;

/// Which instructions the stages are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instructions {
    Portable,
    /// x86-64 with AVX2, BMI1, BMI2, LZCNT and POPCNT, where depositing bits is quick. Made by
    /// `detect` alone.
    #[cfg(target_arch = "x86_64")]
    Bmi2,
}

impl Instructions {
    /// The best that this processor has.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
            && deposits_quickly()
        {
            return Self::Bmi2;
        }
        Self::Portable
    }

    /// Those that this processor has.
    #[cfg(test)]
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [Self::Portable, Self::detect()].into_iter().take(match Self::detect() {
            Self::Portable => 1,
            #[cfg(target_arch = "x86_64")]
            Self::Bmi2 => 2,
        })
    }

    pub(super) fn literals(
        self,
        table: &Table,
        streams: &[literals::Stream<'_>],
        out: &mut [u8],
        failed: &mut dyn FnMut(usize),
    ) {
        match self {
            Self::Portable => literals::decode::<LITERAL_LANES>(table, streams, out, failed),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has what the function wants (`detect`).
            Self::Bmi2 => unsafe { bmi2::literals(table, streams, out, failed) },
        }
    }

    pub(super) fn sequences(
        self,
        tables: &SequenceTables,
        streams: &[sequences::Stream<'_>],
        out: &mut [Sequence],
        failed: &mut dyn FnMut(usize),
    ) {
        match self {
            Self::Portable => {
                sequences::decode::<SEQUENCE_LANES, Portable>(tables, streams, out, failed);
            }
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has what the function wants (`detect`).
            Self::Bmi2 => unsafe { bmi2::sequences(tables, streams, out, failed) },
        }
    }

    #[inline]
    pub(super) fn execute(self, execution: &Execution<'_>, target: &mut [MaybeUninit<u8>]) -> bool {
        match self {
            Self::Portable => execution.run(target),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has what the function wants (`detect`).
            Self::Bmi2 => unsafe { bmi2::execute(execution, target) },
        }
    }
}

/// Whether depositing bits is one quick step: it is a long program in AMD's processors before Zen 3,
/// which is the first that also has VAES.
#[cfg(target_arch = "x86_64")]
fn deposits_quickly() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    let is_amd = [vendor.ebx, vendor.edx, vendor.ecx]
        == [*b"Auth", *b"enti", *b"cAMD"].map(u32::from_le_bytes);
    !is_amd || is_x86_feature_detected!("vaes")
}

#[cfg(target_arch = "x86_64")]
mod bmi2 {
    use super::*;
    use crate::codec::batch::deposit::Bmi2;

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn literals(
        table: &Table,
        streams: &[literals::Stream<'_>],
        out: &mut [u8],
        failed: &mut dyn FnMut(usize),
    ) {
        literals::decode::<LITERAL_LANES>(table, streams, out, failed);
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn sequences(
        tables: &SequenceTables,
        streams: &[sequences::Stream<'_>],
        out: &mut [Sequence],
        failed: &mut dyn FnMut(usize),
    ) {
        sequences::decode::<SEQUENCE_LANES, Bmi2>(tables, streams, out, failed);
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn execute(execution: &Execution<'_>, target: &mut [MaybeUninit<u8>]) -> bool {
        execution.run(target)
    }
}
