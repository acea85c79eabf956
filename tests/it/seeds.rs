//! The seeds of the fuzz targets (`fuzz/`): small, and made by the project's own code.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, LargeBinaryArray, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use zstd_arrow::files::{self, FileOptions};
use zstd_arrow::{CompressOptions, Compressor, DecompressOptions, Dictionary, schema};

/// A dictionary, and frames made with it, each with its size in front: those of the batch decoder's own
/// tests.
static FRAMES: &[u8] = include_bytes!("../../src/codec/batch/frames.bin");

fn parts() -> Vec<&'static [u8]> {
    let mut rest = FRAMES;
    let mut parts = Vec::new();
    while let Some((size, behind)) = rest.split_first_chunk() {
        let (part, behind) = behind.split_at(u32::from_le_bytes(*size) as usize);
        parts.push(part);
        rest = behind;
    }
    parts
}

fn dictionary() -> Dictionary {
    Dictionary::from_bytes(parts()[0]).unwrap()
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}

/// Bytes with their length in front, as `Input::string` reads them.
fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_le_bytes()[..], bytes].concat()
}

/// A frame that is made of `value` by the target, and not edited.
fn made(options: u8, value: &[u8]) -> Vec<u8> {
    [&[5, options, 2][..], &string(value), &[0]].concat()
}

fn value(i: usize) -> String {
    format!("{{\"event\": \"view\", \"page\": \"/item/{i}\", \"user\": {}}}", i * 7919 % 91)
}

fn frames() {
    let sound = parts();
    let level = |level: i32, value: &[u8]| zstd::bulk::compress(value, level).unwrap();
    let skippable = [&0x184D_2A53_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"xyz"].concat();
    let streamed = zstd::stream::encode_all(&value(1).repeat(4).into_bytes()[..], 1).unwrap();
    let several: [(&str, Vec<u8>); 7] = [
        ("one", level(3, value(1).as_bytes())),
        ("empty", level(3, b"")),
        ("run", level(1, &[7; 3000])),
        ("own-tables", level(19, value(2).repeat(3).as_bytes())),
        ("two", [level(1, b"one"), skippable.clone(), level(1, b"two")].concat()),
        ("no-size", streamed),
        ("dictionary", sound[1].to_vec()),
    ];
    for (name, frame) in &several {
        write("header", name, &[&[0], &frame[..]].concat());
        write("decompress", name, &[&[2, 0, 1][..], &string(frame)].concat());
    }
    write("header", "magicless", &[&[1], &level(3, value(1).as_bytes())[4..]].concat());
    // Rows of each kind, for each layout and decoder.
    for how in 0..12_u8 {
        let mut seed = vec![(how * 2) | 2, how];
        for (i, (_, frame)) in several.iter().enumerate() {
            seed.extend([1]);
            seed.extend(string(frame));
            seed.extend(made((how << 3) | (how & 7), value(i).as_bytes()));
        }
        seed.push(0);
        write("decompress", &format!("rows-{how}"), &seed);
    }
    let mut all = vec![2];
    for i in 1..sound.len() {
        let number = (i as u16 - 1).to_le_bytes();
        all.extend([1, number[0], number[1], 0]);
    }
    write("batch", "sound", &all);
    for options in [0_u8, 1, 2, 8, 16, 32, 64] {
        let mut seed = vec![3];
        for i in 0..12 {
            seed.push(0);
            seed.extend(made(options, value(i).repeat(1 + i / 4).as_bytes()));
        }
        write("batch", &format!("made-{options}"), &seed);
    }
    // A flip in the dictionary's tables, and frames made with what comes of it.
    for at in [40_u16, 90, 110, 140] {
        let mut seed = vec![0, 1, 5];
        seed.extend(at.to_le_bytes());
        (0..6).for_each(|i| {
            seed.push(0);
            seed.extend(made(0, value(i).as_bytes()));
        });
        write("batch", &format!("dictionary-{at}"), &seed);
    }
    write(
        "batch",
        "own-dictionary",
        &[&[1][..], &string(sound[0]), &[0], &made(0, b"a value")].concat(),
    );
}

fn options() {
    for level in [0_u8, 3, 9, 19] {
        let mut seed = vec![1, level, level];
        seed.extend([2; 12]);
        for i in 0..6 {
            seed.extend([1, 2]);
            seed.extend(string(value(i).as_bytes()));
        }
        write("roundtrip", &format!("level-{level}"), &seed);
        for (place, name) in
            ["window", "hash", "chain", "search", "match", "target", "strategy"].iter().enumerate()
        {
            let mut seed = vec![4, level];
            (0..12).for_each(|i| seed.extend(if i == place { vec![1, level] } else { vec![2] }));
            seed.extend([1, 1]);
            seed.extend(string(value(3).as_bytes()));
            seed.extend([9, 0]);
            write("roundtrip", &format!("{name}-{level}"), &seed);
        }
    }
}

