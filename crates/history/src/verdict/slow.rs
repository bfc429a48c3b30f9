//! The cause of a slow answer.

use std::time::Duration;

use zoners_api::{VerdictCause, VerdictReport};

use super::silence::{fine, is_lossy};
use super::words::{list, millis};
use super::{AskedServer, VerdictCase, most_waited};
use crate::hop::HopEvent;
use crate::surroundings::ServerGroup;
use crate::waits::waits;

/// A server is slow if the reply takes longer than usual by this factor and this time.
const SLOW: (u32, Duration) = (2, Duration::from_millis(60));
/// A line is slow if servers of many providers take this time.
const FAR: Duration = Duration::from_millis(250);
/// Other servers needed to call a line slow.
const MIN_FAR_SERVERS: u32 = 3;

/// The time of a record by kinds of waits.
#[derive(Default)]
struct TimeByKind<'a> {
    useful: Vec<AskedServer<'a>>,
    faulty: Vec<AskedServer<'a>>,
    silent: Vec<AskedServer<'a>>,
    shared: Duration,
    own: Duration,
}

fn total(asked: &[AskedServer<'_>]) -> Duration {
    asked.iter().map(|asked| asked.waited).sum()
}

impl<'a> VerdictCase<'a> {
    /// The cause of a slow answer: the kind of wait that took longest.
    pub(super) fn judge_slowness(&self) -> VerdictReport {
        if let Some(verdict) = self.judge_line() {
            return verdict;
        }
        let time = self.time_by_kind();
        let kinds =
            [total(&time.silent), total(&time.faulty), total(&time.useful), time.shared, time.own];
        let longest = kinds.iter().max().copied().unwrap_or_default();
        match kinds.iter().position(|kind| *kind == longest) {
            Some(0) => self.judge_silence(&time.silent),
            Some(1) => self.judge_faulty(&time.faulty),
            Some(2) => self.judge_round_trips(&time.useful),
            Some(3) => {
                let text = format!(
                    "{}: the same question was under way already, and took so long",
                    self.beginning()
                );
                VerdictCase::verdict(VerdictCause::Unknown, None, text, Vec::new())
            }
            _ => self.judge_own_time(&time),
        }
    }

    fn time_by_kind(&self) -> TimeByKind<'a> {
        let mut time = TimeByKind::default();
        for wait in waits(self.record) {
            let hop = wait.hop.and_then(|at| self.record.hops.get(at));
            let Some(hop) = hop else {
                time.own += wait.took;
                continue;
            };
            let HopEvent::Asked { server, end, .. } = &hop.event else {
                time.shared += wait.took;
                continue;
            };
            let asked = AskedServer { hop, server, end: *end, waited: wait.took };
            match end {
                end if end.is_useful() => time.useful.push(asked),
                end if end.is_faulty() => time.faulty.push(asked),
                _ => time.silent.push(asked),
            }
        }
        time
    }

    /// Each server replied: a single server late, every server late, or many servers in turn.
    fn judge_round_trips(&self, useful: &[AskedServer<'a>]) -> VerdictReport {
        let Some((provider, servers, waited)) = most_waited(useful) else { return self.unknown() };
        let others = self.others(&provider);
        let slowest = servers.iter().map(|asked| asked.hop.took).max().unwrap_or_default();
        let is_slow = |others: &ServerGroup| {
            others.usual.is_some_and(|usual| slowest > usual * SLOW.0 + SLOW.1)
        };
        if is_slow(&others) && waited * 2 >= total(useful) {
            let text = format!(
                "{}: a server of {provider} took {}; {}",
                self.beginning(),
                millis(slowest),
                fine(&others)
            );
            let evidence = vec![format!("Waited for: {}.", list(&servers))];
            return VerdictCase::verdict(
                VerdictCause::ProviderSlow,
                Some(provider),
                text,
                evidence,
            );
        }
        let all = self.around.group(|_, _| true);
        if all.alive >= MIN_FAR_SERVERS && all.usual.is_some_and(|usual| usual >= FAR) {
            let text = format!(
                "{}: your line is slow: servers of many providers took {} and more",
                self.beginning(),
                millis(all.usual.unwrap_or_default())
            );
            return VerdictCase::verdict(VerdictCause::LineSlow, None, text, Vec::new());
        }
        let text = format!(
            "{}: {} servers were asked one after the other, and each answered soon",
            self.beginning(),
            useful.len()
        );
        let evidence = vec![format!("Waited for: {}.", list(useful))];
        VerdictCase::verdict(VerdictCause::Steps, None, text, evidence)
    }

    /// Time without a query under way. After silence, the resolver waits before a zone gets further queries.
    fn judge_own_time(&self, time: &TimeByKind<'a>) -> VerdictReport {
        let own = time.own;
        let all = self.around.group(|_, _| true);
        if is_lossy(&all) {
            return self.lossy_line(&all);
        }
        if !time.silent.is_empty() {
            return self.judge_silence(&time.silent);
        }
        let text = format!(
            "{}: for {} no query was under way: the resolver itself, or a wait of its own",
            self.beginning(),
            millis(own)
        );
        VerdictCase::verdict(VerdictCause::Resolver, Some("zoners".to_owned()), text, Vec::new())
    }
}
