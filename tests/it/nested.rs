//! Fields inside of columns of files: in structs, lists and maps.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, BinaryArray, FixedSizeListArray, Int64Array, LargeListArray,
    LargeListViewArray, ListArray, ListViewArray, MapArray, RecordBatch, StringArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema};
use parquet::basic::Compression;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use rstest::rstest;
use zstd_arrow::files::{self, FileFormat, FileOptions};
use zstd_arrow::{Compressor, DecompressOptions, Dictionary, OnError, schema};

use crate::arrays::{Layout, Row, row, rows};
use crate::files::{Place, error, read, write};

/// Rows of a table, some of them null.
const ROWS: usize = 60;

fn is_null(i: usize) -> bool {
    i.is_multiple_of(5)
}

fn nulls() -> Option<NullBuffer> {
    Some((0..ROWS).map(|i| !is_null(i)).collect())
}

fn event(i: usize) -> Row {
    row(format!("{{\"event\":{i},\"kind\":\"view\",\"n\":{}}}", i * 31))
}

/// Every seventh value is null.
fn some_event(i: usize) -> Row {
    event(i).filter(|_| !i.is_multiple_of(7))
}

fn binary(n: usize, value: impl Fn(usize) -> Row) -> ArrayRef {
    Layout::Binary.array(&(0..n).map(value).collect::<Vec<_>>())
}

fn about(field: Field) -> Field {
    let text = format!("the {}", field.name());
    field.with_metadata(HashMap::from([("about".to_owned(), text)]))
}

/// A struct of fields: `(name, array, nullable)`.
fn structs(fields: &[(&str, ArrayRef, bool)], nulls: Option<NullBuffer>) -> ArrayRef {
    let (fields, arrays): (Vec<_>, Vec<_>) = fields
        .iter()
        .map(|(name, array, nullable)| {
            let field = Field::new(*name, array.data_type().clone(), *nullable);
            (about(field), array.clone())
        })
        .unzip();
    Arc::new(StructArray::new(fields.into(), arrays, nulls))
}

fn item(array: &ArrayRef, nullable: bool) -> Arc<Field> {
    Arc::new(about(Field::new("item", array.data_type().clone(), nullable)))
}

/// Lengths of the lists of rows: 0 to 3, those of null lists too.
fn lengths() -> impl Iterator<Item = usize> + Clone {
    (0..ROWS).map(|i| (i * 3 + 1) % 4)
}

fn items() -> usize {
    lengths().sum()
}

fn list(items: ArrayRef, nullable: bool) -> ArrayRef {
    let (item, offsets) = (item(&items, nullable), OffsetBuffer::from_lengths(lengths()));
    Arc::new(ListArray::new(item, offsets, items, nulls()))
}

fn numbers(n: usize) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(0..n as i64))
}

/// The kinds of nesting, each with the path to the bytes in it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Struct,
    /// A field without nulls in a struct with nulls.
    Required,
    /// Two structs, of which the outer has nulls and nothing inside has.
    RequiredTwice,
    Text,
    List,
    RequiredItems,
    LargeList,
    FixedSizeList,
    RequiredFixedSizeList,
    ListView,
    LargeListView,
    Map,
    ListOfStructs,
    RequiredStructs,
    Deep,
    Dictionary,
    RunEnd,
}

