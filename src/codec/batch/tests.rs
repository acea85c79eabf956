//! The decoder, its twin and libzstd, side by side.

use std::mem::MaybeUninit;
use std::sync::LazyLock;

use zstd::zstd_safe::{CCtx, CParameter, Strategy};

use crate::codec::batch::codes;
use crate::codec::batch::fse::Distribution;
use crate::codec::batch::instructions::Instructions;
use crate::codec::batch::plan::{Literals, Outline, Plan, Takes};
use crate::codec::batch::starts::Own;
use crate::codec::batch::tables::{LENGTH_STATE, LITERALS, MATCHES, OFFSET_STATE};
use crate::codec::batch::{GROUP_FRAMES, Group, Prepared, Workspace, twin};
use crate::codec::frame::{Format, read_header, read_simple};

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

/// Real records, where the environment names a file of some that have an empty line between them.
static REAL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let Ok(path) = std::env::var("ZSTD_ARROW_RECORDS") else { return Vec::new() };
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut records = Vec::new();
    let mut rest = &text[..];
    while let Some(end) = rest.windows(2).position(|two| two == b"\n\n") {
        records.push(rest[..=end].to_vec());
        rest = &rest[end + 2..];
    }
    assert!(!records.is_empty(), "{path}: no empty line");
    records
});

/// A record of some bytes: a real one, or a part of one, or one that is made.
fn record(random: &mut Random, size: usize) -> Vec<u8> {
    if REAL.is_empty() {
        return made_record(random, size);
    }
    let mut record = REAL[random.below(REAL.len())].clone();
    while record.len() < size && random.below(4) > 0 {
        record.extend_from_slice(&REAL[random.below(REAL.len())]);
    }
    let start = random.below(record.len().saturating_sub(size) + 1);
    record[start..].iter().take(size).copied().collect()
}

/// Fields that come again, words, numbers, some noise.
fn made_record(random: &mut Random, size: usize) -> Vec<u8> {
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
                let field =
                    ["name", "version", "depends", "section", "size", "sha256", "tag", "to"]
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

    /// The id that frames carry.
    fn id(&self) -> Option<u32> {
        let bytes = self.bytes.as_ref()?;
        zstd::zstd_safe::get_dict_id_from_dict(bytes).map(|id| id.get())
    }

    fn libzstd(&self) -> zstd::bulk::Decompressor<'_> {
        match &self.bytes {
            Some(bytes) => zstd::bulk::Decompressor::with_dictionary(bytes).unwrap(),
            None => zstd::bulk::Decompressor::new().unwrap(),
        }
    }

    /// What the batch decoder makes of frames whose contents have these sizes; `None` where it
    /// leaves one to libzstd. Each value goes behind the one before, with nothing behind the last.
    fn batch(&self, frames: &[(&[u8], usize)], instructions: Instructions) -> Vec<Option<Vec<u8>>> {
        self.batch_in(&mut Workspace::default(), frames, instructions)
    }

    /// The same with a workspace that may have been used.
    fn batch_in(
        &self,
        workspace: &mut Workspace,
        frames: &[(&[u8], usize)],
        instructions: Instructions,
    ) -> Vec<Option<Vec<u8>>> {
        let mut group = Group::new(&self.prepared, workspace);
        group.instructions = instructions;
        let total = frames.iter().map(|(_, size)| size).sum();
        let mut memory = vec![MaybeUninit::new(0xEE); total];
        let mut rest = &mut memory[..];
        let mut done = Vec::new();
        let mut frames = frames.iter().peekable();
        while frames.peek().is_some() {
            group.clear();
            let mut pushed = Vec::new();
            while !group.is_full()
                && let Some((frame, size)) = frames.next()
            {
                pushed.push((group.push(frame, outline(frame, *size), *size), *size));
            }
            group.decode();
            // As many at once as follow each other.
            let mut number = 0;
            let mut pushed = &pushed[..];
            while let [(taken, size), behind @ ..] = pushed {
                let count = pushed.iter().take_while(|(taken, _)| *taken).count();
                let made = group.execute(number..number + count, rest);
                number += made;
                for (_, size) in &pushed[..made] {
                    let (value, behind) = rest.split_at_mut(*size);
                    rest = behind;
                    // SAFETY: the memory was all written when it was made.
                    done.push(Some(unsafe { value.assume_init_ref() }.to_vec()));
                }
                if made > 0 {
                    pushed = &pushed[made..];
                    continue;
                }
                number += usize::from(*taken);
                rest = &mut rest[*size..];
                done.push(None);
                pushed = behind;
            }
        }
        done
    }
}

