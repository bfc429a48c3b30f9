//! What a reply means for the question that was asked.

mod chain;

use zoners_dns::targets::Targets;
use zoners_dns::{
    Delegation, Message, Moment, OptRcode, Question, RRset, Rtype, Security, Signing, name,
};
use zoners_dnssec::rrsig::Rrsig;

use crate::settings::{Glue, Settings};
use crate::verdict::{Fault, Finding, Reply, Verdict};
use chain::{Chain, Ending};

/// Says what a scrubbed reply of a server of `cut` means; `refers_away` came of the scrubbing.
///
/// # Errors
/// The reply is of no use; another server may do better.
pub fn judge(
    cut: &Delegation,
    question: &Question,
    message: &Message,
    refers_away: bool,
    settings: &Settings,
    now: Moment,
) -> Result<Verdict, Fault> {
    match message.rcode {
        OptRcode::NOERROR | OptRcode::NXDOMAIN | OptRcode::YXDOMAIN => {}
        failure => return Err(Fault::Rcode(failure)),
    }
    let mut chain = Chain::new(cut, question, message, settings);
    let finding = match chain.follow() {
        Some(finding) => finding,
        None => match chain.ending(refers_away)? {
            Ending::Finding(finding) => finding,
            Ending::Referral(ns) => {
                return Ok(Verdict::Referral(referral(cut, ns, message, settings, now)));
            }
        },
    };
    let (authority, additional) = sections(question, &finding, message, settings);
    let proof = expansion_proof(&chain.aliases, &finding, message);
    let beyond = chain.beyond(&finding);
    Ok(Verdict::Answer(Reply {
        aliases: chain.aliases,
        finding,
        beyond,
        proof,
        security: Security::Unchecked,
        from: None,
        authoritative: message.header.aa(),
        authority,
        additional,
    }))
}

/// The delegation that a referral makes. It lives no longer than the one it came through, so that
/// a zone that lost its delegation takes all below it along.
fn referral(
    cut: &Delegation,
    ns: &RRset,
    message: &Message,
    settings: &Settings,
    now: Moment,
) -> Delegation {
    let limits = &settings.limits;
    let servers = Targets::of(ns);
    let is_server = |set: &&RRset| servers.contains(&set.owner);
    let believed = |set: &&RRset| match settings.glue {
        Glue::InDomain => name::is_within(&set.owner, &ns.owner),
        Glue::Sibling => name::is_within(&set.owner, &cut.zone),
        Glue::Any => true,
    };
    let glue: Vec<RRset> =
        message.additional.iter().filter(is_server).filter(believed).cloned().collect();
    let expires = now.after_seconds(ns.ttl).min(cut.expires);
    let mut delegation = Delegation::from_ns(ns, &glue, expires);
    delegation.servers.truncate(limits.servers);
    for server in &mut delegation.servers {
        server.addresses.retain(|address| settings.may_ask(address.ip()));
        server.addresses.truncate(limits.addresses_per_server);
    }
    let ds = message.authority.iter().find(|set| set.rtype == Rtype::DS && set.owner == ns.owner);
    let proof = proof_of(message);
    delegation.signing = match ds {
        Some(ds) => Signing::Signed(ds.clone()),
        None if proof.is_empty() => Signing::Unknown,
        None => Signing::Unsigned(proof),
    };
    delegation
}

/// The NSEC and NSEC3 RRsets of the authority section.
fn proof_of(message: &Message) -> Vec<RRset> {
    let is_proof = |set: &&RRset| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3);
    message.authority.iter().filter(is_proof).cloned().collect()
}

/// The proof that goes with what was made from a wildcard; nothing else in an answer needs one.
fn expansion_proof(aliases: &[RRset], finding: &Finding, message: &Message) -> Vec<RRset> {
    let records = if let Finding::Records(sets) = finding { sets.as_slice() } else { &[] };
    let expanded = |set: &RRset| {
        let mut signatures = set.signatures.iter().filter_map(|rdata| Rrsig::read(&rdata));
        signatures.any(|rrsig| rrsig.is_expanded(&set.owner))
    };
    if aliases.iter().chain(records).any(expanded) { proof_of(message) } else { Vec::new() }
}

/// What of the authority and additional sections is kept with an answer.
fn sections(
    question: &Question,
    finding: &Finding,
    message: &Message,
    settings: &Settings,
) -> (Vec<RRset>, Vec<RRset>) {
    let Finding::Records(records) = finding else { return Default::default() };
    let authority: Vec<RRset> = if settings.full_answers {
        let ns =
            |set: &&RRset| set.rtype == Rtype::NS && name::is_within(&question.name, &set.owner);
        message.authority.iter().filter(ns).cloned().collect()
    } else {
        Vec::new()
    };
    if !settings.full_answers && question.rtype != Rtype::NS {
        return (authority, Vec::new());
    }
    let naming = authority.iter().chain(records).filter(|ns| ns.rtype == Rtype::NS);
    let naming: Vec<Targets> = naming.map(Targets::of).collect();
    let named = |set: &&RRset| naming.iter().any(|targets| targets.contains(&set.owner));
    let additional = message.additional.iter().filter(named).cloned().collect();
    (authority, additional)
}

#[cfg(test)]
mod tests;
