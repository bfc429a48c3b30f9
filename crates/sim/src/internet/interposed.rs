//! The replies of a middlebox answering in the name of every server.

use zoners_dns::{
    ExchangeEvent, Message, NetworkError, OptRcode, Question, RRset, Records, Rtype, name, zonefile,
};

use super::react::encode;
use super::{Arrivals, Internet};
use crate::middlebox::{
    ADDRESS, InterceptingResolver, IterativeQueries, LATENCY, Middlebox, Others, Portal, TTL,
};
use crate::zone::Said;

/// Aliases that the middlebox follows from zone to zone.
const MOST_ALIASES: usize = 8;

impl Internet {
    /// The middlebox's reply to a query meant for a server.
    pub(super) fn interposed(
        &self,
        middlebox: Middlebox,
        question: &Question,
        query: &Message,
        udp: bool,
    ) -> Arrivals {
        let trip = if udp { LATENCY } else { LATENCY * 2 };
        let refused = |failure| match udp {
            true => ExchangeEvent::Advisory(failure),
            false => ExchangeEvent::Failed(failure),
        };
        let said = match middlebox {
            Middlebox::Drops | Middlebox::DropsDatagrams => return vec![],
            Middlebox::Closes | Middlebox::ClosesDatagrams => {
                return vec![(trip, refused(NetworkError::Refused))];
            }
            Middlebox::Unreachable => return vec![(trip, refused(NetworkError::Unreachable))],
            Middlebox::Refuses => Said { ra: true, ..Said::error(OptRcode::REFUSED) },
            Middlebox::Portal(portal) => of_portal(portal, question),
            Middlebox::Resolver(resolver) if query.header.rd() => {
                self.of_resolver(resolver, question)
            }
            Middlebox::Resolver(resolver) => match resolver.iterative {
                IterativeQueries::OverTcp if udp => {
                    Said { ra: true, ..Said::error(OptRcode::REFUSED) }
                }
                IterativeQueries::FromCache if !question.name.is_root() => {
                    let root = self.of_resolver(resolver, &Question::new(name::root(), Rtype::NS));
                    Said { authority: root.answer, ..Said::recursive(OptRcode::NOERROR) }
                }
                _ => self.of_resolver(resolver, question),
            },
        };
        let keeps = !matches!(
            middlebox,
            Middlebox::Resolver(InterceptingResolver { signatures: false, .. })
        );
        let said = if keeps { said } else { without_signatures(said) };
        vec![(trip, ExchangeEvent::Message(encode(&said, question, query).into()))]
    }

    fn of_resolver(&self, resolver: InterceptingResolver, question: &Question) -> Said {
        let mut said = Said { aa: false, ra: true, ..self.truth(question) };
        if resolver.rewrites && said.rcode == OptRcode::NXDOMAIN && question.rtype == Rtype::A {
            said = Said { answer: vec![address(question)], ..Said::recursive(OptRcode::NOERROR) };
        }
        said
    }

    /// The answer of a resolver following every alias.
    fn truth(&self, question: &Question) -> Said {
        let mut said = Said::recursive(OptRcode::NOERROR);
        let mut question = question.clone();
        for _ in 0..MOST_ALIASES {
            let zones = self.zones.values().filter(|zone| {
                name::is_within(&question.name, &zone.origin)
                    && (question.rtype != Rtype::DS
                        || question.name != zone.origin
                        || question.name.is_root())
            });
            let Some(zone) = zones.max_by_key(|zone| name::depth(&zone.origin)) else { break };
            let part = zone.answer(&question);
            let alias = part
                .answer
                .last()
                .filter(|last| last.rtype == Rtype::CNAME && question.rtype != Rtype::CNAME);
            let target = alias.and_then(RRset::target);
            let authority = if target.is_some() { proofs(&part) } else { part.authority.clone() };
            said.rcode = part.rcode;
            said.answer.extend(part.answer);
            said.authority.extend(authority);
            said.additional = part.additional;
            match target {
                Some(target) => question.name = target,
                None => return said,
            }
        }
        Said::recursive(OptRcode::SERVFAIL)
    }
}

/// The proofs of aliases made from a wildcard; a denial of the target has its own.
fn proofs(part: &Said) -> Vec<RRset> {
    let is_proof = |set: &&RRset| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3);
    part.authority.iter().filter(is_proof).cloned().collect()
}

fn of_portal(portal: Portal, question: &Question) -> Said {
    let mut said = Said { aa: portal.aa, ..Said::recursive(OptRcode::NOERROR) };
    let asks_address = question.rtype == Rtype::A;
    match portal.others {
        _ if asks_address => said.answer.push(address(question)),
        Others::Address => said.answer.push(address(question)),
        Others::Empty => {}
        Others::NoName => said.rcode = OptRcode::NXDOMAIN,
        Others::NoNameOfRoot => {
            said.rcode = OptRcode::NXDOMAIN;
            let soa = format!(". {TTL} SOA portal. portal. 1 {TTL} {TTL} {TTL} {TTL}");
            said.authority.extend(zonefile::parse(&soa, &name::root()).unwrap_or_default());
        }
    }
    said
}

fn address(question: &Question) -> RRset {
    RRset::new(question.name.clone(), Rtype::A, TTL, Records::from_iter([ADDRESS]))
}

fn without_signatures(mut said: Said) -> Said {
    let sets = said.answer.iter_mut().chain(&mut said.authority).chain(&mut said.additional);
    sets.for_each(|set| set.signatures = Records::default());
    said.authority.retain(|set| !matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3));
    said
}
