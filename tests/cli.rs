//! The command as a script and a person see it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use tempfile::TempDir;

struct Shell {
    folder: TempDir,
}

impl Shell {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zstd-arrow"));
        command.current_dir(self.folder.path()).args(args).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs and expects success; what came out.
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[args, &["--json"]].concat())).unwrap()
    }

    /// Runs and expects an exit status; what it said on standard error.
    fn fails(&self, args: &[&str], status: i32) -> String {
        let output = self.run(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {said}");
        assert_eq!(text(&output.stdout), "");
        said
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn events(rows: usize) -> RecordBatch {
    let value = |i: usize| {
        (!i.is_multiple_of(10))
            .then(|| format!("{{\"event\":{i},\"kind\":\"view\",\"n\":{}}}", i * 7919))
    };
    let values: BinaryArray = (0..rows).map(value).collect();
    let ids = Int64Array::from_iter_values(0..rows as i64);
    let columns: [(&str, ArrayRef, bool); 2] =
        [("id", Arc::new(ids), false), ("value", Arc::new(values), true)];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn read_parquet(path: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let mut batches = builder.with_batch_size(1 << 20).build().unwrap();
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    batch
}

/// The life of a file, with a trained dictionary: compress, look, decompress.
#[test]
fn there_and_back() {
    let shell = Shell::new();
    let batch = events(3000);
    write_parquet(&shell.path("a.parquet"), &batch);
    let report = shell.json(&[
        "compress",
        "a.parquet",
        "-c",
        "value",
        "--train",
        "4KiB",
        "--checksum",
        "-o",
        "b.parquet",
    ]);
    assert_eq!(report["rows"], 3000);
    assert_eq!(report["columns"][0]["name"], "value");
    assert_eq!(report["columns"][0]["nulls"], 300);
    assert!(report["columns"][0]["ratio"].as_f64().unwrap() > 1.0);
    let id = &report["dictionary_ids"][0];
    let info = shell.json(&["inspect", "b.parquet"]);
    assert_eq!(info["columns"][0]["frames"], true);
    assert_eq!(info["columns"][0]["checksums"], 2700);
    assert_eq!(&info["columns"][0]["dictionary_ids"][0], id);
    assert_eq!(&info["dictionary_ids"][0], id);
    let report = shell.json(&["decompress", "b.parquet", "-o", "c.parquet", "--threads", "1"]);
    assert_eq!(report["columns"][0]["failed"], 0);
    assert_eq!(read_parquet(&shell.path("c.parquet")), batch);
}

/// A dictionary of its own file: trained, used, needed, named when it is missing.
#[test]
fn dictionary_files() {
    let shell = Shell::new();
    let batch = events(3000);
    write_parquet(&shell.path("a.parquet"), &batch);
    let trained =
        shell.json(&["train", "a.parquet", "-c", "value", "-o", "v.dict", "--size", "2048"]);
    let size = fs::metadata(shell.path("v.dict")).unwrap().len();
    assert_eq!(trained["bytes"], size);
    assert!(size <= 2048);
    shell.ok(&[
        "compress",
        "a.parquet",
        "-c",
        "value",
        "--dictionary",
        "v.dict",
        "-o",
        "b.parquet",
        "--save-dictionary",
        "again.dict",
        "-q",
    ]);
    assert_eq!(
        fs::read(shell.path("v.dict")).unwrap(),
        fs::read(shell.path("again.dict")).unwrap()
    );
    shell.ok(&["decompress", "b.parquet", "--dictionary", "v.dict", "-o", "c.parquet"]);
    assert_eq!(read_parquet(&shell.path("c.parquet")), batch);
    fs::write(shell.path("bad.dict"), b"\x37\xA4\x30\xEC rubbish").unwrap();
    assert_eq!(
        shell.fails(&["decompress", "b.parquet", "--dictionary", "bad.dict", "-o", "d"], 1),
        "error: bad.dict: dictionary: it begins as a trained dictionary does, but it is damaged\n"
    );
}

/// IPC streams through pipes; the report goes to standard error then.
#[test]
fn pipes() {
    let shell = Shell::new();
    let batch = events(500);
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let pipe = |args: &[&str], input: &[u8]| {
        let mut command = shell.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("value"), "the report");
        output.stdout
    };
    let frames = pipe(&["compress", "-", "-c", "value", "-o", "-"], &stream);
    let values = pipe(&["decompress", "-", "-o", "-"], &frames);
    let mut reader = StreamReader::try_new(&*values, None).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), batch);
}

