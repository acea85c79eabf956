//! Buffer objects of python-zstandard.

use std::ptr::NonNull;
use std::sync::Arc;

use arrow_buffer::Buffer;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::intern;
use pyo3::prelude::*;

use crate::python::buffers::bytes_of;
use crate::python::calls::{attribute, method};
use crate::python::modules::is_instance;
use crate::segments::{BufferSegments, BufferWithSegments, BufferWithSegmentsCollection};

/// python-zstandard's `BufferWithSegments` or collection, without a copy; `None` for anything else.
pub(super) fn segments_of(
    object: &Bound<'_, PyAny>,
) -> PyResult<Option<BufferWithSegmentsCollection>> {
    let py = object.py();
    let is = |class| is_instance(object, intern!(py, "zstandard"), &[class]);
    if is(intern!(py, "BufferWithSegments"))? {
        return Ok(Some(one(object)?.into()));
    }
    if !is(intern!(py, "BufferWithSegmentsCollection"))? {
        return Ok(None);
    }
    members(object).map(|members| Some(BufferWithSegmentsCollection::new(members)))
}

/// The members of a collection. It only tells its segments, but those of one member follow each
/// other, and each knows its offset in it: so it knows where the member begins.
fn members(collection: &Bound<'_, PyAny>) -> PyResult<Vec<BufferWithSegments>> {
    let mut members: Vec<Member> = Vec::new();
    for segment in collection.try_iter()? {
        let segment = segment?;
        let offset: usize = attribute(&segment, intern!(segment.py(), "offset"))?.extract()?;
        let held = PyUntypedBuffer::get(&segment)?;
        let start = (held.buf_ptr() as usize).wrapping_sub(offset);
        if members.last().is_none_or(|member| member.start != start) {
            let segments = Vec::new();
            members.push(Member { start, size: 0, segments, first: held });
        } else {
            // The first segment keeps the member alive.
            drop(held);
        }
        let Some(member) = members.last_mut() else { continue };
        let length = segment.len()?;
        member.size = member.size.max(offset + length);
        member.segments.push((offset as u64, length as u64));
    }
    members.into_iter().map(Member::finish).collect()
}

struct Member {
    start: usize,
    /// Up to the end of the last segment.
    size: usize,
    segments: Vec<(u64, u64)>,
    first: PyUntypedBuffer,
}

impl Member {
    fn finish(self) -> PyResult<BufferWithSegments> {
        let Self { start, size, segments, first } = self;
        let bytes = match NonNull::new(start as *mut u8).filter(|_| size > 0) {
            // SAFETY: each segment lies inside the member, which begins at `start`; so all bytes up
            // to the end of the last one are the member's. It lives as long as any of its
            // segments' buffers is held, and is read-only.
            Some(start) => unsafe { Buffer::from_custom_allocation(start, size, Arc::new(first)) },
            None => Buffer::from(&[]),
        };
        Ok(BufferWithSegments::try_new(bytes, segments.into_iter().collect())?)
    }
}

fn one(object: &Bound<'_, PyAny>) -> PyResult<BufferWithSegments> {
    let segments = bytes_of(&method(object, intern!(object.py(), "segments"), ())?)?;
    Ok(BufferWithSegments::try_new(bytes_of(object)?, BufferSegments::from_pair_bytes(segments)?)?)
}
