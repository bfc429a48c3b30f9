//! Error reports about zones that fail validation (RFC 9567).
//!
//! A server names a monitoring agent in the Report-Channel option of its replies. A report is a
//! query below the agent's domain: the name holds the question and the extended error of the
//! failure. The client's answer does not wait for the report, and the agent's answer stays in the
//! cache, which damps further reports.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use parking_lot::Mutex;
use zoners_dns::{
    Counter, Delegation, EdeCode, Message, Moment, Name, Network, QueryMode, Question, Rtype, name,
};

use crate::cached::lookup::Lack;
use crate::env::worker::Worker;
use crate::model::answer::{Cause, Unresolved};
use crate::model::context::Context;
use crate::model::flights::Boarding;
use crate::model::settings::Limits;
use crate::model::trace::Hop;

/// Zones with a known agent. One zone more empties the table: the next replies fill it again.
pub(crate) const AGENTS: usize = 1024;
/// Sent reports that are remembered, so that no report is repeated.
pub(crate) const REMEMBERED: usize = 512;
/// The time for which a report, and the agent of a zone, is remembered.
pub(crate) const REMEMBERED_FOR: Duration = Duration::from_secs(3600);
/// Reports to one agent in a [`WINDOW`].
pub const PER_AGENT: u32 = 10;
/// Reports to all agents in a [`WINDOW`].
pub(crate) const IN_ALL: u32 = 60;
/// The period of the two limits.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// The first label of a report, and the label before the agent's domain (RFC 9567 section 6.1).
const MARK: &[u8] = b"_er";

/// The agents of zones, and the reports sent to them.
#[derive(Debug, Default)]
pub(crate) struct Reports(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The agent of each zone, and the time of the reply that named the agent.
    agents: HashMap<Name, (Name, Moment)>,
    /// The names of sent reports, and the time from which each may be sent again.
    sent: HashMap<Name, Moment>,
    window: Window,
}

/// The reports sent since a moment.
#[derive(Debug, Default)]
struct Window {
    since: Moment,
    in_all: u32,
    /// Has no more than [`IN_ALL`] agents, since each report adds at most one.
    of_agent: HashMap<Name, u32>,
}

impl Reports {
    /// Remembers the agent that a server of `zone` names, or forgets the agent of before.
    fn learn(&self, zone: &Name, agent: Option<&Name>, now: Moment) {
        let agents = &mut self.0.lock().agents;
        let Some(agent) = agent else {
            agents.remove(zone);
            return;
        };
        if agents.len() >= AGENTS && !agents.contains_key(zone) {
            agents.clear();
        }
        agents.insert(zone.clone(), (agent.clone(), now));
    }

    /// The agent of `zone`.
    fn agent(&self, zone: &Name, now: Moment) -> Option<Name> {
        let state = self.0.lock();
        let (agent, named) = state.agents.get(zone)?;
        (now.since(*named) < REMEMBERED_FOR).then(|| agent.clone())
    }

    /// Whether the report was sent within the last hour.
    fn is_remembered(&self, report: &Name, now: Moment) -> bool {
        self.0.lock().sent.get(report).is_some_and(|until| *until > now)
    }

    /// Grants a report to `agent` and remembers the report. False at one of the limits.
    fn grant(&self, report: &Name, agent: &Name, now: Moment) -> bool {
        let State { sent, window, .. } = &mut *self.0.lock();
        if sent.len() >= REMEMBERED {
            sent.retain(|_, until| *until > now);
        }
        let granted = sent.len() < REMEMBERED && window.grant(agent, now);
        if granted {
            sent.insert(report.clone(), now.after(REMEMBERED_FOR));
        }
        granted
    }
}

impl Window {
    fn grant(&mut self, agent: &Name, now: Moment) -> bool {
        if now.since(self.since) >= WINDOW {
            *self = Window { since: now, ..Window::default() };
        }
        if self.in_all >= IN_ALL {
            return false;
        }
        let of_agent = self.of_agent.entry(agent.clone()).or_default();
        let granted = *of_agent < PER_AGENT;
        if granted {
            *of_agent += 1;
            self.in_all += 1;
        }
        granted
    }
}

