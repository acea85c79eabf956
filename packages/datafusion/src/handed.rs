//! What a function has to know when it is called from another library.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

/// By id: the dictionaries that marked columns may name.
pub(crate) type Dictionaries = BTreeMap<u32, Vec<u8>>;

/// The functions whose second argument is the dictionary that the frames were made with.
const READERS: [&str; 2] = ["zstd_decompress", "try_zstd_decompress"];

/// A function that is called through the interface between libraries.
///
/// Two things do not cross it. A constant argument arrives as a column that has it in each row (of a
/// dictionary only the views: its bytes are there once), and is made one value again. And the
/// engine takes no rule for plans from outside, by which a marked column would bring its dictionary:
/// so dictionaries that were given beforehand are found here, by the id that the column names.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Handed {
    function: Arc<ScalarUDF>,
    dictionaries: Arc<Dictionaries>,
}

impl Handed {
    pub(crate) fn new(function: Arc<ScalarUDF>, dictionaries: Arc<Dictionaries>) -> Self {
        Self { function, dictionaries }
    }

    /// The dictionary that a marked column names, if the call has none.
    fn dictionary(&self, fields: &[FieldRef]) -> Result<Option<&Vec<u8>>> {
        let [field] = fields else { return Ok(None) };
        if !READERS.contains(&self.name()) {
            return Ok(None);
        }
        let mark = zstd_arrow::schema::marked(field)
            .map_err(|error| DataFusionError::Plan(format!("{}: {error}", self.name())))?;
        Ok(mark.and_then(|mark| self.dictionaries.get(&mark.dictionary_id?)))
    }
}

impl ScalarUDFImpl for Handed {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.function.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.function.return_field_from_args(args)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        for argument in args.args.iter_mut().skip(1) {
            if let ColumnarValue::Array(array) = argument
                && is_constant(array)
            {
                *argument = ColumnarValue::Scalar(ScalarValue::try_from_array(array, 0)?);
            }
        }
        if let Some(bytes) = self.dictionary(&args.arg_fields)? {
            let bytes = ScalarValue::BinaryView(Some(bytes.clone()));
            args.arg_fields.push(Arc::new(Field::new("dictionary", bytes.data_type(), false)));
            args.args.push(ColumnarValue::Scalar(bytes));
        }
        self.function.invoke_with_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.function.documentation()
    }
}

/// Whether all rows of a level or a dictionary are the same one. Dictionaries are if their views
/// are: their bytes are not compared.
fn is_constant(array: &ArrayRef) -> bool {
    let nulls = array.null_count();
    if array.is_empty() || nulls > 0 {
        return nulls > 0 && nulls == array.len();
    }
    if let Some(numbers) = array.as_primitive_opt::<Int64Type>() {
        return numbers.values().iter().all(|number| *number == numbers.value(0));
    }
    let views = array.as_binary_view_opt().map(|array| array.views());
    views.is_some_and(|views| views.iter().all(|view| *view == views[0]))
}