fn outline(frame: &[u8], size: usize) -> Outline {
    read_simple(frame, Format::Zstd)
        .map_or(Outline::NONE, |simple| Outline::of(&simple, size as u64))
}

/// Frames of random options, the same for several in a row.
fn compress(random: &mut Random, dictionary: Option<&[u8]>, values: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for values in values.chunks(many(20)) {
        let mut context = context(random, dictionary);
        frames.extend(values.iter().map(|value| {
            let mut frame = Vec::with_capacity(zstd::zstd_safe::compress_bound(value.len()));
            context.compress2(&mut frame, value).unwrap();
            frame
        }));
    }
    frames
}

fn context<'a>(random: &mut Random, dictionary: Option<&[u8]>) -> CCtx<'a> {
    let mut context = CCtx::create();
    let mut set = |parameter| {
        context.set_parameter(parameter).expect("a parameter in its range");
    };
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
    context
}

/// Values of random sizes, none of more than `most` bytes; a few are a piece of the dictionary, and so one
/// match, however long.
fn values(
    random: &mut Random,
    dictionary: Option<&[u8]>,
    count: usize,
    most: usize,
) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| {
            let is_piece = random.below(50) == 0;
            let size = match is_piece && random.below(4) == 0 {
                // About as long as a frame may be that is taken.
                true => (1 << 15) - 4 + random.below(8),
                false => size(random),
            };
            let size = size.min(most);
            match dictionary.filter(|bytes| is_piece && bytes.len() > size) {
                Some(bytes) => {
                    let start = random.below(bytes.len() - size);
                    bytes[start..start + size].to_vec()
                }
                None => record(random, size),
            }
        })
        .collect()
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

/// How many are done with the same options: more where many are done, since a large dictionary takes long
/// to load.
fn many(few: usize) -> usize {
    few.max((rounds(0) / 1000).min(4000))
}

fn seed() -> u64 {
    std::env::var("ZSTD_ARROW_SEED").map_or(1, |seed| seed.parse().expect("a number"))
}

/// The twin decodes what libzstd makes.
#[test]
fn the_twin_decodes_what_libzstd_makes() {
    let cases = Case::all();
    let mut random = Random(seed());
    let mut done = 0;
    while done < rounds(600) {
        for case in &cases {
            let values = values(&mut random, case.bytes.as_deref(), 20, usize::MAX);
            let frames = compress(&mut random, case.bytes.as_deref(), &values);
            for (frame, value) in frames.iter().zip(&values) {
                assert!(
                    twin::decode(frame, case.twin.as_ref()).as_ref() == Ok(value),
                    "{frame:x?}"
                );
                done += 1;
            }
        }
    }
}

/// What the batch decoder takes of sound frames is what went into them, whatever else is in the
/// group; and it takes most of those that it is for.
#[test]
fn sound_frames_come_back() {
    let cases = Case::all();
    let mut random = Random(seed());
    // One for all, as a thread has.
    let mut workspace = Workspace::default();
    let mut taken = vec![0; cases.len()];
    let mut done = 0;
    while done < rounds(4000) {
        for (case, taken) in cases.iter().zip(&mut taken) {
            let count = 1 + random.below(many(200));
            let values = values(&mut random, case.bytes.as_deref(), count, usize::MAX);
            let frames = compress(&mut random, case.bytes.as_deref(), &values);
            let pairs: Vec<(&[u8], usize)> =
                frames.iter().zip(&values).map(|(f, v)| (&f[..], v.len())).collect();
            for instructions in Instructions::all() {
                let made = case.batch_in(&mut workspace, &pairs, instructions);
                for ((made, value), frame) in made.into_iter().zip(&values).zip(&frames) {
                    if let Some(made) = made {
                        *taken += 1;
                        assert!(&made == value, "{frame:x?}");
                    }
                }
            }
            done += count;
        }
    }
    eprintln!("{done} frames, taken by dictionary: {taken:?}");
    assert!(taken.iter().all(|taken| *taken > 0), "{taken:?}");
}

