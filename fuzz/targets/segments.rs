//! Segments from any pairs: construction, slices and conversions, against the plain arithmetic.
#![no_main]

use arrow_array::{Array, cast::AsArray};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};
use libfuzzer_sys::fuzz_target;
use zstd_arrow::convert::{self, MAX_VIEW_BUFFER};
use zstd_arrow::{BufferSegments, BufferWithSegments, BufferWithSegmentsCollection};
use zstd_arrow_fuzz::rows::Input;

/// Numbers as they are in use, and at the ends of what there is.
fn number(input: &mut Input, size: u64) -> u64 {
    match input.byte() % 8 {
        0 => input.u64(),
        1 => u64::MAX - u64::from(input.byte()),
        2 => i64::MAX as u64 - u64::from(input.byte()),
        3 => size.wrapping_add(u64::from(input.byte() % 4)).wrapping_sub(2),
        _ => u64::from(input.byte()) % (size + 1),
    }
}

fn members(input: &mut Input) -> Option<BufferWithSegments> {
    let data = input.string();
    let size = data.len() as u64;
    let count = usize::from(input.byte() % 16);
    if input.bit() {
        let offsets: Vec<i64> = (0..count).map(|_| number(input, size) as i64).collect();
        let rising = offsets.first().is_some_and(|first| *first >= 0)
            && offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        let index = BufferSegments::try_from_offsets(ScalarBuffer::from(offsets.clone()));
        assert_eq!(index.is_ok(), rising);
        let inside = offsets.last().is_some_and(|last| *last as u64 <= size);
        let made = BufferWithSegments::try_new(Buffer::from(data), index.ok()?);
        // Without a segment there is nothing that could be outside.
        assert!(made.is_ok() == inside || offsets.len() == 1);
        return made.ok();
    }
    let pairs: Vec<(u64, u64)> =
        (0..count).map(|_| (number(input, size), number(input, size))).collect();
    let inside =
        |(offset, length): &(u64, u64)| offset.checked_add(*length).is_some_and(|end| end <= size);
    let made = BufferWithSegments::try_new(Buffer::from(data), pairs.iter().copied().collect());
    assert_eq!(made.is_ok(), pairs.iter().all(inside));
    let made = made.ok()?;
    for (i, (offset, length)) in pairs.iter().enumerate() {
        let segment = made.get(i).expect("it is there");
        assert_eq!(segment.offset(), *offset);
        assert_eq!(&*segment, &data[*offset as usize..][..*length as usize]);
    }
    Some(made)
}

fn check(made: &BufferWithSegments, mask: Option<NullBuffer>) {
    let values: Vec<Vec<u8>> = made.iter().map(|segment| segment.to_vec()).collect();
    let index = made.segments();
    let pairs: Vec<(u64, u64)> = index.iter().collect();
    let again = BufferSegments::from_pair_bytes(index.to_pairs()).expect("whole pairs");
    assert_eq!(&again, index);
    let gapless = pairs.windows(2).all(|two| two[0].0 + two[0].1 == two[1].0);
    assert_eq!(index.is_gapless(), gapless);
    assert_eq!(index.to_offsets().is_some(), gapless);
    assert_eq!(index.to_offsets_i32().is_some(), gapless);

    let expected: Vec<Option<&[u8]>> = values
        .iter()
        .enumerate()
        .map(|(i, value)| mask.as_ref().is_none_or(|mask| mask.is_valid(i)).then_some(&value[..]))
        .collect();
    let whole = BufferWithSegmentsCollection::from(made.clone());
    let views =
        convert::to_binary_view(whole, mask.clone(), MAX_VIEW_BUFFER).expect("any segments");
    assert!(views.iter().eq(expected.iter().copied()));
    let (back, nulls) = convert::from_views(&views);
    assert!(
        back.iter()
            .map(|segment| segment.to_vec())
            .zip(&expected)
            .all(|(back, value)| { back == value.unwrap_or_default() })
    );
    assert_eq!(
        nulls.as_ref().map_or(0, NullBuffer::null_count),
        mask.as_ref().map_or(0, NullBuffer::null_count)
    );
    let compact = convert::to_large_binary_compact(made, mask.clone()).expect("small");
    assert!(compact.iter().eq(expected.iter().copied()));
    match convert::to_large_binary(made.clone(), mask.clone()) {
        Ok(array) => assert!(gapless && array.iter().eq(expected.iter().copied())),
        Err(rejected) => assert!(!gapless && rejected.input.ptr_eq(made)),
    }
    let text = std::str::from_utf8;
    if let Ok(array) = convert::to_utf8(made.clone(), mask.clone()) {
        assert!(array.iter().map(|value| value.map(str::as_bytes)).eq(expected.iter().copied()));
        assert!(values.iter().all(|value| text(value).is_ok()));
    }
    let whole = BufferWithSegmentsCollection::from(made.clone());
    if let Ok(array) = convert::to_utf8_view(whole, mask.clone(), MAX_VIEW_BUFFER) {
        assert!(array.iter().map(|value| value.map(str::as_bytes)).eq(expected.iter().copied()));
    }
    let width = values.first().map_or(3, Vec::len) as i32;
    if let Ok(array) = convert::to_fixed_size_binary(made.clone(), width, mask.clone()) {
        assert!(array.iter().eq(expected.iter().copied()));
    }
    let array = convert::to_array(made.clone(), mask.clone()).expect("any segments");
    let (there, _) = convert::from_array(&array).expect("binary");
    let lengths = there.iter().map(|segment| segment.len()).sum::<usize>();
    assert!(lengths <= values.iter().map(Vec::len).sum());
    if let Some(plain) = array.as_binary_opt::<i64>() {
        assert!(plain.iter().eq(expected.iter().copied()));
    }
    let emptied = convert::nulls_to_empty(made.clone().into(), mask.as_ref());
    for (segment, value) in emptied.iter().zip(&expected) {
        assert_eq!(&*segment, value.unwrap_or_default());
    }
    for start in 0..values.len() {
        let part = made.slice(start, (values.len() - start) / 2);
        assert!(
            part.iter().map(|s| s.to_vec()).eq(values[start..].iter().take(part.len()).cloned())
        );
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let raw = input.bytes(usize::from(input.0.first().copied().unwrap_or(0)));
    let whole = raw.len().is_multiple_of(16);
    assert_eq!(BufferSegments::from_pair_bytes(Buffer::from(raw)).is_ok(), whole);
    let mut all = Vec::new();
    while !input.is_empty() && all.len() < 5 {
        let Some(made) = members(&mut input) else { continue };
        let mask = input
            .bit()
            .then(|| (0..made.len()).map(|_| input.bit()).collect::<Vec<bool>>())
            .map(NullBuffer::from);
        check(&made, mask);
        all.push(made);
    }
    let values: Vec<Vec<u8>> =
        all.iter().flat_map(|member| member.iter().map(|segment| segment.to_vec())).collect();
    let collection = BufferWithSegmentsCollection::new(all.clone());
    assert_eq!(collection.len(), values.len());
    for (i, value) in values.iter().enumerate() {
        assert_eq!(&*collection.get(i).expect("it is there"), &value[..]);
        let (member, place) = collection.locate(i).expect("it is there");
        assert_eq!(all[member].value(place), &value[..]);
    }
    assert!(collection.get(values.len()).is_none());
    let chunks = convert::to_arrays(&collection).expect("any segments");
    let rows: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    assert_eq!(rows, values.len());
    let (back, _) = convert::from_chunks(&chunks).expect("binary");
    assert!(back.iter().map(|segment| segment.to_vec()).eq(values));
});
