//! A dictionary as the search wants it: libzstd's tables of its content.

use crate::codec::encode::bits::zeros;
use crate::codec::encode::search::{Hashes, Way, long_hash, short_hash};

/// How many bytes of a dictionary's hashes are compared before its content is.
const TAG_LOG: u32 = 8;
/// Each third place is in all tables; those between are in the first one, where nothing else is.
const STEP: usize = 3;
const WIDE: usize = 8;

/// Where the content begins, so that no place in it is 0, which says none.
const BEGIN: usize = 1;

/// The content of a dictionary, and where its bytes are.
pub(super) struct Dictionary {
    /// The content, and bytes around it that say nothing.
    bytes: Box<[u8]>,
    end: usize,
    /// Places above the lowest bits of their hashes.
    long: Box<[u32]>,
    short: Box<[u32]>,
    long_shift: u32,
    short_shift: u32,
    /// The offsets that a frame begins with.
    pub(super) repeat: [u32; 2],
}

impl Dictionary {
    /// `None` if there is no memory for it.
    pub(super) fn new(content: &[u8], hashes: Hashes, repeat: [u32; 2]) -> Option<Self> {
        let end = BEGIN + content.len();
        let mut bytes: Box<[u8]> = zeros(end + WIDE)?;
        bytes[BEGIN..end].copy_from_slice(content);
        let mut made = Self {
            bytes,
            end,
            long: zeros(1 << hashes.long_log)?,
            short: zeros(1 << hashes.short_log)?,
            long_shift: 64 - TAG_LOG - hashes.long_log,
            short_shift: 64 - TAG_LOG - hashes.short_log,
            repeat,
        };
        // What is beyond the reach of the tables is left out at the front.
        let reach = 1_usize << (hashes.long_log + 3).max(hashes.short_log + 1).min(31);
        let first = BEGIN + content.len().saturating_sub(reach);
        if end - first > WIDE {
            match (hashes.way, hashes.short_bytes) {
                (Way::Double, 5) => made.fill(first, long_hash, Some(short_hash::<5>)),
                (Way::Double, _) => made.fill(first, long_hash, Some(short_hash::<4>)),
                (Way::Fast { .. }, 4) => made.fill(first, short_hash::<4>, None),
                (Way::Fast { .. }, 5) => made.fill(first, short_hash::<5>, None),
                (Way::Fast { .. }, 6) => made.fill(first, short_hash::<6>, None),
                (Way::Fast { .. }, _) => made.fill(first, short_hash::<7>, None),
            }
        }
        Some(made)
    }

    /// Fills the tables with the places from `first` on, by hashes for the first and for the second.
    fn fill(&mut self, first: usize, hash: fn(u64) -> u64, other: Option<fn(u64) -> u64>) {
        let last = self.end - WIDE;
        let mut at = first;
        while at + STEP - 1 <= last {
            for place in at..at + STEP {
                let bytes = self.eight(place);
                let entry =
                    |hash: u64| (((place as u64) << TAG_LOG) | (hash % (1 << TAG_LOG))) as u32;
                let long_hash = hash(bytes) >> self.long_shift;
                let long = &mut self.long[(long_hash >> TAG_LOG) as usize];
                if place == at || *long == 0 {
                    *long = entry(long_hash);
                }
                if place == at
                    && let Some(other) = other
                {
                    let short_hash = other(bytes) >> self.short_shift;
                    self.short[(short_hash >> TAG_LOG) as usize] = entry(short_hash);
                }
            }
            at += STEP;
        }
    }

    fn eight(&self, at: usize) -> u64 {
        self.view().eight(at)
    }

    /// What a search looks at, with all of it at hand.
    #[inline(always)]
    pub(super) fn view(&self) -> View<'_> {
        View {
            bytes: &self.bytes,
            end: self.end,
            long: &self.long,
            short: &self.short,
            long_shift: self.long_shift,
            short_shift: self.short_shift,
        }
    }
}

/// A dictionary that is searched.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    bytes: &'a [u8],
    /// The place behind the last byte.
    pub(super) end: usize,
    long: &'a [u32],
    short: &'a [u32],
    long_shift: u32,
    short_shift: u32,
}

impl View<'_> {
    /// The place of the first byte.
    pub(super) const BEGIN: usize = BEGIN;

    #[inline(always)]
    pub(super) fn eight(self, at: usize) -> u64 {
        u64::from_le_bytes(*self.bytes[at..].first_chunk().expect("some are behind the content"))
    }

    #[inline(always)]
    pub(super) fn four(self, at: usize) -> u32 {
        self.eight(at) as u32
    }

    #[inline(always)]
    pub(super) fn byte(self, at: usize) -> u8 {
        self.bytes[at]
    }

    /// Where eight bytes with such a hash may be; 0 for nowhere.
    #[inline(always)]
    pub(super) fn long(self, hash: u64) -> usize {
        place(self.long, hash >> self.long_shift)
    }

    /// Where the first few bytes with such a hash may be.
    #[inline(always)]
    pub(super) fn short(self, hash: u64) -> usize {
        place(self.short, hash >> self.short_shift)
    }
}

#[inline(always)]
fn place(table: &[u32], hash: u64) -> usize {
    let entry = table[(hash >> TAG_LOG) as usize];
    let same = (entry ^ hash as u32) & ((1 << TAG_LOG) - 1) == 0;
    // libzstd takes the very first place for none.
    let place = (entry >> TAG_LOG) as usize;
    if same && place > BEGIN { place } else { 0 }
}