/// Damage of some kind.
fn damage(random: &mut Random, frame: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..1 + random.below(3) {
        if frame.is_empty() {
            return;
        }
        let at = random.below(frame.len());
        let from = random.below(other.len() + 1);
        match random.below(9) {
            0..5 => frame[at] ^= 1 << random.below(8),
            5 => frame[at] = random.next() as u8,
            6 => {
                // The end of another frame.
                frame.truncate(at);
                frame.extend_from_slice(&other[from..]);
            }
            7 => {
                // Bytes of another frame.
                let size = random.below(40).min(other.len() - from).min(frame.len() - at);
                frame[at..at + size].copy_from_slice(&other[from..from + size]);
            }
            _ if random.below(4) == 0 => frame.truncate(at),
            _ => frame[at] ^= 0x80,
        }
    }
}

/// What the batch decoder takes of damaged frames libzstd takes too, and has the same bytes.
#[test]
fn what_is_taken_of_damaged_frames_is_what_libzstd_has() {
    let cases = Case::all();
    let mut random = Random(seed());
    // One for all, as a thread has.
    let mut workspace = Workspace::default();
    let (mut done, mut taken, mut different) = (0, 0, 0);
    while done < rounds(20_000) {
        for case in &cases {
            let mut libzstd = case.libzstd();
            let values = values(&mut random, case.bytes.as_deref(), 40, 4000);
            let frames = compress(&mut random, case.bytes.as_deref(), &values);
            let mut damaged = Vec::new();
            for _ in 0..1000 {
                let i = random.below(frames.len());
                let mut frame = frames[i].clone();
                let other = &frames[random.below(frames.len())];
                damage(&mut random, &mut frame, other);
                let mut size = values[i].len();
                // The codec looks at these before any frame comes here.
                if let Ok(header) = read_header(&frame, Format::Zstd) {
                    size = header.content_size.map_or(size, |size| size.min(1 << 17) as usize);
                    if header.dictionary_id.is_some_and(|id| Some(id) != case.id()) {
                        continue;
                    }
                }
                damaged.push((frame, size, i));
            }
            let pairs: Vec<(&[u8], usize)> =
                damaged.iter().map(|(frame, size, _)| (&frame[..], *size)).collect();
            for instructions in Instructions::all() {
                let made = case.batch_in(&mut workspace, &pairs, instructions);
                for (made, (frame, size, i)) in made.into_iter().zip(&damaged) {
                    let Some(made) = made else { continue };
                    taken += 1;
                    different += usize::from(made != values[*i]);
                    // (`decompress` would make less room for a raw block that is larger than its frame's
                    // window, which libzstd takes.)
                    let mut expected = Vec::with_capacity(*size);
                    let decoded = libzstd.decompress_to_buffer(frame, &mut expected);
                    assert!(
                        decoded.is_ok() && expected == made,
                        "{decoded:?}: {frame:x?}, {size} bytes"
                    );
                }
            }
            done += damaged.len();
        }
    }
    eprintln!("{done} damaged frames, {taken} taken, {different} of them of other content");
    assert!(different > 0);
}

/// Frames that take some of their tables from the dictionary, and others from the format or from a
/// single code, as short values have them.
#[test]
fn tables_of_several_kinds_in_one_frame() {
    let mut random = Random(seed());
    for case in Case::all().iter().filter(|case| case.prepared.has_tables()) {
        let values: Vec<Vec<u8>> = (0..3000)
            .map(|_| {
                let size = 20 + random.below(80);
                record(&mut random, size)
            })
            .collect();
        let mut bulk =
            zstd::bulk::Compressor::with_dictionary(3, case.bytes.as_ref().unwrap()).unwrap();
        let frames: Vec<Vec<u8>> =
            values.iter().map(|value| bulk.compress(value).unwrap()).collect();
        let pairs: Vec<(&[u8], usize)> =
            frames.iter().zip(&values).map(|(f, v)| (&f[..], v.len())).collect();
        let is_mixed = |(frame, size): &(&[u8], usize)| {
            let Prepared { starts, .. } = &case.prepared;
            let plan = Plan::read::<false>(
                frame,
                outline(frame, *size),
                *size,
                starts,
                Takes::new(true, false, *size),
                |_, _| None,
            );
            plan.is_some_and(|plan| {
                // The dictionary's states begin with 0.
                let starts = plan.start.packed() as u32;
                let of = |at: u32, bits: u32| starts >> at & ((1 << bits) - 1);
                let from_dictionary =
                    [(LITERALS, LENGTH_STATE), (MATCHES, LENGTH_STATE), (0, OFFSET_STATE)]
                        .map(|(at, bits)| of(at, bits) == 0);
                plan.sequences > 0
                    && from_dictionary.contains(&true)
                    && from_dictionary.contains(&false)
            })
        };
        let mixed: Vec<usize> = (0..pairs.len()).filter(|i| is_mixed(&pairs[*i])).collect();
        assert!(!mixed.is_empty());
        for instructions in Instructions::all() {
            let made = case.batch(&pairs, instructions);
            for i in &mixed {
                assert_eq!(made[*i].as_ref(), Some(&values[*i]), "{:x?}", frames[*i]);
            }
        }
    }
}

