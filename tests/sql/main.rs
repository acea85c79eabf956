//! The functions in DataFusion, over Parquet files: the `.slt` files beside this one, and what they
//! cannot say.

mod plans;
mod readme;
mod script;
mod scripts;
mod tables;
mod values;
