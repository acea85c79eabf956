//! Columns of files: Parquet and Arrow IPC, there and back, and what is left when it goes wrong.

use std::collections::HashMap;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use rstest::rstest;
use tempfile::TempDir;
use zstd_arrow::files::{self, FileFormat, FileOptions};
use zstd_arrow::{Compressor, DecompressOptions, Dictionary, OnError, schema};

use crate::arrays::{Layout, Row, row};

/// Three batches with other columns of several kinds beside `value`, and metadata everywhere.
fn batches(value: impl Fn(usize) -> Row, layout: Layout) -> Vec<RecordBatch> {
    let make = |start: usize| {
        let ids = start..start + 700;
        let rows: Vec<Row> = ids.clone().map(&value).collect();
        let numbers = Int64Array::from_iter_values(ids.clone().map(|i| i as i64));
        let names: StringArray =
            ids.clone().map(|i| (i % 3 > 0).then(|| format!("n{i}"))).collect();
        let mut list = ListBuilder::new(Int64Builder::new());
        for i in ids.clone() {
            (0..i % 4).for_each(|j| list.values().append_value(j as i64));
            list.append(i % 5 > 0);
        }
        let floats = Float64Array::from_iter_values(ids.map(|i| i as f64 / 7.0));
        let field = Field::new("float", DataType::Float64, true);
        let nested = StructArray::from(vec![(Arc::new(field), Arc::new(floats) as ArrayRef)]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("id", Arc::new(numbers)),
            ("value", layout.array(&rows)),
            ("name", Arc::new(names)),
            ("list", Arc::new(list.finish())),
            ("nested", Arc::new(nested)),
        ];
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, column)| {
                let metadata = HashMap::from([("about".to_owned(), format!("the {name}"))]);
                Field::new(*name, column.data_type().clone(), true).with_metadata(metadata)
            })
            .collect();
        let metadata = HashMap::from([("owner".to_owned(), "somebody".to_owned())]);
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        RecordBatch::try_new(schema, columns).unwrap()
    };
    vec![make(0), make(700), make(1400)]
}

fn event(i: usize) -> Row {
    (!i.is_multiple_of(17))
        .then(|| format!("{{\"event\":{i},\"kind\":\"view\",\"n\":{}}}", i * 31).into_bytes())
}

pub(crate) fn write(path: &Path, format: FileFormat, batches: &[RecordBatch]) {
    let file = File::create(path).unwrap();
    let schema = batches[0].schema();
    match format {
        FileFormat::Parquet => {
            let mut writer = ArrowWriter::try_new(file, schema, None).unwrap();
            for batch in batches {
                writer.write(batch).unwrap();
                writer.flush().unwrap();
            }
            writer.close().unwrap();
        }
        FileFormat::Ipc => {
            let mut writer = FileWriter::try_new(file, &schema).unwrap();
            batches.iter().for_each(|batch| writer.write(batch).unwrap());
            writer.finish().unwrap();
        }
        FileFormat::IpcStream => {
            let mut writer = StreamWriter::try_new(file, &schema).unwrap();
            batches.iter().for_each(|batch| writer.write(batch).unwrap());
            writer.finish().unwrap();
        }
    }
}

pub(crate) fn read(path: &Path, format: FileFormat) -> Vec<RecordBatch> {
    let file = File::open(path).unwrap();
    match format {
        FileFormat::Parquet => {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            // The reader's batches leave the schema's metadata out.
            let schema = builder.schema().clone();
            let batches = builder.with_batch_size(700).build().unwrap().map(Result::unwrap);
            batches.map(|batch| batch.with_schema(schema.clone()).unwrap()).collect()
        }
        FileFormat::Ipc => FileReader::try_new(file, None).unwrap().map(Result::unwrap).collect(),
        FileFormat::IpcStream => {
            StreamReader::try_new(file, None).unwrap().map(Result::unwrap).collect()
        }
    }
}

pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names in the folder: no temporary file may be among them.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn compressor(dictionary: Option<Dictionary>) -> [(String, Compressor); 1] {
    let builder = Compressor::builder().threads(2);
    let builder = match dictionary {
        Some(dictionary) => builder.dictionary(dictionary),
        None => builder,
    };
    [("value".to_owned(), builder.build().unwrap())]
}

/// There and back without an argument: every value, type, name, metadata and row group.
#[rstest]
fn there_and_back(
    #[values(FileFormat::Parquet, FileFormat::Ipc, FileFormat::IpcStream)] format: FileFormat,
    #[values(
        Layout::Binary,
        Layout::LargeBinary,
        Layout::BinaryView,
        Layout::Utf8,
        Layout::LargeUtf8,
        Layout::Utf8View
    )]
    layout: Layout,
    #[values(true, false)] trained: bool,
) {
    let place = Place::new();
    let source = batches(event, layout);
    let (original, small, back) = (place.path("original"), place.path("small"), place.path("back"));
    write(&original, format, &source);
    let dictionary = trained.then(|| {
        let columns = ["value".to_owned()];
        files::train(&original, &columns, 4096, FileOptions::default()).unwrap().remove(0)
    });
    let columns = compressor(dictionary.clone());
    let report = files::compress(&original, &small, &columns, FileOptions::default()).unwrap();
    assert_eq!(report.rows, 2100);
    assert_eq!(report.columns[0].nulls, 124);
    assert_eq!(report.columns[0].values, 2100 - 124);
    let raw: usize = (0..2100).filter_map(event).map(|row| row.len()).sum();
    assert_eq!(report.columns[0].raw_bytes, raw as u64);

    // The column says what it is, and others are what they were.
    let frames = read(&small, format);
    assert_eq!(frames.len(), 3);
    let before = source[0].schema();
    let after = frames[0].schema();
    let marked = schema::marked(after.field(1)).unwrap().unwrap();
    assert_eq!(marked.level, 3);
    assert_eq!(marked.dictionary_id, dictionary.as_ref().map(Dictionary::id));
    assert_eq!(after.field(1).metadata()["about"], "the value");
    assert_eq!(after.metadata()["owner"], "somebody");
    for (frames, source) in frames.iter().zip(&source) {
        for other in [0, 2, 3, 4] {
            assert_eq!(before.field(other), after.field(other));
            assert_eq!(frames.column(other), source.column(other));
        }
        assert_eq!(frames.column(1).logical_null_count(), source.column(1).logical_null_count());
    }
    let info = files::inspect(&small).unwrap();
    let value = info.columns.iter().find(|column| column.name == "value").unwrap();
    assert!(value.is_frames() && value.marked);
    assert_eq!(value.content_bytes, raw as u64);
    assert_eq!(value.stored_bytes, report.columns[0].compressed_bytes);
    assert_eq!(value.dictionary_ids.iter().copied().collect::<Vec<_>>(), report.dictionary_ids);

    let codec = DecompressOptions::default();
    let report = files::decompress(&small, &back, None, &codec, FileOptions::default()).unwrap();
    assert_eq!(report.columns[0].raw_bytes, raw as u64);
    let values = read(&back, format);
    assert_eq!(values[0].schema(), before, "types and metadata are as they were");
    assert_eq!(values, source);
    assert_eq!(place.names(), ["back", "original", "small"]);
}

/// Dictionary-encoded columns stay encoded in IPC, where they share one dictionary over batches.
#[rstest]
fn encoded_columns(
    #[values(FileFormat::Ipc, FileFormat::IpcStream, FileFormat::Parquet)] format: FileFormat,
) {
    let place = Place::new();
    let rows: Vec<Row> =
        (0..900).map(|i| (i % 7 > 0).then(|| vec![b'a' + (i % 5) as u8; 40])).collect();
    let whole = Layout::Dictionary.array(&rows);
    let batches: Vec<RecordBatch> = [0, 300, 600]
        .map(|start| {
            let part = whole.slice(start, 300);
            RecordBatch::try_from_iter_with_nullable([("value", part, true)]).unwrap()
        })
        .into();
    let (original, small, back) = (place.path("original"), place.path("small"), place.path("back"));
    write(&original, format, &batches);
    files::compress(&original, &small, &compressor(None), FileOptions::default()).unwrap();
    let codec = DecompressOptions::default();
    files::decompress(&small, &back, None, &codec, FileOptions::default()).unwrap();
    let read_rows = |path: &Path| -> Vec<Row> {
        read(path, format).iter().flat_map(|batch| crate::arrays::rows(batch.column(0))).collect()
    };
    assert_eq!(read_rows(&back), rows);
    assert!(matches!(read(&small, format)[0].column(0).data_type(), DataType::Dictionary(..)));
}

