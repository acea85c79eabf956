//! Literals and matches of a value, and the section of a block that has the matches (RFC 8878, section
//! 3.1.1.3.2).

use crate::codec::batch::codes::{self, Kind, LITERAL_LENGTHS, MATCH_LENGTHS, OFFSETS};
use crate::codec::encode::bits::{self, Output, zeroed};
use crate::codec::encode::fse::{self, Counts, Shares, accuracy};
use crate::codec::encode::{MOST, Unknown};
use crate::codec::libzstd::NoMemory;

/// The shortest match here; the format's is one less.
const SHORTEST: usize = 4;
/// The most matches of a value.
const MATCHES: usize = MOST / SHORTEST;
/// How many bytes of literals are copied together.
pub(super) const PIECE: usize = 16;

/// A match: how many literals are before it, its length over 3, and its offset plus 3; 1 is the last offset,
/// or the one before that where no literals are before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Match {
    literals: u16,
    length: u16,
    offset: u32,
}

/// The last offset again.
pub(super) const REPEAT: u32 = 1;
/// What other offsets are more than they are.
pub(super) const REPEATS: u32 = 3;

pub(super) struct Sequences {
    matches: Box<[Match; MATCHES]>,
    count: usize,
    literals: Box<[u8; MOST + PIECE]>,
    literals_len: usize,
    /// The three codes of each match.
    codes: [Box<[u8; MATCHES]>; 3],
    /// Tables for counts of this value's own.
    tables: Box<Tables>,
}

/// A table of any of the three kinds.
pub(super) type Table = fse::Table<{ 1 << LITERAL_LENGTHS.max_log }, { fse::SYMBOLS }>;

/// The tables of the three kinds of codes.
#[derive(Clone)]
pub(super) struct Tables {
    pub(super) literals: Table,
    pub(super) offsets: Table,
    pub(super) matches: Table,
}

impl Tables {
    const EMPTY: Self =
        Self { literals: Table::EMPTY, offsets: Table::EMPTY, matches: Table::EMPTY };
}

/// Those of the format's default distributions.
static DEFAULT: Tables = Tables {
    literals: Table::new(LITERAL_LENGTHS.default, LITERAL_LENGTHS.default_log),
    offsets: Table::new(OFFSETS.default, OFFSETS.default_log),
    matches: Table::new(MATCH_LENGTHS.default, MATCH_LENGTHS.default_log),
};

/// Tables of a dictionary, of which those are used that have all symbols.
#[derive(Clone)]
pub(super) struct Before {
    pub(super) tables: Box<Tables>,
    pub(super) literals: bool,
    pub(super) offsets: bool,
    pub(super) matches: bool,
}

/// How a kind of codes is written (section 3.1.1.3.2.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Default = 0,
    Single = 1,
    Own = 2,
    Repeat = 3,
}

impl Sequences {
    pub(super) fn new() -> Result<Self, NoMemory> {
        Ok(Self {
            matches: zeroed()?,
            count: 0,
            literals: zeroed()?,
            literals_len: 0,
            codes: [zeroed()?, zeroed()?, zeroed()?],
            tables: Box::new(Tables::EMPTY),
        })
    }

    pub(super) fn clear(&mut self) {
        (self.count, self.literals_len) = (0, 0);
    }

    pub(super) fn literals(&self) -> &[u8] {
        &self.literals[..self.literals_len]
    }

    /// A match of `length` bytes behind `count` literals, which `from` begins with; at least `PIECE` bytes more
    /// of `from` can be read.
    #[inline(always)]
    pub(super) fn push(&mut self, from: &[u8], count: usize, offset: u32, length: usize) {
        self.push_literals(from, count);
        self.matches[self.count % MATCHES] =
            Match { literals: count as u16, length: (length - 3) as u16, offset };
        self.count += 1;
    }

