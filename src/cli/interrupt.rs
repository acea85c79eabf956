//! Ctrl-C: the first asks the job to end, the second ends the program.

use std::ops::ControlFlow;

use super::INTERRUPTED;
use crate::codec::CancelFlag;

/// A flag that Ctrl-C (or a termination) raises.
pub(super) struct Interrupt {
    flag: CancelFlag,
}

impl Interrupt {
    /// Listens from here on. Where the system does not let it, Ctrl-C does what it always does.
    pub(super) fn install() -> Self {
        let flag = CancelFlag::new();
        let raised = flag.clone();
        let listening = ctrlc::set_handler(move || {
            if raised.raise() {
                std::process::exit(i32::from(INTERRUPTED));
            }
        });
        drop(listening);
        Self { flag }
    }

    /// For the codec, which looks at it row by row.
    pub(super) fn flag(&self) -> CancelFlag {
        self.flag.clone()
    }

    /// Whether to go on.
    pub(super) fn flow(&self) -> ControlFlow<()> {
        match self.flag.is_raised() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
