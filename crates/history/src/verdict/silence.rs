//! Silent servers: the provider, the line, an address family or UDP is to blame.

use std::net::IpAddr;

use zoners_api::{VerdictCause, VerdictReport};

use super::words::{distinct, list, millis, servers};
use super::{AskedServer, VerdictCase, most_waited};
use crate::surroundings::ServerGroup;

/// Silent servers of further providers before the line is called down.
const MIN_SILENT_OTHERS: u32 = 2;
/// A line is lossy from this share of lost queries on, in hundredths of at least [`MIN_QUERIES`].
const LOSSY_PERCENT: u32 = 10;
/// See [`LOSSY_PERCENT`].
const MIN_QUERIES: u32 = 8;
/// Queries to further providers, none of them lost, before a provider is called lossy.
const MIN_CLEAN_QUERIES: u32 = 20;
/// A provider is lossy from this share of lost queries on, in hundredths.
const LOSING_PERCENT: u32 = 25;

impl VerdictCase<'_> {
    /// The verdict on silent servers.
    pub(super) fn judge_silence(&self, silent: &[AskedServer<'_>]) -> VerdictReport {
        let is_alive = |asked: &&AskedServer<'_>| self.around.is_alive(asked.server.address.ip());
        let (alive, dead): (Vec<_>, Vec<_>) = silent.iter().partition(is_alive);
        let (alive, dead) = (copied(&alive), copied(&dead));
        let Some((provider, blamed, _)) = most_waited(&dead) else {
            return self.judge_loss(&alive);
        };
        let others = self.others(&provider);
        if others.is_silent(MIN_SILENT_OTHERS) || others.asked == 0 && has_two_providers(&dead) {
            let text =
                format!("{}: your line was down; no server at all responded", self.beginning());
            return VerdictCase::verdict(
                VerdictCause::LineDown,
                None,
                text,
                self.silence_evidence(),
            );
        }
        if let Some(verdict) = self.judge_way(&dead) {
            return verdict;
        }
        if is_lossy(&others) {
            return self.lossy_line(&others);
        }
        let count = distinct(&blamed).len();
        let of_provider = self.around.group(|_, name| name == provider);
        let silent = servers(count, of_provider.alive == 0);
        let text = format!(
            "{}: {silent} of {provider} stayed silent; {}",
            self.beginning(),
            fine(&others)
        );
        let evidence = vec![format!("Waited for: {}.", list(&blamed))];
        VerdictCase::verdict(VerdictCause::ProviderSilent, Some(provider), text, evidence)
    }

    /// The verdict where an address family or UDP does not work from here.
    fn judge_way(&self, dead: &[AskedServer<'_>]) -> Option<VerdictReport> {
        let line = self.record.line;
        let beginning = self.beginning();
        let is_ipv6 = |address: IpAddr| address.is_ipv6();
        let (all_ipv6, all_ipv4) = (
            dead.iter().all(|asked| asked.server.address.is_ipv6()),
            dead.iter().all(|asked| asked.server.address.is_ipv4()),
        );
        let ipv6 = self.around.group(|address, _| is_ipv6(address));
        let ipv4 = self.around.group(|address, _| !is_ipv6(address));
        let told = |cause, what: &str, works: &str, group: &ServerGroup| {
            let text = format!("{beginning}: {what} does not work from here; {works} does");
            let evidence =
                vec![format!("Of {} servers asked over {what}, none replied.", group.asked)];
            Some(VerdictCase::verdict(cause, None, text, evidence))
        };
        if line.ipv6_broken && all_ipv6 || all_ipv6 && ipv6.alive == 0 && ipv4.alive > 0 {
            return told(VerdictCause::Ipv6, "IPv6", "IPv4", &ipv6);
        }
        if line.ipv4_broken && all_ipv4 || all_ipv4 && ipv4.alive == 0 && ipv6.alive > 0 {
            return told(VerdictCause::Ipv4, "IPv4", "IPv6", &ipv4);
        }
        if line.udp_broken {
            let text = format!("{beginning}: UDP to servers does not work from here; TCP does");
            return Some(VerdictCase::verdict(VerdictCause::Udp, None, text, Vec::new()));
        }
        None
    }

    /// The verdict on servers that replied to further queries: packets were lost.
    fn judge_loss(&self, lost: &[AskedServer<'_>]) -> VerdictReport {
        let Some((provider, blamed, _)) = most_waited(lost) else { return self.unknown() };
        let others = self.others(&provider);
        let own = self.around.group(|_, name| name == provider);
        let loses = own.queries >= MIN_QUERIES && own.lost_percent() >= LOSING_PERCENT;
        let is_clean = others.queries >= MIN_CLEAN_QUERIES && others.lost_percent() == 0;
        if loses && is_clean {
            let text = format!(
                "{}: servers of {provider} lose {} % of the queries; {}",
                self.beginning(),
                own.lost_percent(),
                fine(&others)
            );
            let evidence = vec![format!("Waited for: {}.", list(&blamed))];
            return VerdictCase::verdict(
                VerdictCause::ProviderSilent,
                Some(provider),
                text,
                evidence,
            );
        }
        match is_lossy(&others) {
            true => self.lossy_line(&others),
            false => {
                let text = format!(
                    "{}: a packet was lost on the way to {provider} or back; its servers reply otherwise",
                    self.beginning()
                );
                let evidence = vec![format!("Waited for: {}.", list(&blamed))];
                VerdictCase::verdict(VerdictCause::LineLossy, None, text, evidence)
            }
        }
    }

    pub(super) fn lossy_line(&self, others: &ServerGroup) -> VerdictReport {
        let text = format!(
            "{}: your line loses packets: {} of {} queries to servers of many providers",
            self.beginning(),
            others.lost,
            others.queries
        );
        VerdictCase::verdict(VerdictCause::LineLossy, None, text, Vec::new())
    }

    /// The verdict where the record does not say.
    pub(super) fn unknown(&self) -> VerdictReport {
        let text = format!("{}: the record does not show why", self.beginning());
        VerdictCase::verdict(VerdictCause::Unknown, None, text, Vec::new())
    }
}

fn copied<'a>(asked: &[&AskedServer<'a>]) -> Vec<AskedServer<'a>> {
    asked.iter().map(|one| **one).collect()
}

fn has_two_providers(asked: &[AskedServer<'_>]) -> bool {
    let first = asked.first().map(|one| one.server.provider());
    asked.iter().any(|one| Some(one.server.provider()) != first)
}

pub(super) fn is_lossy(group: &ServerGroup) -> bool {
    group.queries >= MIN_QUERIES && group.lost_percent() >= LOSSY_PERCENT
}

/// The state of the line in words, with the round trip of further servers.
pub(super) fn fine(others: &ServerGroup) -> String {
    match others.usual {
        Some(usual) => format!("your line was fine (other servers answered in {})", millis(usual)),
        None => "no other server was asked around this time".to_owned(),
    }
}