/// Row groups end where they ended; pages of frames are not compressed, those of other columns are
/// what they were, and values come back in compressed pages.
#[test]
fn row_groups_and_pages() {
    let place = Place::new();
    let (original, small) = (place.path("original"), place.path("small.parquet"));
    let all = batches(event, Layout::Binary);
    let uneven: Vec<RecordBatch> =
        vec![all[0].slice(0, 1), all[1].clone(), all[2].slice(3, 300), all[0].slice(5, 2)];
    write(&original, FileFormat::Parquet, &uneven);
    let options = FileOptions::default().batch_rows(64);
    files::compress(&original, &small, &compressor(None), options).unwrap();
    let reader = SerializedFileReader::new(File::open(&small).unwrap()).unwrap();
    let groups = reader.metadata().row_groups();
    assert_eq!(groups.iter().map(|group| group.num_rows()).collect::<Vec<_>>(), [1, 700, 300, 2]);
    let before = SerializedFileReader::new(File::open(&original).unwrap()).unwrap();
    let before = before.metadata().row_group(1).columns().iter();
    for (column, before) in groups[1].columns().iter().zip(before) {
        if column.column_path().string() == "value" {
            assert_eq!(column.compression(), Compression::UNCOMPRESSED);
            assert!(column.dictionary_page_offset().is_none());
        } else {
            assert_eq!(column.compression(), before.compression());
            assert_eq!(column.statistics(), before.statistics());
            assert_eq!(column.compressed_size(), before.compressed_size());
        }
    }
    let original = read(&original, FileFormat::Parquet);
    let codec = DecompressOptions::default();
    let back = place.path("back");
    files::decompress(&small, &back, None, &codec, FileOptions::default()).unwrap();
    let total = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    let values = SerializedFileReader::new(File::open(&back).unwrap()).unwrap();
    let mut columns = values.metadata().row_group(1).columns().iter();
    let value = columns.find(|column| column.column_path().string() == "value").unwrap();
    assert!(matches!(value.compression(), Compression::ZSTD(_)), "{value:?}");
    let back = read(&back, FileFormat::Parquet);
    assert_eq!(total(&back), 1003);
    assert_eq!(back, original);
}

/// The dictionary travels once in a Parquet file: in the encoded Arrow schema, which is base64 of
/// its own.
#[test]
fn the_dictionary_is_stored_once() {
    let place = Place::new();
    let (original, small) = (place.path("original"), place.path("small.parquet"));
    write(&original, FileFormat::Parquet, &batches(event, Layout::Binary));
    let columns = ["value".to_owned()];
    let trained =
        files::train(&original, &columns, 8192, FileOptions::default()).unwrap().remove(0);
    files::compress(&original, &small, &compressor(Some(trained.clone())), FileOptions::default())
        .unwrap();
    let reader = SerializedFileReader::new(File::open(&small).unwrap()).unwrap();
    let entries = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let bytes: usize =
        entries.iter().filter_map(|entry| entry.value.as_ref()).map(String::len).sum();
    let encoded = trained.as_bytes().len() * 4 / 3 * 4 / 3;
    assert!(bytes < encoded + 4000, "{bytes} bytes of metadata for {encoded} of dictionary");
}

