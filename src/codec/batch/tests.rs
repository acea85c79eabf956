//! The decoder, its twin and libzstd, side by side.

use std::mem::MaybeUninit;

use crate::codec::batch::{Group, Prepared, Workspace, twin};
use crate::codec::frame::Format;

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Records of some bytes: fields that come again, words, numbers, some noise.
fn record(random: &mut Random, size: usize) -> Vec<u8> {
    let mut record = Vec::new();
    while record.len() < size {
        match random.below(12) {
            0 => record.extend((0..random.below(20)).map(|_| random.next() as u8)),
            1 => record.extend(vec![b'a' + random.below(26) as u8; random.below(60)]),
            2 if !record.is_empty() => {
                let start = random.below(record.len());
                let end = start + random.below(record.len() - start + 1).min(200);
                record.extend_from_within(start..end);
            }
            kind => {
                let field = ["name", "version", "depends", "section", "size", "sha256", "tag", "to"]
                    [kind % 8];
                let bits = 1 + random.below(30);
                let number = random.below(1 << bits);
                let word = ["alpha", "beta", "gamma", "lib", "core", "python3"][random.below(6)];
                record.extend(format!("{field}: {word}{number}, ").bytes());
            }
        }
    }
    record.truncate(size);
    record
}

/// One dictionary of each kind that matters, or none.
struct Case {
    bytes: Option<Vec<u8>>,
    twin: Option<twin::Dictionary>,
    prepared: Prepared,
}

impl Case {
    fn none() -> Self {
        Self { bytes: None, twin: None, prepared: Prepared::raw(&[]) }
    }

    fn trained(bytes: Vec<u8>) -> Self {
        let twin = twin::Dictionary::trained(&bytes).unwrap();
        let prepared = Prepared::trained(&bytes).unwrap();
        Self { bytes: Some(bytes), twin: Some(twin), prepared }
    }

    fn raw(bytes: Vec<u8>) -> Self {
        let (twin, prepared) = (twin::Dictionary::raw(&bytes), Prepared::raw(&bytes));
        Self { bytes: Some(bytes), twin: Some(twin), prepared }
    }

    /// No dictionary, raw content, and trained ones of several sizes.
    fn all() -> Vec<Self> {
        let mut random = Random(7);
        let samples: Vec<Vec<u8>> = (0..3000)
            .map(|_| {
                let size = 20 + random.below(700);
                record(&mut random, size)
            })
            .collect();
        let mut cases = vec![Self::none(), Self::raw(samples[..9].concat())];
        for size in [1 << 10, 4 << 10, 100 << 10, 1 << 20] {
            cases.push(Self::trained(zstd::dict::from_samples(&samples, size).unwrap()));
        }
        cases
    }

    fn libzstd(&self) -> zstd::bulk::Decompressor<'_> {
        match &self.bytes {
            Some(bytes) => zstd::bulk::Decompressor::with_dictionary(bytes).unwrap(),
            None => zstd::bulk::Decompressor::new().unwrap(),
        }
    }

    /// What the batch decoder makes of frames whose contents have these sizes; `None` where it
    /// leaves one to libzstd. Each value goes behind the one before, with nothing behind the last.
    fn batch(&self, frames: &[(&[u8], usize)]) -> Vec<Option<Vec<u8>>> {
        let mut workspace = Workspace::default();
        let mut group = Group::new(&self.prepared, &mut workspace, Format::Zstd);
        let total = frames.iter().map(|(_, size)| size).sum();
        let mut memory = vec![MaybeUninit::new(0xEE); total];
        let mut rest = &mut memory[..];
        let mut done = Vec::new();
        let mut frames = frames.iter().peekable();
        while frames.peek().is_some() {
            group.clear();
            let mut numbers = Vec::new();
            while !group.is_full() && let Some((frame, size)) = frames.next() {
                numbers.push((group.push(frame, *size), *size));
            }
            group.decode();
            for (number, size) in numbers {
                let made = number.is_some_and(|number| group.execute(number, rest));
                let (value, behind) = rest.split_at_mut(size);
                rest = behind;
                // SAFETY: the memory was all written when it was made.
                done.push(made.then(|| unsafe { value.assume_init_ref() }.to_vec()));
            }
        }
        done
    }
}

/// A frame of random options.
fn compress(random: &mut Random, dictionary: Option<&[u8]>, value: &[u8]) -> Vec<u8> {
    use zstd::zstd_safe::{CCtx, CParameter, Strategy};
    let mut context = CCtx::create();
    let mut set = |parameter| context.set_parameter(parameter).map(drop).unwrap_or(());
    set(CParameter::CompressionLevel(random.below(30) as i32 - 7));
    set(CParameter::ChecksumFlag(random.below(3) == 0));
    set(CParameter::ContentSizeFlag(random.below(5) > 0));
    set(CParameter::DictIdFlag(random.below(3) > 0));
    if random.below(3) == 0 {
        let strategies = [
            Strategy::ZSTD_fast,
            Strategy::ZSTD_dfast,
            Strategy::ZSTD_greedy,
            Strategy::ZSTD_lazy,
            Strategy::ZSTD_lazy2,
            Strategy::ZSTD_btlazy2,
            Strategy::ZSTD_btopt,
            Strategy::ZSTD_btultra,
            Strategy::ZSTD_btultra2,
        ];
        set(CParameter::Strategy(strategies[random.below(strategies.len())]));
    }
    if random.below(4) == 0 {
        set(CParameter::MinMatch(3 + random.below(5) as u32));
    }
    if random.below(6) == 0 {
        set(CParameter::TargetCBlockSize(1340 + random.below(2000) as u32));
    }
    if random.below(4) == 0 {
        set(CParameter::WindowLog(10 + random.below(12) as u32));
    }
    if let Some(dictionary) = dictionary {
        context.load_dictionary(dictionary).unwrap();
    }
    let mut frame = Vec::with_capacity(zstd::zstd_safe::compress_bound(value.len()));
    context.compress2(&mut frame, value).unwrap();
    frame
}

