//! `zstd_decompressed_size(value)` and `zstd_frame_info(value)`: what frame headers say.

use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, new_empty_array};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    Volatility,
};

use super::arguments::{self, Kind};
use super::documentation;
use super::error::failed;
use crate::codec::{Format, decompressed_size, frame_info};

/// A function of the engine that reads headers and decompresses nothing.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Headers {
    answer: Answer,
    signature: Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Answer {
    Size,
    Info,
}

impl Headers {
    /// `zstd_decompressed_size`.
    pub(super) fn size() -> Self {
        Self::new(Answer::Size)
    }

    /// `zstd_frame_info`.
    pub(super) fn info() -> Self {
        Self::new(Answer::Info)
    }

    fn new(answer: Answer) -> Self {
        Self { answer, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn function(&self) -> &'static str {
        match self.answer {
            Answer::Size => "zstd_decompressed_size",
            Answer::Info => "zstd_frame_info",
        }
    }

    fn read(&self, frames: &ArrayRef, format: Format) -> crate::error::Result<ArrayRef> {
        Ok(match self.answer {
            Answer::Size => Arc::new(decompressed_size(frames, format)?),
            Answer::Info => Arc::new(frame_info(frames, format)?),
        })
    }
}

impl ScalarUDFImpl for Headers {
    fn name(&self) -> &str {
        self.function()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        arguments::coerce(self.function(), &[Kind::Value], 1, types)
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        let none = new_empty_array(&DataType::Binary);
        let answer = self.read(&none, Format::Zstd).map_err(failed(self.function()))?;
        Ok(answer.data_type().clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = arguments::value_field(self.function(), args.arg_fields)?;
        // A frame need not say its size.
        let nullable = field.is_nullable() || self.answer == Answer::Size;
        Ok(Arc::new(Field::new(self.function(), self.return_type(&[])?, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let field = arguments::value_field(self.function(), &args.arg_fields)?;
        let mark = arguments::mark(self.function(), field)?;
        let format = match mark.is_some_and(|mark| mark.magicless) {
            true => Format::Magicless,
            false => Format::Zstd,
        };
        let value = arguments::value(self.function(), &args.args)?;
        arguments::map(self.function(), value, |frames| self.read(frames, format))
    }

    fn documentation(&self) -> Option<&Documentation> {
        static SIZE: LazyLock<Documentation> = LazyLock::new(documentation::decompressed_size);
        static INFO: LazyLock<Documentation> = LazyLock::new(documentation::frame_info);
        Some(match self.answer {
            Answer::Size => &SIZE,
            Answer::Info => &INFO,
        })
    }
}
