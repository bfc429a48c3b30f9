//! Common traits of the replies in the name of root servers.

use zoners_dns::Message;
use zoners_doctor::ReplyTraits;

use super::probe::ProbeEnd;

/// The traits of replies over UDP, by server, and over TCP. `identities` are the names by `id.server`; `random_names`
/// has the numbers of denied and of answered random names.
pub(super) fn traits(
    udp: &[Vec<ProbeEnd>],
    tcp: &[ProbeEnd],
    mut identities: Vec<String>,
    (random_denied, random_answered): (u32, u32),
) -> ReplyTraits {
    let ends: Vec<&ProbeEnd> = udp.iter().flatten().chain(tcp).collect();
    let (named_servers, same_named) = names(udp);
    identities.extend(ends.iter().filter_map(|end| end.identity()).map(str::to_owned));
    identities.sort();
    identities.dedup();
    let messages: Vec<&Message> = ends.iter().filter_map(|end| end.message()).collect();
    let count = |is_so: fn(&Message) -> bool| {
        messages.iter().filter(|message| is_so(message)).count() as u32
    };
    ReplyTraits {
        replies: messages.len() as u32,
        not_authoritative: count(|message| !message.header.aa()),
        recursion_available: count(|message| message.header.ra()),
        failures: count(|message| message.rcode != zoners_dns::OptRcode::NOERROR),
        unsigned: count(|message| {
            message.rcode == zoners_dns::OptRcode::NOERROR
                && message.answer.iter().all(|set| set.signatures.is_empty())
        }),
        random_denied,
        random_answered,
        identities,
        named_servers,
        same_named,
    }
}

/// The number of servers with a name by NSID, and the most servers with one name.
fn names(udp: &[Vec<ProbeEnd>]) -> (u32, u32) {
    let names: Vec<&str> =
        udp.iter().filter_map(|ends| ends.iter().find_map(ProbeEnd::identity)).collect();
    let alike = |name: &&str| names.iter().filter(|other| *other == name).count();
    (names.len() as u32, names.iter().map(alike).max().unwrap_or(0) as u32)
}

/// Inception and expiration of the signatures of an answer (RFC 4034 section 3.1).
pub(super) fn windows(message: &Message) -> Vec<(i64, i64)> {
    let fields = |rdata: bytes::Bytes| {
        let expiration =
            rdata.get(8..12)?.first_chunk::<4>().map(|time| u32::from_be_bytes(*time))?;
        let inception =
            rdata.get(12..16)?.first_chunk::<4>().map(|time| u32::from_be_bytes(*time))?;
        Some((i64::from(inception), i64::from(expiration)))
    };
    message.answer.iter().flat_map(|set| set.signatures.iter()).filter_map(fields).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn reply(identity: Option<&str>) -> ProbeEnd {
        let octets = bytes::Bytes::from_static(&[0, 1, 0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let message = Box::new(Message::parse(&octets).unwrap());
        let identity = identity.map(str::to_owned);
        ProbeEnd::Replied { message, took: Duration::ZERO, identity }
    }

    #[test]
    fn one_server_in_the_place_of_all_is_told_by_its_name() {
        let server = |name| vec![ProbeEnd::Silent, reply(name)];
        let own = [server(Some("a")), server(Some("b")), server(Some("b")), server(None)];
        assert_eq!(names(&own), (3, 2));
        assert_eq!(names(&[server(Some("x")), server(Some("x")), server(Some("x"))]), (3, 3));
        let traits = traits(&own, &[reply(None)], vec!["b".to_owned()], (2, 0));
        assert_eq!((traits.replies, traits.not_authoritative, traits.random_denied), (5, 0, 2));
        assert_eq!(traits.identities, ["a", "b"]);
    }
}