impl Shape {
    fn path(self) -> &'static str {
        match self {
            Shape::Struct | Shape::Required | Shape::Dictionary | Shape::RunEnd => "top.body",
            Shape::Text => "top.body",
            Shape::RequiredTwice => "top.inner.body",
            Shape::ListOfStructs | Shape::RequiredStructs => "top.html",
            Shape::Map => "top.values",
            Shape::Deep => "top.more.html",
            _ => "top",
        }
    }

    fn column(self) -> ArrayRef {
        let body = |body, nullable| {
            structs(&[("id", numbers(ROWS), true), ("body", body, nullable)], nulls())
        };
        let html = |nullable, value: fn(usize) -> Row| {
            let fields =
                [("html", binary(items(), value), nullable), ("n", numbers(items()), false)];
            structs(&fields, None)
        };
        match self {
            Shape::Struct => body(binary(ROWS, some_event), true),
            Shape::Text => {
                let text: StringArray = (0..ROWS).map(|i| Some(format!("text {i}"))).collect();
                body(Arc::new(text), true)
            }
            Shape::Required => body(binary(ROWS, event), false),
            Shape::RequiredTwice => {
                let fields = [("body", binary(ROWS, event), false), ("n", numbers(ROWS), false)];
                structs(&[("inner", structs(&fields, None), false)], nulls())
            }
            Shape::List => list(binary(items(), some_event), true),
            Shape::RequiredItems => list(binary(items(), event), false),
            Shape::LargeList => {
                let items = binary(items(), some_event);
                let (item, offsets) = (item(&items, true), OffsetBuffer::from_lengths(lengths()));
                Arc::new(LargeListArray::new(item, offsets, items, nulls()))
            }
            Shape::FixedSizeList => {
                let items = binary(ROWS * 2, some_event);
                Arc::new(FixedSizeListArray::new(item(&items, true), 2, items, nulls()))
            }
            Shape::RequiredFixedSizeList => {
                let items = binary(ROWS * 2, event);
                Arc::new(FixedSizeListArray::new(item(&items, false), 2, items, None))
            }
            Shape::ListView => {
                // Backwards, with gaps.
                let items = binary(ROWS * 4, some_event);
                let offsets: Vec<i32> = (0..ROWS as i32).rev().map(|i| i * 4).collect();
                let sizes: Vec<i32> = lengths().map(|len| len as i32).collect();
                let item = item(&items, true);
                Arc::new(ListViewArray::new(item, offsets.into(), sizes.into(), items, nulls()))
            }
            Shape::LargeListView => {
                // All rows have the same items.
                let items = binary(10, some_event);
                let sizes: Vec<i64> = lengths().map(|len| len as i64).collect();
                let (item, offsets) = (item(&items, true), vec![3; ROWS].into());
                Arc::new(LargeListViewArray::new(item, offsets, sizes.into(), items, nulls()))
            }
            Shape::Map => {
                let keys: StringArray = (0..items()).map(|i| Some(format!("k{i}"))).collect();
                let fields = [
                    Field::new("keys", DataType::Utf8, false),
                    Field::new("values", DataType::Binary, true),
                ];
                let arrays: Vec<ArrayRef> = vec![Arc::new(keys), binary(items(), some_event)];
                let entries = StructArray::new(fields.to_vec().into(), arrays, None);
                let field = Field::new("entries", entries.data_type().clone(), false);
                let offsets = OffsetBuffer::from_lengths(lengths());
                Arc::new(MapArray::new(Arc::new(field), offsets, entries, nulls(), false))
            }
            Shape::ListOfStructs => list(html(true, some_event), true),
            Shape::RequiredStructs => list(html(false, event), false),
            Shape::Deep => {
                let inner = list(html(true, some_event), true);
                let lengths = (0..ROWS).map(|i| if i.is_multiple_of(2) { 2 } else { 0 });
                let offsets = OffsetBuffer::from_lengths(lengths);
                let middle = ListArray::new(item(&inner, true), offsets, inner, None);
                structs(&[("more", Arc::new(middle), true)], nulls())
            }
            Shape::Dictionary | Shape::RunEnd => {
                let layout =
                    if self == Shape::Dictionary { Layout::Dictionary } else { Layout::RunEnd };
                let values: Vec<Row> = (0..ROWS).map(|i| some_event(i / 8)).collect();
                body(layout.array(&values), true)
            }
        }
    }

    fn batch(self) -> RecordBatch {
        let column = self.column();
        let nullable = column.null_count() > 0;
        let fields = vec![
            about(Field::new("id", DataType::Int64, false)),
            about(Field::new("top", column.data_type().clone(), nullable)),
            Field::new("value", DataType::Binary, true),
        ];
        let metadata = HashMap::from([("owner".to_owned(), "somebody".to_owned())]);
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        let columns = vec![numbers(ROWS), column, binary(ROWS, event)];
        RecordBatch::try_new(schema, columns).unwrap()
    }
}

const PATHS: &str = "there is no such field";

