//! Frames held against libzstd's, byte for byte.

use std::sync::Arc;

use super::*;
use crate::codec::encode::fse::{self, Shares};
use crate::codec::encode::huffman::{Code, Histogram};
use crate::codec::libzstd::{
    CompressContext, Content, ContextDictionary, Cover, DecompressDictionary, train,
};
use crate::codec::options::CompressOptions;

const TEXT: &[u8] = include_bytes!("huffman.rs");
const PLAIN: Plain = Plain { level: 3, checksum: false, content_size: true, dictionary_id: true };

/// How many values there are for each that a test has by itself, for long runs.
fn factor() -> usize {
    std::env::var("ZSTD_ARROW_VALUES").map_or(1, |factor| factor.parse().expect("a number"))
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        ((self.0 >> 33) as usize) % below
    }

    /// A piece of `from`.
    fn piece(&mut self, from: &[u8], most: usize, to: &mut Vec<u8>) {
        let at = self.below(from.len());
        let size = self.below(most) + 1;
        to.extend(from[at..].iter().take(size));
    }

    /// A number below `below`, lower ones more often with more rounds.
    fn low(&mut self, below: usize, rounds: usize) -> usize {
        (0..rounds).fold(below, |below, _| self.below(below) + 1) - 1
    }

    /// A value of any kind and size, with pieces of `dictionary` among others.
    fn value(&mut self, dictionary: &[u8]) -> Vec<u8> {
        // Small sizes are as likely as large ones.
        let log = self.below(MOST_LOG as usize + 1);
        let size = self.below(1 << log) + 1;
        let mut value = Vec::with_capacity(size + 300);
        let kind = self.below(9);
        let symbols = self.below(256) + 1;
        let rounds = self.below(6) + 1;
        while value.len() < size {
            match kind {
                0 => self.piece(TEXT, size, &mut value),
                1 => self.piece(TEXT, 40, &mut value),
                2 | 3 => value.push(self.low(symbols, rounds) as u8),
                4 => {
                    let byte = self.below(symbols) as u8;
                    let run = self.below(60) + 1;
                    value.extend(std::iter::repeat_n(byte, run));
                }
                5 | 6 => match self.below(3) {
                    0 if !value.is_empty() => {
                        let own = value.clone();
                        self.piece(&own, 30, &mut value);
                    }
                    1 if !dictionary.is_empty() => self.piece(dictionary, 50, &mut value),
                    _ => value.extend((0..self.below(12)).map(|_| self.below(symbols) as u8)),
                },
                7 if !dictionary.is_empty() => self.far(dictionary, &mut value),
                _ => {
                    let number = self.below(100_000);
                    value.extend_from_slice(format!("{{\"id\":{number},\"x\":\"").as_bytes());
                    self.piece(TEXT, 12, &mut value);
                }
            }
        }
        value.truncate(size);
        value
    }

    /// Shares of `all` symbols, or of some of them, of which many have less than one state.
    fn shares(&mut self, all: usize, most_log: u32) -> Shares {
        let log = most_log - self.below(4) as u32 * self.below(2) as u32;
        let symbols = if self.below(2) == 0 { all } else { self.below(all - 1) + 2 };
        let zeros = self.below(2) == 0 && symbols < all;
        let rare = self.below(3);
        let mut of = [0; fse::SYMBOLS];
        // The first one has what is left.
        let mut left = 1_i16 << log;
        for share in &mut of[1..symbols] {
            *share = match self.below(3) {
                0 if zeros => 0,
                kind if kind <= rare => -1,
                _ => (self.below(7) as i16 + 1).min(left / 8).max(1),
            };
            left -= share.abs();
        }
        of[0] = left;
        // The last one is there.
        if of[symbols - 1] == 0 {
            of[symbols - 1] = -1;
            of[0] -= 1;
        }
        Shares { of, log, highest: symbols - 1 }
    }

    /// Bytes of which each is there so often, and four of them hardly ever twice.
    fn even(&mut self, mut counts: Vec<(u8, usize)>) -> Vec<u8> {
        let mut value: Vec<u8> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while !counts.is_empty() {
            let first = self.below(counts.len());
            let fits = |at: &usize| {
                let last = value.last_chunk::<3>();
                last.is_none_or(|last| !seen.contains(&(*last, counts[*at].0)))
            };
            let at = (first..counts.len()).chain(0..first).find(fits).unwrap_or(first);
            if let Some(last) = value.last_chunk::<3>() {
                seen.insert((*last, counts[at].0));
            }
            value.push(counts[at].0);
            counts[at].1 -= 1;
            counts.retain(|(_, count)| *count > 0);
        }
        value
    }

    /// Many literals, then a long match far away, then a short one.
    fn far(&mut self, dictionary: &[u8], value: &mut Vec<u8>) {
        value.extend((0..self.below(1200)).map(|_| self.below(256) as u8));
        self.piece(dictionary, 1500, value);
        self.piece(dictionary, 9, value);
    }

    /// A dictionary that nobody trained, with such tables, of codes for offsets, match lengths and literal
    /// lengths, or `None` if libzstd refuses it.
    fn dictionary(
        &mut self,
        mut shares: impl FnMut(&mut Self, usize, u32) -> Shares,
    ) -> Option<Arc<[u8]>> {
        let mut output = Output::new().unwrap();
        output.put(&[0x37, 0xa4, 0x30, 0xec]);
        // Of all sizes that a frame has for it.
        let bits = 8 * (self.below(4) as u32 + 1);
        let id = (self.below(1 << 31) as u32 | 1) >> (32 - bits) | 1;
        output.put(&id.to_le_bytes());
        // Half of them have all bytes.
        let symbols = if self.below(2) == 0 { 256 } else { self.below(255) + 2 };
        let mut bytes: Vec<u8> = (0..2000).map(|_| self.low(symbols, 2) as u8).collect();
        bytes.extend((0..symbols).map(|byte| byte as u8));
        let mut histogram = Histogram::new().unwrap();
        histogram.count(&bytes);
        if !Code::EMPTY.clone().make(&histogram, bytes.len(), &mut output).ok()? {
            return None;
        }
        for (all, most_log) in [(32, 8), (53, 9), (36, 9)] {
            shares(self, all, most_log).write(output.bits())?;
        }
        let mut content = Vec::new();
        let size = self.below(20_000) + 16;
        while content.len() < size {
            self.piece(TEXT, 100, &mut content);
        }
        for _ in 0..3 {
            let offset = self.below(content.len()) as u32 + 1;
            output.put(&offset.to_le_bytes());
        }
        let bytes: Arc<[u8]> = [output.as_bytes(), &content].concat().into();
        DecompressDictionary::new(&bytes, Content::Auto)?;
        Some(bytes)
    }
}