/// What a frame brings, by its plan.
#[derive(Debug, Default)]
struct Brought {
    one_stream: usize,
    four_streams: usize,
    direct: usize,
    four_by_dictionary: usize,
    tables: [usize; 3],
}

impl Brought {
    /// Notes a frame; whether it brings anything.
    fn note(&mut self, frame: &[u8], size: usize, prepared: &Prepared) -> bool {
        let takes = Takes::new(prepared.has_tables(), true, size);
        let mut tables = [0; 3];
        let plan = Plan::read::<true>(
            frame,
            outline(frame, size),
            size,
            &prepared.starts,
            takes,
            |kind, bytes| {
                tables[kind] += 1;
                if !takes.own {
                    return None;
                }
                let kind = &[codes::LITERAL_LENGTHS, codes::OFFSETS, codes::MATCH_LENGTHS][kind];
                let (table, bytes) = Distribution::read(bytes, kind.max_log, kind.max_code)?;
                Some(Own { start: 0, log: table.log, bytes })
            },
        );
        let Some(plan) = plan else { return false };
        match (plan.kind, plan.four) {
            (Literals::Own, false) => self.one_stream += 1,
            (Literals::Own, true) => self.four_streams += 1,
            (Literals::Repeat, true) => self.four_by_dictionary += 1,
            _ if tables == [0; 3] => return false,
            _ => {}
        }
        self.direct +=
            usize::from(plan.kind == Literals::Own && frame[plan.literal_bytes.start] >= 128);
        for (sum, tables) in self.tables.iter_mut().zip(tables) {
            *sum += tables;
        }
        true
    }
}

/// Frames with codes and tables of their own, of each kind that there is, and literals in four streams:
/// where the instructions are for them, all are taken, and else none.
#[test]
fn tables_that_frames_bring() {
    let mut random = Random(seed());
    let mut brought = Brought::default();
    for case in Case::all() {
        // Of few bytes, so that weights are said without being compressed; records; long ones; and the bytes of
        // a record in another order, so that nothing matches.
        let values: Vec<Vec<u8>> = (0..1500)
            .map(|i| match i % 4 {
                0 => (0..60 + random.below(2000))
                    .map(|_| b"\0\0\0\0\0\0\x01\x01\x01\x02\x02\x03"[random.below(12)])
                    .collect(),
                1 => {
                    let size = 40 + random.below(1500);
                    record(&mut random, size)
                }
                2 => {
                    let size = 1500 + random.below(20_000);
                    let mut value = record(&mut random, size / 2);
                    value.extend((0..size / 2).map(|_| b' ' + random.below(64) as u8));
                    value
                }
                _ => {
                    // Of so many literals the most are coded by the dictionary's code.
                    let size = if random.below(2) == 0 { 1024 } else { 1200 + random.below(1500) };
                    let mut value = record(&mut random, size);
                    for i in 1..value.len() {
                        value.swap(i, random.below(i + 1));
                    }
                    value
                }
            })
            .collect();
        let mut bulk = match &case.bytes {
            Some(bytes) => zstd::bulk::Compressor::with_dictionary(3, bytes).unwrap(),
            None => zstd::bulk::Compressor::new(3).unwrap(),
        };
        let frames: Vec<Vec<u8>> =
            values.iter().map(|value| bulk.compress(value).unwrap()).collect();
        let pairs: Vec<(&[u8], usize)> =
            frames.iter().zip(&values).map(|(f, v)| (&f[..], v.len())).collect();
        let bring: Vec<usize> = (0..pairs.len())
            .filter(|i| brought.note(pairs[*i].0, pairs[*i].1, &case.prepared))
            .collect();
        for instructions in Instructions::all() {
            let made = case.batch(&pairs, instructions);
            for i in &bring {
                let expected = instructions.take_own_tables().then_some(&values[*i]);
                assert_eq!(made[*i].as_ref(), expected, "{:x?}", frames[*i]);
            }
        }
    }
    let Brought { one_stream, four_streams, direct, four_by_dictionary, tables } = &brought;
    let all = [one_stream, four_streams, direct, four_by_dictionary].into_iter().chain(tables);
    assert!(all.into_iter().all(|count| *count > 0), "{brought:?}");
    eprintln!("{brought:?}");
}

