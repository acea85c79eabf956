//! One backing buffer, many segments: the buffer types.
//!
//! ```text
//! BufferWithSegments
//!   data      |a a a|b b|c c c c|            one allocation
//!   segments   (0,3) (3,2) (5,4)             an index into it: BufferSegments
//!                ^ [0]  ^ [1]  ^ [2]         each one a BufferSegment
//!
//! BufferWithSegmentsCollection
//!   [0] [1] [2] | [3] [4] | [5]              several of them, one sequence
//! ```
//!
//! Segments may overlap, leave gaps, come in any order and be empty. What always holds, whatever
//! the layout of the index: each segment lies inside its buffer. The types are immutable, cheap to
//! clone (buffers are shared) and `Send + Sync`.
//!
//! ```
//! use arrow_buffer::Buffer;
//! use zstd_arrow::{BufferSegments, BufferWithSegments};
//!
//! let segments = BufferSegments::from_pairs(vec![0, 5, 6, 6]);
//! let buffer = BufferWithSegments::try_new(Buffer::from(b"hello, world"), segments.unwrap())?;
//! assert_eq!(buffer.len(), 2);
//! assert_eq!(&*buffer.get(1).unwrap(), b" world");
//! # Ok::<(), zstd_arrow::Error>(())
//! ```

mod buffer;
mod collection;
mod index;

pub use buffer::{BufferSegment, BufferWithSegments};
pub use collection::BufferWithSegmentsCollection;
pub use index::BufferSegments;
