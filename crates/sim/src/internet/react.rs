//! The reply of a server, with its manner and faults.

use std::time::Duration;

use bytes::BufMut;
use zoners_dns::{
    ExchangeEvent, Message, Name, NetworkError, OptRcode, Question, Records, ResponseOpt, Rtype,
    compose, name,
};

use super::{Altered, Arrivals, Host, Internet};
use crate::link::{Bad, Beset, Manner, Streams};
use crate::zone::{Said, Zone};

impl Internet {
    pub(super) fn react(
        &self,
        host: &Host,
        question: &Question,
        query: &Message,
        udp: bool,
    ) -> Arrivals {
        let edns = query.edns.is_some();
        let good = || self.reply(host, question, query);
        let say = |said: Said| encode(&said, question, query);
        let now = |message: Vec<u8>| vec![(Duration::ZERO, ExchangeEvent::Message(message.into()))];
        if let Some(Altered(altered)) = &host.altered {
            let said = altered(question, self.say(host, question));
            return said.map_or_else(Vec::new, |said| now(say(said)));
        }
        match host.link.manner {
            Manner::Dead => vec![],
            Manner::TcpOnly if udp => vec![],
            Manner::DropsEdns if edns => vec![],
            Manner::UdpOnly if udp => now(good()),
            Manner::Closed if udp => {
                vec![(Duration::ZERO, ExchangeEvent::Advisory(NetworkError::Refused))]
            }
            Manner::Closed | Manner::UdpOnly | Manner::LowerCases { streams: false } if !udp => {
                vec![(Duration::ZERO, ExchangeEvent::Failed(NetworkError::Refused))]
            }
            Manner::Refuses => now(say(Said::error(OptRcode::REFUSED))),
            Manner::RefersUpward => now(say(Said::upward())),
            Manner::ServFail => now(say(Said::error(OptRcode::SERVFAIL))),
            Manner::FormErrOnEdns if edns => {
                let mut message = Said::error(OptRcode::FORMERR).message(question, false);
                message[..2].copy_from_slice(&query.header.id().to_be_bytes());
                now(message)
            }
            Manner::ClosesStreams if !udp => {
                vec![(Duration::ZERO, ExchangeEvent::Failed(NetworkError::Closed))]
            }
            Manner::Truncates | Manner::ClosesStreams if udp => now(truncated(question, query)),
            Manner::AlwaysTruncates => now(truncated(question, query)),
            Manner::BreaksRecords => now(with_broken_record(question, query)),
            Manner::LowerCases { .. } => {
                let lower = Question { name: name::lowercase(&question.name), ..question.clone() };
                now(encode(&self.say(host, question), &lower, query))
            }
            Manner::Beset(beset) => self.beset(beset, host, question, query, udp),
            Manner::Garbage => now(garbage(query)),
            Manner::Cookies(habit) => self.with_cookies(habit, host, question, query, udp),
            Manner::OmitsSignatures => {
                let mut message = self.say(host, question).message(question, false);
                message[..2].copy_from_slice(&query.header.id().to_be_bytes());
                if edns {
                    compose::add_opt(&mut message, &ResponseOpt::default());
                }
                now(message)
            }
            _ => now(good()),
        }
    }

    /// Sends bad datagrams, and a good reply if configured.
    fn beset(
        &self,
        beset: Beset,
        host: &Host,
        question: &Question,
        query: &Message,
        udp: bool,
    ) -> Arrivals {
        let good = || ExchangeEvent::Message(self.reply(host, question, query).into());
        if !udp {
            let outcome = match beset.streams {
                Streams::Good => good(),
                Streams::Closed => ExchangeEvent::Failed(NetworkError::Refused),
                Streams::End => ExchangeEvent::Failed(NetworkError::Closed),
                Streams::Silent => return vec![],
                Streams::Bad => match self.bad(beset.by, host, question, query) {
                    ExchangeEvent::Message(octets) if octets.len() > 2 && beset.by != Bad::Id => {
                        ExchangeEvent::Message(octets)
                    }
                    _ => ExchangeEvent::Message(garbage(query).into()),
                },
            };
            return vec![(Duration::ZERO, outcome)];
        }
        let at = |number: u32| Duration::from_micros(number.into());
        let bad = self.bad(beset.by, host, question, query);
        let bad = |number| (at(number), bad.clone());
        let mut arrivals: Arrivals = (0..beset.times).map(bad).collect();
        if beset.good {
            arrivals.push((Beset::LATER, good()));
        }
        arrivals
    }

