//! What shells and manuals want to know of the command: from the same description that reads the
//! command line.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Args;
use crate::error::{Error, Result};
use crate::files;

/// A script that tells a shell how to complete arguments.
pub(super) fn completions(shell: Shell) -> Vec<u8> {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    match String::from_utf8(script) {
        // In bash, clap_complete 4.6 writes the hyphen of the command's name in two ways, and so finds
        // no option of an inner command (https://github.com/clap-rs/clap/issues/6421).
        Ok(script) if shell == Shell::Bash => {
            script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__")).into_bytes()
        }
        Ok(script) => script.into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

/// The manual page of the command itself.
pub(super) fn page() -> Vec<u8> {
    rendered(Args::command())
}

/// Writes the pages of the command and of each of its commands into a folder, for `man 1`.
pub(super) fn write_pages(folder: &Path) -> Result<()> {
    if !folder.is_dir() {
        let problem = format!("{} is no folder", folder.display());
        return Err(Error::Option { name: "output", problem });
    }
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    for inner in command.get_subcommands() {
        let name = inner.get_display_name().unwrap_or(inner.get_name()).to_owned();
        files::write_whole(&folder.join(format!("{name}.1")), &rendered(inner.clone()))?;
    }
    let name = format!("{}.1", command.get_name());
    files::write_whole(&folder.join(name), &rendered(command))
}

fn rendered(command: Command) -> Vec<u8> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page).expect("memory can be written to");
    page
}