fn size(random: &mut Random) -> usize {
    match random.below(10) {
        0 => random.below(20),
        1..4 => 40 + random.below(100),
        4..8 => 200 + random.below(1500),
        8 => random.below(9000),
        _ => random.below(40_000),
    }
}

/// How many frames a test does: many where the environment asks for them.
fn rounds(few: usize) -> usize {
    match std::env::var("ZSTD_ARROW_FRAMES") {
        Ok(count) => count.parse().expect("ZSTD_ARROW_FRAMES is a number"),
        Err(_) => few,
    }
}

fn seed() -> u64 {
    std::env::var("ZSTD_ARROW_SEED").map_or(1, |seed| seed.parse().expect("a number"))
}

/// The twin decodes what libzstd makes.
#[test]
fn the_twin_decodes_what_libzstd_makes() {
    let cases = Case::all();
    let mut random = Random(seed());
    for i in 0..rounds(1500) {
        let case = &cases[i % cases.len()];
        let size = if i % 50 == 0 { random.below(400_000) } else { size(&mut random) };
        let value = record(&mut random, size);
        let frame = compress(&mut random, case.bytes.as_deref(), &value);
        assert!(twin::decode(&frame, case.twin.as_ref()).as_ref() == Ok(&value), "frame {i}");
    }
}

/// What the batch decoder takes of sound frames is what went into them, whatever else is in the
/// group; and it takes most of those that it is for.
#[test]
fn sound_frames_come_back() {
    let cases = Case::all();
    let mut random = Random(seed());
    let mut taken = vec![0; cases.len()];
    let mut done = 0;
    let wanted = rounds(12_000);
    while done < wanted {
        for (case, taken) in cases.iter().zip(&mut taken) {
            let values: Vec<Vec<u8>> = (0..1 + random.below(150))
                .map(|_| {
                    let size = size(&mut random);
                    record(&mut random, size)
                })
                .collect();
            let frames: Vec<Vec<u8>> = values
                .iter()
                .map(|value| compress(&mut random, case.bytes.as_deref(), value))
                .collect();
            let pairs: Vec<(&[u8], usize)> =
                frames.iter().zip(&values).map(|(f, v)| (&f[..], v.len())).collect();
            for (made, value) in case.batch(&pairs).into_iter().zip(&values) {
                if let Some(made) = made {
                    *taken += 1;
                    assert!(&made == value);
                }
                done += 1;
            }
        }
    }
    eprintln!("{done} frames, taken by dictionary: {taken:?}");
    assert!(taken[2..].iter().all(|taken| *taken > 0), "{taken:?}");
}

/// Damage of some kind.
fn damage(random: &mut Random, frame: &mut Vec<u8>, other: &[u8]) {
    if frame.is_empty() {
        return;
    }
    for _ in 0..1 + random.below(3) {
        let at = random.below(frame.len());
        match random.below(8) {
            0..4 => frame[at] ^= 1 << random.below(8),
            4 => frame[at] = random.next() as u8,
            5 => {
                // The end of another frame.
                let from = random.below(other.len() + 1);
                frame.truncate(at);
                frame.extend_from_slice(&other[from..]);
            }
            6 => {
                // Bytes of another frame.
                let from = random.below(other.len() + 1);
                let size = random.below(40).min(other.len() - from).min(frame.len() - at);
                frame[at..at + size].copy_from_slice(&other[from..from + size]);
            }
            _ if random.below(4) == 0 => frame.truncate(at),
            _ => frame[at] ^= 0x80,
        }
        if frame.is_empty() {
            return;
        }
    }
}

/// What the batch decoder takes of damaged frames libzstd takes too, and has the same bytes.
#[test]
fn what_is_taken_of_damaged_frames_is_what_libzstd_has() {
    let cases = Case::all();
    let mut random = Random(seed());
    let (mut done, mut taken, mut different) = (0, 0, 0);
    let wanted = rounds(60_000);
    while done < wanted {
        for case in &cases {
            let mut libzstd = case.libzstd();
            let values: Vec<Vec<u8>> = (0..20)
                .map(|_| {
                    let size = size(&mut random).min(4000);
                    record(&mut random, size)
                })
                .collect();
            let frames: Vec<Vec<u8>> = values
                .iter()
                .map(|value| compress(&mut random, case.bytes.as_deref(), value))
                .collect();
            let mut damaged = Vec::new();
            for _ in 0..600 {
                let i = random.below(frames.len());
                let mut frame = frames[i].clone();
                let other = &frames[random.below(frames.len())];
                damage(&mut random, &mut frame, other);
                let size = match crate::codec::frame::read_header(&frame, Format::Zstd) {
                    Ok(header) => header.content_size.unwrap_or(values[i].len() as u64),
                    Err(_) => values[i].len() as u64,
                };
                damaged.push((frame, size.min(1 << 17) as usize, i));
            }
            let pairs: Vec<(&[u8], usize)> =
                damaged.iter().map(|(frame, size, _)| (&frame[..], *size)).collect();
            for (made, (frame, size, i)) in case.batch(&pairs).into_iter().zip(&damaged) {
                done += 1;
                let Some(made) = made else { continue };
                taken += 1;
                different += usize::from(made != values[*i]);
                let expected = libzstd.decompress(frame, *size);
                assert!(expected.ok().as_ref() == Some(&made), "{frame:x?}, {size} bytes");
            }
        }
    }
    eprintln!("{done} damaged frames, {taken} taken, {different} of other content");
    assert!(different > 0);
}
