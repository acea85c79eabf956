//! The command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::codec::{DEFAULT_DICTIONARY_SIZE, DEFAULT_LEVEL};
use crate::files::DEFAULT_BATCH_ROWS;

/// Options of every command, under a heading of their own.
const COMMON: &str = "Common options";

/// Whole binary columns of Parquet and Arrow IPC files through zstd
#[derive(Debug, Parser)]
#[command(name = "zstd-arrow", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  zstd-arrow demo
  zstd-arrow compress events.parquet -c payload --train 110KiB -o small.parquet
  zstd-arrow inspect small.parquet
  zstd-arrow decompress small.parquet -o events.parquet

Exit status: 0 for success, 1 for bad data or a failing file, 2 for wrong usage,
130 after an interruption. The output is written beside its target and renamed
when it is whole.")]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,

    /// Threads: 0 for all cores, 1 for none but the main one
    #[arg(long, global = true, default_value_t = 0, value_name = "N", help_heading = COMMON)]
    pub(super) threads: usize,

    /// The most rows of a batch (Parquet)
    #[arg(long, global = true, default_value_t = DEFAULT_BATCH_ROWS, value_name = "N",
          value_parser = positive, help_heading = COMMON)]
    pub(super) batch_rows: usize,

    /// Report as JSON, for scripts; errors too
    #[arg(long, global = true, help_heading = COMMON)]
    pub(super) json: bool,

    /// No report and no progress bar
    #[arg(long, short, global = true, help_heading = COMMON)]
    pub(super) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a table of events, compress and decompress it, check every byte, show the figures
    #[command(after_help = "\
Examples:
  zstd-arrow demo
  zstd-arrow demo --rows 20000 --level 19 --threads 1
  zstd-arrow demo --rows 20000 --save events.parquet")]
    Demo(DemoArgs),
    /// Show what the binary columns of a file hold, from headers alone
    #[command(after_help = "\
Examples:
  zstd-arrow inspect small.parquet
  zstd-arrow inspect small.parquet --json | jq '.columns[].dictionary_ids'
  zstd-arrow inspect - < small.arrows")]
    Inspect {
        /// A Parquet or Arrow IPC file; - for an IPC stream on standard input
        file: PathBuf,
    },
    /// Compress each value of columns to a zstd frame
    #[command(after_help = "\
Examples:
  zstd-arrow compress events.parquet -c payload -o small.parquet
  zstd-arrow compress events.parquet -c payload --train 110KiB -o small.parquet
  zstd-arrow compress pages.arrow -c pages.html -c note --level 19 -o b.arrow
  zstd-arrow compress today.parquet -c payload --dictionary small.parquet \\
      -o small-too.parquet
  producer | zstd-arrow compress - -c payload -o - | consumer")]
    Compress(CompressArgs),
    /// Decompress columns of zstd frames
    #[command(after_help = "\
Examples:
  zstd-arrow decompress small.parquet -o events.parquet
  zstd-arrow decompress foreign.parquet -c body --dictionary body.dict --utf8 \\
      -o pages.parquet
  zstd-arrow decompress crawl.parquet --on-error null --max-value-size 64MiB \\
      -o pages.parquet --json")]
    Decompress(DecompressArgs),
    /// Train a dictionary on a column
    #[command(after_help = "\
Examples:
  zstd-arrow train events.parquet -c payload -o payload.dict
  zstd-arrow train events.parquet -c payload.body --size 32KiB -o body.dict")]
    Train(TrainArgs),
    /// Print what a shell needs to complete this command's arguments
    #[command(after_help = "\
Examples:
  zstd-arrow completions bash > /etc/bash_completion.d/zstd-arrow
  zstd-arrow completions fish > ~/.config/fish/completions/zstd-arrow.fish
  source <(zstd-arrow completions zsh)")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command
    #[command(after_help = "\
