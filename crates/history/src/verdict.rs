//! From a record to the cause of a slow or failed answer.
//!
//! The line comes first: while the line is down, or the network answers for every server, no server is to blame. A server
//! is called silent only without a reply in the surroundings of the record, while further servers replied. A missing reply
//! of a living server is a lost packet: the line is to blame, unless the servers of a single provider lose packets.

mod failed;
mod silence;
mod slow;
mod words;

use std::time::Duration;

use zoners_api::{VerdictCause, VerdictReport};

use crate::hop::ReplyEnd::{Outpaced, Pending};
use crate::hop::{HopEnd, HopRecord, ServerRecord};
use crate::record::{LineObstacle, ResolutionRecord};
use crate::surroundings::{ServerGroup, Surroundings};
use words::{millis, seconds};

/// An answer within this time is quick, and needs no cause.
pub(crate) const QUICK: Duration = Duration::from_millis(100);

/// The cause of a slow or failed answer. `around` has the records of [`crate::SURROUNDING_SECONDS`] around the record,
/// with the record itself.
#[must_use]
pub fn judge(record: &ResolutionRecord, around: &Surroundings) -> VerdictReport {
    let case = VerdictCase { record, around };
    match record.has_failed() {
        true => case.judge_failure(),
        false if record.is_plain_hit() => {
            let text = "answered from memory at once".to_owned();
            VerdictCase::verdict(VerdictCause::Nothing, None, text, Vec::new())
        }
        false if record.took <= QUICK => {
            let text = format!("answered in {}", millis(record.took));
            VerdictCase::verdict(VerdictCause::Nothing, None, text, Vec::new())
        }
        false => case.judge_slowness(),
    }
}

/// A record, and the evidence around it.
struct VerdictCase<'a> {
    record: &'a ResolutionRecord,
    around: &'a Surroundings,
}

/// A query to a server, with the wait and the end.
#[derive(Clone, Copy)]
struct AskedServer<'a> {
    hop: &'a HopRecord,
    server: &'a ServerRecord,
    end: HopEnd,
    waited: Duration,
}

impl<'a> VerdictCase<'a> {
    fn verdict(
        cause: VerdictCause,
        accused: Option<String>,
        text: String,
        evidence: Vec<String>,
    ) -> VerdictReport {
        VerdictReport { cause, accused, text, evidence }
    }

    /// The beginning of each sentence: the time, or that there is no answer.
    fn beginning(&self) -> String {
        match self.record.has_failed() {
            true => format!("no answer after {}", seconds(self.record.took)),
            false => seconds(self.record.took),
        }
    }

    /// The servers that were asked, with the duration of each hop.
    fn asked(&self) -> Vec<AskedServer<'a>> {
        let asked = self.record.hops.iter().filter_map(|hop| {
            let (server, end) = hop.asked()?;
            Some(AskedServer { hop, server, end, waited: hop.took })
        });
        asked.collect()
    }

    /// Whether no reply came, and the hop was late.
    fn is_silent(&self, asked: &AskedServer<'_>) -> bool {
        let late = || self.around.is_late(asked.server.address.ip(), asked.hop.took);
        match asked.end {
            HopEnd::Reply(Outpaced | Pending) => late(),
            end => end.is_silent() || end.is_unreachable(),
        }
    }

    /// The servers of all further providers.
    fn others(&self, provider: &str) -> ServerGroup {
        self.around.group(|_, other| other != provider)
    }

    /// The verdict where the network stands in the way, or the line is down.
    fn judge_line(&self) -> Option<VerdictReport> {
        let beginning = self.beginning();
        let line = self.record.line;
        if let Some(obstacle) = line.obstacle {
            let what = match obstacle {
                LineObstacle::Portal => "a captive portal holds this network: log in first",
                LineObstacle::Intercepted => {
                    "this network answers in the name of every server (interception)"
                }
                LineObstacle::Refused | LineObstacle::Rejected | LineObstacle::Silent => {
                    "this network blocks DNS queries to servers elsewhere"
                }
            };
            let text = format!("{beginning}: {what}");
            return Some(VerdictCase::verdict(VerdictCause::Network, None, text, Vec::new()));
        }
        if line.is_down {
            let text = format!("{beginning}: your line was down; no server at all responded");
            return Some(VerdictCase::verdict(
                VerdictCause::LineDown,
                None,
                text,
                self.silence_evidence(),
            ));
        }
        None
    }

    /// How many servers were asked, and how many replied.
    fn silence_evidence(&self) -> Vec<String> {
        let all = self.around.group(|_, _| true);
        vec![format!(
            "Of {} servers that were asked around this time, {} replied.",
            all.asked, all.alive
        )]
    }
}

/// The provider with the longest wait, its servers there, and the wait.
fn most_waited<'a>(asked: &[AskedServer<'a>]) -> Option<(String, Vec<AskedServer<'a>>, Duration)> {
    let mut providers: Vec<(String, Vec<AskedServer<'a>>, Duration)> = Vec::new();
    for one in asked {
        let provider = one.server.provider();
        match providers.iter_mut().find(|(name, ..)| *name == provider) {
            Some((_, servers, waited)) => {
                servers.push(*one);
                *waited += one.waited;
            }
            None => providers.push((provider, vec![*one], one.waited)),
        }
    }
    providers.into_iter().max_by_key(|(.., waited)| *waited)
}

#[cfg(test)]
mod tests;