/// libzstd's own context, as it is made for values that are not small.
fn context(plain: Plain, dictionary: Option<ContextDictionary>) -> CompressContext {
    let Plain { level, checksum, content_size, dictionary_id } = plain;
    let options =
        CompressOptions { level, checksum, content_size, dictionary_id, ..Default::default() };
    CompressContext::new(&options.to_parameters().unwrap(), dictionary).unwrap()
}

fn frame(context: &mut CompressContext, source: &[u8]) -> Vec<u8> {
    let mut target = vec![MaybeUninit::uninit(); compress_bound(source.len())];
    let size = context.compress(&mut target, source).unwrap();
    // SAFETY: libzstd has written this many.
    target[..size].iter().map(|byte| unsafe { byte.assume_init() }).collect()
}

/// A dictionary of `size` bytes, trained on pieces of a text.
fn trained(text: &[u8], size: usize) -> Vec<u8> {
    let samples: Vec<usize> = text.chunks(200).map(<[u8]>::len).collect();
    let mut cover = Cover {
        k: 50,
        d: 8,
        f: 18,
        steps: 1,
        threads: 0,
        split_point: 1.0,
        accel: 1,
        level: 3,
        verbosity: 0,
        dictionary_id: 9,
    };
    train(text, &samples, size, &mut cover).unwrap()
}

fn compare(plain: Plain, dictionary: Option<Arc<[u8]>>, seed: u64, count: usize) -> usize {
    compare_of(plain, dictionary, seed, count, Random::value)
}