/// The format is the ending's, else the input's.
#[rstest]
#[case("a.arrow", FileFormat::Ipc)]
#[case("a.arrows", FileFormat::IpcStream)]
#[case("a.PARQUET", FileFormat::Parquet)]
#[case("a.bin", FileFormat::Ipc)]
fn formats(#[case] name: &str, #[case] expected: FileFormat) {
    let place = Place::new();
    let (original, small) = (place.path("original"), place.path(name));
    let source = batches(event, Layout::Binary);
    write(&original, FileFormat::Ipc, &source);
    files::compress(&original, &small, &compressor(None), FileOptions::default()).unwrap();
    assert_eq!(read(&small, expected).iter().map(RecordBatch::num_rows).sum::<usize>(), 2100);
}

#[rstest]
#[case::no_rows(0)]
#[case::one_row(1)]
fn small_files(
    #[case] rows: usize,
    #[values(FileFormat::Parquet, FileFormat::Ipc, FileFormat::IpcStream)] format: FileFormat,
) {
    let place = Place::new();
    let source = vec![batches(event, Layout::Binary)[0].slice(1, rows)];
    let (original, small, back) = (place.path("original"), place.path("small"), place.path("back"));
    write(&original, format, &source);
    files::compress(&original, &small, &compressor(None), FileOptions::default()).unwrap();
    let codec = DecompressOptions::default();
    let report = files::decompress(&small, &back, None, &codec, FileOptions::default()).unwrap();
    assert_eq!(report.rows, rows as u64);
    let back: usize = read(&back, format).iter().map(RecordBatch::num_rows).sum();
    assert_eq!(back, rows);
}

pub(crate) fn error(result: zstd_arrow::Result<files::Report>, place: &Place) -> String {
    let folder = place.folder.path().display().to_string();
    result.unwrap_err().to_string().replace(&folder, "FOLDER")
}

#[test]
fn what_cannot_be_done_is_said_and_leaves_no_trace() {
    let place = Place::new();
    let original = place.path("original.parquet");
    write(&original, FileFormat::Parquet, &batches(event, Layout::Binary));
    let target = place.path("target.parquet");
    fs::write(&target, "the old file").unwrap();
    let compress = |from: &Path, to: &Path, column: &str| {
        let columns = [(column.to_owned(), Compressor::new(3).unwrap())];
        error(files::compress(from, to, &columns, FileOptions::default()), &place)
    };
    let decompress = |from: &Path, columns: Option<&[String]>| {
        let codec = DecompressOptions::default();
        error(files::decompress(from, &target, columns, &codec, FileOptions::default()), &place)
    };
    assert_eq!(
        compress(&original, &target, "missing"),
        "FOLDER/original.parquet: no column \"missing\"; there are: id, value, name, list, nested"
    );
    assert_eq!(
        compress(&original, &target, "id"),
        "FOLDER/original.parquet: column \"id\": Int64 is not a binary column (Binary, \
         LargeBinary, BinaryView, FixedSizeBinary, Utf8, LargeUtf8, Utf8View, or a dictionary or \
         run-end encoding of one)"
    );
    assert_eq!(
        decompress(&original, None),
        "FOLDER/original.parquet: option columns: none is named, and no column of the file is \
         marked as zstd frames"
    );
    assert_eq!(
        decompress(&original, Some(&["value".to_owned()])),
        "FOLDER/original.parquet: column \"value\": row 1: bad magic number 7b 22 65 76: not a \
         zstd frame (28 b5 2f fd)"
    );
    let text = place.path("text.parquet");
    fs::write(&text, "this is no Parquet file").unwrap();
    assert_eq!(
        compress(&text, &target, "value"),
        "FOLDER/text.parquet: not a Parquet file, an Arrow IPC file or an Arrow IPC stream"
    );
    fs::write(&text, "PAR1 and then nothing").unwrap();
    let message = compress(&text, &target, "value");
    assert!(message.starts_with("FOLDER/text.parquet: Parquet error: "), "{message}");
    assert_eq!(
        compress(&place.path("nowhere"), &target, "value"),
        "FOLDER/nowhere: No such file or directory (os error 2)"
    );
    assert_eq!(compress(place.folder.path(), &target, "value"), "FOLDER: is a directory");
    assert_eq!(fs::read_to_string(&target).unwrap(), "the old file");

    // Outputs that cannot be.
    assert_eq!(
        compress(&original, &place.path("no/such/folder"), "value"),
        "FOLDER/no/such/folder: No such file or directory (os error 2)"
    );
    assert_eq!(compress(&original, place.folder.path(), "value"), "FOLDER: is a directory");
    assert_eq!(place.names(), ["original.parquet", "target.parquet", "text.parquet"]);
}

