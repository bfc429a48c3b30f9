//! Reports of zones that cannot be validated (RFC 9567).
//!
//! A server names, in an option of its replies, the domain of an agent. A report is a query below
//! that domain, whose name holds the question that failed and the extended error. Nobody waits for
//! its answer; that it is kept in the cache is what damps reports first of all.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use parking_lot::Mutex;
use zoners_dns::{
    Counter, Delegation, EdeCode, Message, Moment, Name, Network, Question, Rtype, Way, name,
};

use crate::answer::{Cause, Unresolved};
use crate::context::Context;
use crate::flights::Boarding;
use crate::known::Lack;
use crate::settings::Limits;
use crate::trace::Hop;
use crate::worker::Worker;

/// Zones whose agents are known at a time: with one more, all are forgotten, and named again by
/// the next replies.
pub const AGENTS: usize = 1024;
/// Reports that are remembered, so that they are not sent again.
pub const REMEMBERED: usize = 512;
/// How long a report is remembered, and an agent believed to be the zone's.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(3600);
/// Reports that go to one agent in a [`WINDOW`].
pub const PER_AGENT: u32 = 10;
/// Reports that go out in a [`WINDOW`] in all.
pub const IN_ALL: u32 = 60;
/// What the two count in.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The label that a report begins with, and that its agent's domain follows (RFC 9567 section 6.1).
const MARK: &[u8] = b"_er";

/// Agents, and what they were told of.
#[derive(Debug, Default)]
pub(crate) struct Reports(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The agent of each zone, and when it was named.
    agents: HashMap<Name, (Name, Moment)>,
    /// The names of reports, each until it may be sent again.
    sent: HashMap<Name, Moment>,
    window: Window,
}

/// What went out since a moment.
#[derive(Debug, Default)]
struct Window {
    since: Moment,
    in_all: u32,
    /// No more than [`IN_ALL`] agents.
    of_agent: HashMap<Name, u32>,
}

impl Reports {
    /// Notes the agent that a server of `zone` names, or that it names none.
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

    /// Whether a report was sent a while ago.
    fn is_remembered(&self, report: &Name, now: Moment) -> bool {
        self.0.lock().sent.get(report).is_some_and(|until| *until > now)
    }

    /// Grants a report to `agent`, and remembers it, if there is room for it.
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
    /// Notes the agent that a server of `cut` names in its reply. What a forwarder passes on is not
    /// its own to say.
    pub(crate) fn learn_agent(&self, cut: &Delegation, reply: &Message) {
        if !self.settings().report_failures || cut.way == Way::Forward {
            return;
        }
        let agent = reply.edns.as_ref().and_then(|edns| edns.report_channel.as_ref());
        self.shared().reports.learn(&cut.zone, agent, self.shared().now());
    }

    /// Tells the agent of the zone, if it has one, that `question` cannot be validated.
    pub(crate) fn report(&self, question: &Question, unresolved: &Unresolved, context: &Context) {
        let bogus = matches!(unresolved.cause, Cause::Bogus | Cause::BogusZone);
        let shared = self.shared();
        // Where our own clock is wrong, the zone is not.
        let ours = shared.clock_doubt.wrong_by().is_some() || !unresolved.ede.code.is_bogus();
        if !self.settings().report_failures || !context.validate || !bogus || ours {
            return;
        }
        let (now, zone) = (shared.now(), self.zone_cut(question).zone);
        let Some(agent) = shared.reports.agent(&zone, now) else { return };
        if !self.may_tell(&agent, &zone, question) {
            return;
        }
        let Some(told) = report_name(question, unresolved.ede.code, &agent) else {
            self.count(Counter::ReportsWithheld);
            return;
        };
        let report = Question::new(told, Rtype::TXT);
        // The agent's answer says for how long it need not be told again.
        let is_known = self.cached(&report, true, now).is_ok();
        if is_known || shared.reports.is_remembered(&report.name, now) {
            return;
        }
        match shared.reports.grant(&report.name, &agent, now) && self.send_report(&report) {
            true => {
                self.count(Counter::ReportsSent);
                context.trace(|| Hop::Note(format!("{question}: reported as {}", report.name)));
            }
            false => self.count(Counter::ReportsWithheld),
        }
    }

    /// Whether `agent` can be asked without going in circles, and is one for outsiders to name.
    ///
    /// There are no reports of reports (RFC 9567 section 6.1), none to an agent inside the zone that
    /// fails, and none into what a configured route leads to.
    fn may_tell(&self, agent: &Name, zone: &Name, question: &Question) -> bool {
        let route = self.settings().route(agent);
        !is_report(&question.name)
            && !is_report(agent)
            && !name::is_within(agent, zone)
            && !name::is_within(&question.name, agent)
            && route.is_none_or(|route| route.zone.is_root())
    }

    /// Asks for a report, on its own and out of its own budget. False if there is no room.
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

/// What a report may cost: far less than the question of a client.
fn limited(limits: Limits) -> Limits {
    Limits { queries: 24, queries_per_question: 20, retries: 4, tcp: 2, lookups: 4, ..limits }
}

/// Whether a name is that of a report.
fn is_report(name: &Name) -> bool {
    name.iter().any(|label| label.as_slice().eq_ignore_ascii_case(MARK))
}

/// The name of a report (RFC 9567 section 6.1). `None` if it would be too long: then none is sent.
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
