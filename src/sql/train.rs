//! `zstd_train_dictionary(value[, size])`.

use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{
    Array, ArrayRef, LargeBinaryArray, ListArray, RecordBatch, RecordBatchOptions, UInt64Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, FieldRef, Schema};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, ColumnarValue, Documentation, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;

use super::arguments::{self, Kind};
use super::documentation;
use super::error::{failed, refused};
use crate::codec::{DEFAULT_DICTIONARY_SIZE, PartialSample, Trainer};
use crate::error::Error;

const NAME: &str = "zstd_train_dictionary";
const KINDS: [Kind; 2] = [Kind::Value, Kind::Number("size")];

/// Sizes of dictionaries in bytes, from libzstd's least. Samples take a hundred times as much.
const SIZES: std::ops::RangeInclusive<i64> = 256..=(16 << 20);

/// The aggregate of the engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ZstdTrainDictionary {
    signature: Signature,
}

impl ZstdTrainDictionary {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for ZstdTrainDictionary {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        arguments::coerce(NAME, &KINDS, 1, types)
    }

    /// Views: a dictionary that is joined to many rows is there once.
    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::BinaryView)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return Err(refused(NAME, "DISTINCT is not supported"));
        }
        let size = match args.exprs.get(1) {
            None => None,
            Some(size) => constant(size)?,
        };
        let size = size.unwrap_or(DEFAULT_DICTIONARY_SIZE as i64);
        if !SIZES.contains(&size) {
            let (least, most) = SIZES.into_inner();
            let problem = format!("the size must be {least} to {most} bytes, not {size}");
            return Err(refused(NAME, problem));
        }
        let size = usize::try_from(size).map_err(|error| refused(NAME, error))?;
        Ok(Box::new(Samples { size, trainer: Trainer::new(size) }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |name: &str, data_type: DataType| -> FieldRef {
            Arc::new(Field::new(format_state_name(args.name, name), data_type, true))
        };
        Ok(vec![
            field("threshold", DataType::UInt64),
            field("numbers", DataType::List(item(DataType::UInt64))),
            field("values", DataType::List(item(DataType::LargeBinary))),
        ])
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOCUMENTATION: LazyLock<Documentation> =
            LazyLock::new(documentation::train_dictionary);
        Some(&DOCUMENTATION)
    }
}

/// A number that needs no row to be known. (That an expression is a literal is not seen of one that
/// comes from another library.)
fn constant(size: &Arc<dyn PhysicalExpr>) -> Result<Option<i64>> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let schema = Arc::new(Schema::empty());
    let no_columns = RecordBatch::try_new_with_options(schema, Vec::new(), &options)?;
    match size.evaluate(&no_columns) {
        Ok(ColumnarValue::Scalar(size)) => arguments::number(&size),
        Ok(ColumnarValue::Array(_)) | Err(_) => Err(refused(NAME, "the size must be a constant")),
    }
}

fn item(data_type: DataType) -> FieldRef {
    Arc::new(Field::new_list_field(data_type, true))
}

/// The sample of one group.
///
/// Its state, as it goes from one partition to another: the sample's threshold, and the random
/// numbers and the bytes of the values in it.
#[derive(Debug)]
struct Samples {
    size: usize,
    trainer: Trainer,
}

impl Samples {
    fn take(&mut self) -> Trainer {
        std::mem::replace(&mut self.trainer, Trainer::new(self.size))
    }
}

impl Accumulator for Samples {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(values) = values.first() else { return Ok(()) };
        self.trainer.push(values).map_err(failed(NAME))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.take().finish() {
            Ok(dictionary) => Ok(ScalarValue::BinaryView(Some(dictionary.as_bytes().to_vec()))),
            // Too little to learn from: such a group has no dictionary.
            Err(Error::Training { .. }) => Ok(ScalarValue::BinaryView(None)),
            Err(error) => Err(failed(NAME)(error)),
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.trainer.memory()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let PartialSample { threshold, numbers, values } = self.take().into_partial();
        let list = |values: ArrayRef| -> Result<ScalarValue> {
            let offsets = OffsetBuffer::from_lengths([values.len()]);
            let list = ListArray::try_new(item(values.data_type().clone()), offsets, values, None)?;
            Ok(ScalarValue::List(Arc::new(list)))
        };
        Ok(vec![
            ScalarValue::UInt64(Some(threshold)),
            list(Arc::new(UInt64Array::from(numbers)))?,
            list(Arc::new(LargeBinaryArray::from_iter_values(values)))?,
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let unreadable = || DataFusionError::Internal(format!("{NAME}: unreadable state"));
        let [thresholds, numbers, values] = states else { return Err(unreadable()) };
        let thresholds = thresholds.as_primitive_opt::<UInt64Type>().ok_or_else(unreadable)?;
        let numbers = numbers.as_list_opt::<i32>().ok_or_else(unreadable)?;
        let values = values.as_list_opt::<i32>().ok_or_else(unreadable)?;
        for ((threshold, numbers), values) in
            thresholds.iter().zip(numbers.iter()).zip(values.iter())
        {
            let (Some(threshold), Some(numbers), Some(values)) = (threshold, numbers, values)
            else {
                continue;
            };
            let numbers = numbers.as_primitive_opt::<UInt64Type>().ok_or_else(unreadable)?;
            let values = values.as_binary_opt::<i64>().ok_or_else(unreadable)?;
            let part = PartialSample {
                threshold,
                numbers: numbers.values().to_vec(),
                values: values.iter().map(|value| value.unwrap_or_default().to_vec()).collect(),
            };
            self.trainer.merge(part).map_err(failed(NAME))?;
        }
        Ok(())
    }
}
