//! The Parquet files that the tests query, in a temporary folder.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int64Array, LargeBinaryArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;
use zstd_arrow::codec::Format;
use zstd_arrow::{Compressor, Dictionary, schema, sql};

/// Rows of each table.
pub(crate) const ROWS: i64 = 3000;

/// The value of a row; `None` in every tenth.
pub(crate) fn value(id: i64) -> Option<String> {
    let kind = kind(id);
    (id % 10 != 9)
        .then(|| format!("{{\"kind\": \"{kind}\", \"page\": \"/item/{id}\", \"n\": {}}}", id * 7))
}

fn kind(id: i64) -> &'static str {
    ["view", "click", "order"][id as usize % 3]
}

/// The tables, and the folder they lie in.
pub(crate) struct Tables {
    folder: TempDir,
    /// That of the table `marked`.
    pub(crate) dictionary: Dictionary,
}

impl Tables {
    /// Writes them all.
    ///
    /// | table | its column `payload` |
    /// | --- | --- |
    /// | `events` | the values as text |
    /// | `frames` | frames without a dictionary |
    /// | `marked` | frames with a trained dictionary, marked, the dictionary in the schema |
    /// | `unmarked` | the same frames, nothing said of them |
    /// | `raw`, `raw_too` | frames with raw content dictionaries, both of id 0, marked |
    /// | `magicless` | frames without a magic number, marked |
    /// | `bad` | frames, but row 5 is none and row 7 is cut |
    pub(crate) fn write() -> Self {
        let folder = TempDir::new().unwrap();
        let values: StringArray = (0..ROWS).map(value).collect();
        let dictionary = Dictionary::train(&values, 4096).unwrap();
        let tables = Self { folder, dictionary };
        tables.put("events", &values, None);
        let frames = Compressor::new(3).unwrap();
        let good = frames.compress_array(&values).unwrap();
        tables.put("frames", &good, None);

        let with = |dictionary: &Dictionary| {
            Compressor::builder().dictionary(dictionary.clone()).build().unwrap()
        };
        let marked = with(&tables.dictionary);
        tables.put("marked", &marked.compress_array(&values).unwrap(), Some(&marked));
        tables.put("unmarked", &marked.compress_array(&values).unwrap(), None);
        for (name, text) in [("raw", "{\"kind\": \"view\", \"page\": "), ("raw_too", "\"n\": 700}")]
        {
            let raw = with(&Dictionary::raw_content(text).unwrap());
            tables.put(name, &raw.compress_array(&values).unwrap(), Some(&raw));
        }
        let magicless = Compressor::builder().format(Format::Magicless).build().unwrap();
        tables.put("magicless", &magicless.compress_array(&values).unwrap(), Some(&magicless));

        let mut bad: Vec<Option<Vec<u8>>> =
            good.as_binary::<i64>().iter().map(|frame| frame.map(<[u8]>::to_vec)).collect();
        bad[5] = Some(b"no frame".to_vec());
        bad[7].as_mut().unwrap().pop();
        tables.put("bad", &LargeBinaryArray::from_iter(bad), None);
        tables
    }

    fn put(&self, name: &str, payload: &dyn Array, mark: Option<&Compressor>) {
        let mut metadata = Default::default();
        let mut field = Field::new("payload", DataType::Utf8, true);
        match mark {
            None => field.set_data_type(payload.data_type().clone()),
            Some(codec) => {
                field = schema::mark(&field, payload.data_type().clone(), codec.options()).unwrap();
                if let Some(dictionary) = &codec.options().dictionary {
                    schema::add_dictionary(&mut metadata, dictionary).unwrap();
                }
            }
        }
        let fields = vec![
            Field::new("id", DataType::Int64, false),
            Field::new("kind", DataType::Utf8, false),
            field,
        ];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(0..ROWS)),
            Arc::new(StringArray::from_iter_values((0..ROWS).map(kind))),
            arrow_array::make_array(payload.to_data()),
        ];
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let file = File::create(self.path().join(name).with_extension("parquet")).unwrap();
        let mut writer = ArrowWriter::try_new(file, schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A session with the functions, two partitions, and all tables.
    pub(crate) async fn session(&self) -> SessionContext {
        self.session_with(SessionConfig::new()).await
    }

    pub(crate) async fn session_with(&self, config: SessionConfig) -> SessionContext {
        let config =
            config.with_target_partitions(2).with_batch_size(1000).with_information_schema(true);
        let ctx = SessionContext::new_with_config(config);
        sql::register(&ctx);
        for entry in self.path().read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let options = ParquetReadOptions::default().skip_metadata(false);
            ctx.register_parquet(name, path.to_str().unwrap(), options).await.unwrap();
        }
        ctx
    }
}
