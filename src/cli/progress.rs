//! A bar on a terminal; nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::files::Progress;

/// Shows how far a job is, on standard error if that is a terminal.
pub(super) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    pub(super) fn new(what: &'static str, shown: bool) -> Self {
        let target = match shown {
            // Draws on terminals alone.
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target).with_message(what);
        bar.set_style(style("{msg} {spinner} {human_pos} rows, {per_sec}"));
        Self { bar }
    }

    pub(super) fn update(&self, progress: Progress) {
        if let Some(total) = progress.total_rows
            && self.bar.length() != Some(total)
        {
            self.bar.set_length(total);
            self.bar
                .set_style(style("{msg} [{bar:30}] {human_pos} of {human_len} rows, {eta} left"));
        }
        self.bar.set_position(progress.rows);
    }

    pub(super) fn clear(self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
