//! The progress of a run: a bar at a terminal, plain lines elsewhere; and an early end if no target
//! answers.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use zoners_bench::{QuestionOutcome, Sample, Stop, Watcher};

use crate::output::eprintln;

/// Questions without any reply after which a target counts as missing.
const ENOUGH_SILENCE: usize = 30;
/// The interval of lines without a terminal.
const LINES: Duration = Duration::from_secs(10);
/// The EDE codes of a resolver that reaches no server: No Reachable Authority, Network Error, and
/// Cached Error.
const NOBODY: [u16; 3] = [22, 23, 13];

/// Shows the progress.
pub(super) struct Progress {
    total: usize,
    bar: Option<ProgressBar>,
    stop: Stop,
    state: Mutex<ProgressState>,
}

struct ProgressState {
    began: Instant,
    told: Instant,
    done: usize,
    failed: usize,
    targets: Vec<HeardEvents>,
}

/// The replies of a target.
#[derive(Clone, Default)]
struct HeardEvents {
    anything: bool,
    ended: usize,
}

impl Progress {
    /// The progress of `total` questions to several targets; `stop` ends the run if a target is
    /// missing.
    pub(super) fn new(total: usize, targets: usize, stop: Stop) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64);
            let style = "{wide_bar} {pos}/{len}, {msg}, {eta} left";
            bar.set_style(
                ProgressStyle::with_template(style)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        let now = Instant::now();
        let targets = vec![HeardEvents::default(); targets];
        let state = ProgressState { began: now, told: now, done: 0, failed: 0, targets };
        Progress { total, bar, stop, state: Mutex::new(state) }
    }

    /// The indices of targets without any reply.
    pub(super) fn unheard(&self) -> Vec<usize> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let unheard = state.targets.iter().enumerate().filter(|(_, heard)| !heard.anything);
        unheard.map(|(at, _)| at).collect()
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl ProgressState {
    /// Questions a second so far.
    fn rate(&self, now: Instant) -> f64 {
        self.done as f64 / (now - self.began).as_secs_f64().max(0.001)
    }

    /// As `1200 of 6000 questions, 50 a second, 3 failed, 96 s left`.
    fn line(&self, total: usize, now: Instant) -> String {
        let rate = self.rate(now);
        let left = total.saturating_sub(self.done) as f64 / rate.max(0.001);
        let ProgressState { done, failed, .. } = self;
        format!(
            "{done} of {total} questions, {rate:.0} a second, {failed} failed, {left:.0} s left"
        )
    }
}

impl Watcher for Progress {
    fn sampled(&self, sample: &Sample) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        state.failed += usize::from(!sample.ending.is_good());
        if let Some(heard) = state.targets.get_mut(usize::from(sample.target)) {
            heard.ended += 1;
            heard.anything |= says_something(&sample.ending);
            if !heard.anything && heard.ended >= ENOUGH_SILENCE {
                self.stop.stop();
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_position(state.done as u64);
            bar.set_message(format!(
                "{:.0}/s, {} failed",
                state.rate(Instant::now()),
                state.failed
            ));
        } else if state.told.elapsed() >= LINES {
            state.told = Instant::now();
            eprintln!("{}", state.line(self.total, state.told));
        }
    }
}

/// Whether an outcome proves that the target replies.
fn says_something(ending: &QuestionOutcome) -> bool {
    match ending {
        QuestionOutcome::Answered => true,
        QuestionOutcome::Failed { ede, .. } => !ede.is_some_and(|code| NOBODY.contains(&code)),
        QuestionOutcome::Silence | QuestionOutcome::Broken(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_bench::Phase;

    fn sample(target: u16, ending: QuestionOutcome) -> Sample {
        let (name, rtype, phase, at_us, took_us) = (0, 1, Phase::Cold, 0, 1000);
        Sample { name, rtype, target, phase, at_us, took_us, ending, hops: vec![] }
    }

    #[test]
    fn a_target_that_is_not_there_ends_the_run() {
        let stop = Stop::default();
        let progress = Progress::new(1000, 2, stop.clone());
        for _ in 0..ENOUGH_SILENCE - 1 {
            progress.sampled(&sample(0, QuestionOutcome::Silence));
            progress.sampled(&sample(
                1,
                QuestionOutcome::Failed { rcode: "REFUSED".into(), ede: None },
            ));
        }
        assert!(!stop.is_stopped());
        progress.sampled(&sample(
            0,
            QuestionOutcome::Failed { rcode: "SERVFAIL".into(), ede: Some(22) },
        ));
        assert!(stop.is_stopped());
        let own = Progress::new(1000, 1, stop.clone());
        for ede in [23, 13] {
            own.sampled(&sample(
                0,
                QuestionOutcome::Failed { rcode: "SERVFAIL".into(), ede: Some(ede) },
            ));
        }
        assert_eq!(own.unheard(), [0], "a resolver without a network");
        assert_eq!(progress.unheard(), [0]);
    }

    #[test]
    fn lines_say_how_it_goes() {
        let began = Instant::now();
        let state =
            ProgressState { began, told: began, done: 1200, failed: 3, targets: Vec::new() };
        let line = state.line(6000, began + Duration::from_secs(24));
        assert_eq!(line, "1200 of 6000 questions, 50 a second, 3 failed, 96 s left");
    }
}
