//! The stages, for the instructions that the processor has. All give the same results.

use std::mem::MaybeUninit;
use std::sync::LazyLock;

use crate::codec::batch::deposit::Portable;
use crate::codec::batch::execute::{Execution, OVER};
use crate::codec::batch::huffman::Table;
use crate::codec::batch::job::{Jobs, Listed, Spacing};
use crate::codec::batch::moves::Sequence;
use crate::codec::batch::sets::{FrameSet, Kinds};
use crate::codec::batch::starts::Starts;
#[cfg(target_arch = "x86_64")]
use crate::codec::batch::wide::{self, OwnCodes};
use crate::codec::batch::{OwnTables, Prepared, literals, sequences};

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
    /// Those, and AVX-512 F, BW, CD, DQ, VBMI and VBMI2. Made by `detect` alone.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// The same, where one instruction that reads from eight places is quicker than eight that do.
    #[cfg(target_arch = "x86_64")]
    Avx512Gather,
}

impl Instructions {
    /// The best that this processor has. (Asked once: a virtual machine may have to leave to its host
    /// what the processor says of itself.)
    pub(super) fn detect() -> Self {
        static BEST: LazyLock<Instructions> = LazyLock::new(Instructions::best);
        *BEST
    }

    fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
            && deposits_quickly()
        {
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512cd")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vbmi")
                && is_x86_feature_detected!("avx512vbmi2");
            return match (wide, gathers_quickly()) {
                (false, _) => Self::Bmi2,
                (true, false) => Self::Avx512,
                (true, true) => Self::Avx512Gather,
            };
        }
        Self::Portable
    }

    /// Those that this processor has.
    #[cfg(test)]
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let all = [
            Self::Portable,
            #[cfg(target_arch = "x86_64")]
            Self::Bmi2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Gather,
        ];
        let count = match Self::detect() {
            Self::Portable => 1,
            #[cfg(target_arch = "x86_64")]
            Self::Bmi2 => 2,
            // Quick or not, processors have both.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx512Gather => 4,
        };
        all.into_iter().take(count)
    }

    /// Whether frames are decoded that bring tables of their own.
    #[inline(always)]
    pub(super) fn take_own_tables(self) -> bool {
        match self {
            Self::Portable => false,
            #[cfg(target_arch = "x86_64")]
            Self::Bmi2 => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx512Gather => true,
        }
    }

    /// How places of frames follow each other.
    #[inline(always)]
    pub(super) fn spacing(self) -> Spacing {
        match self {
            Self::Portable => Spacing { literals: OVER, sequences: 0 },
            #[cfg(target_arch = "x86_64")]
            Self::Bmi2 => Spacing { literals: OVER, sequences: 0 },
            // The last sequence is that of the literals that are left.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx512Gather => Spacing { literals: 0, sequences: 1 },
        }
    }

    /// Plans frames, as far as it is quicker to plan several at once. The dictionary has tables.
    pub(super) fn plan(self, jobs: &mut Jobs<'_>, starts: &Starts, kinds: &mut Kinds) {
        match self {
            Self::Portable => {
                let _ = (jobs, starts, kinds);
            }
            #[cfg(target_arch = "x86_64")]
            Self::Bmi2 => (),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has what the function wants (`detect`).
            Self::Avx512 => unsafe { wide::headers::plan::<false>(jobs, starts, kinds) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx512Gather => unsafe { wide::headers::plan::<true>(jobs, starts, kinds) },
        }
    }

    /// Puts literals that are not coded in their places.
    pub(super) fn plain_literals(self, listed: Listed<'_>, out: &mut [u8]) {
        match self {
            Self::Portable => literals::copy_plain(listed, out),
            #[cfg(target_arch = "x86_64")]
            Self::Bmi2 => literals::copy_plain(listed, out),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has what the function wants (`detect`).
            Self::Avx512 | Self::Avx512Gather => unsafe { wide::plain::copy(listed, out) },
        }
    }

    /// Literals of frames that bring their codes; to be called where such are taken.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn own_literals(
        self,
        codes: &mut OwnCodes,
        listed: Listed<'_>,
        out: &mut [u8],
        failed: &mut FrameSet,
    ) {
        match self {
            Self::Portable | Self::Bmi2 => unreachable!("no such frame is taken"),
            // SAFETY: the processor has what the functions want (`detect`).
            Self::Avx512 => unsafe {
                wide::codes::read::<false>(listed, codes, failed);
                wide::literals::decode_own::<false>(codes, listed, out, failed);
            },
            // SAFETY: as above.
            Self::Avx512Gather => unsafe {
                wide::codes::read::<true>(listed, codes, failed);
                wide::literals::decode_own::<true>(codes, listed, out, failed);
            },
        }
    }

    pub(super) fn literals(
        self,
        table: &Table,
        listed: Listed<'_>,
        four: FrameSet,
        out: &mut [u8],
        failed: &mut FrameSet,
    ) {
        match self {
            Self::Portable => {
                let _ = four;
                literals::decode::<LITERAL_LANES>(table, listed, out, failed);
            }
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has what the function wants (`detect`).
            Self::Bmi2 => unsafe { bmi2::literals(table, listed, out, failed) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx512 => unsafe {
                wide::literals::decode::<false>(table, listed, four, out, failed);
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx512Gather => unsafe {
                wide::literals::decode::<true>(table, listed, four, out, failed);
            },
        }
    }

    pub(super) fn sequences(
        self,
        prepared: &Prepared,
        own: Option<&OwnTables>,
        listed: Listed<'_>,
        out: &mut [Sequence],
        failed: &mut FrameSet,
    ) {
        debug_assert!(own.is_none() || self.take_own_tables());
        match self {
            Self::Portable => {
                let tables = &prepared.sequences;
                sequences::decode::<SEQUENCE_LANES, Portable>(tables, listed, out, failed);
            }
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has what the function wants (`detect`).
            Self::Bmi2 => unsafe { bmi2::sequences(prepared, listed, out, failed) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx512 => unsafe {
                wide::sequences::decode::<false>(prepared, own, listed, out, failed);
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx512Gather => unsafe {
                wide::sequences::decode::<true>(prepared, own, listed, out, failed);
            },
        }
    }

    /// # Safety
    ///
    /// The frames were decoded with these instructions, and have not failed.
    pub(super) unsafe fn execute(
        self,
        execution: &mut Execution<'_>,
        target: &mut [MaybeUninit<u8>],
    ) -> usize {
        match self {
            Self::Portable => execution.run(target),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has what the function wants (`detect`).
            Self::Bmi2 => unsafe { bmi2::execute(execution, target) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above; and by this function's contract.
            Self::Avx512 | Self::Avx512Gather => unsafe {
                wide::execute::execute(execution, target)
            },
        }
    }
}

/// Whether depositing bits is one quick step: it is a long program in AMD's processors before Zen 3,
/// which is the first that also has VAES.
#[cfg(target_arch = "x86_64")]
fn deposits_quickly() -> bool {
    !is_made_by(b"AuthenticAMD") || is_x86_feature_detected!("vaes")
}

/// Whether reading from eight places is one quick step: in Intel's processors it is, but for those that
/// must keep it from reading ahead ("gather data sampling"), which are older than the ones that have
/// FP16.
#[cfg(target_arch = "x86_64")]
fn gathers_quickly() -> bool {
    const FP16: u32 = 1 << 23;
    let [leaves, features] = [0, 7].map(|leaf| std::arch::x86_64::__cpuid_count(leaf, 0));
    is_made_by(b"GenuineIntel") && leaves.eax >= 7 && features.edx & FP16 != 0
}

#[cfg(target_arch = "x86_64")]
fn is_made_by(vendor: &[u8; 12]) -> bool {
    let says = std::arch::x86_64::__cpuid(0);
    [says.ebx, says.edx, says.ecx].map(u32::to_le_bytes).as_flattened() == vendor
}

#[cfg(target_arch = "x86_64")]
mod bmi2 {
    use super::*;
    use crate::codec::batch::deposit::Bmi2;

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn literals(
        table: &Table,
        listed: Listed<'_>,
        out: &mut [u8],
        failed: &mut FrameSet,
    ) {
        literals::decode::<LITERAL_LANES>(table, listed, out, failed);
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn sequences(
        prepared: &Prepared,
        listed: Listed<'_>,
        out: &mut [Sequence],
        failed: &mut FrameSet,
    ) {
        let tables = &prepared.sequences;
        sequences::decode::<SEQUENCE_LANES, Bmi2>(tables, listed, out, failed);
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn execute(execution: &mut Execution<'_>, target: &mut [MaybeUninit<u8>]) -> usize {
        execution.run(target)
    }
}
