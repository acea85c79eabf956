//! Training of dictionaries: libzstd's fast cover algorithm over samples of a column.

use crate::codec::dictionary::{DEFAULT_DICTIONARY_SIZE, Dictionary};
use crate::codec::libzstd::{self, Cover};
use crate::codec::options::DEFAULT_LEVEL;
use crate::codec::sample::Sample;
use crate::error::{Error, Result};

/// What a dictionary is trained by. A 0 leaves a number to libzstd.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainOptions {
    /// The most bytes that the dictionary may have.
    pub size: usize,
    /// The level that values will be compressed with.
    pub level: i32,
    /// The id; 0 lets libzstd derive one from the content.
    pub dictionary_id: u32,
    /// The size of a segment of the dictionary, in bytes; 0 tries several.
    pub k: u32,
    /// The size of what is counted in samples, in bytes: 6 or 8; 0 tries both.
    pub d: u32,
    /// The size of the table of counts, as a power of two.
    pub f: u32,
    /// How many sizes of segments are tried.
    pub steps: u32,
    /// The part of the samples that is trained on, the rest is tested on; 0.0 is libzstd's choice.
    pub split_point: f64,
    /// How much is left out for speed, 1 to 10.
    pub accel: u32,
    /// Threads of libzstd's own.
    pub threads: u32,
    /// How much libzstd says on the standard error output, 0 to 4.
    pub verbosity: u32,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            size: DEFAULT_DICTIONARY_SIZE,
            level: DEFAULT_LEVEL,
            dictionary_id: 0,
            k: 0,
            d: 8,
            f: 0,
            steps: 4,
            split_point: 0.0,
            accel: 0,
            threads: 0,
            verbosity: 0,
        }
    }
}

/// A dictionary, and what training found best.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The dictionary's bytes.
    pub bytes: Vec<u8>,
    /// [`TrainOptions::k`] as it was chosen.
    pub k: u32,
    /// [`TrainOptions::d`] as it was chosen.
    pub d: u32,
}

/// Trains a dictionary on all of some samples, which lie one after the other.
///
/// # Errors
///
/// [`Error::Training`] if there is too little to learn from, or an option is outside its range (the
/// least size is 256 bytes).
///
/// # Panics
///
/// If `sizes` do not sum up to the length of `samples`.
pub fn train(samples: &[u8], sizes: &[usize], options: &TrainOptions) -> Result<Trained> {
    let mut cover = Cover {
        k: options.k,
        d: options.d,
        f: options.f,
        steps: options.steps,
        threads: options.threads,
        split_point: options.split_point,
        accel: options.accel,
        level: options.level,
        verbosity: options.verbosity,
        dictionary_id: options.dictionary_id,
    };
    match libzstd::train(samples, sizes, options.size, &mut cover) {
        Ok(bytes) => Ok(Trained { bytes, k: cover.k, d: cover.d }),
        Err(reason) => {
            let (size, count, bytes) = (options.size, sizes.len(), samples.len());
            Err(Error::Training { size, samples: count, bytes, reason })
        }
    }
}

/// Trains a dictionary on a column that comes in parts, in bounded memory.
///
/// ```
/// use arrow_array::LargeBinaryArray;
/// use zstd_arrow::Trainer;
///
/// let mut trainer = Trainer::new(4096);
/// for batch in 0..20 {
///     let rows: Vec<String> =
///         (0..100).map(|i| format!("{{\"id\": {i}, \"batch\": {batch}, \"kind\": \"view\"}}")).collect();
///     trainer.push(&LargeBinaryArray::from_iter_values(&rows))?;
/// }
/// let dictionary = trainer.finish()?;
/// assert_ne!(dictionary.id(), 0);
/// # Ok::<(), zstd_arrow::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    options: TrainOptions,
    sample: Sample,
}

/// The sample of one part of a column, on its way from the [`Trainer`] that saw the part to the
/// one that trains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialSample {
    /// No value with a number above it was kept.
    pub threshold: u64,
    /// The random number of each value.
    pub numbers: Vec<u64>,
    /// The values, cut where they are long.
    pub values: Vec<Vec<u8>>,
}

impl Trainer {
    /// Bytes of samples for each byte of dictionary, as libzstd's documentation advises.
    const SAMPLES_PER_BYTE: usize = 100;
    /// The least that is kept for a small dictionary, in bytes.
    const LEAST_SAMPLES: usize = 4 << 20;

    /// A trainer for a dictionary of at most `size` bytes.
    pub fn new(size: usize) -> Self {
        Self::with_options(TrainOptions { size, ..TrainOptions::default() })
    }

    /// A trainer with these options.
    pub fn with_options(options: TrainOptions) -> Self {
        let budget = options.size.saturating_mul(Self::SAMPLES_PER_BYTE).max(Self::LEAST_SAMPLES);
        Self { options, sample: Sample::new(budget) }
    }

    /// Looks at the next value.
    pub(super) fn push_value(&mut self, value: &[u8]) {
        self.sample.push(value);
    }

    /// The memory of the sample, in bytes.
    pub fn memory(&self) -> usize {
        self.sample.bytes()
    }

    /// The sample of this part of a column, for another trainer to take in with [`Self::merge`].
    pub fn into_partial(self) -> PartialSample {
        let (threshold, kept) = self.sample.kept();
        let (numbers, values) = kept.into_iter().unzip();
        PartialSample { threshold, numbers, values }
    }

    /// Takes in the sample of another part of the column. Each value of all parts has the same
    /// chance to be in the sample, and its memory is bounded as before.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] if there are not as many numbers as values.
    pub fn merge(&mut self, part: PartialSample) -> Result<()> {
        let PartialSample { threshold, numbers, values } = part;
        if numbers.len() != values.len() {
            let (expected, found) = (values.len(), numbers.len());
            return Err(Error::LengthMismatch { what: "the sample's numbers", expected, found });
        }
        self.sample.merge(threshold, numbers.into_iter().zip(values));
        Ok(())
    }

    /// Trains on the sample.
    ///
    /// # Errors
    ///
    /// As [`train`].
    pub fn finish(self) -> Result<Dictionary> {
        let (samples, sizes) = self.sample.into_parts();
        Dictionary::from_bytes(train(&samples, &sizes, &self.options)?.bytes)
    }
}
