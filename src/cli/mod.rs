//! The command `zstd-arrow`: columns of Parquet and Arrow IPC files, from a shell.
//!
//! Exit status: 0 for success, 1 for bad data or a failing file, 2 for wrong usage, 130 after an
//! interruption. Where whoever reads the output has gone, it ends by SIGPIPE, as other commands do.

mod args;
mod demo;
mod interrupt;
mod pipe;
mod progress;
mod report;
mod shell;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::codec::{
    CompressOptions, Compressor, Decoder, DecompressOptions, Dictionary, Format, OnError,
};
use crate::error::{Error, Result, ValueError};
use crate::files::{self, FileOptions, READER_THREAD};
use args::{Args, Command, CompressArgs, DecoderArg, DecompressArgs, OnErrorArg, TrainArgs};
use interrupt::Interrupt;
use progress::Bar;
use report::Printer;

const FAILURE: u8 = 1;
const USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

/// Reads the command line, does what it says and tells how it went.
pub fn main() -> ExitCode {
    quiet_reader();
    give_memory_back();
    let args = Args::parse();
    let interrupt = Interrupt::install();
    let command = Run { args: &args, interrupt: &interrupt };
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if pipe::is_closed(&error) {
                pipe::end();
            }
            report_error(&error, args.json);
            ExitCode::from(status(&error))
        }
    }
}

/// Has large buffers go back to the system when they are freed. glibc's allocator otherwise learns to
/// keep them, thread by thread: a long job then holds several times what it uses.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_memory_back() {
    // SAFETY: sets two numbers of the allocator, before there is a second thread.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 20);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_memory_back() {}

/// What the reading thread panics with on a damaged file is told as the job's error; a backtrace
/// beside it would only frighten.
fn quiet_reader() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(READER_THREAD) {
            hook(panic);
        }
    }));
}

fn status(error: &Error) -> u8 {
    match error {
        Error::Cancelled => INTERRUPTED,
        // What was asked for cannot be: nothing was read yet.
        Error::Option { .. } => USAGE,
        Error::File { source, .. } => source.downcast_ref::<Error>().map_or(FAILURE, status),
        _ => FAILURE,
    }
}

/// The option that lifts the limit which a value has passed.
fn limit_option(error: &Error) -> Option<&'static str> {
    match error.value_error()? {
        ValueError::ValueTooLarge { .. } => Some("--max-value-size"),
        ValueError::OutputTooLarge { .. } => Some("--max-batch-size"),
        ValueError::WindowTooLarge { limit, .. } if *limit < 1 << 31 => Some("--max-window-log"),
        _ => None,
    }
}

fn report_error(error: &Error, json: bool) {
    let row = error.row();
    let error = match (error, limit_option(error)) {
        (Error::Cancelled, _) => Err(()),
        (error, None) => Ok(error.to_string()),
        (error, Some(option)) => Ok(format!("{error} ({option} sets another)")),
    };
    let text = match (json, error) {
        (true, error) => {
            let error = error.unwrap_or_else(|()| Error::Cancelled.to_string());
            serde_json::json!({"error": error, "row": row}).to_string()
        }
        (false, Err(())) => "interrupted: the output is as it was".to_owned(),
        (false, Ok(error)) => format!("error: {error}"),
    };
    // Nobody is left to tell if this fails.
    let _ = writeln!(io::stderr(), "{text}");
}

struct Run<'a> {
    args: &'a Args,
    interrupt: &'a Interrupt,
}

