//! The decoder for many small frames against libzstd: with a dictionary, sound or edited, or without, the
//! same verdict on each frame and the same bytes.
#![no_main]

use arrow_array::LargeBinaryArray;
use libfuzzer_sys::fuzz_target;
use zstd_arrow::{Decoder, Decompressor, Dictionary, OnError};
use zstd_arrow_fuzz::libzstd::{MOST, Plain};
use zstd_arrow_fuzz::rows::Input;
use zstd_arrow_fuzz::{bringing, dictionary, parts};

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let given = match input.byte() % 6 {
        // Entropy tables, repeat offsets and content that nobody trained.
        0 => {
            let mut bytes = parts()[0].to_vec();
            input.edit(&mut bytes);
            match Dictionary::from_bytes(bytes) {
                Ok(given) => Some(given),
                Err(_) => return,
            }
        }
        1 => match Dictionary::from_bytes(input.string()) {
            Ok(given) => Some(given),
            Err(_) => return,
        },
        2 | 3 => Some(dictionary()),
        _ => None,
    };
    let bytes = given.as_ref().map(|given| given.as_bytes());
    let sound: Vec<&[u8]> = match given {
        Some(_) => parts().into_iter().skip(1).collect(),
        None => bringing().iter().map(|frame| &frame[..]).collect(),
    };
    let mut rows = Vec::new();
    while !input.is_empty() && rows.len() < 40 {
        if input.bit() {
            let mut frame = sound[input.below(sound.len())].to_vec();
            input.edit(&mut frame);
            rows.push(Some(frame));
        } else {
            rows.push(input.row(bytes));
        }
    }

    let column: LargeBinaryArray = rows.iter().map(|row| row.as_deref()).collect();
    let mut plain = Plain::new(bytes, false);
    let expected: LargeBinaryArray =
        rows.iter().map(|row| row.as_ref().and_then(|row| plain.decompress(row, MOST))).collect();
    for decoder in [Decoder::Batch, Decoder::Auto, Decoder::Libzstd] {
        let decompressor = Decompressor::builder()
            .dictionaries(given.iter().cloned().collect())
            .decoder(decoder)
            .threads(1)
            .max_value_size(MOST as u64)
            .on_error(OnError::Null)
            .build()
            .expect("sound options");
        let done = decompressor.decompress_array_with(&column, None).expect("nulls");
        assert_eq!(&*done.array, &expected as &dyn arrow_array::Array, "{decoder:?}");
    }
});
