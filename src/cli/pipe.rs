//! Standard output, or a pipe, that nobody reads any more.

use std::error::Error as StdError;
use std::io;

use crate::error::Error;

/// Whether a job failed because whoever read its output has gone.
pub(super) fn is_closed(error: &Error) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            if error.kind() == io::ErrorKind::BrokenPipe {
                return true;
            }
            // What is inside an error of this type stands beside its sources.
            next = error.get_ref().map(|inner| inner as _);
            continue;
        }
        next = error.source();
    }
    false
}

/// Ends without a word, by the signal that a program gets which does not ask to be spared it. (Rust's
/// do; a job has its temporary files to clear away first.)
#[cfg(unix)]
pub(super) fn end() {
    // SAFETY: sets a signal's default action and raises it; nothing of the program is needed after it.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::raise(libc::SIGPIPE);
    }
}

#[cfg(not(unix))]
pub(super) fn end() {}