/// What a reader sees at a path, row by row of the array: the slow twin of what is tested.
fn flat(array: &ArrayRef, path: &[&str]) -> Vec<Row> {
    use DataType::*;
    let each = |list: &dyn Fn(usize) -> ArrayRef| -> Vec<Row> {
        let lists = (0..array.len()).filter(|i| array.is_valid(*i));
        lists.flat_map(|i| flat(&list(i), path)).collect()
    };
    match array.data_type() {
        List(_) => each(&|i| array.as_list::<i32>().value(i)),
        LargeList(_) => each(&|i| array.as_list::<i64>().value(i)),
        ListView(_) => each(&|i| array.as_list_view::<i32>().value(i)),
        LargeListView(_) => each(&|i| array.as_list_view::<i64>().value(i)),
        FixedSizeList(..) => each(&|i| array.as_fixed_size_list().value(i)),
        Map(..) => each(&|i| Arc::new(array.as_map().value(i))),
        Struct(_) => {
            let child = array.as_struct().column_by_name(path[0]).expect(PATHS);
            let has_lists = format!("{:?}", child.data_type()).contains("List");
            let row = |i: usize| match (array.is_valid(i), has_lists) {
                (true, _) => flat(&child.slice(i, 1), &path[1..]),
                (false, true) => vec![],
                (false, false) => vec![None],
            };
            (0..array.len()).flat_map(row).collect()
        }
        _ => rows(array),
    }
}

/// What a reader sees at a path that begins with the column `top`, for each row of a table.
fn seen(batches: &[RecordBatch], path: &str) -> Vec<Vec<Row>> {
    let path: Vec<&str> = path.split('.').skip(1).collect();
    let of_batch = |batch: &RecordBatch| {
        let top = batch.column_by_name("top").unwrap().clone();
        (0..batch.num_rows()).map(move |i| top.slice(i, 1)).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of_batch).map(|row| flat(&row, &path)).collect()
}

/// The field at a path.
fn field(batch: &RecordBatch, path: &str) -> Field {
    let name = path.rsplit('.').next().unwrap();
    let schema = batch.schema();
    let top = schema.field_with_name("top").unwrap().clone();
    let mut found = None;
    fn walk(field: &Field, name: &str, found: &mut Option<Field>) {
        use DataType::*;
        match field.data_type() {
            Struct(fields) => fields.iter().for_each(|field| walk(field, name, found)),
            List(f) | LargeList(f) | ListView(f) | LargeListView(f) | FixedSizeList(f, _) => {
                walk(f, name, found)
            }
            Map(f, _) => walk(f, name, found),
            _ if [name, "item"].contains(&field.name().as_str()) => *found = Some(field.clone()),
            _ => {}
        }
    }
    walk(&top, name, &mut found);
    found.expect(PATHS)
}

fn compressor(path: &str) -> [(String, Compressor); 1] {
    [(path.to_owned(), Compressor::builder().threads(2).build().unwrap())]
}

fn pieces(batch: &RecordBatch) -> Vec<RecordBatch> {
    [0..7, 7..48, 48..48, 48..ROWS]
        .map(|part: Range<usize>| batch.slice(part.start, part.len()))
        .into()
}

const SHAPES: [Shape; 17] = [
    Shape::Struct,
    Shape::Required,
    Shape::RequiredTwice,
    Shape::Text,
    Shape::List,
    Shape::RequiredItems,
    Shape::LargeList,
    Shape::FixedSizeList,
    Shape::RequiredFixedSizeList,
    Shape::ListView,
    Shape::LargeListView,
    Shape::Map,
    Shape::ListOfStructs,
    Shape::RequiredStructs,
    Shape::Deep,
    Shape::Dictionary,
    Shape::RunEnd,
];

