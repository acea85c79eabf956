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
//! # Where to begin
//!
//! **A column.** [`Compressor`] makes a frame of each value, [`Decompressor`] values of frames. Both take
//! any binary or text array, are made once and used often, by several threads at once, and have options
//! by a builder: [`Compressor::builder`], [`Decompressor::builder`]. Nulls stay null.
//!
//! **Small values.** A [`Dictionary`] has what they have in common: trained on the column
//! ([`Dictionary::train`]), shared by all threads, and needed again to decompress.
//!
//! **Bytes from outside.** A bad row is an [`Error`] that names it ([`Error::row`]). With
//! [`OnError::Null`] such rows become null, and [`Decompressor::decompress_array_with`] tells which and
//! why. What a header claims is no reason to take memory; `max_value_size` and `max_output_size` bound
//! the rest.
//!
//! ```
//! use arrow_array::{Array, BinaryArray};
//! use zstd_arrow::{Decompressor, OnError};
//!
//! let column = BinaryArray::from_vec(vec![b"no frame"]);
//! let error = Decompressor::new()?.decompress_array(&column).unwrap_err();
//! assert_eq!(error.row(), Some(0));
//!
//! let lenient = Decompressor::builder().on_error(OnError::Null).build()?;
//! let done = lenient.decompress_array_with(&column, None)?;
//! assert_eq!((done.array.null_count(), done.failures[0].row), (1, 0));
//! # Ok::<(), zstd_arrow::Error>(())
//! ```
//!
//! **Segments.** [`BufferWithSegments`] is one buffer and an (offset, length) for each value. It is what a
//! `LargeBinary` array is, and [`convert`] goes from one to the other without copying a value:
//!
//! ```text
//!                     0     3   5       9
//! one buffer          │a a a│b b│c c c c│      the values buffer of a LargeBinary array
//!                      └─┬─┘ └┬┘ └──┬──┘
//! many segments        (0,3) (3,2) (5,4)       an (offset, length) for each value
//! Arrow offsets       0     3     5     9      the offsets buffer of that array
//! ```
//!
//! **Files and tables.** A compressed column can say so in its field, and the schema carry its dictionary:
//! [`schema`]. Files of Parquet and Arrow IPC are worked on so, in bounded memory, by the module `files`
//! (feature `parquet`).
//!
//! **Threads.** All cores by default (rayon's global pool, or the pool that a call is made in); 1 is the
//! caller's thread. The result is the same for any number.
//!
//! A runnable program for each of these is in the folder `examples` of the crate.
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