impl Run<'_> {
    fn run(&self) -> Result<()> {
        match &self.args.command {
            Command::Demo(demo) => {
                let table = demo::run(demo, self.args.threads, self.interrupt)?;
                self.print(None, |printer| printer.demo(&table))
            }
            Command::Inspect { file } => {
                let info = files::inspect(file)?;
                self.print(None, |printer| printer.inspect(file, &info))
            }
            Command::Compress(args) => self.compress(args),
            Command::Decompress(args) => self.decompress(args),
            Command::Train(args) => self.train(args),
            Command::Completions { shell } => write_out(&shell::completions(*shell)),
            Command::Man { output: None } => write_out(&shell::page()),
            Command::Man { output: Some(folder) } => shell::write_pages(folder),
        }
    }

    fn compress(&self, args: &CompressArgs) -> Result<()> {
        let start = Instant::now();
        if args.train.is_some() && args.file.as_os_str() == "-" {
            let problem = "reads the input twice, which standard input does not allow".to_owned();
            return Err(Error::Option { name: "train", problem });
        }
        let trained: Vec<Option<Dictionary>> = match (args.train, &args.dictionary) {
            (Some(size), _) => {
                let trained = self.with_bar("train", |options| {
                    files::train(&args.file, &args.columns, to_usize("train", size)?, options)
                })?;
                trained.into_iter().map(Some).collect()
            }
            (None, Some(path)) => {
                let found = files::read_dictionaries(path)?;
                let [dictionary] = found.as_slice() else {
                    let problem = format!("{} holds {} of them", path.display(), found.len());
                    return Err(Error::Option { name: "dictionary", problem });
                };
                args.columns.iter().map(|_| Some(dictionary.clone())).collect()
            }
            (None, None) => args.columns.iter().map(|_| None).collect(),
        };
        let mut columns = Vec::new();
        for (name, dictionary) in args.columns.iter().zip(&trained) {
            let options = CompressOptions {
                level: args.level,
                dictionary: dictionary.clone(),
                checksum: args.checksum,
                content_size: !args.no_content_size,
                dictionary_id: !args.no_dictionary_id,
                format: format(args.magicless),
                window_log: args.window_log,
                long_distance: args.long.then_some(true),
                threads: self.args.threads,
                cancel: Some(self.interrupt.flag()),
                ..CompressOptions::default()
            };
            columns.push((name.clone(), Compressor::with_options(options)?));
        }
        if let Some(path) = &args.save_dictionary {
            let [Some(dictionary)] = trained.as_slice() else {
                let problem = "goes with --train or --dictionary, and one column".to_owned();
                return Err(Error::Option { name: "save-dictionary", problem });
            };
            write_dictionary(path, dictionary)?;
        }
        let report = self.with_bar("compress", |options| {
            files::compress(&args.file, &args.output, &columns, options)
        })?;
        let seconds = start.elapsed().as_secs_f64();
        self.print(Some(&args.output), |printer| {
            printer.job("compress", &args.file, &args.output, &report, seconds)
        })
    }

    fn decompress(&self, args: &DecompressArgs) -> Result<()> {
        let start = Instant::now();
        let mut dictionaries = Vec::new();
        for path in &args.dictionary {
            dictionaries.extend(files::read_dictionaries(path)?);
        }
        let codec = DecompressOptions {
            dictionaries,
            utf8: args.utf8,
            on_error: match args.on_error {
                OnErrorArg::Fail => OnError::Fail,
                OnErrorArg::Null => OnError::Null,
            },
            max_value_size: args.max_value_size.0,
            max_output_size: args.max_batch_size.0,
            max_window_log: Some(args.max_window_log),
            format: format(args.magicless),
            threads: self.args.threads,
            decoder: match args.decoder {
                DecoderArg::Auto => Decoder::Auto,
                DecoderArg::Libzstd => Decoder::Libzstd,
                DecoderArg::Batch => Decoder::Batch,
            },
            cancel: Some(self.interrupt.flag()),
            ..DecompressOptions::default()
        };
        let columns = (!args.columns.is_empty()).then_some(args.columns.as_slice());
        let report = self.with_bar("decompress", |options| {
            files::decompress(&args.file, &args.output, columns, &codec, options)
        })?;
        let seconds = start.elapsed().as_secs_f64();
        self.print(Some(&args.output), |printer| {
            printer.job("decompress", &args.file, &args.output, &report, seconds)
        })
    }

    fn train(&self, args: &TrainArgs) -> Result<()> {
        let columns = [args.column.clone()];
        let size = to_usize("size", args.size)?;
        let trained =
            self.with_bar("train", |options| files::train(&args.file, &columns, size, options))?;
        for dictionary in &trained {
            write_dictionary(&args.output, dictionary)?;
            self.print(Some(&args.output), |printer| printer.trained(&args.output, dictionary))?;
        }
        Ok(())
    }

    /// Does a file job with a progress bar beside it, where somebody can see it.
    fn with_bar<T>(
        &self,
        what: &'static str,
        job: impl FnOnce(FileOptions<'_>) -> Result<T>,
    ) -> Result<T> {
        let bar = Bar::new(what, !self.args.quiet && !self.args.json);
        let mut tell = |progress| {
            bar.update(progress);
            self.interrupt.flow()
        };
        let options = FileOptions::default()
            .batch_rows(self.args.batch_rows)
            .cancel(self.interrupt.flag())
            .progress(&mut tell);
        let done = job(options);
        bar.clear();
        done
    }

    /// Prints a report: to standard output, or to standard error where the output went there.
    fn print(
        &self,
        output: Option<&Path>,
        print: impl FnOnce(&mut Printer<'_>) -> io::Result<()>,
    ) -> Result<()> {
        if self.args.quiet && !self.args.json {
            return Ok(());
        }
        let to_stderr = output.is_some_and(|output| output.as_os_str() == "-");
        let mut out: Box<dyn Write> =
            if to_stderr { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
        let mut printer = Printer::new(&mut *out, self.args.json);
        said(print(&mut printer).and_then(|()| out.flush()))
    }
}

fn write_out(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout();
    said(out.write_all(bytes).and_then(|()| out.flush()))
}

fn said(written: io::Result<()>) -> Result<()> {
    match written {
        // Whoever read it has seen enough of it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::in_file(Path::new("standard output"), error)),
        Ok(()) => Ok(()),
    }
}

fn format(magicless: bool) -> Format {
    if magicless { Format::Magicless } else { Format::Zstd }
}

fn to_usize(name: &'static str, size: u64) -> Result<usize> {
    usize::try_from(size)
        .map_err(|_| Error::Option { name, problem: format!("{size} bytes are too many") })
}

fn write_dictionary(path: &Path, dictionary: &Dictionary) -> Result<()> {
    files::write_whole(path, dictionary.as_bytes())
}
