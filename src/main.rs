//! The command `zstd-arrow`.

use std::process::ExitCode;

fn main() -> ExitCode {
    zstd_arrow::cli::main()
}
