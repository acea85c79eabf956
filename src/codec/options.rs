//! What a compressor and a decompressor can be told.

use std::ops::RangeInclusive;
use std::sync::Arc;

use zstd::zstd_safe::zstd_sys::ZSTD_cParameter as Name;

use crate::codec::cancel::CancelFlag;
use crate::codec::dictionary::Dictionary;
use crate::codec::encode::{Plain, Start};
use crate::codec::frame::Format;
use crate::codec::libzstd::{
    self, CompressDictionary, Content, ContextDictionary, Failure, NoMemory, Parameters,
};
use crate::error::{Error, Result};

/// The compression level where none is said: libzstd's own default.
pub const DEFAULT_LEVEL: i32 = zstd::DEFAULT_COMPRESSION_LEVEL;

/// libzstd's compression levels, from the fastest to the strongest. Negative ones trade ratio for
/// speed; 0 stands for the default.
pub fn levels() -> RangeInclusive<i32> {
    zstd::compression_level_range()
}

/// What happens to a row that cannot be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The call fails with the lowest failing row.
    #[default]
    Fail,
    /// The row becomes null and is listed; the others are not touched by it.
    Null,
}

/// What decodes frames. All give the same values and the same errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Decoder {
    /// Whatever is quickest.
    #[default]
    Auto,
    /// libzstd alone, one frame after the other.
    Libzstd,
    /// The decoder of this crate, side by side for all frames that it takes, and libzstd for the
    /// others.
    Batch,
}

/// How libzstd looks for matches, from the fastest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "libzstd's names; the order says all there is to say")]
pub enum Strategy {
    Fast = 1,
    DFast,
    Greedy,
    Lazy,
    Lazy2,
    BtLazy2,
    BtOpt,
    BtUltra,
    BtUltra2,
}

impl TryFrom<u32> for Strategy {
    type Error = Error;

    /// By libzstd's number, from 1 to 9.
    fn try_from(number: u32) -> Result<Self> {
        use Strategy::*;
        let all = [Fast, DFast, Greedy, Lazy, Lazy2, BtLazy2, BtOpt, BtUltra, BtUltra2];
        let found = all.into_iter().find(|strategy| *strategy as u32 == number);
        found.ok_or_else(|| Error::Option {
            name: "strategy",
            problem: format!("{number} is outside its range of 1 to 9"),
        })
    }
}

/// Options of a [`Compressor`](crate::Compressor). What is `None` is left to the level.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompressOptions {
    /// The level, of [`levels`].
    pub level: i32,
    /// The dictionary that values are compressed with.
    pub dictionary: Option<Dictionary>,
    /// Whether frames carry a checksum of their content (4 bytes each).
    pub checksum: bool,
    /// Whether frames carry their content size, which lets a reader plan its memory.
    pub content_size: bool,
    /// Whether frames carry the id of their dictionary.
    pub dictionary_id: bool,
    /// With or without the magic number.
    pub format: Format,
    /// The largest distance of a match, as a power of two.
    pub window_log: Option<u32>,
    /// The size of the hash table, as a power of two.
    pub hash_log: Option<u32>,
    /// The size of the multi-probe table, as a power of two.
    pub chain_log: Option<u32>,
    /// The number of attempts to find a match, as a power of two.
    pub search_log: Option<u32>,
    /// The shortest match that is looked for, in bytes.
    pub min_match: Option<u32>,
    /// The length from which on a match is good enough, in bytes.
    pub target_length: Option<u32>,
    /// How matches are looked for.
    pub strategy: Option<Strategy>,
    /// Whether matches are looked for at long distances too (for large values).
    pub long_distance: Option<bool>,
    /// Long distance: the size of the hash table, as a power of two.
    pub ldm_hash_log: Option<u32>,
    /// Long distance: the shortest match, in bytes.
    pub ldm_min_match: Option<u32>,
    /// Long distance: the size of a hash bucket, as a power of two.
    pub ldm_bucket_size_log: Option<u32>,
    /// Long distance: how seldom a position is hashed, as a power of two.
    pub ldm_hash_rate_log: Option<u32>,
    /// The size in bytes that compressed blocks should have, for a low latency of their first
    /// bytes.
    pub target_block_size: Option<u32>,
    /// libzstd's own threads for each value, which only pay for huge ones; beside `threads`, which
    /// share the rows. With any, frames of 512 KiB of content and more have other bytes.
    pub workers: Option<u32>,
    /// With workers: the content of one job, in bytes.
    pub job_size: Option<u32>,
    /// With workers: how much of the job before a job looks back at.
    pub overlap_log: Option<u32>,
    /// Whether matches may reach back over the whole window where the dictionary is in it.
    pub force_max_window: bool,
    /// What the dictionary is digested with, once for all threads, if not these options.
    pub digest: Option<SearchParameters>,
    /// Threads: 0 for rayon's global pool, 1 for the caller's, n for a pool of n.
    pub threads: usize,
    /// When it is raised, the call ends with [`Error::Cancelled`] at the next row.
    pub cancel: Option<CancelFlag>,
}

