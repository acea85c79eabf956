//! From Rust to Polars by Arrow's C data interface: a library of this example's own, that Python loads.
//!
//! `values` decompresses a column and hands it over as the two C structs that the interface is made
//! of; `examples/interop.py` takes them and makes a Polars Series of them, over the same memory.
//!
//! ```text
//! cargo build --example interop
//! python examples/interop.py target/debug/examples
//! ```

use std::sync::Arc;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, to_ffi};
use arrow_array::{Array, ArrayRef, BinaryViewArray};
use zstd_arrow::{Compressor, Decompressor};

/// A column that was compressed, and is decompressed here. (Polars's layout for bytes is that of views.)
fn column() -> zstd_arrow::Result<ArrayRef> {
    let event =
        |i: usize| (!i.is_multiple_of(100)).then(|| format!("event {i}: a page was viewed"));
    let events: BinaryViewArray = (0..10_000).map(event).collect();
    let frames = Compressor::new(3)?.compress_array(&events)?;
    Decompressor::new()?.decompress_array(&(Arc::new(frames) as ArrayRef))
}

/// Moves the column into the caller's structs; gives the address of its first buffer of data, or null
/// if something went wrong (the structs are left alone then).
///
/// # Safety
///
/// Both pointers are to memory for one such struct each, which may be written to. The structs are the
/// caller's from then on: whoever uses the column last calls their `release`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn values(
    array: *mut FFI_ArrowArray,
    schema: *mut FFI_ArrowSchema,
) -> *const u8 {
    let Ok(column) = column() else { return std::ptr::null() };
    let data = column.to_data();
    let Ok((exported, its_type)) = to_ffi(&data) else { return std::ptr::null() };
    let address = data.buffers()[1].as_ptr();
    // SAFETY: the caller's structs, as the contract has it; nothing that was in them is dropped.
    unsafe {
        array.write(exported);
        schema.write(its_type);
    }
    address
}
