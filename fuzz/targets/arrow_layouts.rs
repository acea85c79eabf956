//! Arrays of any layout that Arrow takes for valid: read as segments, compressed, and back.
#![no_main]

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, BinaryViewType, ByteViewType, Int8Type, Int16Type, Int32Type,
    RunEndIndexType, StringViewType,
};
use arrow_array::{Array, ArrayRef, make_array};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field};
use libfuzzer_sys::fuzz_target;
use zstd_arrow::convert::{self, Encoded};
use zstd_arrow::{Compressor, Decompressor};
use zstd_arrow_fuzz::rows::Input;

fn plain_type(input: &mut Input) -> DataType {
    match input.byte() % 7 {
        0 => DataType::Binary,
        1 => DataType::LargeBinary,
        2 => DataType::Utf8,
        3 => DataType::LargeUtf8,
        4 => DataType::FixedSizeBinary(i32::from(input.byte() % 9)),
        5 => DataType::BinaryView,
        _ => DataType::Utf8View,
    }
}

/// As many bits as there are slots: Arrow panics on fewer.
fn bits(input: &mut Input, slots: usize) -> Buffer {
    let mut bytes = input.bytes(slots.div_ceil(8)).to_vec();
    bytes.resize(slots.div_ceil(8), 0xFF);
    Buffer::from_vec(bytes)
}

/// An array whose buffers are the fuzzer's, if Arrow accepts it.
fn plain(input: &mut Input) -> Option<ArrayData> {
    let data_type = plain_type(input);
    let (len, offset) = (usize::from(input.byte() % 40), usize::from(input.byte() % 5));
    let slots = len + offset;
    let mut builder = ArrayData::builder(data_type.clone()).len(len).offset(offset);
    if input.bit() {
        builder = builder.null_bit_buffer(Some(bits(input, slots)));
    }
    let mut end = 0;
    let mut next = |input: &mut Input| {
        end += usize::from(input.byte() % 30);
        end
    };
    match data_type {
        DataType::Binary | DataType::Utf8 => {
            let offsets: Vec<i32> = (0..=slots).map(|_| next(input) as i32).collect();
            builder = builder.add_buffer(Buffer::from_vec(offsets));
            builder = builder.add_buffer(Buffer::from(input.string()));
        }
        DataType::LargeBinary | DataType::LargeUtf8 => {
            let offsets: Vec<i64> = (0..=slots).map(|_| next(input) as i64).collect();
            builder = builder.add_buffer(Buffer::from_vec(offsets));
            builder = builder.add_buffer(Buffer::from(input.string()));
        }
        DataType::FixedSizeBinary(width) => {
            let bytes = input.bytes(slots * width as usize);
            builder = builder.add_buffer(Buffer::from(bytes));
        }
        _ => {
            let buffers: Vec<&[u8]> = (0..1 + input.byte() % 3).map(|_| input.string()).collect();
            let views: Vec<u128> = (0..slots)
                .map(|_| {
                    let index = usize::from(input.byte()) % buffers.len();
                    let data = buffers[index];
                    let start = input.below(data.len() + 1);
                    let length = input.below(40).min(data.len() - start);
                    let value = &data[start..start + length];
                    let mut view = [0; 16];
                    view[..4].copy_from_slice(&(length as u32).to_le_bytes());
                    if length <= 12 {
                        view[4..4 + length].copy_from_slice(value);
                    } else {
                        view[4..8].copy_from_slice(&value[..4]);
                        view[8..12].copy_from_slice(&(index as u32).to_le_bytes());
                        view[12..].copy_from_slice(&(start as u32).to_le_bytes());
                    }
                    u128::from_le_bytes(view)
                })
                .collect();
            builder = builder.add_buffer(Buffer::from_vec(views));
            builder = buffers.into_iter().fold(builder, |b, data| b.add_buffer(Buffer::from(data)));
        }
    }
    builder.build().ok()
}

/// A dictionary or run-end encoding of it; keys and ends are the fuzzer's too.
fn encoded(input: &mut Input, values: ArrayData) -> Option<ArrayData> {
    let value_type = values.data_type().clone();
    let len = usize::from(input.byte() % 60);
    let offset = usize::from(input.byte() % 5);
    if input.bit() {
        let (key, width) = [
            (DataType::Int8, 1),
            (DataType::UInt16, 2),
            (DataType::Int32, 4),
            (DataType::UInt64, 8),
        ][usize::from(input.byte() % 4)]
        .clone();
        let below = values.len().max(1);
        let mut keys = Vec::new();
        for _ in 0..len + offset {
            // Also keys that are none, which Arrow accepts under a null.
            let key = match input.byte() {
                255 => u64::MAX >> 1,
                other => (usize::from(other) % below) as u64,
            };
            keys.extend_from_slice(&key.to_le_bytes()[..width]);
        }
        let mut builder =
            ArrayData::builder(DataType::Dictionary(Box::new(key), Box::new(value_type)))
                .len(len)
                .offset(offset)
                .add_buffer(Buffer::from_vec(keys).into())
                .add_child_data(values);
        if input.bit() {
            builder = builder.null_bit_buffer(Some(bits(input, len + offset)));
        }
        return builder.align_buffers(true).build().ok();
    }
    let mut end = 0_i32;
    let ends: Vec<i32> = (0..values.len())
        .map(|_| {
            end += 1 + i32::from(input.byte() % 20);
            end
        })
        .collect();
    let ends =
        ArrayData::builder(DataType::Int32).len(ends.len()).add_buffer(Buffer::from_vec(ends));
    let ends_field = Field::new("run_ends", DataType::Int32, false);
    let data_type =
        DataType::RunEndEncoded(ends_field.into(), Field::new("values", value_type, true).into());
    ArrayData::builder(data_type)
        .len(len)
        .offset(offset)
        .add_child_data(ends.build().ok()?)
        .add_child_data(values)
        .build()
        .ok()
}