/// A frame that turns out bad in the last batch: the error names file, column and the row of the
/// file; the old output is still there.
#[test]
fn an_error_late_in_the_file() {
    let place = Place::new();
    let bad = |i: usize| match i {
        2005 => row("no frame"),
        _ => Some(zstd::bulk::compress(&event(i).unwrap_or_default(), 3).unwrap()),
    };
    let (original, target) = (place.path("original"), place.path("target"));
    write(&original, FileFormat::Parquet, &batches(bad, Layout::Binary));
    fs::write(&target, "the old file").unwrap();
    let columns = ["value".to_owned()];
    let run = |on_error: OnError, batch_rows: usize| {
        let mut codec = DecompressOptions::default();
        codec.on_error = on_error;
        let options = FileOptions::default().batch_rows(batch_rows);
        files::decompress(&original, &target, Some(&columns), &codec, options)
    };
    for batch_rows in [1, 100, 10_000] {
        assert_eq!(
            error(run(OnError::Fail, batch_rows), &place),
            "FOLDER/original: column \"value\": row 2005: bad magic number 6e 6f 20 66: not a \
             zstd frame (28 b5 2f fd)"
        );
        assert_eq!(fs::read_to_string(&target).unwrap(), "the old file");
        assert_eq!(place.names(), ["original", "target"]);
    }
    let report = run(OnError::Null, 100).unwrap();
    assert_eq!(report.columns[0].failed, 1);
    assert_eq!(report.columns[0].failures[0].row, 2005);
    let values = read(&target, FileFormat::Parquet);
    assert!(values[2].column(1).is_null(605));
    assert_eq!(values.iter().map(|batch| batch.column(1).null_count()).sum::<usize>(), 1);
}

/// Several columns at once, each with its dictionary; and a column twice is refused.
#[test]
fn several_columns() {
    let place = Place::new();
    let source: Vec<RecordBatch> = batches(event, Layout::Binary);
    let (original, small, back) = (place.path("original"), place.path("small"), place.path("back"));
    write(&original, FileFormat::Parquet, &source);
    let names = ["name".to_owned(), "value".to_owned()];
    let trained = files::train(&original, &names, 1024, FileOptions::default()).unwrap();
    let columns: Vec<(String, Compressor)> = names
        .iter()
        .zip(&trained)
        .map(|(name, dictionary)| {
            let compressor = Compressor::builder().dictionary(dictionary.clone()).build().unwrap();
            (name.clone(), compressor)
        })
        .collect();
    let report = files::compress(&original, &small, &columns, FileOptions::default()).unwrap();
    let order: Vec<&str> = report.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(order, ["value", "name"], "in the order of the file");
    assert_eq!(files::inspect(&small).unwrap().dictionary_ids.len(), 2);
    // One of them first: the other's dictionary stays in the file.
    let codec = DecompressOptions::default();
    let half = place.path("half");
    files::decompress(&small, &half, Some(&names[..1]), &codec, FileOptions::default()).unwrap();
    files::decompress(&half, &back, None, &codec, FileOptions::default()).unwrap();
    assert_eq!(read(&back, FileFormat::Parquet), source);
    assert!(files::inspect(&back).unwrap().dictionary_ids.is_empty());

    let twice = [columns[0].clone(), columns[0].clone()];
    assert_eq!(
        error(files::compress(&original, &half, &twice, FileOptions::default()), &place),
        "FOLDER/original: option columns: \"name\" is named twice"
    );
    assert_eq!(
        error(files::compress(&small, &half, &columns, FileOptions::default()), &place),
        "FOLDER/small: option columns: \"name\" holds zstd frames already"
    );
}