/// There and back without an argument: every value, type, name and metadata, of sliced batches.
#[rstest]
fn there_and_back(
    #[values(FileFormat::Parquet, FileFormat::Ipc, FileFormat::IpcStream)] format: FileFormat,
) {
    for shape in SHAPES {
        println!("{shape:?}");
        let (place, path) = (Place::new(), shape.path());
        let (original, small, back) =
            (place.path("original"), place.path("small"), place.path("back"));
        let mut pieces = pieces(&shape.batch());
        // An empty run-end array in an Arrow file is one that arrow's own reader does not take.
        pieces.retain(|piece| shape != Shape::RunEnd || piece.num_rows() > 0);
        write(&original, format, &pieces);
        let source = read(&original, format);
        let values = seen(&source, path).concat();
        let full: Vec<&Vec<u8>> = values.iter().flatten().collect();
        let raw: usize = full.iter().map(|value| value.len()).sum();

        let columns = compressor(path);
        let report = files::compress(&original, &small, &columns, FileOptions::default()).unwrap();
        let column = &report.columns[0];
        assert_eq!(column.name, path);
        assert_eq!(report.rows, ROWS as u64);
        let counts = (column.values, column.nulls, column.raw_bytes);
        if shape == Shape::LargeListView && format != FileFormat::Parquet {
            // What rows share is stored, and counted, once.
            assert!(counts.0 < 4 * 3 && full.len() > 50, "{counts:?}");
        } else {
            let nulls = values.len() - full.len();
            assert_eq!(counts, (full.len() as u64, nulls as u64, raw as u64));
        }

        // The field says what it is, and the rest is what it was.
        let frames = read(&small, format);
        let before = field(&source[0], path);
        let after = field(&frames[0], path);
        assert!(schema::marked(&after).unwrap().is_some());
        assert_eq!(after.is_nullable(), before.is_nullable());
        let without_mark = schema::unmark(&after, before.data_type().clone());
        assert_eq!(without_mark, before);
        assert_eq!(frames[0].schema().metadata()["owner"], "somebody");
        for (frames, source) in frames.iter().zip(&source) {
            assert_eq!(frames.column(0), source.column(0));
            assert_eq!(frames.column(1).nulls(), source.column(1).nulls());
            assert_eq!(frames.column(2), source.column(2));
        }
        let decoded: Vec<Row> = seen(&frames, path)
            .concat()
            .into_iter()
            .map(|frame| Some(zstd::decode_all(frame?.as_slice()).unwrap()))
            .collect();
        assert_eq!(decoded, values);

        let info = files::inspect(&small).unwrap();
        let column = info.columns.iter().find(|column| column.name == path).unwrap();
        assert!(column.is_frames() && column.marked);
        let content = (column.rows - column.nulls, column.nulls, column.content_bytes);
        assert_eq!(content, counts);
        assert_eq!(column.stored_bytes, report.columns[0].compressed_bytes);

        let codec = DecompressOptions::default();
        let report =
            files::decompress(&small, &back, None, &codec, FileOptions::default()).unwrap();
        assert_eq!(report.columns[0].raw_bytes, counts.2);
        let values = read(&back, format);
        assert_eq!(values[0].schema(), source[0].schema());
        assert_eq!(values, source);
    }
}

/// A table without rows has its fields changed all the same.
#[rstest]
fn no_rows(
    #[values(FileFormat::Parquet, FileFormat::Ipc, FileFormat::IpcStream)] format: FileFormat,
) {
    for shape in SHAPES {
        // As above.
        if shape == Shape::RunEnd && format != FileFormat::Parquet {
            continue;
        }
        let (place, path) = (Place::new(), shape.path());
        let (original, small, back) =
            (place.path("original"), place.path("small"), place.path("back"));
        write(&original, format, &[shape.batch().slice(3, 0)]);
        let options = FileOptions::default;
        files::compress(&original, &small, &compressor(path), options()).unwrap();
        let info = files::inspect(&small).unwrap();
        let column = info.columns.iter().find(|column| column.name == path).unwrap();
        assert!(column.marked && column.rows == 0);
        let codec = DecompressOptions::default();
        files::decompress(&small, &back, None, &codec, options()).unwrap();
        assert_eq!(read(&back, format), read(&original, format));
        let (before, after) = (files::inspect(&original).unwrap(), files::inspect(&back).unwrap());
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
    }
}

fn frame(value: Row) -> Row {
    value.map(|value| zstd::bulk::compress(&value, 3).unwrap())
}

fn garbage() -> Row {
    row("what lies under a null is no frame, and never read as one")
}

