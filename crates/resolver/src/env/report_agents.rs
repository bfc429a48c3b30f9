//! Monitoring agents of zones, and the error reports already sent (RFC 9567).

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Moment, Name};

/// Zones with a known agent. One zone more empties the table: the next replies fill it again.
pub(crate) const AGENTS: usize = 1024;
/// Sent reports remembered, so that no report is repeated.
pub(crate) const REMEMBERED: usize = 512;
/// The time for which a report, and the agent of a zone, is remembered.
pub(crate) const REMEMBERED_FOR: Duration = Duration::from_secs(3600);
/// Reports to one agent in a [`WINDOW`].
pub const PER_AGENT: u32 = 10;
/// Reports in total in a [`WINDOW`].
pub(crate) const IN_ALL: u32 = 60;
/// The period of the two limits.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// The agents of zones, and the reports sent to them.
#[derive(Debug, Default)]
pub(crate) struct ReportAgents(Mutex<ReportState>);

#[derive(Debug, Default)]
struct ReportState {
    /// The agent of each zone, and the time of the reply that named the agent.
    agents: HashMap<Name, (Name, Moment)>,
    /// The names of sent reports, and the time from which each may be sent again.
    sent: HashMap<Name, Moment>,
    window: ReportWindow,
}

/// The reports sent since a moment.
#[derive(Debug, Default)]
struct ReportWindow {
    since: Moment,
    in_all: u32,
    /// At most [`IN_ALL`] agents, since each report adds at most one.
    of_agent: HashMap<Name, u32>,
}

impl ReportAgents {
    /// Remembers the agent that a server of `zone` names, or forgets the agent of before.
    pub(crate) fn learn(&self, zone: &Name, agent: Option<&Name>, now: Moment) {
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
    pub(crate) fn agent(&self, zone: &Name, now: Moment) -> Option<Name> {
        let state = self.0.lock();
        let (agent, named) = state.agents.get(zone)?;
        (now.since(*named) < REMEMBERED_FOR).then(|| agent.clone())
    }

    /// Whether the report was sent within the last hour.
    pub(crate) fn is_remembered(&self, report: &Name, now: Moment) -> bool {
        self.0.lock().sent.get(report).is_some_and(|until| *until > now)
    }

    /// Grants a report to `agent` and remembers the report. False at one of the limits.
    pub(crate) fn grant(&self, report: &Name, agent: &Name, now: Moment) -> bool {
        let ReportState { sent, window, .. } = &mut *self.0.lock();
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

impl ReportWindow {
    fn grant(&mut self, agent: &Name, now: Moment) -> bool {
        if now.since(self.since) >= WINDOW {
            *self = ReportWindow { since: now, ..ReportWindow::default() };
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

#[cfg(test)]
mod tests;