/// A group that is left in the middle leaves nothing to one that has its workspace after it: neither where
/// states of its frames' own tables begin, nor another dictionary's tables.
#[test]
fn a_workspace_keeps_nothing_of_a_group() {
    let mut random = Random(seed());
    let cases = Case::all();
    let values: Vec<Vec<u8>> = (0..GROUP_FRAMES * 3 / 2)
        .map(|i| {
            // Every third is long enough to bring tables of sequences.
            let size = if i % 3 == 0 { 4000 } else { 30 + random.below(60) };
            record(&mut random, size)
        })
        .collect();
    for before in &cases {
        for case in &cases {
            let compressed = |case: &Case| -> Vec<Vec<u8>> {
                let mut bulk = match &case.bytes {
                    Some(bytes) => zstd::bulk::Compressor::with_dictionary(3, bytes).unwrap(),
                    None => zstd::bulk::Compressor::new(3).unwrap(),
                };
                values.iter().map(|value| bulk.compress(value).unwrap()).collect()
            };
            let (left, frames) = (compressed(before), compressed(case));
            let pairs: Vec<(&[u8], usize)> =
                frames.iter().zip(&values).map(|(f, v)| (&f[..], v.len())).collect();
            for instructions in Instructions::all() {
                let mut workspace = Workspace::default();
                let mut group = Group::new(&before.prepared, &mut workspace);
                group.instructions = instructions;
                // In another order, so that other frames bring tables.
                for (frame, value) in left.iter().zip(&values).skip(1) {
                    if !group.is_full() {
                        group.push(frame, outline(frame, value.len()), value.len());
                    }
                }
                group.decode();
                let made = case.batch_in(&mut workspace, &pairs, instructions);
                assert_eq!(made, case.batch(&pairs, instructions));
            }
        }
    }
}

/// Groups of no frame that is tried, and of none at all.
#[test]
fn groups_of_nothing() {
    for case in Case::all() {
        for instructions in Instructions::all() {
            let mut workspace = Workspace::default();
            let mut group = Group::new(&case.prepared, &mut workspace);
            group.instructions = instructions;
            for _ in 0..2 {
                assert!(!group.push(&[0; 20], Outline::NONE, 0));
                group.decode();
                assert_eq!((group.taken(), group.execute(0..0, &mut [])), (0, 0));
                group.clear();
            }
            assert_eq!(case.batch(&[(&[0; 20], 0), (&[], 0)], instructions), [None, None]);
        }
    }
}

/// A raw block of more bytes than the window has, which libzstd takes where it has all of a frame.
#[test]
fn a_raw_block_beyond_the_window() {
    let content: Vec<u8> = (0..1481).map(|i| (i % 251) as u8).collect();
    let block = (content.len() as u32) << 3 | 1;
    let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0, 0];
    frame.extend_from_slice(&block.to_le_bytes()[..3]);
    frame.extend_from_slice(&content);
    let case = Case::none();
    let mut expected = Vec::with_capacity(content.len());
    case.libzstd().decompress_to_buffer(&frame, &mut expected).unwrap();
    assert!(expected == content);
    for instructions in Instructions::all() {
        let made = case.batch(&[(&frame, content.len())], instructions);
        assert!(made == [Some(content.clone())], "{instructions:?}");
    }
}

/// Four streams of a literal each, which libzstd does not take.
#[test]
fn four_streams_of_too_few_literals() {
    let frame = [
        0x28, 0xB5, 0x2F, 0xFD, 0x80, 0, 4, 0, 0, 0, 0x85, 0, 0, 0x46, 0, 3, 0x80, 0x10, 1, 0, 1,
        0, 1, 0, 2, 3, 2, 3, 0,
    ];
    let case = Case::none();
    assert!(case.libzstd().decompress(&frame, 4).is_err());
    for instructions in Instructions::all() {
        assert_eq!(case.batch(&[(&frame, 4)], instructions), [None]);
    }
}