/// How matches are looked for, as numbers: what libzstd makes of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in `CompressOptions`; the strategy by its number")]
pub struct SearchParameters {
    pub window_log: u32,
    pub chain_log: u32,
    pub hash_log: u32,
    pub search_log: u32,
    pub min_match: u32,
    pub target_length: u32,
    pub strategy: u32,
}

impl SearchParameters {
    /// libzstd's choice for a level and a value and dictionary of these sizes in bytes; 0 is "not
    /// known" for the value, "none" for the dictionary.
    pub fn of_level(level: i32, source_size: u64, dictionary_size: usize) -> Self {
        libzstd::parameters_of_level(level, source_size, dictionary_size).into()
    }

    /// As the parameters to digest a dictionary with.
    fn to_parameters(self) -> Result<Parameters> {
        let mut parameters = Parameters::new().map_err(out_of_memory)?;
        let values = [
            (Name::ZSTD_c_windowLog, self.window_log),
            (Name::ZSTD_c_chainLog, self.chain_log),
            (Name::ZSTD_c_hashLog, self.hash_log),
            (Name::ZSTD_c_searchLog, self.search_log),
            (Name::ZSTD_c_minMatch, self.min_match),
            (Name::ZSTD_c_targetLength, self.target_length),
            (Name::ZSTD_c_strategy, self.strategy),
        ];
        for (name, value) in values {
            let set = i32::try_from(value).ok().map(|value| parameters.set(name, value));
            if !matches!(set, Some(Ok(()))) {
                let problem = format!("{self:?} has a number outside its range");
                return Err(Error::Option { name: "digest", problem });
            }
        }
        Ok(parameters)
    }
}

impl From<[u32; 7]> for SearchParameters {
    /// The numbers in libzstd's order, which is that of the fields.
    fn from(numbers: [u32; 7]) -> Self {
        let [window_log, chain_log, hash_log, search_log, min_match, target_length, strategy] =
            numbers;
        Self { window_log, chain_log, hash_log, search_log, min_match, target_length, strategy }
    }
}

impl From<SearchParameters> for [u32; 7] {
    fn from(of: SearchParameters) -> Self {
        [
            of.window_log,
            of.chain_log,
            of.hash_log,
            of.search_log,
            of.min_match,
            of.target_length,
            of.strategy,
        ]
    }
}

impl Default for CompressOptions {
    fn default() -> Self {
        Self {
            level: DEFAULT_LEVEL,
            dictionary: None,
            checksum: false,
            content_size: true,
            dictionary_id: true,
            format: Format::Zstd,
            window_log: None,
            hash_log: None,
            chain_log: None,
            search_log: None,
            min_match: None,
            target_length: None,
            strategy: None,
            long_distance: None,
            ldm_hash_log: None,
            ldm_min_match: None,
            ldm_bucket_size_log: None,
            ldm_hash_rate_log: None,
            target_block_size: None,
            workers: None,
            job_size: None,
            overlap_log: None,
            force_max_window: false,
            digest: None,
            threads: 0,
            cancel: None,
        }
    }
}

impl CompressOptions {
    /// What a context with these options takes, in bytes, by libzstd's estimate.
    ///
    /// # Errors
    ///
    /// [`Error::Option`] for an option outside its range, and for `workers`, which libzstd makes no
    /// estimate for.
    pub fn context_size(&self) -> Result<usize> {
        let parameters = match (self.long_distance, self.ldm_min_match) {
            (Some(true), None) => self.with_long_distance_numbers().to_parameters()?,
            _ => self.to_parameters()?,
        };
        parameters.context_size().map_err(|failure| Error::Option {
            name: "workers",
            problem: format!("no estimate: {}", failure.text()),
        })
    }

    /// The numbers of long-distance matching that libzstd would choose (`ZSTD_ldm_adjustParameters`).
    /// Its estimate does not choose them, and divides by the shortest match, which is 0 then.
    fn with_long_distance_numbers(&self) -> Self {
        let strategy = match self.strategy {
            Some(strategy) => strategy as u32,
            None => SearchParameters::of_level(self.level, 0, 0).strategy,
        };
        let window_log = self.window_log.unwrap_or(27);
        let rate = self.ldm_hash_rate_log.unwrap_or_else(|| match self.ldm_hash_log {
            Some(hash_log) => window_log.saturating_sub(hash_log),
            None => 7 - strategy / 3,
        });
        let hash_log =
            self.ldm_hash_log.unwrap_or_else(|| window_log.saturating_sub(rate).clamp(6, 30));
        let min_match = if strategy >= Strategy::BtUltra as u32 { 32 } else { 64 };
        Self {
            window_log: Some(window_log),
            ldm_hash_rate_log: Some(rate),
            ldm_hash_log: Some(hash_log),
            ldm_min_match: self.ldm_min_match.or(Some(min_match)),
            ldm_bucket_size_log: self
                .ldm_bucket_size_log
                .or_else(|| Some(strategy.clamp(4, 8).min(hash_log))),
            ..self.clone()
        }
    }

