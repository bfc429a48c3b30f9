//! Admission: which packets are queries to be served.

use std::net::SocketAddr;
use std::sync::Arc;

use zoners_api::RefusedClient;
use zoners_dns::packet::UnreadableQuery;
use zoners_dns::{
    Class, ClockReading, Ede, EdeCode, Moment, Opcode, OptRcode, Prefix, Rtype, Transport, name,
};
use zoners_dnssec::nsec::NXNAME;

use super::cookies::{Cookie, Cookies};
use super::finish;
use super::query::Query;
use super::refused_clients::RefusedClients;
use super::strangers::Strangers;
use crate::client::{AccessList, Client};
use crate::config::{Config, ListenConfig, Refuse};
use crate::nearby::Nearby;
use crate::zones::NotifyInbox;

/// The first of the types reserved for queries and messages (RFC 6895 section 3.1).
const FIRST_META_TYPE: u16 = 128;
/// The last of these types.
const LAST_META_TYPE: u16 = 255;

/// The end of a packet that is no query to be served.
#[derive(Clone, Copy, Debug)]
pub(super) enum NotAdmitted {
    /// The reply is written: an error, a refusal, or a text about the server.
    Answered,
    /// The packet gets no reply.
    Drop,
    /// The packet gets no reply, since its network was refused too often this second.
    Unheard,
}

/// The clients that are served at a listener.
#[derive(Clone, Debug)]
struct ListenerAccess {
    at: SocketAddr,
    transports: &'static [Transport],
    allow: Vec<Prefix>,
}

/// The clients that are served, and the texts about the server.
#[derive(Clone, Debug)]
pub(super) struct Access {
    allow: Vec<Prefix>,
    /// The lists of listeners with one of their own.
    elsewhere: Vec<ListenerAccess>,
    refuse: Refuse,
    version: Option<String>,
    identity: Option<String>,
    cookies: Cookies,
    strangers: Strangers,
    refused: RefusedClients,
    /// The zones for which NOTIFY is heard.
    inbox: Option<Arc<NotifyInbox>>,
}

impl Access {
    /// The access rules of `[server]`; `hash_key` decides which networks without access share a bucket.
    pub(super) fn new(config: &Config, cookies: Cookies, hash_key: [u64; 2]) -> Self {
        let (server, anywhere) = (&config.server, Nearby::anywhere().prefixes);
        Access {
            allow: server.allow.prefixes(&anywhere),
            elsewhere: elsewhere(&config.listen, &anywhere),
            refuse: server.refuse,
            version: server.version.clone(),
            identity: server.identity.clone(),
            cookies,
            strangers: Strangers::new(hash_key),
            refused: RefusedClients::default(),
            inbox: None,
        }
    }

    /// The same rules, under which NOTIFY is heard.
    pub(super) fn hearing(self, inbox: Arc<NotifyInbox>) -> Self {
        Access { inbox: Some(inbox), ..self }
    }

    /// The same rules with other prefixes of clients nearby.
    pub(super) fn near(&self, config: &Config, nearby: &[Prefix]) -> Self {
        let allow = config.server.allow.prefixes(nearby);
        Access { allow, elsewhere: elsewhere(&config.listen, nearby), ..self.clone() }
    }

    /// The list of the listener that is configured so.
    pub(super) fn list_of(&self, at: SocketAddr, transport: Transport) -> AccessList {
        let is_there = |listener: &ListenerAccess| {
            listener.at == at && listener.transports.contains(&transport)
        };
        let found = self.elsewhere.iter().position(is_there);
        // `Config::validate` allows no more tables than there are numbers.
        AccessList(found.map_or(0, |at| u8::try_from(at + 1).unwrap_or(u8::MAX)))
    }

    /// The prefixes of the clients that are served.
    pub(super) fn allow(&self) -> &[Prefix] {
        &self.allow
    }