/// A file can be replaced by what is made of it, and a link stays a link.
#[cfg(unix)]
#[test]
fn the_target_may_be_the_source() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new();
    let source = batches(event, Layout::Binary);
    let original = place.path("original");
    write(&original, FileFormat::Parquet, &source);
    fs::set_permissions(&original, fs::Permissions::from_mode(0o640)).unwrap();
    let link = place.path("link");
    symlink("original", &link).unwrap();
    files::compress(&link, &link, &compressor(None), FileOptions::default()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&original).unwrap().permissions().mode() & 0o777, 0o640);
    let codec = DecompressOptions::default();
    files::decompress(&original, &original, None, &codec, FileOptions::default()).unwrap();
    assert_eq!(read(&original, FileFormat::Parquet), source);
    assert_eq!(place.names(), ["link", "original"]);
}

/// Told of each batch, and ended by whom it tells; the output is not there then.
#[test]
fn progress_and_cancelling() {
    let place = Place::new();
    let (original, target) = (place.path("original"), place.path("target"));
    write(&original, FileFormat::Parquet, &batches(event, Layout::Binary));
    let mut told = Vec::new();
    let mut tell = |progress: files::Progress| {
        told.push((progress.rows, progress.total_rows));
        if progress.rows >= 1000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = FileOptions::default().batch_rows(400).progress(&mut tell);
    let outcome = files::compress(&original, &target, &compressor(None), options);
    assert_eq!(outcome.unwrap_err().to_string(), "cancelled");
    assert_eq!(told, [(400, Some(2100)), (700, Some(2100)), (1100, Some(2100))]);
    assert_eq!(place.names(), ["original"]);
}

/// A column that another writer made: named, with the dictionary as an argument.
#[test]
fn unmarked_columns_take_arguments() {
    let place = Place::new();
    let samples: BinaryArray = (0..2100).map(event).collect();
    let dictionary = Dictionary::train(&samples, 2048).unwrap();
    let mut bulk = zstd::bulk::Compressor::with_dictionary(3, dictionary.as_bytes()).unwrap();
    let mut frames: Vec<Row> = Vec::new();
    for i in 0..2100 {
        frames.push(event(i).map(|value| bulk.compress(&value).unwrap()));
    }
    let (original, back) = (place.path("original"), place.path("back"));
    write(&original, FileFormat::Parquet, &batches(|i| frames[i].clone(), Layout::Binary));
    let columns = ["value".to_owned()];
    let mut codec = DecompressOptions::default();
    let run = |codec: &DecompressOptions| {
        files::decompress(&original, &back, Some(&columns), codec, FileOptions::default())
    };
    let id = dictionary.id();
    assert_eq!(
        error(run(&codec), &place),
        format!(
            "FOLDER/original: column \"value\": row 1: the frame needs dictionary {id}, and no \
             dictionary was given"
        )
    );
    codec.dictionaries.push(dictionary);
    run(&codec).unwrap();
    assert_eq!(read(&back, FileFormat::Parquet), batches(event, Layout::Binary));
    codec.utf8 = true;
    run(&codec).unwrap();
    assert_eq!(read(&back, FileFormat::Parquet), batches(event, Layout::Utf8));
}

/// An extension type that the column had before is there again afterwards.
#[test]
fn an_extension_type_comes_back() {
    let place = Place::new();
    let batch = &batches(event, Layout::Binary)[0];
    let mut fields: Vec<Field> =
        batch.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    let metadata = [
        ("ARROW:extension:name", "geoarrow.wkb"),
        ("ARROW:extension:metadata", "{\"crs\":\"EPSG:4326\"}"),
        ("about", "the value"),
    ];
    fields[1] = fields[1].clone().with_metadata(
        metadata.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
    );
    let schema = Arc::new(Schema::new_with_metadata(fields, batch.schema().metadata().clone()));
    let source = vec![RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).unwrap()];
    let (original, small, back) = (place.path("original"), place.path("small"), place.path("back"));
    write(&original, FileFormat::Parquet, &source);
    files::compress(&original, &small, &compressor(None), FileOptions::default()).unwrap();
    let marked = read(&small, FileFormat::Parquet)[0].schema();
    assert_eq!(marked.field(1).extension_type_name(), Some("zstd_arrow.frames"));
    let codec = DecompressOptions::default();
    files::decompress(&small, &back, None, &codec, FileOptions::default()).unwrap();
    assert_eq!(read(&back, FileFormat::Parquet)[0].schema(), schema);
}