/// Values for compression: a level, flags, which dictionary, then parts of each value.
fn small_values() {
    for dictionary in [2_u8, 4] {
        for (level, flags) in [(1, 0_u8), (1, 5), (0, 0)] {
            let mut seed = vec![level];
            seed.extend((level == 0).then_some(6));
            seed.extend([flags, dictionary]);
            for i in 0..6 {
                // A part of the dictionary, if there is one, and one of its own.
                seed.push(2);
                seed.extend([1, 30 * i as u8, 2, 60, 0]);
                seed.extend([0, 2]);
                seed.extend(string(value(i).as_bytes()));
            }
            write("compress", &format!("values-{dictionary}-{level}-{flags}"), &seed);
        }
    }
}

fn layouts() {
    for kind in 0..7_u8 {
        for encoding in 0..3_u8 {
            // The kind of array, its type, rows, offset, then whatever the type has.
            let mut seed = vec![encoding, kind];
            if kind == 4 {
                seed.push(3);
            }
            seed.extend([8, u8::from(encoding == 1)]);
            seed.extend([1, 0xF7, 0xFF]);
            seed.extend([2; 12]);
            (0..3).for_each(|_| seed.extend(string(&value(9).into_bytes())));
            seed.extend((0..120).map(|i: u8| i.wrapping_mul(3) % 20));
            write("arrow_layouts", &format!("type-{kind}-{encoding}"), &seed);
        }
    }
    let mut seed = vec![32];
    seed.extend(
        0_u64
            .to_le_bytes()
            .into_iter()
            .chain(4_u64.to_le_bytes())
            .chain(4_u64.to_le_bytes())
            .chain(9_u64.to_le_bytes()),
    );
    write("segments", "pairs", &seed);
    for offsets in 0..2_u8 {
        for rising in 0..2_u8 {
            let mut seed = vec![0];
            seed.extend(string(b"some text over which segments lie"));
            seed.extend([6, offsets]);
            for i in 0..12_u8 {
                seed.extend([4, if rising == 1 { i * 2 } else { 12 - i }]);
            }
            seed.extend([1, 1, 0, 1, 1, 1, 0]);
            write("segments", &format!("member-{offsets}-{rising}"), &seed);
        }
    }
    for (i, kind) in [0_u8, 1, 2, 3].into_iter().enumerate() {
        let mut seed = vec![0];
        seed.extend(string(b"text"));
        seed.extend([2, 0, kind, 1, 4, 1, 4, 2, kind, 3]);
        write("segments", &format!("far-{i}"), &seed);
    }
}

fn schemas() {
    let mut options = CompressOptions::default();
    for (name, with) in [("plain", None), ("dictionary", Some(dictionary()))] {
        options.dictionary = with;
        let field = arrow_schema::Field::new("payload", arrow_schema::DataType::Utf8, true);
        let marked = schema::mark(&field, arrow_schema::DataType::LargeBinary, &options);
        let marked = marked.unwrap();
        let said = marked.extension_type_metadata().unwrap();
        for how in [0_u8, 2, 4, 6] {
            let mut seed = vec![how];
            seed.extend(string(said.as_bytes()));
            seed.extend([2, 3, 2, 0]);
            (0..3).for_each(|i| seed.extend(made(0, value(i).as_bytes())));
            write("schema", &format!("{name}-{how}"), &seed);
        }
    }
}

/// Small files of each format, compressed, not compressed, with and without a dictionary.
fn file_formats() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| -> PathBuf { folder.path().join(name) };
    let rows: Vec<Option<String>> = (0..12).map(|i| (i % 5 > 0).then(|| value(i))).collect();
    let payload: LargeBinaryArray =
        rows.iter().map(|row| row.as_ref().map(String::as_bytes)).collect();
    let columns: [(&str, ArrayRef, bool); 3] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..12)), false),
        ("payload", Arc::new(payload), true),
        ("page", Arc::new(rows.iter().map(|row| row.as_deref()).collect::<StringArray>()), true),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let stream = |path: &Path, batch: &RecordBatch| {
        let file = fs::File::create(path).unwrap();
        let mut writer = StreamWriter::try_new(file, &batch.schema()).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
    };
    stream(&place("plain.arrows"), &batch);
    for (name, with) in [("frames", None), ("dictionary", Some(dictionary()))] {
        let mut builder = Compressor::builder().threads(1);
        if let Some(with) = with {
            builder = builder.dictionary(with);
        }
        let columns = [("payload".to_owned(), builder.build().unwrap())];
        for ending in ["arrows", "arrow", "parquet"] {
            let (from, to) = (place("plain.arrows"), place(&format!("{name}.{ending}")));
            files::compress(&from, &to, &columns, FileOptions::default()).unwrap();
            let target = if ending == "parquet" { "parquet" } else { "ipc" };
            let bytes = fs::read(&to).unwrap();
            write(target, &format!("{name}.{ending}"), &bytes);
            let back = place(&format!("back-{name}.{ending}"));
            let codec = DecompressOptions::default();
            files::decompress(&to, &back, None, &codec, FileOptions::default()).unwrap();
            write(target, &format!("back-{name}.{ending}"), &fs::read(&back).unwrap());
        }
    }
}

/// Makes the seeds anew.
#[test]
#[ignore = "writes to the sources"]
fn make_seeds() {
    frames();
    options();
    small_values();
    layouts();
    schemas();
    file_formats();
}
