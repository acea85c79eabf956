//! Reports: tables for people, JSON for scripts.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use indicatif::{DecimalBytes, HumanCount};
use serde_json::{Value, json};

use super::demo::Figures;
use crate::codec::Dictionary;
use crate::files::{ColumnInfo, ColumnReport, FileInfo, Report};

/// Failed rows that are told one by one to a person.
const FAILURES_SHOWN: usize = 5;

/// Prints reports in one of the two forms.
pub(super) struct Printer<'a> {
    out: &'a mut dyn Write,
    json: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut dyn Write, json: bool) -> Self {
        Self { out, json }
    }

    fn json(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.out, "{value}")
    }

    fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        // One line under the head, none between rows.
        table.set_style(TableComponent::HeaderLines, '─');
        table.set_style(TableComponent::MiddleHeaderIntersections, '─');
        table.set_style(TableComponent::LeftHeaderIntersection, '─');
        table.set_style(TableComponent::RightHeaderIntersection, '─');
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(head);
        table.add_rows(rows);
        // Names on the left, numbers on the right.
        for (place, column) in table.column_iter_mut().enumerate() {
            column.set_padding((u16::from(place > 0), 0));
            if place > 0 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for line in table.lines() {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// What a compress or decompress job did.
    pub(super) fn job(
        &mut self,
        command: &str,
        source: &Path,
        target: &Path,
        report: &Report,
        seconds: f64,
    ) -> io::Result<()> {
        let size = |path: &Path| fs::metadata(path).ok().filter(|m| m.is_file()).map(|m| m.len());
        let (before, after) = (size(source), size(target));
        if self.json {
            let columns: Vec<Value> = report
                .columns
                .iter()
                .map(|column| with(json!(column), "ratio", json!(column.ratio())))
                .collect();
            return self.json(&json!({
                "command": command,
                "input": source,
                "output": target,
                "rows": report.rows,
                "columns": columns,
                "dictionary_ids": report.dictionary_ids,
                "input_bytes": before,
                "output_bytes": after,
                "seconds": seconds,
            }));
        }
        let head = ["column", "values", "nulls", "raw", "compressed", "ratio", "MB/s"];
        let rows = report.columns.iter().map(|column| {
            vec![
                column.name.clone(),
                count(column.values),
                count(column.nulls),
                bytes(column.raw_bytes),
                bytes(column.compressed_bytes),
                format!("{:.2}", column.ratio()),
                format!("{:.0}", column.raw_bytes as f64 / seconds / 1e6),
            ]
        });
        self.table(&head, rows.collect())?;
        for column in report.columns.iter().filter(|column| column.failed > 0) {
            self.failures(column)?;
        }
        if let (Some(before), Some(after)) = (before, after) {
            let (from, to) = (source.display(), target.display());
            writeln!(self.out, "{from} {} -> {to} {}", bytes(before), bytes(after))?;
        }
        Ok(())
    }

    fn failures(&mut self, column: &ColumnReport) -> io::Result<()> {
        let (name, failed) = (&column.name, count(column.failed));
        let rows = match column.failed {
            1 => "row could not be decompressed and is null",
            _ => "rows could not be decompressed and are null",
        };
        writeln!(self.out, "{name}: {failed} {rows}:")?;
        for failure in column.failures.iter().take(FAILURES_SHOWN) {
            writeln!(self.out, "  row {}: {}", failure.row, failure.error)?;
        }
        match column.failed.saturating_sub(FAILURES_SHOWN as u64) {
            0 => Ok(()),
            more => writeln!(self.out, "  and {} more (--json has 100)", count(more)),
        }
    }

    /// What a file holds.
    pub(super) fn inspect(&mut self, file: &Path, info: &FileInfo) -> io::Result<()> {
        if self.json {
            let columns: Vec<Value> = info
                .columns
                .iter()
                .map(|column| {
                    let value = with(json!(column), "ratio", json!(column.ratio()));
                    with(value, "frames", json!(column.is_frames()))
                })
                .collect();
            return self.json(&json!({
                "file": file,
                "rows": info.rows,
                "columns": columns,
                "dictionary_ids": info.dictionary_ids,
            }));
        }
        let head = ["column", "type", "frames", "nulls", "stored", "content", "ratio", "largest"];
        self.table(&head, info.columns.iter().map(inspected).collect())?;
        writeln!(self.out, "{}: {} rows", file.display(), count(info.rows))?;
        for column in info.columns.iter().filter(|column| column.frame_values > 0) {
            self.frames(column)?;
        }
        if info.columns.is_empty() {
            writeln!(self.out, "no column holds bytes or text")?;
        }
        if !info.dictionary_ids.is_empty() {
            let ids: Vec<String> = info.dictionary_ids.iter().map(u32::to_string).collect();
            writeln!(self.out, "dictionaries in the file: {}", ids.join(", "))?;
        }
        Ok(())
    }

    /// What the frames of a column have in common, or not.
    fn frames(&mut self, column: &ColumnInfo) -> io::Result<()> {
        let share = |some: u64| match some {
            0 => "no value".to_owned(),
            all if all == column.frame_values => "every value".to_owned(),
            some => format!("{} values", count(some)),
        };
        let sized = share(column.frame_values - column.unknown_sizes);
        let (name, checksums) = (&column.name, share(column.checksums));
        write!(self.out, "{name}: content size in {sized}, checksum in {checksums}")?;
        if !column.dictionary_ids.is_empty() {
            let ids: Vec<String> = column.dictionary_ids.iter().map(u32::to_string).collect();
            write!(self.out, ", dictionary {}", ids.join(", "))?;
        }
        writeln!(self.out)
    }

    /// What training made.
    pub(super) fn trained(&mut self, file: &Path, dictionary: &Dictionary) -> io::Result<()> {
        let size = dictionary.as_bytes().len();
        if self.json {
            let id = dictionary.id();
            return self
                .json(&json!({"command": "train", "output": file, "id": id, "bytes": size}));
        }
        let (file, id) = (file.display(), dictionary.id());
        writeln!(self.out, "{file}: dictionary {id}, {}", bytes(size as u64))
    }

    /// What the demonstration measured.
    pub(super) fn demo(&mut self, figures: &[Figures]) -> io::Result<()> {
        if self.json {
            return self.json(&json!({"command": "demo", "figures": figures}));
        }
        let head = [
            "",
            "rows",
            "raw
bytes",
            "compressed
bytes",
            "ratio",
            "compress
MB/s",
            "decompress
MB/s",
            "every byte
came back",
        ];
        let rows = figures.iter().map(|figure| {
            vec![
                figure.what.to_owned(),
                count(figure.rows),
                count(figure.raw_bytes),
                count(figure.compressed_bytes),
                format!("{:.2}", figure.ratio),
                format!("{:.0}", figure.compress_mb_s),
                format!("{:.0}", figure.decompress_mb_s),
                if figure.equal { "yes" } else { "NO" }.to_owned(),
            ]
        });
        self.table(&head, rows.collect())
    }
}

fn inspected(column: &ColumnInfo) -> Vec<String> {
    let frames = match column.frame_values {
        _ if column.is_frames() => "all".to_owned(),
        0 => "none".to_owned(),
        some => count(some),
    };
    let any = column.frame_values > 0;
    let if_any = |text: String| if any { text } else { String::new() };
    vec![
        column.name.clone(),
        column.data_type.clone(),
        frames,
        count(column.nulls),
        bytes(column.stored_bytes),
        if_any(bytes(column.content_bytes)),
        if_any(format!("{:.2}", column.ratio())),
        bytes(column.largest_content.max(if any { 0 } else { column.largest_stored })),
    ]
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
    object
}

fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

fn bytes(number: u64) -> String {
    DecimalBytes(number).to_string()
}