/// A column whose mark cannot be read may need any dictionary: none is taken away.
#[test]
fn a_mark_that_cannot_be_read_keeps_dictionaries() {
    let place = Place::new();
    let (original, small, odd, back) =
        (place.path("original"), place.path("small"), place.path("odd"), place.path("back"));
    write(&original, FileFormat::Ipc, &batches(event, Layout::Binary));
    let names = ["value".to_owned(), "name".to_owned()];
    let trained = files::train(&original, &names, 1024, FileOptions::default()).unwrap();
    let columns: Vec<(String, Compressor)> = names
        .iter()
        .zip(&trained)
        .map(|(name, dictionary)| {
            (name.clone(), Compressor::builder().dictionary(dictionary.clone()).build().unwrap())
        })
        .collect();
    files::compress(&original, &small, &columns, FileOptions::default()).unwrap();
    let marked = read(&small, FileFormat::Ipc);
    let schema = marked[0].schema();
    let mut fields: Vec<Field> =
        schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut metadata = fields[2].metadata().clone();
    metadata.insert("ARROW:extension:metadata".to_owned(), "{\"value_type\":\"newer\"}".to_owned());
    fields[2] = fields[2].clone().with_metadata(metadata);
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let newer: Vec<RecordBatch> = marked
        .iter()
        .map(|batch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).unwrap())
        .collect();
    write(&odd, FileFormat::Ipc, &newer);
    let codec = DecompressOptions::default();
    files::decompress(&odd, &back, Some(&names[..1]), &codec, FileOptions::default()).unwrap();
    let kept = read(&back, FileFormat::Ipc)[0].schema();
    let kept = schema::dictionaries(kept.metadata()).unwrap();
    assert!(kept.contains(&trained[1]));
}

/// Bad rows of a column that had no nulls: it has some now.
#[test]
fn nulls_in_a_column_that_had_none() {
    let place = Place::new();
    let values: BinaryArray = [b"no frame".as_slice(), &zstd::bulk::compress(b"one", 3).unwrap()]
        .into_iter()
        .map(Some)
        .collect();
    let column: ArrayRef = Arc::new(values);
    let batch = RecordBatch::try_from_iter_with_nullable([("value", column, false)]).unwrap();
    let (original, back) = (place.path("original"), place.path("back"));
    write(&original, FileFormat::Parquet, &[batch]);
    let mut codec = DecompressOptions::default();
    codec.on_error = OnError::Null;
    let columns = ["value".to_owned()];
    files::decompress(&original, &back, Some(&columns), &codec, FileOptions::default()).unwrap();
    assert_eq!(
        crate::arrays::rows(read(&back, FileFormat::Parquet)[0].column(0)),
        [None, row("one")]
    );
}

/// An encoded column stays as small in Parquet as its distinct values are.
#[test]
fn encoded_columns_stay_small() {
    let place = Place::new();
    let rows: Vec<Row> = (0..50_000).map(|i| row(format!("{}", i % 10).repeat(300))).collect();
    let batch = RecordBatch::try_from_iter_with_nullable([(
        "value",
        Layout::Dictionary.array(&rows),
        true,
    )]);
    let (original, small) = (place.path("original"), place.path("small"));
    write(&original, FileFormat::Parquet, &[batch.unwrap()]);
    files::compress(&original, &small, &compressor(None), FileOptions::default()).unwrap();
    let size = fs::metadata(&small).unwrap().len();
    assert!(size < 100_000, "{size} bytes");
}

