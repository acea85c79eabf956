//! The section of a block that has the literals (RFC 8878, section 3.1.1.3.1).

use crate::codec::encode::bits::Output;
use crate::codec::encode::huffman::{Code, Histogram};
use crate::codec::encode::{Unknown, gain};
use crate::codec::libzstd::NoMemory;

/// The code of a dictionary.
#[derive(Clone)]
pub(super) struct Before {
    pub(super) code: Code,
    /// Whether it has all bytes.
    pub(super) complete: bool,
}

/// What is used for one value after the other.
pub(super) struct Scratch {
    histogram: Histogram,
    code: Code,
}

impl Scratch {
    pub(super) fn new() -> Result<Self, NoMemory> {
        Ok(Self { histogram: Histogram::new()?, code: Code::EMPTY })
    }
}

/// How literals are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Raw = 0,
    Single = 1,
    Compressed = 2,
    Repeat = 3,
}

/// Literals of fewer bytes are not compressed, but for those of a dictionary that has them all.
const FEW: usize = 64;
const FEWEST: usize = 6;
/// Up to here a dictionary's code is taken without a look at another.
const PREFERS_BEFORE: usize = 1024;
/// From here on there are four streams.
const FOUR_STREAMS: usize = 256;

/// Writes the section as libzstd does.
#[inline(always)]
pub(super) fn write(
    literals: &[u8],
    before: Option<&Before>,
    scratch: &mut Scratch,
    output: &mut Output,
) -> Result<(), Unknown> {
    let begin = output.len;
    let size = literals.len();
    let complete = before.is_some_and(|before| before.complete);
    if size < if complete { FEWEST } else { FEW } {
        raw(literals, output);
        return Ok(());
    }
    let header = if size < 1024 { 3 } else { 4 };
    let one_stream = size < FOUR_STREAMS || complete && header == 3;
    output.len += header;
    let kind = compress(literals, before, one_stream, scratch, output)?;
    let used = output.len - begin - header;
    let kind =
        kind.filter(|kind| *kind == Kind::Single || used < size - 1 && used < size - gain(size));
    let single = |kind| {
        kind == Kind::Single || used == 1 && literals.iter().all(|literal| *literal == literals[0])
    };
    match kind {
        None => {
            output.len = begin;
            raw(literals, output);
        }
        Some(kind) if single(kind) => {
            output.len = begin;
            head(Kind::Single, size, output);
            output.byte(literals[0]);
        }
        Some(kind) => {
            let (kind, size, used) = (kind as u32, size as u32, used as u32);
            if header == 3 {
                let number = kind | u32::from(!one_stream) << 2 | size << 4 | used << 14;
                let [a, b, c, _] = number.to_le_bytes();
                output.set(begin, [a, b, c]);
            } else {
                let number = kind | 2 << 2 | size << 4 | used << 18;
                output.set(begin, number.to_le_bytes());
            }
        }
    }
    Ok(())
}

/// What is compressed, behind the header; `None` if it is not worth it.
#[inline(always)]
fn compress(
    literals: &[u8],
    before: Option<&Before>,
    one_stream: bool,
    scratch: &mut Scratch,
    output: &mut Output,
) -> Result<Option<Kind>, Unknown> {
    let Scratch { histogram, code } = scratch;
    let size = literals.len();
    let prefers_before = size <= PREFERS_BEFORE;
    let complete = before.filter(|before| before.complete);
    if prefers_before && let Some(before) = complete {
        streams(&before.code, literals, one_stream, output);
        return Ok(Some(Kind::Repeat));
    }
    histogram.count(literals);
    if histogram.most == size {
        return Ok(Some(Kind::Single));
    }
    if histogram.most <= (size >> 7) + 4 {
        return Ok(None);
    }
    let before = before.filter(|before| before.complete || before.code.has(histogram));
    if prefers_before && let Some(before) = before {
        streams(&before.code, literals, one_stream, output);
        return Ok(Some(Kind::Repeat));
    }
    let begin = output.len;
    if !code.make(histogram, size, output)? {
        return Ok(None);
    }
    let head = output.len - begin;
    if let Some(before) = before {
        let (old, new) = (before.code.estimate(histogram), code.estimate(histogram));
        if old <= head + new || head + 12 >= size {
            output.len = begin;
            streams(&before.code, literals, one_stream, output);
            return Ok(Some(Kind::Repeat));
        }
    }
    if head + 12 >= size {
        return Ok(None);
    }
    streams(code, literals, one_stream, output);
    Ok(Some(Kind::Compressed))
}

/// Writes the literals in one stream, or in four behind the sizes of the first three.
#[inline(always)]
fn streams(code: &Code, literals: &[u8], one: bool, output: &mut Output) {
    if one {
        return code.encode(literals, output);
    }
    let sizes = output.len;
    output.len += 6;
    for (i, part) in literals.chunks(literals.len().div_ceil(4)).enumerate() {
        let begin = output.len;
        code.encode(part, output);
        if i < 3 {
            output.set(sizes + 2 * i, ((output.len - begin) as u16).to_le_bytes());
        }
    }
}

#[inline(always)]
pub(super) fn raw(literals: &[u8], output: &mut Output) {
    head(Kind::Raw, literals.len(), output);
    output.put(literals);
}

/// A header that says only the size.
#[inline(always)]
fn head(kind: Kind, size: usize, output: &mut Output) {
    let kind = kind as u32;
    let size32 = size as u32;
    match size {
        0..32 => output.byte((kind | size32 << 3) as u8),
        32..4096 => output.put(&((kind | 1 << 2 | size32 << 4) as u16).to_le_bytes()),
        _ => output.put(&(kind | 3 << 2 | size32 << 4).to_le_bytes()[..3]),
    }
}
