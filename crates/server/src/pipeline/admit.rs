//! Which packets are queries that we serve.

use zoners_dns::packet::{Request, Unreadable};
use zoners_dns::{Class, Ede, EdeCode, Opcode, OptRcode, Prefix, Rtype, name};

use super::{Client, finish};
use crate::config::{Refuse, Server};

/// What becomes of a packet.
#[derive(Debug)]
pub(super) enum Admission {
    /// It is served.
    Admitted(Request),
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
}

impl Access {
    pub(super) fn new(server: &Server) -> Self {
        Access {
            allow: server.allow.clone(),
            refuse: server.refuse,
            version: server.version.clone(),
            identity: server.identity.clone(),
        }
    }

    /// Says what becomes of a packet that came from `client`.
    pub(super) fn admit(&self, packet: &[u8], client: Client) -> Admission {
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
        if !self.allows(client) {
            return match self.refuse {
                Refuse::Drop => Admission::Drop,
                Refuse::Refused => refused(&request, "not among the clients that are served"),
            };
        }
        if request.question.class == Class::CH {
            return self.chaos(&request);
        }
        match refusal(&request) {
            None => Admission::Admitted(request),
            Some((rcode, None)) => Admission::Reply(finish::error(&request, rcode, None)),
            Some((_, Some(text))) => refused(&request, text),
        }
    }

    fn allows(&self, client: Client) -> bool {
        self.allow.iter().any(|prefix| prefix.contains(client.address))
    }

    /// Answers what the configuration wants told of the server (RFC 4892).
    fn chaos(&self, request: &Request) -> Admission {
        let name = name::lowercase(&request.question.name).to_string();
        let told = match name.as_str() {
            "version.bind" | "version.server" => &self.version,
            "hostname.bind" | "id.server" => &self.identity,
            _ => &None,
        };
        match told {
            Some(text) if request.question.rtype == Rtype::TXT => {
                Admission::Reply(finish::text(request, text))
            }
            _ => refused(request, "nothing is told of this server"),
        }
    }
}

fn refused(request: &Request, text: &str) -> Admission {
    let ede = Ede::new(EdeCode::PROHIBITED, text);
    Admission::Reply(finish::error(request, OptRcode::REFUSED, Some(&ede)))
}

fn refusal(request: &Request) -> Option<(OptRcode, Option<&'static str>)> {
    if request.opcode != Opcode::QUERY {
        return Some((OptRcode::NOTIMP, None));
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