/// Holds `count` values against libzstd, with all instructions that the processor has and without; returns how
/// many of them were compressed here.
fn compare_of(
    plain: Plain,
    dictionary: Option<Arc<[u8]>>,
    seed: u64,
    count: usize,
    next: fn(&mut Random, &[u8]) -> Vec<u8>,
) -> usize {
    let mut start = Start::new(plain, dictionary.as_deref()).expect("is taken");
    // Frames are the same beyond where it pays, too.
    start.most = MOST;
    let start = Arc::new(start);
    let mut plainest = Encoder::new(start.clone()).unwrap();
    #[cfg(target_arch = "x86_64")]
    {
        plainest.has_wide = false;
    }
    let mut encoders = [Encoder::new(start).unwrap(), plainest];
    let content = dictionary.clone().unwrap_or_default();
    let dictionary = dictionary.map(|bytes| ContextDictionary::Bytes(bytes, Content::Auto));
    let mut libzstd = context(plain, dictionary);
    let mut random = Random(seed);
    let mut taken = 0;
    for i in 0..count {
        let value = next(&mut random, &content);
        let mut target = vec![MaybeUninit::uninit(); compress_bound(value.len())];
        let expected = frame(&mut libzstd, &value);
        for encoder in &mut encoders {
            let Some(size) = encoder.compress(&mut target, &value) else { continue };
            // SAFETY: the encoder has written this many.
            let made = target[..size].iter().map(|byte| unsafe { byte.assume_init() });
            assert!(
                made.eq(expected.iter().copied()),
                "value {i} of seed {seed}, {} bytes, {plain:?}: {value:?}",
                value.len()
            );
            taken += 1;
        }
    }
    assert_eq!(taken % 2, 0, "the instructions decide what is taken");
    taken / 2
}

/// Levels that are taken without a dictionary.
const LEVELS: [i32; 7] = [-131_072, -30, -4, -1, 1, 2, 3];

#[test]
fn frames_are_libzstds() {
    for (seed, level) in LEVELS.into_iter().enumerate() {
        let count = 3_000 * factor();
        let taken = compare(Plain { level, ..PLAIN }, None, seed as u64, count);
        assert!(taken > count / 100 * 99, "level {level}: {taken} of {count}");
    }
}

#[test]
fn frames_with_a_trained_dictionary_are_libzstds() {
    // As large as is usual, and as large as is taken: libzstd has other numbers for each size.
    let mut taken_levels = Vec::new();
    for (seed, size) in [1024, 4096, 17_000, 112_640, 256 << 10].into_iter().enumerate() {
        // The content of large ones is mostly what was put before it.
        let mut bytes = trained(TEXT, size.min(12_000));
        while bytes.len() < size {
            let more = bytes.len().min(size - bytes.len()).min(TEXT.len());
            bytes.extend_from_slice(&TEXT[..more]);
        }
        for level in LEVELS.into_iter().chain([4]) {
            let plain = Plain { level, ..PLAIN };
            if Start::new(plain, Some(&bytes)).is_none() {
                continue;
            }
            taken_levels.push((size, level));
            let count = 1_000 * factor();
            let taken = compare(plain, Some(bytes.clone().into()), seed as u64, count);
            assert!(taken > count / 100 * 99, "level {level}: {taken} of {count}");
        }
    }
    // Levels that are "double fast" behind dictionaries of some sizes.
    for (level, size) in [(2, 140_000), (2, 200_000), (4, 20_000), (4, 100_000), (4, 256 << 10)] {
        let bytes: Vec<u8> = TEXT.iter().chain(&[0]).cycle().take(size).copied().collect();
        let count = 1_000 * factor();
        let taken = compare(Plain { level, ..PLAIN }, Some(bytes.into()), 9, count);
        assert!(taken > count / 100 * 99, "level {level}: {taken} of {count}");
    }
    let usual = |level| taken_levels.contains(&(112_640, level));
    assert!(LEVELS.into_iter().all(usual), "{taken_levels:?}");
}

#[test]
fn frames_with_raw_content_are_libzstds() {
    for (seed, size) in [16, 17, 100, 7000, 13_000].into_iter().enumerate() {
        for level in LEVELS {
            let count = 700 * factor();
            let plain = Plain { level, ..PLAIN };
            let taken = compare(plain, Some(TEXT[..size].into()), seed as u64, count);
            assert!(taken > count / 100 * 99, "level {level}: {taken} of {count}");
        }
    }
}

/// Tables with all symbols and without some, offsets and ids of any kind.
#[test]
fn frames_with_any_dictionary_are_libzstds() {
    let (mut random, mut sound, mut taken) = (Random(7), 0, 0);
    let dictionaries = 70 * factor();
    for seed in 0..dictionaries {
        let Some(dictionary) = random.dictionary(Random::shares) else { continue };
        sound += 1;
        let plain = Plain { level: LEVELS[seed % LEVELS.len()], ..PLAIN };
        taken += compare(plain, Some(dictionary), seed as u64, 100);
    }
    assert!(sound > dictionaries / 2, "{sound} of {dictionaries} dictionaries");
    assert!(taken > sound * 98, "{taken} of {sound}00 values");
}