/// A marked column that another tool turned into views comes back in its own type.
#[rstest]
fn frames_turned_into_views(
    #[values(
        Layout::Binary,
        Layout::Utf8,
        Layout::LargeUtf8,
        Layout::LargeBinary,
        Layout::Utf8View
    )]
    layout: Layout,
) {
    let place = Place::new();
    let source = batches(event, layout);
    let (original, small, views, back) =
        (place.path("original"), place.path("small"), place.path("views"), place.path("back"));
    write(&original, FileFormat::Ipc, &source);
    files::compress(&original, &small, &compressor(None), FileOptions::default()).unwrap();
    let turned: Vec<RecordBatch> = read(&small, FileFormat::Ipc)
        .iter()
        .map(|batch| {
            let mut columns = batch.columns().to_vec();
            columns[1] = Layout::SplitView.array(&crate::arrays::rows(&columns[1]));
            let schema = batch.schema();
            let mut fields: Vec<Field> =
                schema.fields().iter().map(|field| field.as_ref().clone()).collect();
            fields[1] = fields[1].clone().with_data_type(DataType::BinaryView);
            let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
            RecordBatch::try_new(Arc::new(schema), columns).unwrap()
        })
        .collect();
    write(&views, FileFormat::Ipc, &turned);
    let codec = DecompressOptions::default();
    files::decompress(&views, &back, None, &codec, FileOptions::default()).unwrap();
    assert_eq!(read(&back, FileFormat::Ipc), source);
}

/// INT96 timestamps, which would wrap on their way through Arrow, are copied from Parquet to Parquet,
/// and refused on the way to other formats.
#[test]
fn int96_timestamps_are_kept_or_refused() {
    use parquet::data_type::{ByteArray, ByteArrayType, Int96, Int96Type};
    use parquet::file::writer::SerializedFileWriter;
    let place = Place::new();
    let original = place.path("original");
    let schema = "message m { required int96 at; required binary value; }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let file = File::create(&original).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<Int96Type>()
        .write_batch(&[Int96::from(vec![0, 0, 5_373_484])], None, None)
        .unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let value = [ByteArray::from("value")];
    column.typed::<ByteArrayType>().write_batch(&value, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let target = place.path("target");
    let compress = |options| files::compress(&original, &target, &compressor(None), options);
    compress(FileOptions::default()).unwrap();
    let copy = SerializedFileReader::new(File::open(&target).unwrap()).unwrap();
    let rows: Vec<_> = copy.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let at = rows[0].get_column_iter().next().unwrap().1;
    let parquet::record::Field::TimestampMillis(never) = at else { panic!("{at:?}") };
    assert_eq!(*never, 253_402_214_400_000, "9999-12-31");

    let outcome = compress(FileOptions::default().format(FileFormat::Ipc));
    assert_eq!(
        error(outcome, &place),
        "FOLDER/original: column \"at\" has INT96 timestamps, which cannot be kept exactly: write \
         it with TIMESTAMP first"
    );
    assert_eq!(files::inspect(&original).unwrap().columns.len(), 1, "they do not hinder a look");
}

/// A file whose schema has a damaged dictionary is refused: what is made of it could not be read (found
/// by fuzzing).
#[test]
fn damaged_dictionaries_are_refused_at_once() {
    for (id, value, says) in [
        ("7", "", "zstd_arrow.dictionary.7: it has no bytes"),
        ("7", "!", "zstd_arrow.dictionary.7: Invalid symbol 33, offset 0."),
        ("7", "cmF3IGNvbnRlbnQ=", "zstd_arrow.dictionary.7 holds the dictionary 0"),
    ] {
        let metadata = HashMap::from([(format!("zstd_arrow.dictionary.{id}"), value.to_owned())]);
        let batches = batches(event, Layout::Binary);
        let schema = batches[0].schema().as_ref().clone().with_metadata(metadata);
        let error = files::compress_batches(&schema, &batches, &compressor(None)).unwrap_err();
        assert_eq!(error.to_string(), format!("dictionary: {says}"));
    }
}
