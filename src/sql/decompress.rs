//! `zstd_decompress(value[, dictionary])` and `try_zstd_decompress(value[, dictionary])`.

use std::sync::{Arc, LazyLock};

use arrow_array::new_empty_array;
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    Volatility,
};

use super::arguments::{self, DictionaryOf, Kind};
use super::error::failed;
use super::prepared::{Prepared, Reading};
use super::{dictionaries, documentation};
use crate::codec::{Decompressor, Format, OnError};

const KINDS: [Kind; 2] = [Kind::Value, Kind::Dictionary];

/// The function of the engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ZstdDecompress {
    name: &'static str,
    signature: Signature,
    /// Whether a bad row is null instead of an error.
    lenient: bool,
    pub(super) prepared: Prepared<Decompressor>,
}

impl ZstdDecompress {
    /// `zstd_decompress`.
    pub(super) fn strict() -> Self {
        Self::new("zstd_decompress", false)
    }

    /// `try_zstd_decompress`.
    pub(super) fn lenient() -> Self {
        Self::new("try_zstd_decompress", true)
    }

    fn new(name: &'static str, lenient: bool) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { name, signature, lenient, prepared: Prepared::new() }
    }

    /// The name, for as long as there are functions.
    pub(super) fn function(&self) -> &'static str {
        self.name
    }

    /// How to read frames of a column with this field.
    fn reading(&self, field: &Field) -> Result<Reading> {
        let on_error = if self.lenient { OnError::Null } else { OnError::Fail };
        Ok(match arguments::mark(self.name, field)? {
            None => Reading { on_error, ..Reading::default() },
            Some(mark) => Reading {
                format: if mark.magicless { Format::Magicless } else { Format::Zstd },
                raw_content: mark.dictionary_id == Some(0),
                on_error,
            },
        })
    }
}

impl ScalarUDFImpl for ZstdDecompress {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        arguments::coerce(self.name, &KINDS, 1, types)
    }

    /// What the codec makes of a column of this type.
    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let value = arguments::value_type(self.name, types)?;
        let codec = Decompressor::builder().threads(1).build();
        codec
            .and_then(|codec| codec.decompress_array(&new_empty_array(value)))
            .map(|values| values.data_type().clone())
            .map_err(failed(self.name))
    }

    /// Also makes the codec ready, if the dictionary is a literal, so that a damaged one is an
    /// error of the plan.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = arguments::value_field(self.name, args.arg_fields)?;
        let dictionary = arguments::literal(args.scalar_arguments, 1);
        if let Some(DictionaryOf::Call(dictionary)) = dictionary
            .map(|dictionary| DictionaryOf::argument(self.name, Some(&dictionary)))
            .transpose()?
        {
            self.prepared
                .decompressor(self.reading(field)?, dictionary.as_deref())
                .map_err(failed(self.name))?;
        }
        let values = self.return_type(std::slice::from_ref(field.data_type()))?;
        Ok(Arc::new(Field::new(self.name, values, field.is_nullable() || self.lenient)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let dictionary = DictionaryOf::argument(self.name, args.args.get(1))?;
        let value = arguments::value(self.name, &args.args)?;
        let reading = self.reading(arguments::value_field(self.name, &args.arg_fields)?)?;
        let rows = args.number_rows;
        dictionaries::apply(self.name, value, rows, &dictionary, |frames, dictionary| {
            self.prepared.decompressor(reading, dictionary)?.decompress_array(frames)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static STRICT: LazyLock<Documentation> = LazyLock::new(documentation::decompress);
        static LENIENT: LazyLock<Documentation> = LazyLock::new(documentation::try_decompress);
        Some(if self.lenient { &LENIENT } else { &STRICT })
    }
}