impl<N: Network> Worker<N> {
    /// Remembers the agent that a server of `cut` names in its reply. A forwarder is no server of
    /// the zone, so its option does not count.
    pub(crate) fn learn_agent(&self, cut: &Delegation, reply: &Message) {
        if !self.settings().report_failures || cut.mode == QueryMode::Forward {
            return;
        }
        let agent = reply.edns.as_ref().and_then(|edns| edns.report_channel.as_ref());
        self.shared().reports.learn(&cut.zone, agent, self.shared().now());
    }

    /// Reports to the agent of the zone, if the zone has one, that `question` failed validation.
    pub(crate) fn report(&self, question: &Question, unresolved: &Unresolved, context: &Context) {
        let bogus = matches!(unresolved.cause, Cause::Bogus | Cause::BogusZone);
        let shared = self.shared();
        // With a wrong clock of our own, or where this network intercepts DNS, the zone is not at fault.
        let ours = shared.clock_doubt.wrong_by().is_some()
            || shared.passage.is_intercepted()
            || !unresolved.ede.code.is_bogus();
        if !self.settings().report_failures || !context.validate || !bogus || ours {
            return;
        }
        let (now, zone) = (shared.now(), self.zone_cut(question).zone);
        let Some(agent) = shared.reports.agent(&zone, now) else { return };
        if !self.may_tell(&agent, &zone, question) {
            return;
        }
        let Some(told) = report_name(question, unresolved.ede.code, &agent) else {
            self.count(Counter::DnssecReportsWithheld);
            return;
        };
        let report = Question::new(told, Rtype::TXT);
        // No report is repeated while the agent's answer is in the cache (RFC 9567 section 6.1).
        let is_known = self.cached(&report, true, now).is_ok();
        if is_known || shared.reports.is_remembered(&report.name, now) {
            return;
        }
        match shared.reports.grant(&report.name, &agent, now) && self.send_report(&report) {
            true => {
                self.count(Counter::DnssecReportsSent);
                context.trace(|| Hop::Note(format!("{question}: reported as {}", report.name)));
            }
            false => self.count(Counter::DnssecReportsWithheld),
        }
    }

    /// Whether a report to `agent` cannot cause another report, and stays on the public Internet.
    ///
    /// No report is about a report (RFC 9567 section 6.1) or goes to an agent inside the failing
    /// zone. A server on the Internet must not choose names behind a configured stub or forwarder.
    fn may_tell(&self, agent: &Name, zone: &Name, question: &Question) -> bool {
        let route = self.settings().route(agent);
        !is_report(&question.name)
            && !is_report(agent)
            && !name::is_within(agent, zone)
            && !name::is_within(&question.name, agent)
            && route.is_none_or(|route| route.zone.is_root())
    }

    /// Sends a report as a question of our own with its own budget. False if too many questions are
    /// pending.
    fn send_report(&self, report: &Question) -> bool {
        let context = Context::new(limited(self.settings().limits), None, None);
        let worker = self.arc();
        let key = (report.clone(), context.validate);
        if let Boarding::Lead(lead) = worker.shared().questions.board(&key, None)
            && let Ok(work) = worker.lead(lead, report.clone(), context, Lack::Everything)
        {
            tokio::spawn(work);
            return true;
        }
        false
    }
}

/// The limits of a report: lower than those of a client's question.
fn limited(limits: Limits) -> Limits {
    Limits { queries: 24, queries_per_question: 20, retries: 4, tcp: 2, lookups: 4, ..limits }
}

/// Whether the name is a report's, or below a report's.
fn is_report(name: &Name) -> bool {
    name.iter().any(|label| label.as_slice().eq_ignore_ascii_case(MARK))
}

/// The name of a report (RFC 9567 section 6.1). `None` if the name would be longer than 255 octets:
/// then the report is not sent.
fn report_name(question: &Question, code: EdeCode, agent: &Name) -> Option<Name> {
    let mut octets = Vec::new();
    let put = |octets: &mut Vec<u8>, label: &[u8]| {
        octets.put_u8(label.len() as u8);
        octets.put_slice(label);
    };
    put(&mut octets, MARK);
    put(&mut octets, question.rtype.to_int().to_string().as_bytes());
    let lower = name::lowercase(&question.name);
    octets.extend(lower.as_slice().split_last().map_or(&[][..], |(_root, labels)| labels));
    put(&mut octets, code.0.to_string().as_bytes());
    put(&mut octets, MARK);
    octets.put_slice(agent.as_slice());
    Name::from_octets(Bytes::from(octets)).ok()
}

#[cfg(test)]
mod tests;
