//! The meaning of a reply for the question.

mod chain;

use zoners_dns::targets::Targets;
use zoners_dns::{
    Delegation, DsStatus, Message, Moment, Name, OptRcode, Question, RRset, Rtype, Security, name,
};
use zoners_dnssec::rrsig::Rrsig;

use crate::ask::scrub::Scrubbed;
use crate::model::settings::{Glue, Settings};
use crate::model::verdict::{Fault, Finding, Reply, Verdict};
use chain::{Chain, Ending};

/// NSEC and NSEC3 RRsets taken as proof. A denial needs at most three; a forwarder gives those of
/// each alias.
const MAX_PROOF: usize = 32;

/// Classifies a reply of a server of `cut`, scrubbed with this result.
///
/// # Errors
/// The reply is not useful; a different server may give a better reply.
///
/// # Examples
///
/// A server of `com` refers to the servers of `example.com`, with glue:
///
/// ```
/// use zoners_dns::compose::{Response, ResponseFlags, compose};
/// use zoners_dns::{Delegation, Message, Moment, OptRcode, Question, Rtype, name, zonefile};
/// use zoners_resolver::{Scrubbed, Settings, Verdict, classify};
///
/// let records = |text| zonefile::parse(text, &name::root()).unwrap();
/// let question = Question::new(name::parse("www.example.com").unwrap(), Rtype::A);
/// let reply = compose(&Response {
///     question: &question,
///     rcode: OptRcode::NOERROR,
///     flags: ResponseFlags::default(),
///     answer: &[],
///     authority: &records("example.com. 3600 NS ns1.example.com."),
///     additional: &records("ns1.example.com. 3600 A 192.0.2.53"),
///     signatures: false,
/// });
/// let message = Message::parse(&reply.into()).unwrap();
///
/// let hints = records(". NS a.root.test.\na.root.test. A 198.51.100.1");
/// let root = Delegation::from_hints(&hints).unwrap();
/// let settings = Settings::new(root.clone());
/// let scrubbed = Scrubbed::default();
/// let verdict = classify(&root, &question, &message, scrubbed, &settings, Moment::default());
/// let Ok(Verdict::Referral(delegation)) = verdict else { panic!("{verdict:?}") };
/// assert_eq!(delegation.zone, name::parse("example.com").unwrap());
/// assert_eq!(delegation.servers[0].addresses[0].to_string(), "192.0.2.53:53");
/// ```
pub fn classify(
    cut: &Delegation,
    question: &Question,
    message: &Message,
    scrubbed: Scrubbed,
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
        None => match chain.ending(scrubbed)? {
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
        hearsay: false,
        authority,
        additional,
    }))
}

/// The delegation of a referral. The expiry is at most that of the delegation above: a zone that
/// lost its delegation takes the zones below along.
fn referral(
    cut: &Delegation,
    ns: &RRset,
    message: &Message,
    settings: &Settings,
    now: Moment,
) -> Delegation {
    let limits = &settings.limits;
    let believed = |server: &Name| match settings.glue {
        Glue::InDomain => name::is_within(server, &ns.owner),
        Glue::Sibling => name::is_within(server, &cut.zone),
        Glue::Any => true,
    };
    // Cut before an address is looked for: a referral may name any number of servers.
    let with_glue = Targets::first(ns, limits.servers).filter(believed);
    let glue = message.additional.addresses_of(&with_glue);
    let expires = now.after_seconds(ns.ttl).min(cut.expires);
    let mut delegation = Delegation::from_ns(ns, &glue, limits.servers, expires);
    for server in &mut delegation.servers {
        server.addresses.retain(|address| settings.may_ask(address.ip()));
        server.addresses.truncate(limits.addresses_per_server);
    }
    let ds = message.authority.iter().find(|set| set.rtype == Rtype::DS && set.owner == ns.owner);
    let proof = proof_of(message);
    delegation.signing = match ds {
        Some(ds) => DsStatus::Signed(ds.clone()),
        None if proof.is_empty() => DsStatus::Unknown,
        None => DsStatus::Unsigned(proof),
    };
    delegation
}

/// The first NSEC and NSEC3 RRsets of the authority section.
fn proof_of(message: &Message) -> Vec<RRset> {
    let is_proof = |set: &&RRset| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3);
    message.authority.iter().filter(is_proof).take(MAX_PROOF).cloned().collect()
}

/// The proof of a wildcard expansion; nothing else in an answer needs a proof.
fn expansion_proof(aliases: &[RRset], finding: &Finding, message: &Message) -> Vec<RRset> {
    let records = if let Finding::Records(sets) = finding { sets.as_slice() } else { &[] };
    let expanded = |set: &RRset| {
        let mut signatures = set.signatures.iter().filter_map(|rdata| Rrsig::read(&rdata));
        signatures.any(|rrsig| rrsig.is_expanded(&set.owner))
    };
    if aliases.iter().chain(records).any(expanded) { proof_of(message) } else { Vec::new() }
}

/// The records of the authority and additional sections kept with an answer.
fn sections(
    question: &Question,
    finding: &Finding,
    message: &Message,
    settings: &Settings,
) -> (Vec<RRset>, Vec<RRset>) {
    let Finding::Records(records) = finding else { return Default::default() };
    let is_ns = |set: &&RRset| set.rtype == Rtype::NS;
    let ns = |set: &&RRset| is_ns(set) && name::is_within(&question.name, &set.owner);
    let authority: Option<&RRset> =
        message.authority.iter().find(ns).filter(|_| settings.full_answers);
    if !settings.full_answers && question.rtype != Rtype::NS {
        return Default::default();
    }
    let naming = authority.or_else(|| records.iter().find(is_ns));
    let naming = naming.map(|ns| Targets::first(ns, settings.limits.servers));
    let additional = naming.map(|named| message.additional.addresses_of(&named));
    (authority.cloned().into_iter().collect(), additional.unwrap_or_default())
}

#[cfg(test)]
mod tests;