    /// Admits a query, read from `packet` at `clock`, and checks its cookie.
    ///
    /// # Errors
    /// The query is not served. A reply, if there is one, is written into `reply`.
    pub(super) fn admit(
        &self,
        query: &mut Query<'_>,
        packet: &[u8],
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Result<(), NotAdmitted> {
        let client = query.client;
        if !self.allows(&client) {
            return Err(self.turn_away(query, packet, clock, reply));
        }
        let cookie = query.request.cookie;
        query.cookie = self.cookies.check(cookie, client.address, clock.wall_seconds);
        if query.request.class == Class::CH {
            self.chaos(query, reply);
        } else {
            match refusal(query) {
                None => return Ok(()),
                Some(_) if self.hears(packet, client, clock, reply) => {}
                Some((rcode, ede)) => finish::error(query, rcode, ede.as_ref(), reply),
            }
        }
        Err(NotAdmitted::Answered)
    }

    /// Answers a packet that is no well-formed query.
    #[cold]
    pub(super) fn answer_unreadable(
        &self,
        unreadable: UnreadableQuery,
        packet: &[u8],
        client: Client,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> NotAdmitted {
        let UnreadableQuery::FormErr { id, opcode } = unreadable else { return NotAdmitted::Drop };
        if self.hears(packet, client, clock, reply) {
            return NotAdmitted::Answered;
        }
        if !self.allows(&client)
            && let Err(silence) = self.may_refuse(client, clock)
        {
            return silence;
        }
        // A message of another opcode is not implemented, whatever its form.
        let is_query = opcode == Opcode::QUERY;
        let rcode = if is_query { OptRcode::FORMERR } else { OptRcode::NOTIMP };
        finish::header_only(id, opcode, rcode, reply);
        NotAdmitted::Answered
    }

    /// Answers a NOTIFY that counts.
    #[cold]
    fn hears(
        &self,
        packet: &[u8],
        client: Client,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> bool {
        let inbox = self.inbox.as_ref().filter(|_| is_notify(packet));
        let heard = inbox.and_then(|inbox| inbox.take(packet, client.address, clock.wall_seconds));
        let is_heard = heard.is_some();
        if let Some(octets) = heard {
            *reply = octets;
        }
        is_heard
    }

    /// Refuses a client without access. The sender may be forged, and the refusal meant to flood a victim: no
    /// reply is composed before the rate allows one, no cookie is made, and the EDE has no text, so that the reply
    /// has at most one and a half times the octets of the query.
    #[cold]
    fn turn_away(
        &self,
        query: &Query<'_>,
        packet: &[u8],
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> NotAdmitted {
        // A primary need not be a client.
        if self.hears(packet, query.client, clock, reply) {
            return NotAdmitted::Answered;
        }
        if let Err(silence) = self.may_refuse(query.client, clock) {
            return silence;
        }
        refuse(query, "", reply);
        NotAdmitted::Answered
    }

    /// Whether a client without access gets a reply; notes the client.
    pub(super) fn may_refuse(
        &self,
        client: Client,
        clock: ClockReading,
    ) -> Result<(), NotAdmitted> {
        self.refused.note(client.address, clock.now);
        match self.refuse {
            Refuse::Drop => Err(NotAdmitted::Drop),
            Refuse::Refused if self.strangers.may_refuse(client.address, clock.now) => Ok(()),
            Refuse::Refused => Err(NotAdmitted::Unheard),
        }
    }

    /// Whether a client is served.
    pub(super) fn allows(&self, client: &Client) -> bool {
        let list = match client.access.0.checked_sub(1) {
            None => &self.allow,
            // A listener without a list any more.
            Some(at) => self.elsewhere.get(usize::from(at)).map_or(&self.allow, |at| &at.allow),
        };
        list.iter().any(|prefix| prefix.contains(client.address))
    }

    /// The latest clients without access, the latest first.
    pub(super) fn refused_clients(&self, now: Moment) -> Vec<RefusedClient> {
        self.refused.latest(now)
    }

    /// Whether clients without access get a refusal.
    pub(super) fn refuses_strangers(&self) -> bool {
        self.refuse == Refuse::Refused
    }

    /// Answers a CHAOS question with the configured text about the server (RFC 4892).
    fn chaos(&self, query: &Query<'_>, reply: &mut Vec<u8>) {
        let name = name::lowercase(&name::owned(query.request.name)).to_string();
        let text = match name.as_str() {
            "version.bind" | "version.server" => &self.version,
            "hostname.bind" | "id.server" => &self.identity,
            _ => &None,
        };
        match text {
            Some(text) if query.request.rtype == Rtype::TXT => finish::text(query, text, reply),
            _ => refuse(query, "nothing is told of this server", reply),
        }
    }
}

/// The lists of listeners with one of their own.
fn elsewhere(listen: &[ListenConfig], nearby: &[Prefix]) -> Vec<ListenerAccess> {
    let listed = listen.iter().filter_map(|ListenConfig { address, allow, .. }| {
        let allow = allow.as_ref()?.prefixes(nearby);
        Some(ListenerAccess { at: address.address, transports: address.transports, allow })
    });
    listed.collect()
}

/// Whether a packet has the opcode NOTIFY.
fn is_notify(packet: &[u8]) -> bool {
    packet.get(2).is_some_and(|flags| Opcode::from_int(flags >> 3 & 0x0F) == Opcode::NOTIFY)
}

fn refuse(query: &Query<'_>, text: &str, reply: &mut Vec<u8>) {
    let ede = Ede::new(EdeCode::PROHIBITED, text);
    finish::error(query, OptRcode::REFUSED, Some(&ede), reply);
}

/// The RCODE and the EDE for a query that is not served.
fn refusal(query: &Query<'_>) -> Option<(OptRcode, Option<Ede>)> {
    let request = &query.request;
    if request.head.opcode != Opcode::QUERY {
        return Some((OptRcode::NOTIMP, None));
    }
    if query.cookie == Cookie::Malformed {
        return Some((OptRcode::FORMERR, None));
    }
    if request.head.edns.is_some_and(|edns| edns.version > 0) {
        return Some((OptRcode::BADVERS, None));
    }
    if request.class != Class::IN {
        let ede = Ede::new(EdeCode::PROHIBITED, "only class IN is served");
        return Some((OptRcode::REFUSED, Some(ede)));
    }
    match request.rtype {
        Rtype::AXFR | Rtype::IXFR => {
            let ede = Ede::new(EdeCode::PROHIBITED, "no zone transfers here");
            Some((OptRcode::REFUSED, Some(ede)))
        }
        rtype => invalid_type(rtype).map(|(rcode, text)| {
            (rcode, Some(Ede::new(EdeCode::INVALID_QUERY_TYPE, format!("{rtype} {text}"))))
        }),
    }
}

/// The RCODE for a type that no name can have, and the reason for the EDE. A server could only deny such a
/// type, and no bitmap could prove the denial.
pub(super) fn invalid_type(rtype: Rtype) -> Option<(OptRcode, &'static str)> {
    match rtype {
        Rtype::ANY => None,
        NXNAME => Some((OptRcode::FORMERR, "exists in proofs alone (RFC 9824 section 3.5)")),
        Rtype::OPT | Rtype::TSIG | Rtype::TKEY => {
            Some((OptRcode::FORMERR, "belongs to a message, not to a name (RFC 6895 section 3.1)"))
        }
        Rtype::MAILA | Rtype::MAILB => {
            Some((OptRcode::NOTIMP, "is obsolete (RFC 1035 section 3.2.3)"))
        }
        _ => match rtype.to_int() {
            0 => Some((OptRcode::FORMERR, "is reserved (RFC 6895 section 3.1)")),
            // The assigned types of the range are matched above.
            FIRST_META_TYPE..=LAST_META_TYPE => {
                Some((OptRcode::NOTIMP, "is no type of data (RFC 6895 section 3.1)"))
            }
            _ => None,
        },
    }
}