type Row = Option<Vec<u8>>;

/// What Arrow itself says that the rows are.
fn rows(array: &dyn Array) -> Vec<Row> {
    fn views<T: ByteViewType>(array: &dyn Array) -> Vec<Row> {
        array
            .as_byte_view::<T>()
            .iter()
            .map(|row| {
                row.map(|row| {
                    let bytes: &[u8] = row.as_ref();
                    bytes.to_vec()
                })
            })
            .collect()
    }
    fn keyed<K: ArrowDictionaryKeyType>(array: &dyn Array) -> Vec<Row> {
        let keyed = array.as_dictionary::<K>();
        let values = rows(keyed.values());
        (0..keyed.len()).map(|row| keyed.key(row).and_then(|key| values[key].clone())).collect()
    }
    fn runs<R: RunEndIndexType>(array: &dyn Array) -> Vec<Row> {
        let runs = array.as_run::<R>();
        let values = rows(runs.values());
        (0..runs.len()).map(|row| values[runs.get_physical_index(row)].clone()).collect()
    }
    use arrow_array::types::{UInt16Type, UInt64Type};
    match array.data_type() {
        DataType::Binary => {
            array.as_binary::<i32>().iter().map(|row| row.map(<[u8]>::to_vec)).collect()
        }
        DataType::LargeBinary => {
            array.as_binary::<i64>().iter().map(|row| row.map(<[u8]>::to_vec)).collect()
        }
        DataType::Utf8 => {
            array.as_string::<i32>().iter().map(|row| row.map(|row| row.into())).collect()
        }
        DataType::LargeUtf8 => {
            array.as_string::<i64>().iter().map(|row| row.map(|row| row.into())).collect()
        }
        DataType::FixedSizeBinary(_) => {
            array.as_fixed_size_binary().iter().map(|row| row.map(<[u8]>::to_vec)).collect()
        }
        DataType::BinaryView => views::<BinaryViewType>(array),
        DataType::Utf8View => views::<StringViewType>(array),
        DataType::Dictionary(key, _) => match &**key {
            DataType::Int8 => keyed::<Int8Type>(array),
            DataType::UInt16 => keyed::<UInt16Type>(array),
            DataType::Int32 => keyed::<Int32Type>(array),
            _ => keyed::<UInt64Type>(array),
        },
        DataType::RunEndEncoded(ends, _) if ends.data_type() == &DataType::Int16 => {
            runs::<Int16Type>(array)
        }
        _ => runs::<Int32Type>(array),
    }
}

fn check(array: &ArrayRef) {
    let expected = rows(array);
    match Encoded::of(array) {
        Some(encoded) => {
            let values = rows(encoded.values());
            let mut place = Vec::new();
            for (value, count) in encoded.runs() {
                place.extend(std::iter::repeat_n(value, count));
            }
            let said: Vec<Row> =
                place.iter().map(|place| place.and_then(|place| values[place].clone())).collect();
            assert_eq!(said, expected);
            let used = encoded.used();
            assert!(place.iter().flatten().all(|place| used.value(*place)));
        }
        None => {
            let (segments, nulls) = convert::from_array(array).expect("binary");
            let said: Vec<Row> = segments
                .iter()
                .enumerate()
                .map(|(i, segment)| {
                    nulls.as_ref().is_none_or(|mask| mask.is_valid(i)).then(|| segment.to_vec())
                })
                .collect();
            assert_eq!(said, expected);
        }
    }
    let frames = Compressor::builder()
        .level(1)
        .threads(1)
        .build()
        .expect("a level")
        .compress_array(array)
        .expect("any values");
    frames.to_data().validate_full().expect("a valid array");
    let back = Decompressor::builder()
        .threads(1)
        .build()
        .expect("defaults")
        .decompress_array(&frames)
        .expect("frames");
    back.to_data().validate_full().expect("a valid array");
    assert_eq!(rows(&back), expected);
    // Not frames, most of them: an error that names a row, or values.
    if let Err(error) =
        Decompressor::builder().threads(1).build().expect("defaults").decompress_array(array)
    {
        assert!(error.row().is_some_and(|row| row < array.len()), "{error}");
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let kind = input.byte();
    let Some(mut data) = plain(&mut input) else { return };
    if kind % 3 == 0 {
        let Some(encoding) = encoded(&mut input, data) else { return };
        data = encoding;
    }
    let array = make_array(data);
    check(&array);
    let start = input.below(array.len() + 1);
    check(&array.slice(start, (array.len() - start) / 2));
});
