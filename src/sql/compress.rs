//! `zstd_compress(value[, level[, dictionary]])`.

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
use super::prepared::Prepared;
use super::{dictionaries, documentation};
use crate::codec::Compressor;

const NAME: &str = "zstd_compress";
const KINDS: [Kind; 3] = [Kind::Value, Kind::Number("level"), Kind::Dictionary];

/// The function of the engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ZstdCompress {
    signature: Signature,
    pub(super) prepared: Prepared<Compressor>,
}

impl ZstdCompress {
    pub(super) fn new() -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { signature, prepared: Prepared::new() }
    }
}

impl ScalarUDFImpl for ZstdCompress {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        arguments::coerce(NAME, &KINDS, 1, types)
    }

    /// What the codec makes of a column of this type.
    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let value = arguments::value_type(NAME, types)?;
        let codec = Compressor::builder().threads(1).build();
        codec
            .and_then(|codec| codec.compress_array(&new_empty_array(value)))
            .map(|frames| frames.data_type().clone())
            .map_err(failed(NAME))
    }

    /// Also makes the codec ready, if its arguments are literals, so that a wrong level or
    /// dictionary is an error of the plan.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let literals = args.scalar_arguments;
        if !arguments::is_open(literals, 1) && !arguments::is_open(literals, 2) {
            let level = arguments::level(NAME, arguments::literal(literals, 1).as_ref())?;
            let dictionary = arguments::literal(literals, 2);
            if let DictionaryOf::Call(dictionary) =
                DictionaryOf::argument(NAME, dictionary.as_ref())?
            {
                self.prepared.compressor(level, dictionary.as_deref()).map_err(failed(NAME))?;
            }
        }
        let field = arguments::value_field(NAME, args.arg_fields)?;
        let frames = self.return_type(std::slice::from_ref(field.data_type()))?;
        Ok(Arc::new(Field::new(NAME, frames, field.is_nullable())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let level = arguments::level(NAME, args.args.get(1))?;
        let dictionary = DictionaryOf::argument(NAME, args.args.get(2))?;
        let value = arguments::value(NAME, &args.args)?;
        dictionaries::apply(NAME, value, args.number_rows, &dictionary, |values, dictionary| {
            self.prepared.compressor(level, dictionary)?.compress_array(values)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(documentation::compress);
        Some(&DOCUMENTATION)
    }
}
