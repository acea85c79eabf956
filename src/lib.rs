//! Whole binary columns through zstd, in Arrow memory.
//!
//! A table has a binary column whose every value is a zstd frame: pages, events, payloads,
//! revisions. This crate turns the whole column into its values, and back, in one call: straight
//! from Arrow memory to Arrow memory, on all cores, in one allocation, with no object for a value.
//!
//! ```
//! use arrow_array::LargeBinaryArray;
//! use zstd_arrow::{Compressor, Decompressor, Dictionary};
//!
//! let events: Vec<String> = (0..2000)
//!     .map(|i| format!("{{\"event\": \"view\", \"page\": \"/item/{i}\", \"user\": {}}}", i * 7 % 91))
//!     .collect();
//! let column = LargeBinaryArray::from_iter_values(&events);
//!
//! let dictionary = Dictionary::train(&column, 4096)?;
//! let frames =
//!     Compressor::builder().dictionary(dictionary.clone()).build()?.compress_array(&column)?;
//! let values = Decompressor::builder().dictionary(dictionary).build()?.decompress_array(&frames)?;
//! assert_eq!(&*values, &column as &dyn arrow_array::Array);
//! # Ok::<(), zstd_arrow::Error>(())
//! ```
//!
//! # The layers
//!
//! | module | what |
//! | --- | --- |
//! | the root | [`BufferWithSegments`] and its relatives: one backing buffer, many segments |
//! | [`convert`] | segments to Arrow arrays and back, without copying values |
//! | [`codec`] | columns through zstd: [`Compressor`], [`Decompressor`], [`Dictionary`] |
//! | [`schema`] | a compressed column that says so in its field |
#![cfg_attr(
    feature = "parquet",
    doc = "| [`files`] | named columns of Parquet and Arrow IPC files |"
)]
#![cfg_attr(feature = "datafusion", doc = "| [`sql`] | SQL functions for DataFusion |")]
//!
//! # Features
//!
//! | feature | default | what |
//! | --- | --- | --- |
//! | `parquet` | yes | the layer `files`: columns of Parquet and Arrow IPC files |
//! | `cli` | no | the command `zstd-arrow` |
//! | `python` | no | the native half of the Python package `zstd_arrow` |
//! | `datafusion` | no | the face `sql`: functions for DataFusion |
//! | `ballista` | no | `sql::cluster`: the same functions on a Ballista cluster |

#[cfg(feature = "cli")]
pub mod cli;
pub mod codec;
pub mod convert;
mod error;
#[cfg(feature = "parquet")]
pub mod files;
#[cfg(feature = "python")]
mod python;
pub mod schema;
mod segments;
#[cfg(feature = "datafusion")]
pub mod sql;

pub use codec::{
    CancelFlag, CompressOptions, Compressor, CompressorBuilder, Decoder, DecompressOptions,
    Decompressed, Decompressor, DecompressorBuilder, Dictionary, Format, OnError, RowFailure,
    Strategy, Trainer, decompressed_size, frame_info,
};
pub use error::{Error, Rejected, Result, ValueError};
pub use segments::{
    BufferSegment, BufferSegments, BufferWithSegments, BufferWithSegmentsCollection,
};

/// What the README shows is run as it stands.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