/// Contents that are one match, about as long as a frame may be that is taken: lengths have so many bits
/// and no more.
#[test]
fn one_match_for_a_whole_frame() {
    const ROUND: usize = 1 << 15;
    for case in Case::all() {
        let Some(bytes) = case.bytes.as_ref().filter(|bytes| bytes.len() > 2 * ROUND) else {
            continue;
        };
        let mut bulk = zstd::bulk::Compressor::with_dictionary(3, bytes).unwrap();
        let values: Vec<&[u8]> =
            (ROUND - 3..ROUND + 4).map(|size| &bytes[bytes.len() - size..]).collect();
        let frames: Vec<Vec<u8>> =
            values.iter().map(|value| bulk.compress(value).unwrap()).collect();
        let pairs: Vec<(&[u8], usize)> =
            frames.iter().zip(&values).map(|(f, v)| (&f[..], v.len())).collect();
        for instructions in Instructions::all() {
            let made = case.batch(&pairs, instructions);
            assert!(made[0].is_some(), "none is taken");
            for (made, value) in made.iter().zip(&values) {
                assert!(made.as_ref().is_none_or(|made| made == value), "{}", value.len());
            }
        }
    }
}

/// A dictionary and frames made with it: each with its size in front, as four bytes.
static FRAMES: &[u8] = include_bytes!("frames.bin");

/// What the batch decoder takes is what its twin has, of sound frames and of damaged ones. Without
/// libzstd, so that it runs under Miri.
#[test]
fn what_is_taken_is_what_the_twin_has() {
    let mut rest = FRAMES;
    let mut parts = Vec::new();
    while let Some((size, behind)) = rest.split_first_chunk() {
        let (part, behind) = behind.split_at(u32::from_le_bytes(*size) as usize);
        parts.push(part);
        rest = behind;
    }
    let case = Case::trained(parts.remove(0).to_vec());
    let size = |frame: &[u8]| match read_header(frame, Format::Zstd) {
        Ok(header) => header.content_size.unwrap_or(0).min(10_000) as usize,
        Err(_) => 0,
    };
    let pairs: Vec<(&[u8], usize)> = parts.iter().map(|frame| (*frame, size(frame))).collect();
    let mut random = Random(seed());
    let damaged: Vec<Vec<u8>> = (0..if cfg!(miri) { 60 } else { 20_000 })
        .map(|_| {
            let mut frame = parts[random.below(parts.len())].to_vec();
            let other = parts[random.below(parts.len())];
            damage(&mut random, &mut frame, other);
            frame
        })
        .collect();
    let damaged: Vec<(&[u8], usize)> =
        damaged.iter().map(|frame| (&frame[..], size(frame))).collect();
    for instructions in Instructions::all() {
        for (pairs, all) in [(&pairs, true), (&damaged, false)] {
            let mut taken = 0;
            for (made, (frame, _)) in case.batch(pairs, instructions).into_iter().zip(pairs) {
                let Some(made) = made else { continue };
                taken += 1;
                assert!(twin::decode(frame, case.twin.as_ref()) == Ok(made), "{frame:x?}");
            }
            assert!(if all { taken == pairs.len() } else { taken > 0 }, "{taken} taken");
        }
    }
}

/// Makes the file of frames anew.
#[test]
#[ignore = "writes to the sources"]
fn make_frames() {
    let mut random = Random(1);
    let samples = values(&mut random, None, 2000, 900);
    let dictionary = zstd::dict::from_samples(&samples, 2048).unwrap();
    let case = Case::trained(dictionary.clone());
    let mut parts = vec![dictionary.clone()];
    for level in [1, 3, 12, 19] {
        for checksum in [false, true] {
            let mut context = CCtx::create();
            context.set_parameter(CParameter::CompressionLevel(level)).unwrap();
            context.set_parameter(CParameter::ChecksumFlag(checksum)).unwrap();
            context.load_dictionary(&dictionary).unwrap();
            let mut made = 0;
            while made < 5 {
                let value = values(&mut random, None, 1, 900).remove(0);
                let mut frame = Vec::with_capacity(2000);
                context.compress2(&mut frame, &value).unwrap();
                // Those that the batch decoder is for.
                if case.batch(&[(&frame, value.len())], Instructions::detect())[0].is_some() {
                    parts.push(frame);
                    made += 1;
                }
            }
        }
    }
    let bytes: Vec<u8> = parts
        .iter()
        .flat_map(|part| [&(part.len() as u32).to_le_bytes()[..], part].concat())
        .collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/codec/batch/frames.bin");
    std::fs::write(path, bytes).unwrap();
}
