//! What all values of a compressor begin with.

use twox_hash::XxHash64;

use crate::codec::batch::codes::{LITERAL_LENGTHS, MATCH_LENGTHS, OFFSETS};
use crate::codec::batch::fse::Distribution;
use crate::codec::batch::{Distributions, Parts};
use crate::codec::encode::bits::Output;
use crate::codec::encode::dictionary::Dictionary;
use crate::codec::encode::huffman::Code;
use crate::codec::encode::search::{Hashes, LONG_LOG, SHORT_LOG, Way};
use crate::codec::encode::sequences::{Before, Table, Tables};
use crate::codec::encode::{MOST, MOST_LOG, literals};
use crate::codec::libzstd::{Numbers, dictionary_id, numbers, numbers_behind, zstd_version};

/// The libzstd whose frames are made here.
const LIBZSTD: (u32, u32, u32) = (1, 5, 7);
const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
const DICTIONARY_MAGIC: [u8; 4] = 0xec30_a437_u32.to_le_bytes();
/// The largest value that is taken where the way of search is "fast".
const MOST_FAST: usize = 1 << 10;
/// Larger dictionaries are not for small values, and take long to digest.
const MOST_DICTIONARY: usize = 256 << 10;
/// The shortest content of a dictionary that is worth a search.
const LEAST_CONTENT: usize = 16;

/// Compression parameters that are a level, what frames carry, and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::codec) struct Plain {
    pub(in crate::codec) level: i32,
    pub(in crate::codec) checksum: bool,
    pub(in crate::codec) content_size: bool,
    pub(in crate::codec) dictionary_id: bool,
}

/// What frames carry, how their matches are searched for, and what comes before them.
pub(in crate::codec) struct Start {
    plain: Plain,
    dictionary_id: u32,
    /// For values of up to 2^i bytes.
    searches: [(Hashes, u32); MOST_LOG as usize + 1],
    /// The largest value that is taken: beyond, libzstd is as fast.
    pub(super) most: usize,
    /// libzstd's number of the way of search, by which it decides other things too.
    pub(super) strategy: u32,
    /// Whether literals are never compressed.
    pub(super) raw_literals: bool,
    pub(super) dictionary: Option<Dictionary>,
    pub(super) literals: Option<literals::Before>,
    pub(super) sequences: Option<Before>,
}

impl Start {
    /// For such frames, and a dictionary that is one if it begins like one, and else content; `None` if they are
    /// left to libzstd.
    pub(in crate::codec) fn new(plain: Plain, dictionary: Option<&[u8]>) -> Option<Self> {
        if zstd_version() != LIBZSTD {
            return None;
        }
        // Without a content size a frame says its window, which is then another.
        let other_window = |bytes: &[u8]| bytes.len() > MOST_DICTIONARY || !plain.content_size;
        if dictionary.is_some_and(other_window) {
            return None;
        }
        let of_size = |log: usize| match dictionary {
            None => numbers(plain.level, 1 << log, 0),
            Some(bytes) => numbers_behind(plain.level, 1 << log, bytes.len()).1,
        };
        let all: [Numbers; MOST_LOG as usize + 1] = std::array::from_fn(of_size);
        let way = Way::of(&all[0])?;
        let taken = |numbers: &Numbers| {
            Way::of(numbers) == Some(way)
                && numbers.hashLog <= LONG_LOG
                && (numbers.chainLog <= SHORT_LOG || way != Way::Double)
        };
        if !all.iter().all(taken) {
            return None;
        }
        let mut start = Self {
            plain,
            dictionary_id: 0,
            most: if way == Way::Double { MOST } else { MOST_FAST },
            strategy: all[0].strategy as u32,
            // What libzstd takes for a wish for speed.
            raw_literals: matches!(way, Way::Fast { .. }) && all[0].targetLength > 0,
            searches: all.map(|numbers| (hashes(&numbers, way), numbers.windowLog)),
            dictionary: None,
            literals: None,
            sequences: None,
        };
        if let Some(bytes) = dictionary {
            start.begin_behind(bytes)?;
        }
        Some(start)
    }

