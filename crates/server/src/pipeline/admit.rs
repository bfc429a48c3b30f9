//! Which packets are queries that we serve.

use zoners_dns::packet::{Request, Unreadable};
use zoners_dns::{Class, Ede, EdeCode, Opcode, OptRcode, Prefix, Rtype, name};

use super::cookies::{Cookie, Cookies};
use super::{Client, Query, finish};
use crate::config::{Refuse, Server};

/// What becomes of a packet.
#[derive(Debug)]
pub(super) enum Admission {
    /// It is served.
    Admitted(Query),
    /// It is answered with an error.
    Reply(Vec<u8>),
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

    /// Says what becomes of a packet that came from `client` at `now`, in seconds since 1970.
    pub(super) fn admit(&self, packet: &[u8], client: Client, now: u64) -> Admission {
        let request = match Request::read(packet) {
            Ok(request) => request,
            Err(Unreadable::Ignore) => return Admission::Drop,
            Err(_) if !self.allows(client) && self.refuse == Refuse::Drop => {
                return Admission::Drop;
            }
            // Whatever another opcode's message looks like, we do not implement it.
            Err(Unreadable::FormErr { id, opcode }) if opcode != Opcode::QUERY => {
                return Admission::Reply(finish::header_only(id, opcode, OptRcode::NOTIMP));
            }
            Err(Unreadable::FormErr { id, opcode }) => {
                return Admission::Reply(finish::header_only(id, opcode, OptRcode::FORMERR));
            }
        };
        let option = request.edns.as_ref().and_then(|edns| edns.cookie.as_deref());
        let cookie = self.cookies.check(option, client.address, now);
        let query = Query { request, client, cookie };
        if !self.allows(client) {
            return match self.refuse {
                Refuse::Drop => Admission::Drop,
                Refuse::Refused => refused(&query, "not among the clients that are served"),
            };
        }
        if query.request.question.class == Class::CH {
            return self.chaos(&query);
        }
        match refusal(&query) {
            None => Admission::Admitted(query),
            Some((rcode, None)) => Admission::Reply(finish::error(&query, rcode, None)),
            Some((_, Some(text))) => refused(&query, text),
        }
    }

    fn allows(&self, client: Client) -> bool {
        self.allow.iter().any(|prefix| prefix.contains(client.address))
    }

    /// Answers what the configuration wants told of the server (RFC 4892).
    fn chaos(&self, query: &Query) -> Admission {
        let request = &query.request;
        let name = name::lowercase(&request.question.name).to_string();
        let told = match name.as_str() {
            "version.bind" | "version.server" => &self.version,
            "hostname.bind" | "id.server" => &self.identity,
            _ => &None,
        };
        match told {
            Some(text) if request.question.rtype == Rtype::TXT => {
                Admission::Reply(finish::text(query, text))
            }
            _ => refused(query, "nothing is told of this server"),
        }
    }
}

fn refused(query: &Query, text: &str) -> Admission {
    let ede = Ede::new(EdeCode::PROHIBITED, text);
    Admission::Reply(finish::error(query, OptRcode::REFUSED, Some(&ede)))
}

fn refusal(query: &Query) -> Option<(OptRcode, Option<&'static str>)> {
    let request = &query.request;
    if request.opcode != Opcode::QUERY {
        return Some((OptRcode::NOTIMP, None));
    }
    if query.cookie == Cookie::Malformed {
        return Some((OptRcode::FORMERR, None));
    }
    if request.edns.as_ref().is_some_and(|edns| edns.version > 0) {
        return Some((OptRcode::BADVERS, None));
    }
    if request.question.class != Class::IN {
        return Some((OptRcode::REFUSED, Some("only class IN is served")));
    }
    match request.question.rtype {
        Rtype::AXFR | Rtype::IXFR => Some((OptRcode::REFUSED, Some("no zone transfers here"))),
        // Types that only stand in other sections or messages (RFC 6895 section 3.1), and the
        // mail types that became ANY's kin.
        Rtype::OPT | Rtype::TSIG | Rtype::TKEY | Rtype::MAILA | Rtype::MAILB => {
            Some((OptRcode::NOTIMP, None))
        }
        rtype if rtype.to_int() == 0 => Some((OptRcode::NOTIMP, None)),
        _ => None,
    }
}