/// What the tables for people say.
#[test]
fn tables() {
    let shell = Shell::new();
    write_parquet(&shell.path("a.parquet"), &events(1000));
    let said = shell.ok(&["compress", "a.parquet", "-c", "value", "-o", "b.parquet"]);
    for word in ["column", "ratio", "value", "900", "100", "a.parquet", "b.parquet"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let said = shell.ok(&["inspect", "b.parquet"]);
    for word in ["frames", "all", "b.parquet: 1,000 rows"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    for line in said.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert_eq!(shell.ok(&["decompress", "b.parquet", "-o", "c.parquet", "-q"]), "");
}

/// Bad rows: an error that names file, column and row, or nulls that are told.
#[test]
fn bad_rows() {
    let shell = Shell::new();
    let values: Vec<Option<Vec<u8>>> = (0..50)
        .map(|i| match i {
            7 => Some(b"junk".to_vec()),
            30 => None,
            _ => Some(zstd::bulk::compress(format!("value {i}").as_bytes(), 3).unwrap()),
        })
        .collect();
    let values: BinaryArray = values.into_iter().collect();
    let batch =
        RecordBatch::try_from_iter_with_nullable([("value", Arc::new(values) as ArrayRef, true)]);
    write_parquet(&shell.path("a.parquet"), &batch.unwrap());
    let junk = "bad magic number 6a 75 6e 6b: not a zstd frame (28 b5 2f fd)";
    let args = ["decompress", "a.parquet", "-c", "value", "-o", "b.parquet"];
    assert_eq!(
        shell.fails(&args, 1),
        format!("error: a.parquet: column \"value\": row 7: {junk}\n")
    );
    assert!(!shell.path("b.parquet").exists());
    let said: Value =
        serde_json::from_str(&shell.fails(&[&args[..], &["--json"]].concat(), 1)).unwrap();
    assert_eq!(said["row"], 7);
    let report = shell.json(&[&args[..], &["--on-error", "null"]].concat());
    assert_eq!(report["columns"][0]["failed"], 1);
    assert_eq!(report["columns"][0]["failures"][0]["row"], 7);
    assert_eq!(report["columns"][0]["failures"][0]["error"], junk);
    let said = shell.ok(&[&args[..], &["--on-error", "null"]].concat());
    assert!(said.contains(&format!("  row 7: {junk}")), "{said}");
    use arrow_array::Array;
    assert_eq!(read_parquet(&shell.path("b.parquet")).column(0).null_count(), 2);
    let small = shell.fails(&[&args[..], &["--max-value-size", "3B"]].concat(), 1);
    assert!(small.contains("row 0: the value has 7 bytes or more, over the limit of 3"), "{small}");
}

/// Each decoder writes the same file.
#[test]
fn decoders() {
    let shell = Shell::new();
    write_parquet(&shell.path("a.parquet"), &events(3000));
    shell.ok(&["compress", "a.parquet", "-c", "value", "--train", "4KiB", "-o", "b.parquet"]);
    let [auto, libzstd, batch] = ["auto", "libzstd", "batch"].map(|decoder| {
        shell.ok(&["decompress", "b.parquet", "--decoder", decoder, "-o", "c.parquet"]);
        assert_eq!(read_parquet(&shell.path("c.parquet")), read_parquet(&shell.path("a.parquet")));
        std::fs::read(shell.path("c.parquet")).unwrap()
    });
    assert!(auto == libzstd && auto == batch);
    let said = shell.fails(&["decompress", "b.parquet", "--decoder", "zlib", "-o", "d.parquet"], 2);
    assert!(said.contains("[possible values: auto, libzstd, batch]"), "{said}");
}

/// Wrong usage is told apart from bad data by its exit status.
#[test]
fn usage() {
    let shell = Shell::new();
    write_parquet(&shell.path("a.parquet"), &events(10));
    let compress = |more: &[&str]| {
        let args = ["compress", "a.parquet", "-c", "value", "-o", "b.parquet"];
        shell.fails(&[&args[..], more].concat(), 2)
    };
    assert!(compress(&["--level", "23"]).contains("23 is not a level"));
    assert!(compress(&["--train", "much"]).contains("a size is a number of bytes such as 112640"));
    assert!(compress(&["--train", "1KiB", "--dictionary", "x"]).contains("cannot be used with"));
    assert!(compress(&["--batch-rows", "0"]).contains("at least 1"));
    assert!(compress(&["--save-dictionary", "x"]).contains("goes with --train or --dictionary"));
    assert!(shell.fails(&["compress", "a.parquet", "-o", "b"], 2).contains("--column"));
    assert!(shell.fails(&["decompress", "a.parquet", "-o", "b"], 2).contains("none is named"));
    assert!(shell.fails(&[], 2).contains("Usage"));
    assert_eq!(
        shell.fails(&["inspect", "nowhere.parquet"], 1),
        "error: nowhere.parquet: No such file or directory (os error 2)\n"
    );
    shell.ok(&["compress", "a.parquet", "-c", "value", "-o", "b.parquet", "--level", "-5"]);
    assert!(shell.ok(&["--help"]).contains("decompress"));
    assert_eq!(shell.ok(&["--version"]), format!("zstd-arrow {}\n", env!("CARGO_PKG_VERSION")));
}

/// A device is written to, not replaced by a file of its name.
#[cfg(unix)]
#[test]
fn devices_stay_devices() {
    use std::os::unix::fs::FileTypeExt;
    let shell = Shell::new();
    write_parquet(&shell.path("a.parquet"), &events(10));
    shell.ok(&["compress", "a.parquet", "-c", "value", "-o", "/dev/null"]);
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

/// A disk that is full: exit 1, a message, and no file left.
#[cfg(target_os = "linux")]
#[test]
fn full_disk() {
    let shell = Shell::new();
    write_parquet(&shell.path("a.parquet"), &events(10));
    assert_eq!(
        shell.fails(&["compress", "a.parquet", "-c", "value", "-o", "/dev/full"], 1),
        "error: /dev/full: No space left on device (os error 28)\n"
    );
}

/// Ctrl-C in the middle: exit 130, the old output whole, no temporary file.
#[cfg(unix)]
#[test]
fn interrupted() {
    let shell = Shell::new();
    write_parquet(&shell.path("a.parquet"), &events(200_000));
    fs::write(shell.path("b.parquet"), "the old file").unwrap();
    let mut command = shell.command(&[
        "compress",
        "a.parquet",
        "-c",
        "value",
        "-o",
        "b.parquet",
        "--level",
        "22",
        "--threads",
        "1",
        "--batch-rows",
        "200000",
    ]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It is at work once its temporary file is there.
    let temporary = || {
        let mut entries = fs::read_dir(shell.folder.path()).unwrap();
        entries
            .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(".zstd-arrow-"))
    };
    let start = std::time::Instant::now();
    while !temporary() {
        assert!(start.elapsed().as_secs() < 60, "it never began");
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "interrupted: the output is as it was\n");
    assert_eq!(fs::read_to_string(shell.path("b.parquet")).unwrap(), "the old file");
    assert!(!temporary());
}

/// The demonstration, small: a line for each way, every byte back.
#[test]
fn demo() {
    let shell = Shell::new();
    let report = shell.json(&["demo", "--rows", "20000"]);
    let figures = report["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 3);
    for figure in figures {
        assert_eq!(figure["equal"], true);
        assert_eq!(figure["rows"], 20_000);
        assert!(figure["ratio"].as_f64().unwrap() > 1.0);
    }
    let said = shell.ok(&["demo", "--rows", "20000"]);
    assert!(said.contains("yes") && !said.contains("NO"), "{said}");
}

/// A frame that says little of itself: a descriptor, a window, runs of zeros.
fn runs_of_zeros(descriptor: &[u8], blocks: usize, size: u32) -> Vec<u8> {
    let mut frame = [&[0x28, 0xB5, 0x2F, 0xFD], descriptor].concat();
    for block in 1..=blocks {
        let header = size << 3 | 1 << 1 | u32::from(block == blocks);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

fn write_frames(path: &Path, frames: &[Vec<u8>]) {
    let values: BinaryArray = frames.iter().map(Some).collect();
    let columns = [("value", Arc::new(values) as ArrayRef, true)];
    write_parquet(path, &RecordBatch::try_from_iter_with_nullable(columns).unwrap());
}

/// What claims or holds too much is an error by default, which names the option that allows more.
#[test]
fn bombs() {
    let shell = Shell::new();
    let job = ["decompress", "a.parquet", "-c", "value", "-o", "b.parquet"];
    let fails = |frame: Vec<u8>, more: &[&str]| {
        write_frames(&shell.path("a.parquet"), &[b"(\xb5/\xfd \0\x01\0\0".to_vec(), frame]);
        shell.fails(&[&job[..], more].concat(), 1)
    };
    // 8 GiB in 256 KiB, by its header and by what is in it.
    let known = [&[0xE0][..], &(8_u64 << 30).to_le_bytes()].concat();
    let said = fails(runs_of_zeros(&known, 65_536, 128 << 10), &["--max-window-log", "31"]);
    assert!(said.contains("row 1: the frame's window of 8589934592 bytes is over"), "{said}");
    let said = fails(runs_of_zeros(&[0xC0, 0x50, 0, 0, 0, 0, 2, 0, 0, 0], 65_536, 128 << 10), &[]);
    assert_eq!(
        said,
        "error: a.parquet: column \"value\": row 1: the value has 8589934592 bytes or more, over the \
         limit of 1073741824 a value (--max-value-size sets another)\n"
    );
    let unknown = runs_of_zeros(&[0x00, 0x50], 65_536, 128 << 10);
    let said = fails(unknown.clone(), &["--max-value-size", "1MiB"]);
    assert!(said.ends_with("over the limit of 1048576 a value (--max-value-size sets another)\n"));
    let limits = ["--max-value-size", "none", "--max-batch-size", "1MiB"];
    let said = fails(unknown, &limits);
    assert!(said.ends_with("over the limit of 1048576 a call (--max-batch-size sets another)\n"));
    // A window of 2 GiB for one byte.
    let window = runs_of_zeros(&[0x00, 21 << 3], 1, 1);
    let said = fails(window, &[]);
    assert!(said.contains("row 1: the frame's window of 2147483648 bytes is over"), "{said}");
    assert!(said.ends_with("(--max-window-log sets another)\n"), "{said}");
    shell.ok(&[&job[..], &["--max-window-log", "31", "--max-value-size", "none"]].concat());
    assert_eq!(read_parquet(&shell.path("b.parquet")).num_rows(), 2);
    assert!(
        shell.fails(&[&job[..], &["--max-value-size", "much"]].concat(), 2).contains("a size is")
    );
}

/// A frame of 20 bytes that claims 1 TB takes no memory: it is refused where there is little.
#[cfg(target_os = "linux")]
#[test]
fn a_claim_costs_nothing() {
    let shell = Shell::new();
    let claim = [&[0xE0][..], &(1_u64 << 40).to_le_bytes()].concat();
    let frame = runs_of_zeros(&claim, 1, 100);
    assert!(frame.len() <= 20);
    write_frames(&shell.path("a.parquet"), &[frame]);
    let command = env!("CARGO_BIN_EXE_zstd-arrow");
    let line = format!(
        "ulimit -v 2000000; exec {command} decompress a.parquet -c value -o b.parquet \
         --max-value-size none --max-batch-size none --threads 2"
    );
    let output =
        Command::new("sh").current_dir(shell.folder.path()).args(["-c", &line]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("row 0: the "), "{said}");
    assert!(said.contains("1099511627776"), "{said}");
}

/// Whoever reads the output has seen enough: the command ends as others do, without a word.
#[cfg(unix)]
#[test]
fn closed_pipe() {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;
    let shell = Shell::new();
    write_parquet(&shell.path("a.parquet"), &events(200_000));
    let line = ["compress", "a.parquet", "-c", "value", "-o", "-", "--level", "-5"];
    let mut command = shell.command(&line);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut seen = [0; 100];
    let mut pipe = child.stdout.take().unwrap();
    pipe.read_exact(&mut seen).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    const SIGPIPE: i32 = 13;
    assert_eq!(output.status.signal(), Some(SIGPIPE), "{}", output.status);
}

/// The command and each of its commands.
const COMMANDS: [&str; 8] =
    ["", "demo", "inspect", "compress", "decompress", "train", "completions", "man"];

/// What `--help` says fits a terminal of 80 columns, and ends with examples.
#[test]
fn help_fits_a_terminal() {
    let shell = Shell::new();
    let all = shell.ok(&["--help"]);
    for name in COMMANDS {
        let args: Vec<&str> = [name, "--help"].into_iter().filter(|arg| !arg.is_empty()).collect();
        let output = shell.command(&args).env("COLUMNS", "80").output().unwrap();
        assert!(output.status.success());
        let help = text(&output.stdout);
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{name} --help: {line}");
        }
        let (_, examples) = help.split_once("\nExamples:\n").expect(name);
        assert!(examples.contains(&format!("zstd-arrow {name}")), "{examples}");
        assert!(help.contains("Usage: zstd-arrow"), "{help}");
        assert!(all.contains(name), "{all}");
    }
}

/// What bash offers for the last word of a line, with the script that the command prints.
#[cfg(unix)]
fn offered(shell: &Shell, words: &[&str]) -> Vec<String> {
    fs::write(shell.path("completions.bash"), shell.ok(&["completions", "bash"])).unwrap();
    // As bash itself does on Tab: the function that `complete` names, with the command, the word and the
    // one before it.
    let script = r#"
        source ./completions.bash || exit
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        set -- $(complete -p zstd-arrow)
        while [ "$1" != -F ]; do shift; done
        "$2" zstd-arrow "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["--norc", "-c", script, "bash", "zstd-arrow"])
        .args(words)
        .current_dir(shell.folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout).lines().map(str::to_owned).collect()
}

/// Completions in bash: commands, options, values and files.
#[cfg(unix)]
#[test]
fn completions_in_bash() {
    let shell = Shell::new();
    assert_eq!(offered(&shell, &["comp"]), ["compress", "completions"]);
    assert_eq!(
        offered(&shell, &["decompress", "--max-"]),
        ["--max-value-size", "--max-batch-size", "--max-window-log"]
    );
    assert_eq!(offered(&shell, &["decompress", "--on-error", ""]), ["fail", "null"]);
    assert_eq!(offered(&shell, &["completions", "z"]), ["zsh"]);
    fs::write(shell.path("events.parquet"), "").unwrap();
    // (Nothing of its own for an argument that is a file: `-o default` has bash offer files then.)
    assert_eq!(offered(&shell, &["inspect", "ev"]), [""]);
    let script = fs::read_to_string(shell.path("completions.bash")).unwrap();
    assert!(script.contains("-o bashdefault -o default zstd-arrow"), "{script}");
    assert_eq!(offered(&shell, &["compress", "-o", "ev"]), ["events.parquet"]);
}

/// Other shells have a script too, with every command in it.
#[test]
fn completions_of_other_shells() {
    let shell = Shell::new();
    for other in ["elvish", "fish", "powershell", "zsh"] {
        let script = shell.ok(&["completions", other]);
        for name in COMMANDS {
            assert!(script.contains(name), "{other} has no {name}");
        }
    }
    assert!(shell.fails(&["completions", "tcsh"], 2).contains("possible values: bash"));
}

/// Manual pages, with every option in them: of the command on standard output, of all in a folder.
#[test]
fn manual_pages() {
    let shell = Shell::new();
    let page = shell.ok(&["man"]);
    assert!(page.contains(".TH zstd-arrow 1"), "{page}");
    let folder = shell.path("man1");
    fs::create_dir(&folder).unwrap();
    shell.ok(&["man", "-o", "man1"]);
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut expected: Vec<String> = COMMANDS[1..]
        .iter()
        .map(|name| format!("zstd-arrow-{name}.1"))
        .chain(["zstd-arrow.1".to_owned()])
        .collect();
    expected.sort();
    assert_eq!(names, expected);
    let compress = fs::read_to_string(folder.join("zstd-arrow-compress.1")).unwrap();
    for option in ["\\-\\-save\\-dictionary", "\\-\\-threads", "\\-\\-window\\-log"] {
        assert!(compress.contains(option), "{compress}");
    }
    let error = shell.fails(&["man", "-o", "nowhere"], 2);
    assert!(error.contains("nowhere is no folder"), "{error}");
}