    /// The size of the hash table for long distances. libzstd takes the window's log less that of the
    /// rate, and the window of a small value can be as small as 2^10: below zero it comes out at the
    /// largest table there is, of 8 GiB. Where that can be, it is said what a large value would have.
    fn sane_ldm_hash_log(&self) -> Option<u32> {
        const LEAST_WINDOW_LOG: u32 = 10;
        match (self.long_distance, self.ldm_hash_log, self.ldm_hash_rate_log) {
            (Some(true), None, Some(rate)) if rate > LEAST_WINDOW_LOG => {
                Some(self.window_log.unwrap_or(27).saturating_sub(rate).clamp(6, 30))
            }
            (_, given, _) => given,
        }
    }

    /// The dictionary for contexts with these options.
    pub(super) fn context_dictionary(&self) -> Result<Option<ContextDictionary>> {
        let Some(dictionary) = &self.dictionary else { return Ok(None) };
        let content = dictionary.content();
        let Some(digest) = self.digest else {
            return Ok(Some(ContextDictionary::Bytes(dictionary.shared_bytes(), content)));
        };
        let digested =
            CompressDictionary::new(dictionary.as_bytes(), content, &digest.to_parameters()?)
                .map_err(out_of_memory)?;
        Ok(Some(ContextDictionary::Digested(Arc::new(digested))))
    }

    /// How small values are compressed here, if they are.
    pub(super) fn start(&self) -> Option<Start> {
        let dictionary = self.dictionary.as_ref();
        match dictionary.is_none_or(|dictionary| dictionary.content() == Content::Auto) {
            true => Start::new(self.plain()?, dictionary.map(Dictionary::as_bytes)),
            false => None,
        }
    }

    /// What libzstd is told, if that is a level, what frames carry, and no more.
    fn plain(&self) -> Option<Plain> {
        let Self { level, checksum, content_size, dictionary_id, threads, .. } = *self;
        let rest = Self { dictionary: None, cancel: None, ..self.clone() };
        let plain =
            Self { level, checksum, content_size, dictionary_id, threads, ..Self::default() };
        (rest == plain).then_some(Plain { level, checksum, content_size, dictionary_id })
    }