    #[inline(always)]
    pub(super) fn push_literals(&mut self, from: &[u8], count: usize) {
        let to = &mut self.literals[self.literals_len..];
        let mut at = 0;
        while at < count {
            to[at..at + PIECE].copy_from_slice(&from[at..at + PIECE]);
            at += PIECE;
        }
        self.literals_len += count;
    }

    /// Writes the section.
    #[inline(always)]
    pub(super) fn write(
        &mut self,
        before: Option<&Before>,
        strategy: u32,
        output: &mut Output,
    ) -> Result<(), Unknown> {
        let count = self.count;
        match count {
            0..128 => output.byte(count as u8),
            _ => output.put(&[(count >> 8) as u8 | 0x80, count as u8]),
        }
        if count == 0 {
            return Ok(());
        }
        let [literals, offsets, matches] = &mut self.codes;
        let found = &self.matches[..count];
        let literals = &mut literals[..count];
        let offsets = &mut offsets[..count];
        let matches = &mut matches[..count];
        for (i, found) in found.iter().enumerate() {
            literals[i] = code_of_literals(found.literals);
            offsets[i] = found.offset.ilog2() as u8;
            matches[i] = code_of_length(found.length);
        }
        let modes_at = output.len;
        output.byte(0);
        let own = &mut *self.tables;
        let has = |which: fn(&Before) -> bool| before.is_some_and(which);
        let repeats = [has(|b| b.literals), has(|b| b.offsets), has(|b| b.matches)];
        let modes = [
            choose(literals, &LITERAL_LENGTHS, repeats[0], &mut own.literals, strategy, output)?,
            choose(offsets, &OFFSETS, repeats[1], &mut own.offsets, strategy, output)?,
            choose(matches, &MATCH_LENGTHS, repeats[2], &mut own.matches, strategy, output)?,
        ];
        let [a, b, c] = modes.map(|(mode, _)| mode as u8);
        output.set(modes_at, [a << 6 | b << 4 | c << 2]);
        let own = &*own;
        let pick = |at: usize| match (modes[at].0, before) {
            (Mode::Default, _) => &DEFAULT,
            (Mode::Repeat, Some(before)) => &*before.tables,
            _ => own,
        };
        let begin = output.len;
        let mut stream = output.bits();
        let last = count - 1;
        let mut literal_state = pick(0).literals.begin(literals[last]);
        let mut offset_state = pick(1).offsets.begin(offsets[last]);
        let mut match_state = pick(2).matches.begin(matches[last]);
        let mut i = last;
        loop {
            // Up to here 26 bits of states, and seven that wait.
            let literal_bits = BITS_OF_LITERALS[usize::from(literals[i]) % 64];
            let length_bits = BITS_OF_LENGTH[usize::from(matches[i]) % 64];
            stream.add(found[i].literals.into(), literal_bits.into());
            stream.add(found[i].length.into(), length_bits.into());
            // Lengths have up to 22, offsets up to 18.
            if literal_bits + length_bits + offsets[i] > bits::MOST_WAITING - 33 {
                stream.flush();
            }
            stream.add(found[i].offset.into(), offsets[i].into());
            stream.flush();
            if i == 0 {
                break;
            }
            i -= 1;
            offset_state.encode(offsets[i], &mut stream);
            match_state.encode(matches[i], &mut stream);
            literal_state.encode(literals[i], &mut stream);
        }
        match_state.end(&mut stream);
        offset_state.end(&mut stream);
        literal_state.end(&mut stream);
        stream.finish_with_mark();
        // Up to 1.3.4 zstd takes a distribution for damaged that is less than four bytes from the end; libzstd
        // then keeps the block as it is.
        let last_own = modes.iter().rfind(|(mode, _)| *mode == Mode::Own);
        match last_own {
            Some((_, size)) if size + output.len - begin < 4 => Err(Unknown),
            _ => Ok(()),
        }
    }
}

