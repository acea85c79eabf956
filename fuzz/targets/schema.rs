//! Metadata of schemas, and the dictionaries in it: what a stranger's file may say of its columns.
#![no_main]

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, LargeBinaryArray, RecordBatch};
use arrow_schema::extension::{
    EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY, ExtensionType,
};
use arrow_schema::{DataType, Field, Schema};
use libfuzzer_sys::fuzz_target;
use zstd_arrow::schema::{self, DICTIONARY_PREFIX, Frames};
use zstd_arrow::{CompressOptions, Compressor, DecompressOptions, Dictionary, OnError, files};
use zstd_arrow_fuzz::rows::Input;
use zstd_arrow_fuzz::{dictionary, parts};

fn text(input: &mut Input) -> String {
    String::from_utf8_lossy(input.string()).into_owned()
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let how = input.byte();
    let types = [DataType::LargeBinary, DataType::BinaryView, DataType::Utf8, DataType::Int32];
    let mut of_field = HashMap::new();
    let name = if how & 1 == 0 { Frames::NAME.to_owned() } else { text(&mut input) };
    of_field.insert(EXTENSION_TYPE_NAME_KEY.to_owned(), name);
    of_field.insert(EXTENSION_TYPE_METADATA_KEY.to_owned(), text(&mut input));
    let data_type = types[usize::from(how >> 1 & 3)].clone();
    let field = Field::new("payload", data_type.clone(), true).with_metadata(of_field.clone());

    // What can be read can be written, and read again.
    if let Ok(Some(mark)) = schema::marked(&field) {
        let said =
            Frames::try_new(&data_type, mark.clone()).expect("read before").serialize_metadata();
        assert_eq!(Frames::deserialize_metadata(said.as_deref()).expect("written here"), mark);
    }
    let plain = schema::unmark(&field, DataType::LargeBinary);
    if let Ok(again) = schema::mark(&plain, DataType::LargeBinary, &CompressOptions::default()) {
        assert!(schema::marked(&again).expect("just marked").is_some());
        assert_eq!(schema::unmark(&again, DataType::LargeBinary), plain);
    }

    let mut metadata = HashMap::new();
    for _ in 0..input.byte() % 4 {
        match input.byte() % 4 {
            0 => drop(metadata.insert(text(&mut input), text(&mut input))),
            1 => drop(
                metadata.insert(format!("{DICTIONARY_PREFIX}{}", input.u32()), text(&mut input)),
            ),
            2 => {
                let mut bytes = parts()[0].to_vec();
                input.edit(&mut bytes);
                if let Ok(edited) = Dictionary::from_bytes(bytes) {
                    let _ = schema::add_dictionary(&mut metadata, &edited);
                }
            }
            _ => drop(schema::add_dictionary(&mut metadata, &dictionary())),
        }
    }
    if let Ok(found) = schema::dictionaries(&metadata) {
        let mut again = HashMap::new();
        for one in &found {
            schema::add_dictionary(&mut again, one).expect("each id once");
        }
        assert_eq!(schema::dictionaries(&again).expect("written here"), found);
    }

    let rows = input.rows(10, Some(dictionary().as_bytes()));
    let column: ArrayRef = match data_type {
        DataType::LargeBinary => {
            Arc::new(rows.iter().map(|row| row.as_deref()).collect::<LargeBinaryArray>())
        }
        _ => arrow_array::new_null_array(&data_type, rows.len()),
    };
    let schema = Arc::new(Schema::new(vec![field]).with_metadata(metadata));
    let batch = RecordBatch::try_new(schema.clone(), vec![column]).expect("a batch");
    let mut codec = DecompressOptions::default();
    codec.threads = 1;
    codec.on_error = OnError::Null;
    codec.max_value_size = Some(1 << 20);
    for columns in [None, Some(&["payload".to_owned()][..])] {
        if let Ok(table) =
            files::decompress_batches(&schema, std::slice::from_ref(&batch), columns, &codec)
        {
            assert_eq!(table.report.rows, rows.len() as u64);
        }
    }
    let compressor = Compressor::builder().threads(1).build().expect("defaults");
    let each = [("payload".to_owned(), compressor)];
    if let Ok(table) = files::compress_batches(&schema, std::slice::from_ref(&batch), &each) {
        let back = files::decompress_batches(&table.schema, &table.batches, None, &codec);
        back.expect("what was compressed here");
    }
});