    /// The options as libzstd's parameters.
    ///
    /// # Errors
    ///
    /// [`Error::Option`] names the option that is outside its range, and the range.
    pub(super) fn to_parameters(&self) -> Result<Parameters> {
        if !levels().contains(&self.level) {
            let (least, most) = levels().into_inner();
            let problem = format!("{} is not a level; they go from {least} to {most}", self.level);
            return Err(Error::Option { name: "level", problem });
        }
        let mut parameters = Parameters::new().map_err(out_of_memory)?;
        let mut set = |name: &'static str, parameter: Name, value: Option<i64>| {
            let Some(value) = value else { return Ok(()) };
            let (least, most) = Parameters::bounds(parameter);
            // 0 is libzstd's own word for "left to the level": say None instead.
            let problem = match i32::try_from(value) {
                Ok(value) if (least..=most).contains(&value) => {
                    match parameters.set(parameter, value) {
                        Ok(()) => return Ok(()),
                        Err(failure) => format!("{value}: {}", Failure::text(failure)),
                    }
                }
                _ => format!("{value} is outside its range of {least} to {most}"),
            };
            Err(Error::Option { name, problem })
        };
        let on = |value: bool| Some(i64::from(value));
        let number = |value: Option<u32>| value.map(i64::from);
        set("level", Name::ZSTD_c_compressionLevel, Some(i64::from(self.level)))?;
        set("checksum", Name::ZSTD_c_checksumFlag, on(self.checksum))?;
        set("content_size", Name::ZSTD_c_contentSizeFlag, on(self.content_size))?;
        set("dictionary_id", Name::ZSTD_c_dictIDFlag, on(self.dictionary_id))?;
        // The parameter that zstd.h calls ZSTD_c_format.
        let magicless = self.format == Format::Magicless;
        set("format", Name::ZSTD_c_experimentalParam2, on(magicless))?;
        set("window_log", Name::ZSTD_c_windowLog, number(self.window_log))?;
        set("hash_log", Name::ZSTD_c_hashLog, number(self.hash_log))?;
        set("chain_log", Name::ZSTD_c_chainLog, number(self.chain_log))?;
        set("search_log", Name::ZSTD_c_searchLog, number(self.search_log))?;
        set("min_match", Name::ZSTD_c_minMatch, number(self.min_match))?;
        set("target_length", Name::ZSTD_c_targetLength, number(self.target_length))?;
        set("strategy", Name::ZSTD_c_strategy, self.strategy.map(|strategy| strategy as i64))?;
        // libzstd's switch: 1 is on, 2 is off, 0 leaves it to the window.
        let switch = self.long_distance.map(|on| if on { 1 } else { 2 });
        set("long_distance", Name::ZSTD_c_enableLongDistanceMatching, switch)?;
        set("ldm_hash_log", Name::ZSTD_c_ldmHashLog, number(self.sane_ldm_hash_log()))?;
        set("ldm_min_match", Name::ZSTD_c_ldmMinMatch, number(self.ldm_min_match))?;
        set(
            "ldm_bucket_size_log",
            Name::ZSTD_c_ldmBucketSizeLog,
            number(self.ldm_bucket_size_log),
        )?;
        set("ldm_hash_rate_log", Name::ZSTD_c_ldmHashRateLog, number(self.ldm_hash_rate_log))?;
        set("target_block_size", Name::ZSTD_c_targetCBlockSize, number(self.target_block_size))?;
        set("workers", Name::ZSTD_c_nbWorkers, number(self.workers))?;
        set("job_size", Name::ZSTD_c_jobSize, number(self.job_size))?;
        set("overlap_log", Name::ZSTD_c_overlapLog, number(self.overlap_log))?;
        // The parameter that zstd.h calls ZSTD_c_forceMaxWindow.
        let force = self.force_max_window.then_some(1);
        set("force_max_window", Name::ZSTD_c_experimentalParam3, force)?;
        Ok(parameters)
    }
}

/// Options of a [`Decompressor`](crate::Decompressor).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecompressOptions {
    /// The dictionaries that frames may need. One is used for each frame that carries its id or
    /// none; of several, each frame gets that of its id, and a frame without an id the raw
    /// content dictionary among them, if there is one.
    ///
    /// So, as in libzstd, a single dictionary is also used for a frame that was made without any:
    /// where the dictionary's own repeat offsets are not the format's first ones (those that
    /// libzstd trains are), such a frame can decode to other bytes, which only a checksum tells.
    /// The files layer takes each marked column's own dictionary and no other.
    pub dictionaries: Vec<Dictionary>,
    /// Whether values are text: the output is a text array, each value is checked to be UTF-8.
    pub utf8: bool,
    /// What happens to a row that cannot be decompressed.
    pub on_error: OnError,
    /// The most bytes that one value may have.
    pub max_value_size: Option<u64>,
    /// The most bytes that all values of a call together may have; of an encoded column, all its
    /// distinct values, used or not (each chunk by itself).
    pub max_output_size: Option<u64>,
    /// The largest window of a frame, as a power of two in bytes.
    pub max_window_log: Option<u32>,
    /// With or without the magic number.
    pub format: Format,
    /// What decodes the frames.
    pub decoder: Decoder,
    /// Threads: 0 for rayon's global pool, 1 for the caller's, n for a pool of n.
    pub threads: usize,
    /// When it is raised, the call ends with [`Error::Cancelled`] at the next row.
    pub cancel: Option<CancelFlag>,
}

impl DecompressOptions {
    /// The least and the greatest `max_window_log`: those of the format and of libzstd.
    const WINDOW_LOGS: RangeInclusive<u32> = 10..=31;

    pub(super) fn check(&self) -> Result<()> {
        if let Some(log) = self.max_window_log
            && !Self::WINDOW_LOGS.contains(&log)
        {
            let (least, most) = Self::WINDOW_LOGS.into_inner();
            let problem = format!("{log} is outside its range of {least} to {most}");
            return Err(Error::Option { name: "max_window_log", problem });
        }
        let mut ids: Vec<u32> = self.dictionaries.iter().map(Dictionary::id).collect();
        ids.sort_unstable();
        match ids.windows(2).find(|pair| pair[0] == pair[1]) {
            Some([0, ..]) => {
                let problem = "more than one raw content dictionary: no frame says which it needs";
                Err(Error::Option { name: "dictionaries", problem: problem.into() })
            }
            Some([id, ..]) => {
                let problem = format!("more than one has the id {id}");
                Err(Error::Option { name: "dictionaries", problem })
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn out_of_memory(NoMemory(what): NoMemory) -> Error {
    Error::OutOfMemory { what, bytes: 0 }
}
