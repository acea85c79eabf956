//! The values of a column chunk with their levels, in pieces of whole records.

use std::mem::replace;

use parquet::column::reader::{ColumnReaderImpl, get_column_reader, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType};

use crate::codec::{Format, read_value};
use crate::error::{Error, Result};
use crate::files::chunks::input::{Column, Input};
use crate::files::chunks::{PIECE_BYTES, broken};

/// Records that are read at once, at the most.
const MOST_RECORDS: usize = 4096;

/// Consecutive rows of a column.
#[derive(Default)]
pub(super) struct Piece {
    /// The first of them, counted in the file.
    pub(super) first_row: u64,
    pub(super) rows: u64,
    /// The definition level of each entry; none where the column can have no nulls.
    pub(super) definition: Vec<i16>,
    /// The repetition level of each entry; none where the column is in no list.
    pub(super) repetition: Vec<i16>,
    /// The values of those entries that have one.
    pub(super) values: Vec<ByteArray>,
}

/// The records of a column chunk.
pub(super) struct Records<'a> {
    column: &'a Column,
    reader: ColumnReaderImpl<ByteArrayType>,
    /// The definition level of an entry with a value; the repetition level of the innermost list.
    levels: (i16, i16),
    /// What was read and not given out yet; its rows are counted when it is.
    open: Piece,
    /// What each value of it weighs, in bytes.
    weights: Vec<u64>,
    /// Records to read next time.
    at_once: usize,
    batch_rows: usize,
    group: usize,
    rows: u64,
    expected: u64,
    /// Whether there was a piece.
    began: bool,
    ended: bool,
}

/// Where a piece may end: so many entries, values and records.
#[derive(Default, Clone, Copy)]
struct Cut {
    entries: usize,
    values: usize,
    records: usize,
    weight: u64,
}

impl<'a> Records<'a> {
    /// Opens the chunk that a row group has of a named column.
    pub(super) fn open(
        input: &'a Input,
        group: usize,
        place: usize,
        batch_rows: usize,
    ) -> Result<Self> {
        let column = &input.columns[place];
        let groups = input.metadata().row_groups();
        let rows = |group: usize| u64::try_from(groups[group].num_rows()).unwrap_or(0);
        let chunk = groups[group].column(column.leaf);
        let descriptor = chunk.column_descr_ptr();
        let levels = (descriptor.max_def_level(), descriptor.max_rep_level());
        let pages = Box::new(input.pages(group, column.leaf)?);
        let size = u64::try_from(chunk.uncompressed_size()).unwrap_or(0);
        let record = (size / rows(group).max(1)).max(1);
        let at_once = usize::try_from(PIECE_BYTES / 8 / record).unwrap_or(1);
        Ok(Self {
            column,
            reader: get_typed_column_reader(get_column_reader(descriptor, pages)),
            levels,
            open: Piece { first_row: (0..group).map(rows).sum(), ..Piece::default() },
            weights: Vec::new(),
            at_once: at_once.clamp(1, MOST_RECORDS),
            batch_rows,
            group,
            rows: 0,
            expected: rows(group),
            began: false,
            ended: false,
        })
    }

    /// The next piece; `None` behind the last row. A chunk without rows is one piece without rows.
    pub(super) fn next(&mut self) -> Result<Option<Piece>> {
        let mut cut = Cut::default();
        loop {
            let enough = self.fills(&mut cut);
            if enough || (self.ended && (cut.records > 0 || !self.began)) {
                self.began = true;
                return Ok(Some(self.take(cut)));
            }
            if self.ended {
                return match self.rows == self.expected {
                    true => Ok(None),
                    false => Err(broken(format!(
                        "the file is damaged: row group {} has {} rows, not {}",
                        self.group, self.rows, self.expected
                    ))),
                };
            }
            self.read()?;
        }
    }