/// What a null hides is never read as a frame, whether or not the values can be null; in Arrow
/// files it is really there.
#[rstest]
fn what_is_hidden_is_not_read(
    #[values(
        Layout::Binary,
        Layout::LargeBinary,
        Layout::BinaryView,
        Layout::Dictionary,
        Layout::RunEnd
    )]
    layout: Layout,
    #[values(true, false)] nullable: bool,
    #[values(
        Shape::Struct,
        Shape::List,
        Shape::LargeList,
        Shape::FixedSizeList,
        Shape::ListView,
        Shape::ListOfStructs
    )]
    shape: Shape,
) {
    let owner: Vec<usize> = match shape {
        Shape::Struct => (0..ROWS).collect(),
        Shape::FixedSizeList | Shape::ListView => (0..ROWS * 2).map(|i| i / 2).collect(),
        _ => lengths().enumerate().flat_map(|(i, len)| std::iter::repeat_n(i, len)).collect(),
    };
    let values: Vec<Row> = owner
        .iter()
        .enumerate()
        .map(|(i, row)| if is_null(*row) { garbage() } else { frame(event(i)) })
        .collect();
    let bytes = layout.array(&values);
    let leaf = item(&bytes, nullable);
    let (column, path): (ArrayRef, &str) = match shape {
        Shape::Struct => (structs(&[("body", bytes, nullable)], nulls()), "top.body"),
        Shape::List => (list(bytes, nullable), "top"),
        Shape::LargeList => {
            let offsets = OffsetBuffer::from_lengths(lengths());
            (Arc::new(LargeListArray::new(leaf, offsets, bytes, nulls())), "top")
        }
        Shape::FixedSizeList => (Arc::new(FixedSizeListArray::new(leaf, 2, bytes, nulls())), "top"),
        Shape::ListView => {
            let offsets: Vec<i32> = (0..ROWS as i32).map(|i| i * 2).collect();
            let (offsets, sizes) = (offsets.into(), vec![2; ROWS].into());
            (Arc::new(ListViewArray::new(leaf, offsets, sizes, bytes, nulls())), "top")
        }
        _ => (list(structs(&[("html", bytes, nullable)], None), false), "top.html"),
    };
    let schema = Schema::new(vec![Field::new("top", column.data_type().clone(), true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap();
    let batches = [batch.slice(0, 13), batch.slice(13, 40)];
    let place = Place::new();
    let (original, back, small) = (place.path("original"), place.path("back"), place.path("small"));
    write(&original, FileFormat::Ipc, &batches);
    let kept = seen(&read(&original, FileFormat::Ipc), path);
    assert!(kept.concat().iter().all(|value| *value != garbage()));
    let visible: usize = kept.iter().map(|row| row.iter().flatten().count()).sum();
    let stored: usize = kept.iter().flatten().flatten().map(Vec::len).sum();

    let info = files::inspect(&original).unwrap();
    assert!(info.columns[0].is_frames(), "{:?}", info.columns[0]);
    assert_eq!(info.columns[0].stored_bytes, stored as u64);

    let columns = [path.to_owned()];
    let codec = DecompressOptions::default();
    let options = FileOptions::default;
    let report = files::decompress(&original, &back, Some(&columns), &codec, options()).unwrap();
    assert_eq!(report.columns[0].values, visible as u64);
    assert_eq!(report.columns[0].compressed_bytes, stored as u64);
    let values = seen(&read(&back, FileFormat::Ipc), path);
    let expected: Vec<Vec<Row>> = kept
        .iter()
        .map(|row| {
            let decode =
                |frame: &Row| frame.as_deref().map(|frame| zstd::decode_all(frame).unwrap());
            row.iter().map(decode).collect()
        })
        .collect();
    assert_eq!(values, expected);
    assert_eq!(field(&read(&back, FileFormat::Ipc)[0], path).is_nullable(), nullable);

    // In the other direction it does not matter either.
    let report = files::compress(&back, &small, &compressor(path), options()).unwrap();
    assert_eq!(report.columns[0].values, visible as u64);
    let codec = DecompressOptions::default();
    files::decompress(&small, &back, None, &codec, options()).unwrap();
    assert_eq!(seen(&read(&back, FileFormat::Ipc), path), expected);
    // Also where it is garbage that is compressed.
    files::compress(&original, &small, &compressor(path), options()).unwrap();
    files::decompress(&small, &back, None, &codec, options()).unwrap();
    assert_eq!(seen(&read(&back, FileFormat::Ipc), path), kept);
}

/// Errors and reports tell the row of the file, not the place among the items.
#[rstest]
#[case::lists(Shape::List, 3)]
#[case::structs(Shape::ListOfStructs, 3)]
#[case::deep(Shape::Deep, 1)]
#[case::plain(Shape::Struct, 1)]
#[case::fixed(Shape::FixedSizeList, 2)]
#[case::map(Shape::Map, 3)]
#[case::views(Shape::ListView, 2)]
fn errors_tell_the_row_of_the_file(#[case] shape: Shape, #[case] least_length: usize) {
    let place = Place::new();
    let (original, small, bad, back) =
        (place.path("original"), place.path("small"), place.path("bad"), place.path("back"));
    let path = shape.path();
    write(&original, FileFormat::Parquet, &pieces(&shape.batch()));
    files::compress(&original, &small, &compressor(path), FileOptions::default()).unwrap();
    // The last frame of a row is damaged: each frame has its own bytes, so it can be found.
    let per_row = seen(&read(&small, FileFormat::Parquet), path);
    let (row, frame) = per_row
        .iter()
        .enumerate()
        .filter(|(row, items)| *row > 20 && items.len() >= least_length)
        .find_map(|(row, items)| Some((row, items.last()?.clone()?)))
        .unwrap();
    let mut bytes = std::fs::read(&small).unwrap();
    let places: Vec<usize> =
        (0..bytes.len() - frame.len()).filter(|at| bytes[*at..].starts_with(&frame)).collect();
    assert_eq!(places.len(), 1, "the frame is in the file once, as it is");
    bytes[places[0]] = 0;
    std::fs::write(&bad, bytes).unwrap();
    let mut codec = DecompressOptions::default();
    for batch_rows in [1, 13, 1000] {
        let options = FileOptions::default().batch_rows(batch_rows);
        let message = error(files::decompress(&bad, &back, None, &codec, options), &place);
        let expected = format!(
            "FOLDER/bad: column {path:?}: row {row}: bad magic number 00 b5 2f fd: not a zstd \
             frame (28 b5 2f fd)"
        );
        assert_eq!(message, expected);
    }
    codec.on_error = OnError::Null;
    let report = files::decompress(&bad, &back, None, &codec, FileOptions::default()).unwrap();
    assert_eq!(report.columns[0].failed, 1);
    assert_eq!(report.columns[0].failures[0].row, row as u64);
    let mut expected = seen(&read(&original, FileFormat::Parquet), path);
    *expected[row].last_mut().unwrap() = None;
    assert_eq!(seen(&read(&back, FileFormat::Parquet), path), expected);
}

/// A field without nulls can have some where rows that fail become null.
#[rstest]
fn failures_in_fields_without_nulls(
    #[values(Shape::Required, Shape::RequiredItems, Shape::RequiredStructs)] shape: Shape,
    #[values(FileFormat::Parquet, FileFormat::Ipc)] format: FileFormat,
) {
    let place = Place::new();
    let (original, back) = (place.path("original"), place.path("back"));
    write(&original, format, &pieces(&shape.batch()));
    let mut codec = DecompressOptions::default();
    codec.on_error = OnError::Null;
    let columns = [shape.path().to_owned()];
    let options = FileOptions::default();
    let report = files::decompress(&original, &back, Some(&columns), &codec, options).unwrap();
    let batches = read(&back, format);
    let values = seen(&batches, shape.path()).concat();
    assert!(values.iter().all(Option::is_none));
    let nulls = report.columns[0].nulls + report.columns[0].failed;
    assert_eq!((nulls, report.columns[0].failed > 20), (values.len() as u64, true));
    assert!(field(&batches[0], shape.path()).is_nullable());
}

/// Pages of frames inside of other columns are not compressed a second time; all others are.
#[test]
fn pages() {
    let shapes = [
        (Shape::Struct, "top.body"),
        (Shape::List, "top.list.item"),
        (Shape::ListOfStructs, "top.list.item.html"),
        (Shape::Map, "top.entries.values"),
        (Shape::Deep, "top.more.list.item.list.item.html"),
        (Shape::ListView, "top.list.item"),
    ];
    for (shape, name) in shapes {
        let place = Place::new();
        let (original, small) = (place.path("original"), place.path("small.parquet"));
        let batch = shape.batch();
        let twelve: Vec<RecordBatch> = (0..12).map(|_| batch.clone()).collect();
        write(&original, FileFormat::Ipc, &twelve);
        let columns = compressor(shape.path());
        files::compress(&original, &small, &columns, FileOptions::default()).unwrap();
        let reader = SerializedFileReader::new(File::open(&small).unwrap()).unwrap();
        let mut found = 0;
        for column in reader.metadata().row_group(0).columns() {
            let frames = column.column_path().string() == name;
            found += usize::from(frames);
            assert_eq!(column.compression() == Compression::UNCOMPRESSED, frames, "{column:?}");
            assert!(!frames || column.dictionary_page_offset().is_none());
            assert_eq!(column.statistics().is_none(), frames);
        }
        assert_eq!(found, 1, "{name}");
    }
}

/// A table with names that can be taken for others.
fn named() -> RecordBatch {
    let body = || binary(ROWS, event);
    let inner = structs(&[("b", body(), true), ("n", numbers(ROWS), true)], None);
    let top = structs(&[("a.b", body(), true), ("a", inner, true), ("c", body(), true)], None);
    let twice = structs(&[("x", body(), true), ("x", body(), true)], None);
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("id", numbers(ROWS), true),
        ("top", top, true),
        ("top.c", body(), true),
        ("twice", twice, true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

#[test]
fn names() {
    let place = Place::new();
    let (original, small) = (place.path("original"), place.path("small"));
    write(&original, FileFormat::Parquet, &[named()]);
    let compress =
        |name: &str| files::compress(&original, &small, &compressor(name), FileOptions::default());
    let train = |name: &str| {
        let columns = [name.to_owned()];
        let trained = files::train(&original, &columns, 4096, FileOptions::default());
        let folder = place.path("").display().to_string();
        trained.unwrap_err().to_string().replace(&folder, "FOLDER/")
    };
    let not_binary = "is not a binary column (Binary, LargeBinary, BinaryView, FixedSizeBinary, \
                      Utf8, LargeUtf8, Utf8View, or a dictionary or run-end encoding of one)";
    let problems = [
        ("missing", "no column \"missing\"; there are: id, top, top.c, twice".to_owned()),
        ("id.x", "no column \"id.x\"; there are: id, top, top.c, twice".to_owned()),
        ("top.", "no column \"top.\"; there are: top.a.b, top.a, top.c".to_owned()),
        ("top.x", "no column \"top.x\"; there are: top.a.b, top.a, top.c".to_owned()),
        ("top.a.x.y", "no column \"top.a.x.y\"; there are: top.a.b, top.a.n".to_owned()),
        (".a", "no column \".a\"; there are: id, top, top.c, twice".to_owned()),
        ("twice.x", "option columns: \"twice.x\" is the name of several columns".to_owned()),
        ("top.a.n", format!("column \"top.a.n\": Int64 {not_binary}")),
    ];
    for (name, problem) in problems {
        assert_eq!(error(compress(name), &place), format!("FOLDER/original: {problem}"));
        assert_eq!(train(name), format!("FOLDER/original: {problem}"));
    }
    let message = error(compress("top.a"), &place);
    assert!(message.starts_with("FOLDER/original: column \"top.a\": Struct("), "{message}");

    // A whole name comes before a path.
    let marks = |name: &str| {
        compress(name).unwrap();
        let info = files::inspect(&small).unwrap();
        info.columns.iter().map(|column| column.marked).collect::<Vec<_>>()
    };
    let info = files::inspect(&original).unwrap();
    let names: Vec<&str> = info.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["top.a.b", "top.a.b", "top.c", "top.c", "twice.x", "twice.x"]);
    assert_eq!(marks("top.c"), [false, false, false, true, false, false]);
    assert_eq!(marks("top.a.b"), [true, false, false, false, false, false]);
    // Marked fields are found by their mark, whatever their names.
    let back = place.path("back");
    let codec = DecompressOptions::default();
    files::decompress(&small, &back, None, &codec, FileOptions::default()).unwrap();
    assert_eq!(read(&back, FileFormat::Parquet), read(&original, FileFormat::Parquet));
}

/// Two fields of one column, and a column beside them, each with its own dictionary.
#[test]
fn several_fields_of_a_column() {
    let place = Place::new();
    let (original, small, half, back) =
        (place.path("original"), place.path("small"), place.path("half"), place.path("back"));
    let n = 900;
    let text = |i: usize| row(format!("text number {i} of {}", i * 7));
    let inner = structs(&[("html", binary(n, text), true), ("n", numbers(n), true)], None);
    let offsets = OffsetBuffer::from_lengths((0..n / 3).map(|_| 3));
    let pages: ArrayRef = Arc::new(ListArray::new(item(&inner, false), offsets, inner, None));
    let top = structs(&[("pages", pages, true), ("body", binary(n / 3, event), true)], None);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("value", binary(n / 3, some_event), true),
        ("top", top, true),
    ])
    .unwrap();
    write(&original, FileFormat::Parquet, &[batch]);
    let names = ["top.body", "value", "top.pages.html"].map(str::to_owned);
    let trained = files::train(&original, &names, 1024, FileOptions::default()).unwrap();
    assert_eq!(
        trained[2].as_bytes(),
        Dictionary::train(&binary(n, text), 1024).unwrap().as_bytes(),
        "as of a column of its own"
    );
    let columns: Vec<(String, Compressor)> = names
        .iter()
        .zip(&trained)
        .map(|(name, dictionary)| {
            let builder = Compressor::builder().dictionary(dictionary.clone());
            (name.clone(), builder.build().unwrap())
        })
        .collect();
    let report = files::compress(&original, &small, &columns, FileOptions::default()).unwrap();
    let order: Vec<&str> = report.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(order, ["value", "top.pages.html", "top.body"], "in the order of the file");

    let codec = DecompressOptions::default();
    files::decompress(&small, &half, Some(&names[2..]), &codec, FileOptions::default()).unwrap();
    let info = files::inspect(&half).unwrap();
    assert_eq!(info.dictionary_ids.len(), 2, "the others' dictionaries stay");
    files::decompress(&half, &back, None, &codec, FileOptions::default()).unwrap();
    assert_eq!(read(&back, FileFormat::Parquet), read(&original, FileFormat::Parquet));
    assert!(files::inspect(&back).unwrap().dictionary_ids.is_empty());

    let twice = [columns[0].clone(), columns[0].clone()];
    assert_eq!(
        error(files::compress(&original, &half, &twice, FileOptions::default()), &place),
        "FOLDER/original: option columns: \"top.body\" is named twice"
    );
    assert_eq!(
        error(files::compress(&small, &half, &columns, FileOptions::default()), &place),
        "FOLDER/small: option columns: \"top.body\" holds zstd frames already"
    );
}

/// Training reads the named field's pages and no others: those of its neighbours are damaged.
#[rstest]
#[case(Shape::ListOfStructs, "top.list.item.html")]
#[case(Shape::Struct, "top.body")]
fn training_reads_the_field_alone(#[case] shape: Shape, #[case] name: &str) {
    let place = Place::new();
    let original = place.path("original");
    let batch = shape.batch();
    write(&original, FileFormat::Parquet, std::slice::from_ref(&batch));
    let reader = SerializedFileReader::new(File::open(&original).unwrap()).unwrap();
    let mut bytes = std::fs::read(&original).unwrap();
    for column in reader.metadata().row_group(0).columns() {
        let (start, length) = column.byte_range();
        if column.column_path().string() != name {
            bytes[start as usize..(start + length) as usize].fill(0xFF);
        }
    }
    std::fs::write(&original, bytes).unwrap();
    let columns = [shape.path().to_owned()];
    let trained = files::train(&original, &columns, 1024, FileOptions::default()).unwrap();
    let values: ArrayRef = Arc::new(
        seen(&[batch], shape.path())
            .concat()
            .iter()
            .map(|value| value.as_deref())
            .collect::<BinaryArray>(),
    );
    assert_eq!(trained[0].as_bytes(), Dictionary::train(&values, 1024).unwrap().as_bytes());
}

/// Map values can be trained on, though no map is read without its keys.
#[rstest]
fn maps_and_arrow_files_train(
    #[values(FileFormat::Parquet, FileFormat::Ipc, FileFormat::IpcStream)] format: FileFormat,
    #[values(Shape::Map, Shape::Deep, Shape::ListView, Shape::RequiredFixedSizeList)] shape: Shape,
) {
    let place = Place::new();
    let original = place.path("original");
    write(&original, format, &pieces(&shape.batch()));
    let columns = [shape.path().to_owned()];
    files::train(&original, &columns, 1024, FileOptions::default()).unwrap();
    let trained = inspected(&original, shape.path());
    assert_eq!(trained, seen(&read(&original, format), shape.path()).concat().len() as u64);
}

fn inspected(file: &Path, path: &str) -> u64 {
    let info = files::inspect(file).unwrap();
    info.columns.iter().find(|column| column.name == path).unwrap().rows
}

/// Tables in memory, as files.
#[test]
fn tables() {
    for shape in SHAPES {
        println!("{shape:?}");
        let (batch, path) = (shape.batch(), shape.path());
        let (schema, batches) = (batch.schema(), pieces(&batch));
        let small = files::compress_batches(&schema, &batches, &compressor(path)).unwrap();
        assert!(schema::marked(&field(&small.batches[0], path)).unwrap().is_some());
        assert_ne!(seen(&small.batches, path), seen(&batches, path));
        let codec = DecompressOptions::default();
        let back = files::decompress_batches(&small.schema, &small.batches, None, &codec).unwrap();
        assert_eq!((back.schema, back.batches), (schema.clone(), batches.clone()));
        // Encoded values are too few to learn from.
        if ![Shape::Dictionary, Shape::RunEnd].contains(&shape) {
            let columns = [path.to_owned()];
            files::train_batches(&schema, &batches, &columns, 1024).unwrap();
        }
    }
}
