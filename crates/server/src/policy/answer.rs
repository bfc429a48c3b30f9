//! The answer of a rule that acts.

use std::net::IpAddr;

use zoners_dns::{OptRcode, Question, RRset, Rtype, Security};
use zoners_policy::PolicyAction;
use zoners_resolver::Answer;

use crate::pipeline::denial::soa;
use crate::pipeline::policy::PolicyDecision;
use crate::pipeline::policy_reason::PolicyReason;
use crate::pipeline::redirect::Redirect;

/// The decision of an action on a question.
pub(super) fn decision(
    question: &Question,
    action: &PolicyAction,
    ttl: u32,
    reason: PolicyReason,
) -> PolicyDecision {
    let name = || question.name.clone();
    let set = |rtype, records: Vec<Vec<u8>>| {
        RRset::new(name(), rtype, ttl, records.into_iter().collect())
    };
    let records = match action {
        PolicyAction::Drop => return PolicyDecision::Drop,
        PolicyAction::TcpOnly => return PolicyDecision::TcpOnly,
        PolicyAction::Refused => return PolicyDecision::Refuse(reason.ede),
        PolicyAction::Nxdomain | PolicyAction::Nodata => Vec::new(),
        PolicyAction::Alias(target) => {
            let alias = RRset::naming(name(), Rtype::CNAME, ttl, target);
            if ![Rtype::CNAME, Rtype::ANY].contains(&question.rtype) {
                let redirect =
                    Redirect { chain: vec![alias], target: target.clone(), reason: Some(reason) };
                return PolicyDecision::Redirect(Box::new(redirect));
            }
            vec![alias]
        }
        PolicyAction::Addresses(addresses) => {
            let own = addresses.iter().filter_map(|address| rdata(*address, question.rtype));
            vec![set(question.rtype, own.collect())]
        }
        PolicyAction::Records(all) => {
            let own = all.iter().filter(|(rtype, _)| *rtype == question.rtype);
            vec![set(question.rtype, own.map(|(_, rdata)| rdata.clone()).collect())]
        }
    };
    let records: Vec<RRset> = records.into_iter().filter(|set| !set.records.is_empty()).collect();
    let rcode = match action {
        PolicyAction::Nxdomain => OptRcode::NXDOMAIN,
        _ => OptRcode::NOERROR,
    };
    let authority = if records.is_empty() { vec![soa(&question.name, ttl)] } else { Vec::new() };
    let answer = Answer {
        rcode,
        answer: records,
        authority,
        additional: Vec::new(),
        security: Security::Unchecked,
        stale: false,
        hearsay: false,
    };
    PolicyDecision::Answer(Box::new(answer), Some(reason))
}

/// The RDATA of an address for a question of this type.
fn rdata(address: IpAddr, rtype: Rtype) -> Option<Vec<u8>> {
    match (address, rtype) {
        (IpAddr::V4(address), Rtype::A) => Some(address.octets().to_vec()),
        (IpAddr::V6(address), Rtype::AAAA) => Some(address.octets().to_vec()),
        _ => None,
    }
}
