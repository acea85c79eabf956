//! A plain decoder of the whole format (RFC 8878): safe, slow, one bit at a time, one frame at a time.
//!
//! It stands beside the fast one for tests: written apart from it, checked against libzstd, and able
//! to run where libzstd cannot (under Miri). It shares no code with what it is the twin of.

/// Why a frame is none: for a person to read.
pub(super) type Outcome<T> = Result<T, &'static str>;

const MAX_BLOCK: usize = 128 << 10;

/// The tables that one block leaves to the next, and a dictionary to the first.
#[derive(Clone, Default)]
struct Tables {
    huffman: Option<Huffman>,
    /// Literal lengths, offsets, match lengths.
    fse: [Option<Fse>; 3],
}

/// A dictionary: its content, and what a trained one brings besides (section 5).
#[derive(Clone)]
pub(super) struct Dictionary {
    content: Vec<u8>,
    tables: Tables,
    repeat: [usize; 3],
}

impl Dictionary {
    pub(super) fn raw(bytes: &[u8]) -> Self {
        Self { content: bytes.to_vec(), tables: Tables::default(), repeat: [1, 4, 8] }
    }

    pub(super) fn trained(bytes: &[u8]) -> Outcome<Self> {
        let mut at = 8;
        let (huffman, used) = Huffman::read(bytes.get(at..).ok_or("dictionary too short")?)?;
        at += used;
        let mut fse = [None, None, None];
        // Offsets, match lengths, literal lengths.
        for kind in [1, 2, 0] {
            let (table, used) = Fse::read(&bytes[at..], KINDS[kind].0, KINDS[kind].1)?;
            fse[kind] = Some(table);
            at += used;
        }
        let mut repeat = [0; 3];
        for offset in &mut repeat {
            let four = bytes.get(at..at + 4).ok_or("dictionary too short")?;
            *offset = u32::from_le_bytes([four[0], four[1], four[2], four[3]]) as usize;
            at += 4;
        }
        let content = bytes[at..].to_vec();
        if repeat.iter().any(|offset| *offset == 0 || *offset > content.len()) {
            return Err("a repeat offset outside the dictionary");
        }
        Ok(Self { content, tables: Tables { huffman: Some(huffman), fse }, repeat })
    }
}

