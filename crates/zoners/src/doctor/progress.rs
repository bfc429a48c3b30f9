//! The parts of an examination still under way, in a line at the terminal.

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const TICK: Duration = Duration::from_millis(120);

/// The parts under way. Without a terminal nothing is shown.
#[derive(Debug)]
pub(super) struct DoctorProgress {
    bar: ProgressBar,
    waits: RefCell<Vec<&'static str>>,
}

impl DoctorProgress {
    /// Begins to show an examination of `parts` parts.
    pub(super) fn begin(parts: u64) -> Self {
        let is_shown = io::stderr().is_terminal();
        let bar = if is_shown { ProgressBar::new(parts) } else { ProgressBar::hidden() };
        let style =
            ProgressStyle::with_template("{spinner} [{bar:14}] {elapsed:>3} of 10 s: {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        if is_shown {
            bar.enable_steady_tick(TICK);
        }
        DoctorProgress { bar, waits: RefCell::default() }
    }

    /// Waits for a part and shows its name meanwhile.
    pub(super) async fn follow<T>(&self, part: &'static str, work: impl Future<Output = T>) -> T {
        self.waits.borrow_mut().push(part);
        self.show();
        let result = work.await;
        self.waits.borrow_mut().retain(|wait| *wait != part);
        self.bar.inc(1);
        self.show();
        result
    }

    /// Removes the line.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self) {
        self.bar.set_message(self.waits.borrow().join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_is_named_until_it_ends() {
        let progress = DoctorProgress::begin(2);
        let (done, waits) = tokio::join!(
            progress.follow("line", async { 7 }),
            progress.follow("daemon", async { progress.waits.borrow().clone() }),
        );
        assert_eq!((done, waits), (7, vec!["daemon"]));
        assert!(progress.waits.borrow().is_empty());
        assert_eq!(progress.bar.position(), 2);
    }
}