    /// Goes on with `cut` over the records that were read. Whether there is enough for a piece.
    fn fills(&self, cut: &mut Cut) -> bool {
        let entries = self.entries();
        while cut.entries < entries {
            let mut next = *cut;
            loop {
                if self.has_value(next.entries) {
                    next.weight = next.weight.saturating_add(self.weights[next.values]);
                    next.values += 1;
                }
                next.entries += 1;
                if next.entries == entries || self.starts_record(next.entries) {
                    break;
                }
            }
            next.records += 1;
            let enough = next.weight > PIECE_BYTES || next.records > self.batch_rows;
            if enough && cut.records > 0 {
                return true;
            }
            *cut = next;
        }
        cut.weight >= PIECE_BYTES
    }

    fn entries(&self) -> usize {
        match self.levels {
            (0, 0) => self.open.values.len(),
            (_, 0) => self.open.definition.len(),
            _ => self.open.repetition.len(),
        }
    }

    fn has_value(&self, entry: usize) -> bool {
        self.levels.0 == 0 || self.open.definition[entry] == self.levels.0
    }

    fn starts_record(&self, entry: usize) -> bool {
        self.levels.1 == 0 || self.open.repetition[entry] == 0
    }

    fn take(&mut self, cut: Cut) -> Piece {
        fn first<T>(all: &mut Vec<T>, count: usize) -> Vec<T> {
            let rest = all.split_off(count.min(all.len()));
            replace(all, rest)
        }
        drop(first(&mut self.weights, cut.values));
        let rows = cut.records as u64;
        self.open.first_row += rows;
        Piece {
            first_row: self.open.first_row - rows,
            rows,
            definition: first(&mut self.open.definition, cut.entries),
            repetition: first(&mut self.open.repetition, cut.entries),
            values: first(&mut self.open.values, cut.values),
        }
    }

    /// Reads more records.
    fn read(&mut self) -> Result<()> {
        let open = &mut self.open;
        let before = open.values.len();
        let (records, ..) = self
            .reader
            .read_records(
                self.at_once,
                Some(&mut open.definition),
                Some(&mut open.repetition),
                &mut open.values,
            )
            .map_err(|error| Error::Arrow(error.into()))?;
        self.rows += records as u64;
        self.ended = records == 0;
        if self.rows > self.expected {
            let (group, expected) = (self.group, self.expected);
            return Err(broken(format!(
                "the file is damaged: row group {group} has more than {expected} rows"
            )));
        }
        let frames = self.column.frames;
        self.weights.extend(open.values[before..].iter().map(|value| weight(value.data(), frames)));
        let read = self.weights[before..].iter().fold(0_u64, |sum, one| sum.saturating_add(*one));
        if read > PIECE_BYTES / 2 {
            self.at_once = (self.at_once / 2).max(1);
        } else if read < PIECE_BYTES / 16 {
            self.at_once = (self.at_once * 2).min(MOST_RECORDS);
        }
        Ok(())
    }
}

/// What a value weighs: the more of its bytes and, for frames, its content's, as far as headers tell.
/// (What they say is too much is found when it is decoded.)
fn weight(value: &[u8], frames: Option<Format>) -> u64 {
    let size = value.len() as u64;
    let content = frames.and_then(|format| read_value(value, format).ok()?.content_size);
    content.unwrap_or(0).max(size)
}

impl Piece {
    /// The row of the file that a value belongs to.
    pub(super) fn row(&self, value: usize, has_value: impl Fn(i16) -> bool) -> u64 {
        let entry = match self.definition.is_empty() {
            true => value,
            false => {
                let mut valued =
                    (0..self.definition.len()).filter(|i| has_value(self.definition[*i]));
                valued.nth(value).unwrap_or(0)
            }
        };
        if self.repetition.is_empty() {
            return self.first_row + entry as u64;
        }
        let starts = self.repetition[..=entry].iter().filter(|level| **level == 0).count();
        self.first_row + starts.saturating_sub(1) as u64
    }
}