/// How libzstd writes these codes, and how long their distribution is, if it is their own. Fills the table, and
/// writes the distribution.
#[inline(always)]
fn choose(
    codes: &[u8],
    kind: &Kind,
    repeats: bool,
    own: &mut Table,
    strategy: u32,
    output: &mut Output,
) -> Result<(Mode, usize), Unknown> {
    let total = codes.len();
    if codes.iter().all(|code| *code == codes[0]) {
        if total <= 2 {
            return Ok((Mode::Default, 0));
        }
        own.fill_single(codes[0]);
        output.byte(codes[0]);
        return Ok((Mode::Single, 0));
    }
    if repeats && total < 1000 {
        return Ok((Mode::Repeat, 0));
    }
    // All offsets here have codes that the default distribution has.
    if total < (10 - strategy as usize) << kind.default_log >> 3 {
        return Ok((Mode::Default, 0));
    }
    choose_counted(codes, kind, own, output)
}

#[inline(never)]
fn choose_counted(
    codes: &[u8],
    kind: &Kind,
    own: &mut Table,
    output: &mut Output,
) -> Result<(Mode, usize), Unknown> {
    let total = codes.len();
    let mut counts = Counts::new(codes);
    if (counts.most as usize) < total >> (kind.default_log - 1) {
        return Ok((Mode::Default, 0));
    }
    let log = accuracy(kind.max_log, total, counts.highest, 2);
    // The last one costs nothing: a decoder begins with it.
    let last = &mut counts.of[usize::from(codes[total - 1])];
    let less = u32::from(*last > 1);
    *last -= less;
    let shares = Shares::new(&counts, total as u32 - less, log).ok_or(Unknown)?;
    let begin = output.len;
    shares.write(output.bits()).ok_or(Unknown)?;
    own.fill(&shares.of[..=counts.highest], log);
    Ok((Mode::Own, output.len - begin))
}

/// Extra bits of the codes of literal lengths: their first lengths have zeros there.
static BITS_OF_LITERALS: [u8; 64] = {
    let mut bits = [0; 64];
    let mut code = 0;
    while code <= LITERAL_LENGTHS.max_code {
        bits[code as usize] = codes::literal_length(code).1 as u8;
        code += 1;
    }
    bits
};

/// Extra bits of the codes of match lengths: their first lengths, over 3, have zeros there.
static BITS_OF_LENGTH: [u8; 64] = {
    let mut bits = [0; 64];
    let mut code = 0;
    while code <= MATCH_LENGTHS.max_code {
        bits[code as usize] = codes::match_length(code).1 as u8;
        code += 1;
    }
    bits
};

const LITERALS_BELOW: usize = 64;
const LENGTHS_BELOW: usize = 128;

static CODES_OF_LITERALS: [u8; LITERALS_BELOW] = {
    let mut of = [0; LITERALS_BELOW];
    let mut code = 0;
    while code <= LITERAL_LENGTHS.max_code {
        let mut length = codes::literal_length(code).0 as usize;
        while length < LITERALS_BELOW {
            of[length] = code;
            length += 1;
        }
        code += 1;
    }
    of
};

static CODES_OF_LENGTH: [u8; LENGTHS_BELOW] = {
    let mut of = [0; LENGTHS_BELOW];
    let mut code = 0;
    while code <= MATCH_LENGTHS.max_code {
        let mut length = codes::match_length(code).0 as usize - 3;
        while length < LENGTHS_BELOW {
            of[length] = code;
            length += 1;
        }
        code += 1;
    }
    of
};

#[inline(always)]
fn code_of_literals(length: u16) -> u8 {
    // From 64 on a code for each power of two.
    let long = 19 + (length | 1).ilog2() as u8;
    CODES_OF_LITERALS.get(usize::from(length)).copied().unwrap_or(long)
}

/// Of a length over 3.
#[inline(always)]
fn code_of_length(length: u16) -> u8 {
    let long = 36 + (length | 1).ilog2() as u8;
    CODES_OF_LENGTH.get(usize::from(length)).copied().unwrap_or(long)
}