/// The content of one frame, which is all there is of `bytes`.
pub(super) fn decode(bytes: &[u8], dictionary: Option<&Dictionary>) -> Outcome<Vec<u8>> {
    let short = "frame too short";
    if bytes.get(..4) != Some(&[0x28, 0xB5, 0x2F, 0xFD]) {
        return Err("magic number");
    }
    let descriptor = *bytes.get(4).ok_or(short)?;
    if descriptor & 8 != 0 {
        return Err("reserved bit");
    }
    let single = descriptor & 0x20 != 0;
    let mut at = 5;
    let mut number = |size: usize| -> Outcome<u64> {
        let field = bytes.get(at..at + size).ok_or(short)?;
        at += size;
        Ok(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let window = if single { 0 } else { number(1)? };
    number([0, 1, 2, 4][usize::from(descriptor & 3)])?;
    let content_size = match (descriptor >> 6, single) {
        (0, false) => None,
        (0, true) => Some(number(1)?),
        (1, _) => Some(number(2)? + 256),
        (2, _) => Some(number(4)?),
        (_, _) => Some(number(8)?),
    };
    let window = match content_size {
        Some(size) if single => size as usize,
        _ => (1 << (10 + (window >> 3))) / 8 * (8 + (window as usize & 7)),
    };
    let mut out: Vec<u8> = dictionary.map_or(Vec::new(), |dictionary| dictionary.content.clone());
    let start = out.len();
    let mut tables = dictionary.map_or(Tables::default(), |dictionary| dictionary.tables.clone());
    let mut repeat = dictionary.map_or([1, 4, 8], |dictionary| dictionary.repeat);
    loop {
        let header = bytes.get(at..at + 3).ok_or(short)?;
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        at += 3;
        let size = (header >> 3) as usize;
        let taken = if (header >> 1) & 3 == 1 { 1 } else { size };
        let body = bytes.get(at..at + taken).ok_or(short)?;
        at += taken;
        match (header >> 1) & 3 {
            0 => out.extend_from_slice(body),
            1 => out.resize(out.len() + size, body[0]),
            2 => {
                let before = out.len();
                block(body, &mut out, &mut tables, &mut repeat)?;
                if out.len() - before > window.min(MAX_BLOCK) {
                    return Err("block too large");
                }
            }
            _ => return Err("reserved block type"),
        }
        if header & 1 != 0 {
            break;
        }
    }
    let content = out.split_off(start);
    if descriptor & 4 != 0 {
        let expected = bytes.get(at..at + 4).ok_or(short)?;
        at += 4;
        let found = twox_hash::XxHash64::oneshot(0, &content) as u32;
        if found.to_le_bytes() != expected {
            return Err("checksum");
        }
    }
    if at != bytes.len() {
        return Err("bytes behind the frame");
    }
    if content_size.is_some_and(|size| size != content.len() as u64) {
        return Err("content size");
    }
    Ok(content)
}

/// One compressed block (section 3.1.1.3).
fn block(
    body: &[u8],
    out: &mut Vec<u8>,
    tables: &mut Tables,
    repeat: &mut [usize; 3],
) -> Outcome<()> {
    let (literals, used) = literals(body, tables)?;
    let mut rest = body.get(used..).ok_or("no sequences section")?;
    let mut literals = &literals[..];
    for Sequence { literal_length, match_length, offset_value } in sequences(&mut rest, tables)? {
        let (front, behind) =
            literals.split_at_checked(literal_length).ok_or("not enough literals")?;
        literals = behind;
        out.extend_from_slice(front);
        // Section 3.1.2.5.
        let offset = if offset_value > 3 {
            let offset = offset_value - 3;
            *repeat = [offset, repeat[0], repeat[1]];
            offset
        } else {
            match offset_value + usize::from(literal_length == 0) {
                1 => {}
                2 => repeat.swap(0, 1),
                3 => *repeat = [repeat[2], repeat[0], repeat[1]],
                _ => *repeat = [repeat[0] - 1, repeat[0], repeat[1]],
            }
            repeat[0]
        };
        if offset == 0 || offset > out.len() {
            return Err("offset");
        }
        for _ in 0..match_length {
            out.push(out[out.len() - offset]);
        }
        if out.len() > 1 << 26 {
            return Err("content too large for a test");
        }
    }
    out.extend_from_slice(literals);
    Ok(())
}

/// Section 3.1.1.3.1. Returns the literals and the size of their section.
fn literals(body: &[u8], tables: &mut Tables) -> Outcome<(Vec<u8>, usize)> {
    let short = "literals section too short";
    let first = *body.first().ok_or(short)?;
    let header =
        body.iter().take(5).rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let (kind, format) = (first & 3, (first >> 2) & 3);
    if kind < 2 {
        let (size, regenerated) = match format {
            0 | 2 => (1, header >> 3 & 0x1f),
            1 => (2, header >> 4 & 0xfff),
            _ => (3, header >> 4 & 0xf_ffff),
        };
        let regenerated = regenerated as usize;
        if kind == 1 {
            let byte = *body.get(size).ok_or(short)?;
            return Ok((vec![byte; regenerated], size + 1));
        }
        let bytes = body.get(size..size + regenerated).ok_or(short)?;
        return Ok((bytes.to_vec(), size + regenerated));
    }
    let (size, width) = [(3, 10), (3, 10), (4, 14), (5, 18)][usize::from(format)];
    let mask = (1 << width) - 1;
    let (regenerated, compressed) = ((header >> 4) & mask, (header >> (4 + width)) & mask);
    let regenerated = regenerated as usize;
    let end = size + compressed as usize;
    let mut bytes = body.get(size..end).ok_or(short)?;
    if kind == 2 {
        let (table, used) = Huffman::read(bytes)?;
        tables.huffman = Some(table);
        bytes = &bytes[used..];
    }
    let table = tables.huffman.as_ref().ok_or("no Huffman table to repeat")?;
    let mut literals = Vec::new();
    if format == 0 {
        table.decode(bytes, regenerated, &mut literals)?;
        return Ok((literals, end));
    }
    let jumps = bytes.get(..6).ok_or(short)?;
    bytes = &bytes[6..];
    let each = regenerated.div_ceil(4);
    for stream in 0..4 {
        let size = match jumps.get(stream * 2..stream * 2 + 2) {
            Some(jump) => usize::from(u16::from_le_bytes([jump[0], jump[1]])),
            None => bytes.len(),
        };
        let (front, behind) = bytes.split_at_checked(size).ok_or(short)?;
        bytes = behind;
        let count = if stream < 3 { each } else { regenerated.saturating_sub(3 * each) };
        table.decode(front, count, &mut literals)?;
    }
    Ok((literals, end))
}

struct Sequence {
    literal_length: usize,
    match_length: usize,
    offset_value: usize,
}

/// Section 3.1.1.3.2. `body` is the section, and all of it is read.
fn sequences(body: &mut &[u8], tables: &mut Tables) -> Outcome<Vec<Sequence>> {
    let short = "sequences section too short";
    let whole = body.len();
    let mut byte = || -> Outcome<usize> {
        let (first, rest) = body.split_first().ok_or(short)?;
        *body = rest;
        Ok(usize::from(*first))
    };
    let count = match byte()? {
        0 if whole == 1 => return Ok(Vec::new()),
        0 => return Err("bytes behind the sequences"),
        first @ 1..128 => first,
        first @ 128..255 => (first - 128) * 256 + byte()?,
        _ => byte()? + byte()? * 256 + 0x7F00,
    };
    let modes = byte()?;
    if modes & 3 != 0 || count == 0 {
        return Err("modes");
    }
    for (kind, shift) in [(0, 6), (1, 4), (2, 2)] {
        let (max_log, max_symbol, default_log, default) = KINDS[kind];
        match (modes >> shift) & 3 {
            0 => tables.fse[kind] = Some(Fse::build(default_log, default)),
            1 => {
                let (symbol, rest) = body.split_first().ok_or(short)?;
                *body = rest;
                if usize::from(*symbol) > max_symbol {
                    return Err("symbol");
                }
                tables.fse[kind] =
                    Some(Fse { log: 0, states: vec![State { symbol: *symbol, bits: 0, base: 0 }] });
            }
            2 => {
                let (table, used) = Fse::read(body, max_log, max_symbol)?;
                tables.fse[kind] = Some(table);
                *body = &body[used..];
            }
            _ if tables.fse[kind].is_none() => return Err("no table to repeat"),
            _ => {}
        }
    }
    let [Some(lengths), Some(offsets), Some(matches)] = &tables.fse else {
        return Err("no table");
    };
    let mut bits = Bits::new(body)?;
    let mut state = [0; 3];
    for (state, table) in state.iter_mut().zip([lengths, offsets, matches]) {
        *state = bits.read(table.log)?;
    }
    let mut found = Vec::new();
    for i in 0..count {
        let [length, offset, matched] =
            [&lengths.states[state[0]], &offsets.states[state[1]], &matches.states[state[2]]];
        let code = u32::from(offset.symbol);
        let offset_value = (1_usize << code) + bits.read(code)?;
        let (base, extra) = match_length(matched.symbol);
        let match_length = base + bits.read(extra)?;
        let (base, extra) = literal_length(length.symbol);
        let literal_length = base + bits.read(extra)?;
        found.push(Sequence { literal_length, match_length, offset_value });
        if i + 1 < count {
            state[0] = length.base + bits.read(length.bits)?;
            state[2] = matched.base + bits.read(matched.bits)?;
            state[1] = offset.base + bits.read(offset.bits)?;
        }
    }
    match bits.left {
        0 => Ok(found),
        _ => Err("bits behind the sequences"),
    }
}

/// Baseline and extra bits of a literal length code (section 3.1.1.3.2.1.1).
fn literal_length(code: u8) -> (usize, u32) {
    match code {
        0..16 => (usize::from(code), 0),
        16..20 => (16 + 2 * (usize::from(code) - 16), 1),
        20..22 => (24 + 4 * (usize::from(code) - 20), 2),
        22..24 => (32 + 8 * (usize::from(code) - 22), 3),
        24 => (48, 4),
        _ => (1 << (code - 19), u32::from(code) - 19),
    }
}

/// Baseline and extra bits of a match length code (section 3.1.1.3.2.1.1).
fn match_length(code: u8) -> (usize, u32) {
    match code {
        0..32 => (usize::from(code) + 3, 0),
        32..36 => (35 + 2 * (usize::from(code) - 32), 1),
        36..38 => (43 + 4 * (usize::from(code) - 36), 2),
        38..40 => (51 + 8 * (usize::from(code) - 38), 3),
        40..42 => (67 + 16 * (usize::from(code) - 40), 4),
        42 => (99, 5),
        _ => ((1 << (code - 36)) + 3, u32::from(code) - 36),
    }
}

/// Of literal lengths, offsets and match lengths: the largest accuracy log, the largest symbol, and
/// the default distribution with its log (section 3.1.1.3.2.2).
const KINDS: [(u32, usize, u32, &[i32]); 3] = [
    (
        9,
        35,
        6,
        &[
            4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1,
            1, 1, 1, -1, -1, -1, -1,
        ],
    ),
    (
        8,
        31,
        5,
        &[
            1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1,
            -1,
        ],
    ),
    (
        9,
        52,
        6,
        &[
            1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
            1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
        ],
    ),
];

/// Bits read from the end of some bytes (section 4).
struct Bits<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Outcome<Self> {
        let mut left = bytes.len() * 8;
        if bytes.last().is_none_or(|last| *last == 0) {
            return Err("no end mark");
        }
        // The highest bit set is the mark itself.
        while bytes[(left - 1) / 8] >> ((left - 1) % 8) & 1 == 0 {
            left -= 1;
        }
        Ok(Self { bytes, left: left - 1 })
    }

    fn read(&mut self, count: u32) -> Outcome<usize> {
        let mut number = 0;
        for _ in 0..count {
            self.left = self.left.checked_sub(1).ok_or("not enough bits")?;
            number = number << 1 | usize::from(self.bytes[self.left / 8] >> (self.left % 8) & 1);
        }
        Ok(number)
    }

    /// The same with zeros below the first bit.
    fn read_beyond(&mut self, count: u32) -> usize {
        (0..count).fold(0, |number, _| number << 1 | self.read(1).unwrap_or(0))
    }
}

#[derive(Clone)]
struct State {
    symbol: u8,
    bits: u32,
    base: usize,
}

/// A decoding table (section 4.1).
#[derive(Clone)]
struct Fse {
    log: u32,
    states: Vec<State>,
}

impl Fse {
    /// Section 4.1.1. Returns the table and how many bytes it took.
    fn read(bytes: &[u8], max_log: u32, max_symbol: usize) -> Outcome<(Self, usize)> {
        let mut at = 0;
        let peek = |at: usize, count: u32| -> usize {
            (0..count as usize).fold(0, |number, i| {
                let byte = bytes.get((at + i) / 8).copied().unwrap_or(0);
                number | usize::from(byte >> ((at + i) % 8) & 1) << i
            })
        };
        let log = peek(at, 4) as u32 + 5;
        at += 4;
        if log > max_log {
            return Err("accuracy log");
        }
        let mut left = 1_i32 << log;
        let mut counts = Vec::new();
        while left > 0 {
            let most = left as usize + 1;
            let width = usize::BITS - most.leading_zeros();
            // So many of the lowest values take a bit less.
            let short = (1 << width) - 1 - most;
            let mut value = peek(at, width - 1);
            if value < short {
                at += width as usize - 1;
            } else {
                value = peek(at, width);
                if value >= 1 << (width - 1) {
                    value -= short;
                }
                at += width as usize;
            }
            let count = value as i32 - 1;
            left -= count.abs();
            counts.push(count);
            let mut zeros = if count == 0 { 3 } else { 0 };
            while zeros == 3 {
                zeros = peek(at, 2);
                at += 2;
                counts.resize(counts.len() + zeros, 0);
            }
            if at > bytes.len() * 8 {
                return Err("distribution too short");
            }
        }
        if left != 0 || counts.len() > max_symbol + 1 {
            return Err("distribution");
        }
        Ok((Self::build(log, &counts), at.div_ceil(8)))
    }

    /// Section 4.1.1: the states of a distribution.
    fn build(log: u32, counts: &[i32]) -> Self {
        let size = 1_usize << log;
        let mut states = vec![State { symbol: 0, bits: 0, base: 0 }; size];
        let mut end = size;
        for (symbol, count) in counts.iter().enumerate() {
            if *count == -1 {
                end -= 1;
                states[end].symbol = symbol as u8;
            }
        }
        let mut at = 0;
        for (symbol, count) in counts.iter().enumerate() {
            for _ in 0..(*count).max(0) {
                states[at].symbol = symbol as u8;
                at = (at + (size >> 1) + (size >> 3) + 3) % size;
                while at >= end {
                    at = (at + (size >> 1) + (size >> 3) + 3) % size;
                }
            }
        }
        let mut next: Vec<usize> =
            counts.iter().map(|count| count.unsigned_abs() as usize).collect();
        for state in &mut states {
            let next = &mut next[usize::from(state.symbol)];
            state.bits = log - next.ilog2();
            state.base = (*next << state.bits) - size;
            *next += 1;
        }
        Self { log, states }
    }
}

/// A prefix code (section 4.2): for each code of the longest length, its symbol and real length.
#[derive(Clone)]
struct Huffman {
    log: u32,
    codes: Vec<(u8, u32)>,
}

impl Huffman {
    /// Section 4.2.1. Returns the table and how many bytes it took.
    fn read(bytes: &[u8]) -> Outcome<(Self, usize)> {
        let short = "Huffman table too short";
        let first = usize::from(*bytes.first().ok_or(short)?);
        let (mut weights, used) = if first >= 128 {
            let count = first - 127;
            let used = 1 + count.div_ceil(2);
            let packed = bytes.get(1..used).ok_or(short)?;
            let weights = (0..count).map(|i| packed[i / 2] >> (4 - i % 2 * 4) & 15).collect();
            (weights, used)
        } else {
            let packed = bytes.get(1..1 + first).ok_or(short)?;
            (Self::read_weights(packed)?, 1 + first)
        };
        let sum: usize = weights.iter().map(|weight| (1 << *weight) >> 1).sum();
        if sum == 0 {
            return Err("no weights");
        }
        let log = sum.ilog2() + 1;
        let left = (1 << log) - sum;
        if !left.is_power_of_two() || log > 11 || weights.len() > 255 {
            return Err("weights");
        }
        weights.push(left.ilog2() as u8 + 1);
        if weights.iter().filter(|weight| **weight == 1).count() < 2 {
            return Err("weights");
        }
        let mut codes = Vec::new();
        for weight in 1..=log as u8 {
            for (symbol, _) in weights.iter().enumerate().filter(|(_, found)| **found == weight) {
                let code = (symbol as u8, log + 1 - u32::from(weight));
                codes.resize(codes.len() + (1 << (weight - 1)), code);
            }
        }
        Ok((Self { log, codes }, used))
    }

    /// Section 4.2.1.2: two states take turns until the bits run out.
    fn read_weights(bytes: &[u8]) -> Outcome<Vec<u8>> {
        let (table, used) = Fse::read(bytes, 6, 15)?;
        let mut bits = Bits::new(&bytes[used..])?;
        let mut state = [bits.read(table.log)?, bits.read(table.log)?];
        let mut weights = Vec::new();
        for turn in 0.. {
            let now = &table.states[state[turn % 2]];
            weights.push(now.symbol);
            let needed = now.bits as usize;
            let enough = bits.left >= needed;
            state[turn % 2] = now.base + bits.read_beyond(now.bits);
            if !enough {
                weights.push(table.states[state[(turn + 1) % 2]].symbol);
                break;
            }
            if weights.len() > 255 {
                return Err("too many weights");
            }
        }
        Ok(weights)
    }

    fn decode(&self, bytes: &[u8], count: usize, out: &mut Vec<u8>) -> Outcome<()> {
        let mut bits = Bits::new(bytes)?;
        for _ in 0..count {
            let left = bits.left;
            let (symbol, length) = self.codes[bits.read_beyond(self.log)];
            bits.left = left.checked_sub(length as usize).ok_or("not enough bits")?;
            out.push(symbol);
        }
        match bits.left {
            0 => Ok(()),
            _ => Err("bits behind the literals"),
        }
    }
}