Examples:
  zstd-arrow man | man -l -
  zstd-arrow man -o ~/.local/share/man/man1")]
    Man {
        /// A folder that there is, for the pages of all commands
        #[arg(long, short, value_name = "FOLDER")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct DemoArgs {
    /// Events to make
    #[arg(long, default_value_t = 150_000, value_name = "N", value_parser = positive)]
    pub(super) rows: usize,
    /// The compression level
    #[arg(long, default_value_t = DEFAULT_LEVEL, value_name = "LEVEL", allow_negative_numbers = true)]
    pub(super) level: i32,
    /// Keep the table, as a Parquet file with the columns id and payload
    #[arg(long, value_name = "FILE")]
    pub(super) save: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CompressArgs {
    /// A Parquet or Arrow IPC file; - for an IPC stream on standard input
    pub(super) file: PathBuf,
    /// A column to compress, or the path of a field inside one, such as payload.body (a path goes
    /// through lists: pages.html); may be given several times
    #[arg(long = "column", short, required = true, value_name = "COLUMN")]
    pub(super) columns: Vec<String>,
    /// The file to write; - for an IPC stream on standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// The compression level, from -131072 (fast) to 22 (small)
    #[arg(long, default_value_t = DEFAULT_LEVEL, value_name = "LEVEL", allow_negative_numbers = true)]
    pub(super) level: i32,
    /// A dictionary to compress with: its file, or a Parquet or Arrow file that has it in its schema
    #[arg(long, value_name = "FILE", conflicts_with = "train")]
    pub(super) dictionary: Option<PathBuf>,
    /// Train a dictionary of this size for each column first; 110KiB is a good one
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) train: Option<u64>,
    /// Write the dictionary to a file of its own too (it always goes into the output)
    #[arg(long, value_name = "FILE")]
    pub(super) save_dictionary: Option<PathBuf>,
    /// Add a checksum of its content to each frame
    #[arg(long)]
    pub(super) checksum: bool,
    /// Leave the content size out of frames
    #[arg(long)]
    pub(super) no_content_size: bool,
    /// Leave the dictionary's id out of frames
    #[arg(long)]
    pub(super) no_dictionary_id: bool,
    /// Leave the magic number out of frames
    #[arg(long)]
    pub(super) magicless: bool,
    /// The largest distance of a match, as a power of two
    #[arg(long, value_name = "LOG")]
    pub(super) window_log: Option<u32>,
    /// Look for matches at long distances (for large values)
    #[arg(long)]
    pub(super) long: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct DecompressArgs {
    /// A Parquet or Arrow IPC file; - for an IPC stream on standard input
    pub(super) file: PathBuf,
    /// A column to decompress, or the path of a field inside one, such as payload.body; may be given
    /// several times [default: all that are marked, at any depth]
    #[arg(long = "column", short, value_name = "COLUMN")]
    pub(super) columns: Vec<String>,
    /// The file to write; - for an IPC stream on standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// A dictionary that frames may need: its file, or a Parquet or Arrow file that has it in its
    /// schema; may be given several times [default: those in the file]
    #[arg(long, value_name = "FILE")]
    pub(super) dictionary: Vec<PathBuf>,
    /// What to do with a row that cannot be decompressed
    #[arg(long, value_enum, default_value_t = OnErrorArg::Fail, value_name = "WHAT")]
    pub(super) on_error: OnErrorArg,
    /// The most that one value may have, such as 64MiB; none for no limit
    #[arg(long, value_name = "SIZE", value_parser = limit, default_value = "1GiB")]
    pub(super) max_value_size: Limit,
    /// The most that the values of a batch of about 32 MiB or one row may have, such as 64MiB; none
    /// for no limit
    #[arg(long, value_name = "SIZE", value_parser = limit, default_value = "2GiB")]
    pub(super) max_batch_size: Limit,
    /// The largest window of a frame, as a power of two from 10 to 31
    #[arg(long, value_name = "LOG", default_value_t = 30)]
    pub(super) max_window_log: u32,
    /// What decodes frames, to the same values and errors
    #[arg(long, value_enum, default_value_t = DecoderArg::Auto, value_name = "WHAT")]
    pub(super) decoder: DecoderArg,
    /// Values are text: check that they are UTF-8 and write a text column
    #[arg(long)]
    pub(super) utf8: bool,
    /// Frames have no magic number
    #[arg(long)]
    pub(super) magicless: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum DecoderArg {
    /// What is quickest
    Auto,
    /// libzstd alone
    Libzstd,
    /// The one for many small frames of one dictionary, and libzstd for all others
    Batch,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum OnErrorArg {
    /// End with an error that names the row
    Fail,
    /// Make the row null, and report it
    Null,
}

#[derive(Debug, ClapArgs)]
pub(super) struct TrainArgs {
    /// A Parquet or Arrow IPC file; - for an IPC stream on standard input
    pub(super) file: PathBuf,
    /// The column to train on, or the path of a field inside one, such as payload.body
    #[arg(long, short, value_name = "COLUMN")]
    pub(super) column: String,
    /// The dictionary file to write
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// The most bytes of the dictionary
    #[arg(long, default_value_t = DEFAULT_DICTIONARY_SIZE as u64, value_name = "SIZE",
          value_parser = size)]
    pub(super) size: u64,
}

/// A number of bytes: 112640, 110KiB, 64MB.
fn size(text: &str) -> Result<u64, String> {
    parse_size::parse_size(text)
        .map_err(|error| format!("{error}: a size is a number of bytes such as 112640 or 110KiB"))
}

/// The most bytes of something, or no limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit(pub(super) Option<u64>);

fn limit(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(None)),
        text => Ok(Limit(Some(size(text)?))),
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// The lines of examples in `help`, each as its words.
    fn examples(help: &str) -> Vec<Vec<String>> {
        let joined = help.replace("\\\n", " ");
        let lines = joined.lines().filter_map(|line| line.strip_prefix("  "));
        // Of a pipe, the part that is this command; what is behind a redirection is the shell's.
        let ours = lines.map(|line| line[line.find("zstd-arrow").expect(line)..].to_owned());
        let ends = ['|', '<', '>', ')'];
        ours.map(|line| {
            line.split(ends)
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect()
        })
        .collect()
    }

    #[test]
    fn the_description_is_sound() {
        Args::command().debug_assert();
    }

    /// The examples are command lines that are understood.
    #[test]
    fn the_examples_are_understood() {
        let command = Args::command();
        let helps = std::iter::once(&command).chain(command.get_subcommands());
        for inner in helps {
            let help = inner.get_after_help().expect("every command has examples").to_string();
            let (_, help) = help.split_once("Examples:\n").expect("a heading");
            let help = help.split("\n\n").next().unwrap_or_default();
            assert!(help.lines().all(|line| line.len() <= 80), "{help}");
            let found = examples(help);
            assert!(!found.is_empty());
            for words in found {
                Args::try_parse_from(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
            }
        }
    }
}