    fn bad(&self, bad: Bad, host: &Host, question: &Question, query: &Message) -> ExchangeEvent {
        let mut message = self.reply(host, question, query);
        match bad {
            Bad::Id => message[1] ^= 0x55,
            Bad::Question => {
                let other = Question { name: name::root(), ..question.clone() };
                message = encode(&self.say(host, question), &other, query);
            }
            Bad::Query => message[2] &= 0x7F,
            Bad::Opcode => message[2] |= 0x20,
            Bad::Void => message.clear(),
            Bad::Short => message.truncate(2),
            Bad::Garbage => message = garbage(query),
            Bad::Record => message = with_broken_record(question, query),
            Bad::Truncated => message = truncated(question, query),
            Bad::PortClosed => return ExchangeEvent::Advisory(NetworkError::Refused),
            Bad::Unreachable => return ExchangeEvent::Advisory(NetworkError::Unreachable),
        }
        ExchangeEvent::Message(message.into())
    }

    fn reply(&self, host: &Host, question: &Question, query: &Message) -> Vec<u8> {
        encode(&self.say(host, question), question, query)
    }

    /// The answer of the deepest zone of the host containing the name.
    pub(super) fn say(&self, host: &Host, question: &Question) -> Said {
        let zones = host.zones.iter().filter_map(|origin| self.zones.get(origin));
        let has = |zone: &&Zone| {
            name::is_within(&question.name, &zone.origin)
                && (question.rtype != Rtype::DS || question.name != zone.origin)
        };
        let Some(zone) = zones.filter(has).max_by_key(|zone| name::depth(&zone.origin)) else {
            return Said::error(OptRcode::REFUSED);
        };
        let mut said = Said { agent: zone.agent.clone(), ..zone.answer(question) };
        let empty = said.answer.is_empty() && said.aa;
        match host.link.manner {
            Manner::DeniesEmptyNonTerminals if empty => said.rcode = OptRcode::NXDOMAIN,
            Manner::Forges => {
                let forged = Records::from_iter([[203, 0, 113, 66]]);
                let addresses = said.answer.iter_mut().filter(|set| set.rtype == Rtype::A);
                addresses.for_each(|set| set.records = forged.clone());
            }
            Manner::KnowsItsServers if question.rtype != Rtype::NS => {
                return Said::error(OptRcode::SERVFAIL);
            }
            Manner::FailsShortened if empty => return Said::error(OptRcode::SERVFAIL),
            _ => {}
        }
        said
    }
}

/// A reply with TC and no records.
fn truncated(question: &Question, query: &Message) -> Vec<u8> {
    let mut message = encode(&Said::error(OptRcode::NOERROR), question, query);
    message[2] |= 0x02;
    message
}

/// The right ID, followed by garbage.
fn garbage(query: &Message) -> Vec<u8> {
    let mut garbage = query.header.id().to_be_bytes().to_vec();
    garbage.extend([0x84, 0, 0, 1, 0xFF, 0xFF, 0, 0, 0, 0, 0xC0, 0x0C, 7]);
    garbage
}

/// An answer with one record, whose RDATA is an octet too short for an address.
fn with_broken_record(question: &Question, query: &Message) -> Vec<u8> {
    let mut message = Said::authoritative().message(question, false);
    message[..2].copy_from_slice(&query.header.id().to_be_bytes());
    message[7] = 1;
    let [high, low] = question.rtype.to_int().to_be_bytes();
    message.extend([0xC0, 12, high, low, 0, 1, 0, 0, 1, 0, 0, 3, 192, 0, 2]);
    message
}

/// Encodes an answer, with the ID and OPT of the query.
pub(super) fn encode(said: &Said, question: &Question, query: &Message) -> Vec<u8> {
    encode_with(said, question, query, None)
}

/// The same with a cookie.
pub(super) fn encode_with(
    said: &Said,
    question: &Question,
    query: &Message,
    cookie: Option<&[u8]>,
) -> Vec<u8> {
    let dnssec_ok = query.edns.as_ref().is_some_and(|edns| edns.dnssec_ok);
    let mut message = said.message(question, dnssec_ok);
    if let Some(id) = message.first_chunk_mut::<2>() {
        *id = query.header.id().to_be_bytes();
    }
    if query.edns.is_some() {
        let extended_rcode = (said.rcode.to_int() >> 4) as u8;
        let opt = ResponseOpt { dnssec_ok, extended_rcode, cookie, ..ResponseOpt::default() };
        compose::add_opt(&mut message, &opt);
        if let Some(agent) = &said.agent {
            name_agent(&mut message, agent);
        }
    }
    message
}

/// Adds the option naming a reporting agent (RFC 9567 section 5) to the OPT record at the end,
/// which must be empty: servers with agents send no cookies here.
fn name_agent(message: &mut Vec<u8>, agent: &Name) {
    message.truncate(message.len() - 2);
    message.put_u16(4 + agent.len() as u16);
    message.put_u16(18);
    message.put_u16(agent.len() as u16);
    message.put_slice(agent.as_slice());
}