/// Matches whose three codes take all bits that there are, and that have many more behind them.
#[test]
fn frames_of_the_longest_codes_are_libzstds() {
    let mut random = Random(11);
    // All but one code have less than one state, of as many as there can be.
    let rare = |_: &mut Random, all: usize, log: u32| {
        let mut of = [-1; fse::SYMBOLS];
        of[0] = (1 << log) - (all as i16 - 1);
        Shares { of, log, highest: all - 1 }
    };
    for seed in 0..6 {
        let dictionary = random.dictionary(rare).expect("libzstd takes it");
        let next = |random: &mut Random, dictionary: &[u8]| {
            let mut value = Vec::new();
            for _ in 0..=random.below(3) {
                random.far(dictionary, &mut value);
            }
            value.truncate(MOST);
            value
        };
        compare_of(PLAIN, Some(dictionary), seed, 2_000 * factor(), next);
    }
}

/// Frequencies at which libzstd's way to sort them changes.
#[test]
fn frames_of_even_bytes_are_libzstds() {
    fn next(random: &mut Random, _: &[u8]) -> Vec<u8> {
        let first = random.below(200) as u8;
        let symbols = random.below(6) as u8 + 8;
        let (least, more) = [(160, 8), (164, 1), (190, 80)][random.below(3)];
        let mut counts: Vec<(u8, usize)> =
            (0..symbols).map(|i| (first + (i * 7) % 16, random.below(more) + least)).collect();
        counts.extend((0..random.below(4) as u8).map(|i| (first + 20 + i, 100)));
        let mut value = random.even(counts);
        value.truncate(MOST);
        value.push(first);
        value
    }
    let count = 300 * factor();
    let taken = compare_of(PLAIN, None, 5, count, next);
    assert!(taken > count / 20 && taken < count / 20 * 19, "{taken} of {count}");
}

#[test]
fn frames_carry_what_they_are_told() {
    let dictionary: Arc<[u8]> = trained(TEXT, 4096).into();
    for flags in 0..8 {
        for level in [0, 1, 3] {
            let plain = Plain {
                level,
                checksum: flags & 1 > 0,
                content_size: flags & 2 == 0,
                dictionary_id: flags & 4 == 0,
            };
            compare(plain, None, flags, 300);
            if plain.content_size {
                compare(plain, Some(dictionary.clone()), flags, 300);
            }
        }
    }
}

/// What is left to libzstd, from the beginning or when it shows.
#[test]
fn some_is_left_to_libzstd() {
    let other = |level| Plain { level, ..PLAIN };
    for level in [4, 5, 19] {
        assert!(Start::new(other(level), None).is_none(), "level {level}");
    }
    assert!(Start::new(PLAIN, Some(&TEXT[..15])).is_none());
    assert!(Start::new(PLAIN, Some(&vec![1; (256 << 10) + 1])).is_none());
    let without_size = Plain { content_size: false, ..PLAIN };
    assert!(Start::new(without_size, Some(TEXT)).is_none());
    let mut damaged = trained(TEXT, 4096);
    damaged[8] = 255;
    assert!(Start::new(PLAIN, Some(&damaged)).is_none());

    let mut encoder = Encoder::new(Arc::new(Start::new(PLAIN, None).unwrap())).unwrap();
    let mut compress =
        |value: &[u8], room: usize| encoder.compress(&mut vec![MaybeUninit::uninit(); room], value);
    assert_eq!(compress(b"", 100), None);
    assert!(compress(&[7; MOST], 10_000).is_some());
    assert_eq!(compress(&[7; MOST + 1], 10_000), None);
    assert_eq!(compress(&[7; 100], compress_bound(100) - 1), None);
    assert!(compress(&[7; 100], compress_bound(100)).is_some());
    // Ten bytes that are all frequent, in an order that libzstd's way of sorting does not keep, and no
    // matches.
    let mut random = Random(3);
    let value: Vec<u8> = (0..MOST).map(|_| random.below(10) as u8).collect();
    let found = compress(&value, 10_000);
    assert_eq!(found, None);
}

/// Values that are put one behind the other until there is no room, and again.
#[test]
fn each_size_is_taken() {
    let start = Arc::new(Start::new(PLAIN, None).unwrap());
    let mut encoder = Encoder::new(start).unwrap();
    let mut libzstd = context(PLAIN, None);
    for size in (1..=MOST).chain((1..=MOST).rev()) {
        let value = &TEXT[size % 1000..][..size];
        let mut target = vec![MaybeUninit::uninit(); compress_bound(size)];
        let made = encoder.compress(&mut target, value).expect("is taken");
        // SAFETY: the encoder has written this many.
        let made = target[..made].iter().map(|byte| unsafe { byte.assume_init() });
        assert!(made.eq(frame(&mut libzstd, value)), "{size} bytes");
    }
}
