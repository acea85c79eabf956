//! Any options of compression: refused by name, or every value comes back.
#![no_main]

use arrow_array::{Array, LargeBinaryArray};
use libfuzzer_sys::fuzz_target;
use zstd_arrow::codec::read_value;
use zstd_arrow::{CompressOptions, Compressor, Decompressor, Error, Format, Strategy};
use zstd_arrow_fuzz::dictionary;
use zstd_arrow_fuzz::rows::Input;

/// The largest tables and windows, as a power of two, that there is time and memory for here.
const LARGE: u32 = 17;

fn some(input: &mut Input, least: u32, most: u32) -> Option<u32> {
    match input.byte() % 4 {
        0 => Some(input.u32()),
        1 => Some(least + u32::from(input.byte()) % (most - least + 1)),
        _ => None,
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let mut options = CompressOptions::default();
    options.level = match input.byte() % 8 {
        0 => input.u32() as i32,
        1..4 => i32::from(input.byte() % 20) - 7,
        _ => 3,
    };
    let flags = input.byte();
    options.checksum = flags & 1 != 0;
    options.content_size = flags & 2 == 0;
    options.dictionary_id = flags & 4 == 0;
    options.dictionary = (flags & 8 != 0).then(dictionary);
    let magicless = flags & 16 != 0;
    options.format = if magicless { Format::Magicless } else { Format::Zstd };
    options.force_max_window = flags & 32 != 0;
    options.long_distance = (flags & 64 != 0).then_some(flags & 128 != 0);
    options.threads = 1 + usize::from(flags >> 7);
    options.window_log = some(&mut input, 10, LARGE);
    options.hash_log = some(&mut input, 6, LARGE);
    options.chain_log = some(&mut input, 6, LARGE);
    options.search_log = some(&mut input, 1, 5);
    options.min_match = some(&mut input, 3, 7);
    options.target_length = some(&mut input, 0, 200);
    options.strategy = some(&mut input, 1, 9).and_then(|number| Strategy::try_from(number).ok());
    options.ldm_hash_log = some(&mut input, 6, LARGE);
    options.ldm_min_match = some(&mut input, 4, 200);
    options.ldm_bucket_size_log = some(&mut input, 1, 8);
    options.ldm_hash_rate_log = some(&mut input, 0, 20);
    options.target_block_size = some(&mut input, 1340, 100_000);

    let compressor = match Compressor::with_options(options.clone()) {
        Ok(compressor) => compressor,
        Err(error) => {
            assert!(matches!(error, Error::Option { .. }), "{error}");
            return;
        }
    };
    let logs = [options.window_log, options.hash_log, options.chain_log, options.ldm_hash_log];
    let slow = options.search_log.is_some_and(|log| log > 5) || options.level > 12;
    if slow || logs.into_iter().flatten().any(|log| log > LARGE) {
        return;
    }
    let mut rows = Vec::new();
    while !input.is_empty() && rows.len() < 20 {
        rows.push((input.byte() % 8 > 0).then(|| input.value()));
    }
    let column: LargeBinaryArray = rows.iter().map(|row| row.as_deref()).collect();
    let frames = compressor.compress_array(&column).expect("any value can be compressed");
    for (frame, value) in
        frames.as_any().downcast_ref::<LargeBinaryArray>().expect("its type").iter().zip(&rows)
    {
        let (Some(frame), Some(value)) = (frame, value) else { continue };
        let info = read_value(frame, options.format).expect("a frame");
        assert_eq!(info.frames, 1);
        assert_eq!(info.content_size, options.content_size.then_some(value.len() as u64));
        assert_eq!(info.checksum, options.checksum);
        let id = options.dictionary.as_ref().map(|given| given.id());
        assert_eq!(info.dictionary_id, id.filter(|_| options.dictionary_id));
    }
    let decompressor = Decompressor::builder()
        .dictionaries(options.dictionary.iter().cloned().collect())
        .format(options.format)
        .threads(options.threads)
        .build()
        .expect("sound options");
    let back = decompressor.decompress_array(&frames).expect("they are sound");
    assert_eq!(&*back, &column as &dyn Array);
});
