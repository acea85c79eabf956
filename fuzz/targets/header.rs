//! Frame headers and the walk over blocks, against libzstd's own answers.
#![no_main]

use arrow_array::{Array, LargeBinaryArray};
use libfuzzer_sys::fuzz_target;
use zstd::zstd_safe;
use zstd_arrow::codec::{read_frame, read_header, read_value, without_skippable};
use zstd_arrow::{Format, ValueError, decompressed_size, frame_info};
use zstd_arrow_fuzz::libzstd::{self, MOST, Plain};
use zstd_arrow_fuzz::rows::Input;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let magicless = input.bit();
    let bytes = input.0;
    let format = if magicless { Format::Magicless } else { Format::Zstd };

    let theirs = libzstd::header(bytes, magicless);
    match (read_header(bytes, format), theirs) {
        (Ok(ours), Some(theirs)) => {
            let unknown = u64::MAX;
            assert_eq!(ours.size, theirs.headerSize as usize);
            assert_eq!(ours.content_size.unwrap_or(unknown), theirs.frameContentSize);
            assert_eq!(ours.window_size, theirs.windowSize);
            assert_eq!(ours.dictionary_id.unwrap_or(0), theirs.dictID);
            assert_eq!(ours.checksum, theirs.checksumFlag != 0);
        }
        (Err(_), None) => {}
        (ours, theirs) => panic!("{ours:?}, {}", theirs.is_some()),
    }

    if !magicless && theirs.is_some() {
        match (read_frame(bytes, format), zstd_safe::find_frame_compressed_size(bytes)) {
            (Ok(ours), Ok(theirs)) => assert_eq!(ours.compressed_size, theirs),
            // libzstd finds this out when it decodes.
            (Err(ValueError::ContentSizeClaim { .. }), Ok(_)) | (Err(_), Err(_)) => {}
            (ours, theirs) => panic!("{ours:?}, {theirs:?}"),
        }
    }

    let value = read_value(bytes, format);
    if let Ok(value) = &value {
        // The first frame is libzstd's too.
        let rest = without_skippable(bytes, format);
        assert_eq!(rest.is_empty(), value.frames == 0);
        if value.frames > 0 {
            assert!(read_frame(rest, format).is_ok());
        }
    }
    let content = Plain::new(None, magicless).decompress(bytes, MOST);
    if let Some(content) = &content {
        let value = value.as_ref().expect("libzstd decodes it");
        assert!(value.content_bound >= content.len() as u64);
        assert!(value.content_size.is_none_or(|size| size == content.len() as u64));
    }

    let column = LargeBinaryArray::from_opt_vec(vec![None, Some(bytes)]);
    match (&value, decompressed_size(&column, format), frame_info(&column, format)) {
        (Ok(value), Ok(sizes), Ok(info)) => {
            assert!(sizes.is_null(0) && info.is_null(0));
            assert_eq!(sizes.is_valid(1).then(|| sizes.value(1)), value.content_size);
        }
        (Err(error), Err(size), Err(info)) => {
            let said = format!("row 1: {error}");
            assert_eq!((size.to_string(), info.to_string()), (said.clone(), said));
        }
        (value, sizes, info) => panic!("{value:?} {sizes:?} {info:?}"),
    }
});
