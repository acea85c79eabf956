//! A column that says how it was compressed, in a schema that carries its dictionary: whoever gets the
//! batch, or a file of it, needs no argument.
//!
//! ```text
//! cargo run --example self_describing
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::io::Cursor;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use zstd_arrow::{Compressor, Decompressor, Dictionary, schema};

fn main() -> Result<(), Box<dyn Error>> {
    let event =
        |i: usize| format!("{{\"kind\":\"page_view\",\"path\":\"/item/{}\"}}", i * 7919 % 5003);
    let values: ArrayRef = Arc::new(StringArray::from_iter_values((0..10_000).map(event)));

    // Whoever writes: the frames, a field that says what they are, a schema that has the dictionary.
    let dictionary = Dictionary::train(&values, 8 << 10)?;
    let compressor = Compressor::builder().dictionary(dictionary.clone()).build()?;
    let frames = compressor.compress_array(&values)?;
    let before = Field::new("payload", DataType::Utf8, false);
    let field = schema::mark(&before, frames.data_type().clone(), compressor.options())?;
    let mut metadata = HashMap::new();
    schema::add_dictionary(&mut metadata, &dictionary)?;
    let table = Arc::new(Schema::new_with_metadata(vec![field], metadata));
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &table)?;
    writer.write(&RecordBatch::try_new(table.clone(), vec![frames])?)?;
    writer.finish()?;
    println!("{} bytes of an Arrow IPC stream", stream.len());

    // Whoever reads: everything is in the schema.
    let mut reader = StreamReader::try_new(Cursor::new(stream), None)?;
    let table = reader.schema();
    let field = table.field(0);
    let marked = schema::marked(field)?.ok_or("the field is not marked")?;
    println!(
        "{}: {} of {:?}, level {}",
        field.name(),
        field.data_type(),
        marked.value_type,
        marked.level
    );
    let mut codec = Decompressor::builder().utf8(marked.value_type.is_text());
    for dictionary in schema::dictionaries(table.metadata())? {
        codec = codec.dictionary(dictionary);
    }
    let codec = codec.build()?;
    let batch = reader.next().ok_or("the stream has no batch")??;
    // The type that the values had: Utf8, and not the LargeUtf8 that the codec makes.
    let back = marked.value_type.restore(&codec.decompress_array(batch.column(0))?)?;
    assert_eq!(&back, &values);
    assert_eq!(schema::unmark(field, back.data_type().clone()), before);
    println!("{} values of type {} came back", back.len(), back.data_type());
    Ok(())
}