    fn begin_behind(&mut self, bytes: &[u8]) -> Option<()> {
        let (content, repeat) = match bytes.starts_with(&DICTIONARY_MAGIC) {
            // The offsets that the format begins with (RFC 8878, section 3.1.1.5).
            false => (bytes, [1, 4]),
            true => self.begin_with_tables(bytes)?,
        };
        if content.len() < LEAST_CONTENT {
            return None;
        }
        let numbers = numbers_behind(self.plain.level, 1, bytes.len()).0;
        self.dictionary =
            Some(Dictionary::new(content, hashes(&numbers, Way::of(&numbers)?), repeat)?);
        Some(())
    }

    /// Takes over the tables of a trained dictionary (RFC 8878, section 5); returns its content, and offsets.
    fn begin_with_tables<'a>(&mut self, bytes: &'a [u8]) -> Option<(&'a [u8], [u32; 2])> {
        let Parts { code, distributions, repeat, content } = Parts::read(bytes)?;
        let Distributions { literals: lengths, offsets, matches } = distributions;
        self.dictionary_id = dictionary_id(bytes);
        let (bits, log) = code.lengths();
        let complete = bits.iter().all(|bits| *bits > 0);
        let code = Code::by_lengths(&bits, log);
        self.literals = Some(literals::Before { code, complete });
        // Of offsets those must be there that a block can have behind this content.
        let furthest = (content.len() + (128 << 10)).ilog2().min(OFFSETS.max_code.into());
        let has_all = |distribution: &Distribution, highest: usize| {
            let counts = distribution.counts();
            counts.len() > highest && counts[..=highest].iter().all(|count| *count != 0)
        };
        let table =
            |distribution: &Distribution| Table::new(distribution.counts(), distribution.log);
        self.sequences = Some(Before {
            literals: has_all(&lengths, LITERAL_LENGTHS.max_code.into()),
            offsets: has_all(&offsets, furthest as usize),
            matches: has_all(&matches, MATCH_LENGTHS.max_code.into()),
            tables: Box::new(Tables {
                literals: table(&lengths),
                offsets: table(&offsets),
                matches: table(&matches),
            }),
        });
        Some((content, [repeat[0], repeat[1]]))
    }

    /// How a value of `size` bytes, which is not 0, is searched.
    #[inline]
    pub(super) fn hashes(&self, size: usize) -> Hashes {
        self.search(size).0
    }

    fn search(&self, size: usize) -> (Hashes, u32) {
        self.searches[size.next_power_of_two().ilog2() as usize]
    }

    /// Writes the header of a frame (RFC 8878, section 3.1.1.1).
    #[inline]
    pub(super) fn head(&self, size: usize, output: &mut Output) {
        let Plain { checksum, content_size, dictionary_id, .. } = self.plain;
        let id = if dictionary_id { self.dictionary_id } else { 0 };
        let id_size = match id {
            0 => 0,
            1..0x100 => 1,
            0x100..0x1_0000 => 2,
            _ => 3,
        };
        let long = content_size && size >= 256;
        output.put(&MAGIC);
        output.byte(
            id_size | u8::from(checksum) << 2 | u8::from(content_size) << 5 | u8::from(long) << 6,
        );
        if !content_size {
            // The window, in powers of two from 2^10 on.
            output.byte(((self.search(size).1 - 10) << 3) as u8);
        }
        let id = id.to_le_bytes();
        output.put(&id[..[0, 1, 2, 4][usize::from(id_size)]]);
        match (content_size, long) {
            (false, _) => {}
            (true, false) => output.byte(size as u8),
            (true, true) => output.put(&((size - 256) as u16).to_le_bytes()),
        }
    }

    /// Writes what is behind the blocks.
    #[inline]
    pub(super) fn foot(&self, value: &[u8], output: &mut Output) {
        if self.plain.checksum {
            let hash = XxHash64::oneshot(0, value) as u32;
            output.put(&hash.to_le_bytes());
        }
    }
}

/// libzstd's numbers of strategies.
const FAST: u32 = 1;
const DOUBLE_FAST: u32 = 2;

impl Way {
    fn of(numbers: &Numbers) -> Option<Self> {
        match (numbers.strategy as u32, numbers.minMatch) {
            (FAST, 4..=7) => Some(Way::Fast { step: numbers.targetLength.max(1) as usize }),
            (DOUBLE_FAST, 4 | 5) => Some(Way::Double),
            _ => None,
        }
    }
}

fn hashes(numbers: &Numbers, way: Way) -> Hashes {
    Hashes {
        way,
        long_log: numbers.hashLog,
        short_log: if way == Way::Double { numbers.chainLog } else { 0 },
        short_bytes: numbers.minMatch,
    }
}
