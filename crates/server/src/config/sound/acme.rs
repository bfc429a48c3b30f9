//! Faults of `[acme]`.

use zoners_acme::MAX_NAMES;
use zoners_dns::Transport;
use zoners_http::is_local;

use super::super::{AcmeChallenge, Config, ListenAddress, Refuse};

/// The port to which an ACME server connects for a handshake (RFC 8737 section 3).
const HANDSHAKE_PORT: u16 = 443;

impl Config {
    /// A certificate has one origin, its names can be proven, and a listener answers the challenges.
    pub(super) fn check_acme(&self, wrong: &mut impl FnMut(&str, &str)) {
        if !self.has_acme() {
            return;
        }
        let acme = &self.acme;
        if self.server.certificate.is_some() {
            let what = "must be absent where server.certificate is given: a certificate comes from files or from an \
                        ACME server";
            wrong("acme.names", what);
        }
        if acme.names.is_empty() || acme.names.len() > MAX_NAMES {
            let what = format!("must have 1 to {MAX_NAMES} names or addresses");
            wrong("acme.names", &what);
        }
        self.check_acme_names(wrong);
        if !acme.accept_terms {
            let what = format!(
                "must be true: the ACME server {} asks you to accept its terms of service, and to have read them",
                acme.directory.as_str()
            );
            wrong("acme.accept-terms", &what);
        }
        match acme.challenge {
            AcmeChallenge::TlsAlpn01 if self.handshake_listeners().next().is_none() => {
                let what = "needs an address with https:// or tls://, such as \"https://0.0.0.0:443\", where clients need \
                            no certificate of their own, and where server.refuse is \"refused\" or everyone is allowed: \
                            the ACME server connects to port 443 there; or \"http-01\"";
                wrong("acme.challenge", what);
            }
            AcmeChallenge::Http01 if acme.listen.is_empty() => {
                let what = "must have an address: the ACME server asks for a page at port 80";
                wrong("acme.listen", what);
            }
            _ => {}
        }
        if acme.challenge == AcmeChallenge::Http01 {
            self.check_acme_listen(wrong);
        }
    }

    /// Whether there is a table `[acme]`.
    pub(crate) fn has_acme(&self) -> bool {
        self.source.has("acme") || self.acme != super::super::AcmeConfig::default()
    }

    /// A remark if no port is that to which an ACME server connects: another machine may forward the port.
    pub(crate) fn acme_remark(&self) -> Option<String> {
        let (key, port, ports): (_, _, Vec<u16>) = match self.acme.challenge {
            _ if !self.has_acme() => return None,
            AcmeChallenge::TlsAlpn01 => {
                let ports = self.handshake_listeners().map(|listener| listener.address.port());
                ("acme.challenge", HANDSHAKE_PORT, ports.collect())
            }
            AcmeChallenge::Http01 => {
                let ports = self.acme.listen.iter().map(|address| address.port());
                ("acme.listen", 80, ports.collect())
            }
        };
        let what = format!(
            "the ACME server connects to port {port}, where Zoners does not listen: forward port {port} to one of the \
             ports here"
        );
        (!ports.contains(&port)).then(|| self.source.remark(key, &what))
    }

    /// The listeners that an ACME server gets a handshake from. The server is a client without access as a rule, and may
    /// connect from anywhere.
    fn handshake_listeners(&self) -> impl Iterator<Item = &ListenAddress> {
        let hears = |address: &ListenAddress| {
            let table = self.listen.iter().find(|table| table.address == *address);
            let allow = table.and_then(|table| table.allow.as_ref()).unwrap_or(&self.server.allow);
            let hears_all = allow.prefixes(&[]).iter().any(|prefix| prefix.bits() == 0);
            let asks = table.is_some_and(|table| table.require_client_certificate);
            !asks && (hears_all || self.server.refuse == Refuse::Refused)
        };
        let all = self.listen_addresses().map(|(_, address)| address);
        let over_tls =
            |it: &&ListenAddress| it.is_over(Transport::Tls) || it.is_over(Transport::Https);
        all.filter(over_tls).filter(move |address| hears(address))
    }

    fn check_acme_names(&self, wrong: &mut impl FnMut(&str, &str)) {
        let names = &self.acme.names;
        for (at, name) in names.iter().enumerate() {
            let path = format!("acme.names[{at}]");
            if names.iter().take(at).any(|earlier| earlier == name) {
                wrong(&path, &format!("{name} is listed twice: delete one of the two"));
            }
            let is_private = name.address().is_some_and(is_local);
            if is_private && self.acme.directory_authority.is_none() {
                let what = format!(
                    "{name} is a private address, for which no public authority makes a certificate: `zoners tls init` \
                     makes one of your own"
                );
                wrong(&path, &what);
            }
        }
    }

    /// The pages have their addresses for themselves.
    fn check_acme_listen(&self, wrong: &mut impl FnMut(&str, &str)) {
        for (at, address) in self.acme.listen.iter().enumerate().filter(|(_, it)| it.port() != 0) {
            let overlaps = |other: &std::net::SocketAddr| {
                other == address
                    || super::is_part(*address, *other)
                    || super::is_part(*other, *address)
            };
            let mut listens = self.listen_addresses().map(|(_, listen)| listen);
            let has_port = |listen: &&ListenAddress| {
                listen.transports.iter().any(|transport| !transport.has_datagrams())
                    && overlaps(&listen.address)
            };
            let path = format!("acme.listen[{at}]");
            if let Some(other) = listens.find(has_port) {
                wrong(&path, &format!("{other} has that port"));
            } else if self.server.http.iter().any(overlaps) {
                wrong(&path, "server.http has that port");
            } else if self.acme.listen.iter().take(at).any(overlaps) {
                wrong(&path, &format!("{address} overlaps with an address before"));
            }
        }
    }
}
