//! Error reports about zones that fail validation (RFC 9567).
//!
//! A server names a monitoring agent in the Report-Channel option of its replies. A report is a
//! query below the agent's domain: the name holds the question and the extended error of the
//! failure. The client's answer does not wait for the report, and the agent's answer stays in the
//! cache, which damps further reports.

use bytes::{BufMut, Bytes};
use zoners_dns::{Checking, Counter, EdeCode, Name, Network, Question, Rtype, name};

use crate::cached::lookup::{Lack, cached_answer};
use crate::env::environment::Env;
use crate::iterate::zone_cut::zone_cut;
use crate::model::answer::{Cause, Unresolved};
use crate::model::settings::Limits;
use crate::model::shared_work::Leader;
use crate::model::step::Step;
use crate::model::trace::Hop;
use crate::resolve::recursion::lead_question;

/// The first label of a report, and the label before the agent's domain (RFC 9567 section 6.1).
const MARK: &[u8] = b"_er";

/// Reports to the agent of the zone, if any, the failed validation of `question`.
pub(crate) fn report_failure<N: Network>(
    env: &Env<N>,
    question: &Question,
    unresolved: &Unresolved,
    step: &Step,
) {
    let bogus = matches!(unresolved.cause, Cause::Bogus | Cause::BogusZone);
    let shared = env.shared();
    // With a wrong clock of our own, or where this network intercepts DNS, the zone is not at fault.
    let ours = shared.clock_skew.wrong_by().is_some()
        || shared.interception.is_intercepted()
        || !unresolved.ede.code.is_bogus();
    if !env.settings().report_failures || !step.validate || !bogus || ours {
        return;
    }
    let (now, zone) = (shared.now(), zone_cut(env, question).zone);
    let Some(agent) = shared.report_agents.agent(&zone, now) else { return };
    if !may_tell(env, &agent, &zone, question) {
        return;
    }
    let Some(told) = report_name(question, unresolved.ede.code, &agent) else {
        env.count(Counter::DnssecReportsWithheld);
        return;
    };
    let report = Question::new(told, Rtype::TXT);
    // No report is repeated while the agent's answer is in the cache (RFC 9567 section 6.1).
    let is_known = cached_answer(env, &report, Checking::Disabled, now).is_ok();
    if is_known || shared.report_agents.is_remembered(&report.name, now) {
        return;
    }
    match shared.report_agents.grant(&report.name, &agent, now) && send_report(env, &report) {
        true => {
            env.count(Counter::DnssecReportsSent);
            step.trace(|| Hop::Note(format!("{question}: reported as {}", report.name)));
        }
        false => env.count(Counter::DnssecReportsWithheld),
    }
}

/// Whether a report to `agent` cannot cause another report, and stays on the public Internet.
///
/// No report is about a report (RFC 9567 section 6.1) or goes to an agent inside the failing
/// zone. A server on the Internet must not choose names behind a configured stub or forwarder.
fn may_tell<N: Network>(env: &Env<N>, agent: &Name, zone: &Name, question: &Question) -> bool {
    let route = env.settings().route(agent);
    !is_report(&question.name)
        && !is_report(agent)
        && !name::is_within(agent, zone)
        && !name::is_within(&question.name, agent)
        && route.is_none_or(|route| route.zone.is_root())
}

/// Sends a report as a question of our own with its own budget. False if too many questions are
/// pending.
fn send_report<N: Network>(env: &Env<N>, report: &Question) -> bool {
    let step = Step::without_client(limited(env.settings().limits));
    let env = env.arc();
    let key = (report.clone(), step.validate);
    if let Some(leader) = Leader::unless_under_way(&env.shared().questions, &key, &step)
        && let Ok(work) = lead_question(&env, leader, report.clone(), Lack::Everything)
    {
        tokio::spawn(work);
        return true;
    }
    false
}

/// The limits of a report: lower than those of a client's question.
fn limited(limits: Limits) -> Limits {
    Limits { queries: 24, queries_per_question: 20, hedges: 4, tcp: 2, lookups: 4, ..limits }
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
