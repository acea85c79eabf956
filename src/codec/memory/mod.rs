//! Where output lives.
//!
//! | file | what |
//! | --- | --- |
//! | `pages` | memory for one output: from the heap, or pages of its own, huge ones where it is large |
//! | `idle` | pages that nobody uses any more, kept for the next output |
//! | `output` | an output of a known size, written in place by many threads |
//! | `ordered` | an output whose size is known only when it is all there, written run by run |
//! | `stash` | values on their way to an output, until their places are known |

mod idle;
mod ordered;
mod output;
mod pages;
mod stash;

pub use idle::{DEFAULT_IDLE_LIMIT, idle_memory, set_idle_limit};
pub(super) use ordered::{InOrder, Turn};
pub(super) use output::{Output, Slot};
pub(super) use stash::{Stash, StashReader};
