//! Values of any kind, with a dictionary, trained, edited or raw, or without: the frames that libzstd makes of
//! them one after the other, byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zstd::zstd_safe::{CCtx, CParameter, compress_bound};
use zstd_arrow::{CompressOptions, Compressor, Dictionary};
use zstd_arrow_fuzz::rows::Input;
use zstd_arrow_fuzz::{dictionary, parts};

fn given(input: &mut Input) -> Option<Dictionary> {
    match input.byte() % 6 {
        // Entropy tables, repeat offsets and content that nobody trained.
        0 => {
            let mut bytes = parts()[0].to_vec();
            input.edit(&mut bytes);
            Dictionary::from_bytes(bytes).ok()
        }
        1 => Dictionary::from_bytes(input.string()).ok(),
        2 | 3 => Some(dictionary()),
        _ => None,
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let mut options = CompressOptions::default();
    options.level = match input.byte() % 8 {
        0 => i32::from(input.byte() % 10) - 5,
        _ => 3,
    };
    let flags = input.byte();
    options.checksum = flags & 1 != 0;
    options.content_size = flags & 2 == 0;
    options.dictionary_id = flags & 4 == 0;
    options.threads = 1;
    options.dictionary = given(&mut input);
    let content = options.dictionary.as_ref().map_or(&[][..], |given| given.as_bytes());

    let mut values = Vec::new();
    while !input.is_empty() && values.len() < 60 {
        let mut value = Vec::new();
        for _ in 0..input.byte() % 8 {
            if input.bit() && !content.is_empty() {
                let at = input.below(content.len());
                let size = input.below(1500);
                value.extend(content[at..].iter().take(size));
            } else {
                value.extend(input.value());
            }
        }
        values.push(value);
    }

    let mut context = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(options.level),
        CParameter::ChecksumFlag(options.checksum),
        CParameter::ContentSizeFlag(options.content_size),
        CParameter::DictIdFlag(options.dictionary_id),
    ] {
        context.set_parameter(parameter).expect("in its range");
    }
    context.load_dictionary(content).expect("there is memory");
    let slices: Vec<&[u8]> = values.iter().map(|value| &value[..]).collect();
    let frames = Compressor::with_options(options.clone())
        .and_then(|compressor| compressor.compress_slices(&slices));
    for (row, value) in values.iter().enumerate() {
        let mut expected = Vec::with_capacity(compress_bound(value.len()));
        match context.compress2(&mut expected, value) {
            Ok(_) => {
                let frames = frames.as_ref().expect("libzstd has all rows up to here");
                assert_eq!(frames.get(row).map(|frame| frame.as_slice()), Some(&expected[..]), "row {row}");
            }
            // A dictionary that only compression takes for damaged.
            Err(_) => {
                assert!(frames.is_err(), "row {row}");
                return;
            }
        }
    }
});
