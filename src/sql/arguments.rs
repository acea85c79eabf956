//! The arguments of the functions: their types before a query runs, their values while it does.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryViewArray, cast::AsArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ColumnarValue;

use super::error::{failed, refused};
use crate::codec::{DEFAULT_LEVEL, levels};
use crate::convert::is_binary_like;
use crate::error::Error;
use crate::schema::{self, FramesMetadata};

/// What an argument is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A column of values or frames: any binary or text type, which stays as it is.
    Value,
    /// A whole number.
    Number(&'static str),
    /// A dictionary's bytes.
    Dictionary,
}

/// The types that the engine casts arguments to. The first `required` kinds must be there.
pub(super) fn coerce(
    function: &str,
    kinds: &[Kind],
    required: usize,
    types: &[DataType],
) -> Result<Vec<DataType>> {
    if !(required..=kinds.len()).contains(&types.len()) {
        let range = match (required, kinds.len()) {
            (least, most) if least == most => format!("{most} argument"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        return Err(refused(function, format!("takes {range}, not {}", types.len())));
    }
    kinds.iter().zip(types).map(|(kind, given)| kind.coerce(function, given)).collect()
}

impl Kind {
    fn coerce(self, function: &str, given: &DataType) -> Result<DataType> {
        match (self, given) {
            (Kind::Value, DataType::Null) => Ok(DataType::Binary),
            (Kind::Value, binary) if is_binary_like(binary) => Ok(binary.clone()),
            (Kind::Value, other) => Err(refused(function, Error::UnsupportedType(other.clone()))),
            (Kind::Number(_), DataType::Null) => Ok(DataType::Int64),
            (Kind::Number(_), number) if number.is_integer() => Ok(DataType::Int64),
            (Kind::Number(what), other) => {
                Err(refused(function, format!("the {what} must be a whole number, not {other}")))
            }
            // Rows with the same dictionary can share its bytes in a view array.
            (
                Kind::Dictionary,
                DataType::Null
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
                | DataType::FixedSizeBinary(_),
            ) => Ok(DataType::BinaryView),
            (Kind::Dictionary, other) => {
                Err(refused(function, format!("the dictionary must be binary, not {other}")))
            }
        }
    }
}

/// A number that must be the same in the whole query; `None` for a null.
pub(super) fn number(value: &ScalarValue) -> Result<Option<i64>> {
    match value.cast_to(&DataType::Int64)? {
        ScalarValue::Int64(number) => Ok(number),
        other => Err(DataFusionError::Internal(format!("{other:?} is no Int64"))),
    }
}

/// The level: a constant, or the default one if there is no argument or a null.
pub(super) fn level(function: &'static str, argument: Option<&ColumnarValue>) -> Result<i32> {
    let given = match argument {
        None => None,
        Some(ColumnarValue::Scalar(level)) => number(level)?,
        Some(ColumnarValue::Array(_)) => {
            return Err(refused(function, "the level must be a constant, not a column"));
        }
    };
    let Some(given) = given else { return Ok(DEFAULT_LEVEL) };
    i32::try_from(given).map_err(|_| {
        let (least, most) = levels().into_inner();
        let problem = format!("{given} is not a level; they go from {least} to {most}");
        failed(function)(Error::Option { name: "level", problem })
    })
}

/// The dictionary of a call.
pub(super) enum DictionaryOf {
    /// One for all rows, or none: no argument, or a null.
    Call(Option<Vec<u8>>),
    /// Each row has its own; a null is none.
    Rows(BinaryViewArray),
}

impl DictionaryOf {
    pub(super) fn argument(function: &str, argument: Option<&ColumnarValue>) -> Result<Self> {
        let binary = |other: &dyn std::fmt::Display| {
            refused(function, format!("the dictionary must be binary, not {other}"))
        };
        match argument {
            None => Ok(Self::Call(None)),
            Some(ColumnarValue::Scalar(value)) => match value {
                ScalarValue::Null => Ok(Self::Call(None)),
                ScalarValue::Binary(bytes)
                | ScalarValue::LargeBinary(bytes)
                | ScalarValue::BinaryView(bytes)
                | ScalarValue::FixedSizeBinary(_, bytes) => Ok(Self::Call(bytes.clone())),
                other => Err(binary(&other.data_type())),
            },
            Some(ColumnarValue::Array(array)) => match array.as_binary_view_opt() {
                Some(rows) => Ok(Self::Rows(rows.clone())),
                None => Err(binary(array.data_type())),
            },
        }
    }
}

/// What the field of an argument says of its frames, if it is marked.
pub(super) fn mark(function: &'static str, field: &Field) -> Result<Option<FramesMetadata>> {
    schema::marked(field).map_err(failed(function))
}

/// A literal among the arguments, as the function will see it.
pub(super) fn literal(arguments: &[Option<&ScalarValue>], place: usize) -> Option<ColumnarValue> {
    arguments.get(place).copied().flatten().cloned().map(ColumnarValue::Scalar)
}

/// Whether the argument at a place is there and no literal, or not one yet.
pub(super) fn is_open(arguments: &[Option<&ScalarValue>], place: usize) -> bool {
    arguments.get(place).is_some_and(Option::is_none)
}

/// A function of one column: a column for a column, one value for one value.
pub(super) fn map(
    function: &'static str,
    value: &ColumnarValue,
    work: impl FnOnce(&ArrayRef) -> crate::error::Result<ArrayRef>,
) -> Result<ColumnarValue> {
    match value {
        ColumnarValue::Array(array) => {
            Ok(ColumnarValue::Array(work(array).map_err(failed(function))?))
        }
        ColumnarValue::Scalar(value) => {
            let done = work(&value.to_array()?).map_err(failed(function))?;
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&done, 0)?))
        }
    }
}

/// The columnar value with one row for each of the batch.
pub(super) fn rows(value: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
    match value {
        ColumnarValue::Array(array) => Ok(Arc::clone(array)),
        ColumnarValue::Scalar(value) => value.to_array_of_size(rows),
    }
}

/// The first argument, which every function has.
pub(super) fn value<'a>(
    function: &str,
    arguments: &'a [ColumnarValue],
) -> Result<&'a ColumnarValue> {
    arguments.first().ok_or_else(|| no_value(function))
}

/// The field of the first argument.
pub(super) fn value_field<'a>(function: &str, fields: &'a [FieldRef]) -> Result<&'a FieldRef> {
    fields.first().ok_or_else(|| no_value(function))
}

/// The type of the first argument.
pub(super) fn value_type<'a>(function: &str, types: &'a [DataType]) -> Result<&'a DataType> {
    types.first().ok_or_else(|| no_value(function))
}

fn no_value(function: &str) -> DataFusionError {
    refused(function, "a value is missing")
}
