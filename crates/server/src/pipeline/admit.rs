//! Which packets are queries that we serve.

use zoners_dns::packet::{Request, Unreadable};
use zoners_dns::{Class, Ede, EdeCode, Opcode, OptRcode, Prefix, Rtype, name};
use zoners_dnssec::nsec::NXNAME;

use super::cookies::{Cookie, Cookies};
use super::{Client, Query, finish};
use crate::config::{Refuse, Server};

/// The types that are kept for queries and messages (RFC 6895 section 3.1).
const META_FIRST: u16 = 128;
const META_LAST: u16 = 255;

/// What becomes of a packet.
#[derive(Debug)]
pub(super) enum Admission<'a> {
    /// It is served.
    Admitted(Query<'a>),
    /// It is answered by what was written.
    Answered,
    /// It is not answered.
    Drop,
}

/// Who is served, and what is told of ourselves.
#[derive(Debug)]
pub(super) struct Access {
    allow: Vec<Prefix>,
    refuse: Refuse,
    version: Option<String>,
    identity: Option<String>,
    cookies: Cookies,
}

impl Access {
    pub(super) fn new(server: &Server, cookies: Cookies) -> Self {
        Access {
            allow: server.allow.clone(),
            refuse: server.refuse,
            version: server.version.clone(),
            identity: server.identity.clone(),
            cookies,
        }
    }

    /// Says what becomes of a packet that came from `client` at `now`, in seconds since 1970; an
    /// answer is written into `reply`.
    pub(super) fn admit<'a>(
        &self,
        packet: &'a [u8],
        client: Client,
        now: u64,
        reply: &mut Vec<u8>,
    ) -> Admission<'a> {
        let request = match Request::read(packet) {
            Ok(request) => request,
            Err(Unreadable::Ignore) => return Admission::Drop,
            Err(_) if !self.allows(client) && self.refuse == Refuse::Drop => {
                return Admission::Drop;
            }
            Err(Unreadable::FormErr { id, opcode }) => {
                // Whatever another opcode's message looks like, we do not implement it.
                let ours = opcode == Opcode::QUERY;
                let rcode = if ours { OptRcode::FORMERR } else { OptRcode::NOTIMP };
                finish::header_only(id, opcode, rcode, reply);
                return Admission::Answered;
            }
        };
        let cookie = self.cookies.check(request.cookie, client.address, now);
        let query = Query { request, client, cookie };
        if !self.allows(client) {
            if self.refuse == Refuse::Drop {
                return Admission::Drop;
            }
            refuse(&query, "not among the clients that are served", reply);
        } else if request.class == Class::CH {
            self.chaos(&query, reply);
        } else {
            match refusal(&query) {
                None => return Admission::Admitted(query),
                Some((rcode, ede)) => finish::error(&query, rcode, ede.as_ref(), reply),
            }
        }
        Admission::Answered
    }

    fn allows(&self, client: Client) -> bool {
        self.allow.iter().any(|prefix| prefix.contains(client.address))
    }

    /// Answers what the configuration wants told of the server (RFC 4892).
    fn chaos(&self, query: &Query<'_>, reply: &mut Vec<u8>) {
        let name = name::lowercase(&name::owned(query.request.name)).to_string();
        let told = match name.as_str() {
            "version.bind" | "version.server" => &self.version,
            "hostname.bind" | "id.server" => &self.identity,
            _ => &None,
        };
        match told {
            Some(text) if query.request.rtype == Rtype::TXT => finish::text(query, text, reply),
            _ => refuse(query, "nothing is told of this server", reply),
        }
    }
}

fn refuse(query: &Query<'_>, text: &str, reply: &mut Vec<u8>) {
    let ede = Ede::new(EdeCode::PROHIBITED, text);
    finish::error(query, OptRcode::REFUSED, Some(&ede), reply);
}

/// The RCODE of a query that is not served, and why.
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

/// The RCODE of a query for a type that no name can have, and the reason for the EDE. A server
/// could only deny such a type, and no bitmap could prove the denial.
pub(super) fn invalid_type(rtype: Rtype) -> Option<(OptRcode, &'static str)> {
    match rtype {
        Rtype::ANY => None,
        NXNAME => Some((OptRcode::FORMERR, "stands in proofs alone (RFC 9824 section 3.5)")),
        Rtype::OPT | Rtype::TSIG | Rtype::TKEY => {
            Some((OptRcode::FORMERR, "belongs to a message, not to a name (RFC 6895 section 3.1)"))
        }
        Rtype::MAILA | Rtype::MAILB => {
            Some((OptRcode::NOTIMP, "is obsolete (RFC 1035 section 3.2.3)"))
        }
        _ => match rtype.to_int() {
            0 => Some((OptRcode::FORMERR, "is reserved (RFC 6895 section 3.1)")),
            // The assigned types of the range are matched above.
            META_FIRST..=META_LAST => {
                Some((OptRcode::NOTIMP, "is no type of data (RFC 6895 section 3.1)"))
            }
            _ => None,
        },
    }
}
