//! A dictionary as the batch decoder wants it (RFC 8878, section 5).

use std::sync::LazyLock;

use crate::codec::batch::codes::{Kind, LITERAL_LENGTHS, MATCH_LENGTHS, OFFSETS};
use crate::codec::batch::execute::OVER;
use crate::codec::batch::fse::Distribution;
use crate::codec::batch::huffman::{Code, Table};
use crate::codec::batch::instructions::Instructions;
use crate::codec::batch::moves::Before;
use crate::codec::batch::starts::Starts;
use crate::codec::batch::tables::{Distributions, SequenceTables};
#[cfg(target_arch = "x86_64")]
use crate::codec::batch::wide::WideTables;

/// What frames begin with: what comes before them, and tables.
pub(in crate::codec) struct Prepared {
    /// The content, and behind it `OVER` bytes that say nothing.
    padded: Vec<u8>,
    pub(super) before: Before,
    /// The code of a trained dictionary.
    pub(super) literals: Option<Box<Table>>,
    pub(super) starts: Box<Starts>,
    pub(super) sequences: Box<SequenceTables>,
    #[cfg(target_arch = "x86_64")]
    pub(super) wide: Box<WideTables>,
}

impl Prepared {
    /// For frames without a dictionary; made once.
    pub(in crate::codec) fn without_dictionary() -> &'static Self {
        static WITHOUT: LazyLock<Prepared> = LazyLock::new(|| Prepared::raw(&[]));
        &WITHOUT
    }

    /// For frames with a dictionary of raw content.
    pub(in crate::codec) fn raw(content: &[u8]) -> Self {
        // The offsets that the format begins with (section 3.1.1.5).
        Self {
            padded: padded(content),
            before: Before { repeat: [1, 4, 8], dictionary: reach(content) },
            literals: None,
            starts: Box::new(Starts::new(None)),
            sequences: SequenceTables::new(None),
            #[cfg(target_arch = "x86_64")]
            wide: WideTables::new(None),
        }
    }

    /// For frames with a trained dictionary; `None` if the tables are not to be had, which is then
    /// libzstd's to say.
    pub(in crate::codec) fn trained(bytes: &[u8]) -> Option<Self> {
        let Parts { code, distributions, repeat, content } = Parts::read(bytes)?;
        Some(Self {
            padded: padded(content),
            before: Before { repeat, dictionary: reach(content) },
            literals: Some(code.table()),
            starts: Box::new(Starts::new(Some(&distributions))),
            sequences: SequenceTables::new(Some(&distributions)),
            #[cfg(target_arch = "x86_64")]
            wide: WideTables::new(Some(&distributions)),
        })
    }

    /// Whether there are tables for frames that have none of their own.
    pub(super) fn has_tables(&self) -> bool {
        self.literals.is_some()
    }

    /// Whether frames are expected that are taken: else they bring tables of their own.
    pub(in crate::codec) fn pays(&self) -> bool {
        self.has_tables() || Instructions::detect().take_own_tables()
    }

    /// The content, with `OVER` more bytes behind it that may be read.
    pub(super) fn padded(&self) -> &[u8] {
        &self.padded
    }
}

/// What a trained dictionary consists of behind its magic number and id.
pub(in crate::codec) struct Parts<'a> {
    /// The code of literals.
    pub(in crate::codec) code: Code,
    pub(in crate::codec) distributions: Distributions,
    /// The offsets that a frame begins with: none is 0, or beyond the content.
    pub(in crate::codec) repeat: [u32; 3],
    pub(in crate::codec) content: &'a [u8],
}

impl<'a> Parts<'a> {
    /// `None` if it is damaged.
    pub(in crate::codec) fn read(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.get(8..)?;
        let (code, used) = Code::read(rest)?;
        let rest = rest.get(used..)?;
        let read = |bytes, kind: &Kind| Distribution::read(bytes, kind.max_log, kind.max_code);
        let (offsets, used) = read(rest, &OFFSETS)?;
        let rest = rest.get(used..)?;
        let (matches, used) = read(rest, &MATCH_LENGTHS)?;
        let rest = rest.get(used..)?;
        let (literals, used) = read(rest, &LITERAL_LENGTHS)?;
        let (numbers, content) = rest.get(used..)?.split_first_chunk::<12>()?;
        let repeat =
            [0, 4, 8].map(|at| u32::from_le_bytes(std::array::from_fn(|i| numbers[at + i])));
        if repeat.iter().any(|offset| *offset == 0 || *offset as usize > content.len()) {
            return None;
        }
        let distributions = Distributions { literals, offsets, matches };
        Some(Self { code, distributions, repeat, content })
    }
}

/// How far back in a dictionary matches may begin here: places are counted in 32 bits.
fn reach(content: &[u8]) -> u32 {
    content.len().min(i32::MAX as usize) as u32
}

fn padded(content: &[u8]) -> Vec<u8> {
    let mut padded = Vec::with_capacity(content.len() + OVER);
    padded.extend_from_slice(content);
    padded.resize(content.len() + OVER, 0);
    padded
}
