//! A zone forwarded from one daemon to another daemon, over HTTPS and QUIC.

use std::net::SocketAddr;
use std::path::PathBuf;

use zoners_dns::{EdeCode, Message, OptRcode, Rtype};

use super::encrypted::serving_as_logged;
use crate::common::{Daemon, query_for};

/// A daemon that knows a name of corp.example, and proves the name dns.example.
struct Upstream {
    _daemon: Daemon,
    authorities: PathBuf,
    address: SocketAddr,
}

impl Upstream {
    fn serving(listen: &str, line: &str) -> Self {
        let group = "[[policy.group]]\nname = \"all\"\nclients = [\"127.0.0.1\"]\n\
                     records = [\"www.corp.example. A 192.0.2.7\"]";
        let (daemon, _, address) = serving_as_logged(listen, group, line);
        Upstream { authorities: daemon.folder.path().join("chain.pem"), _daemon: daemon, address }
    }

    /// The response of a daemon that forwards the zone to this server; the port follows `before` in the URI.
    fn forwarded(&self, before: &str, after: &str) -> Message {
        let uri = format!("{before}:{}{after}", self.address.port());
        let daemon = Daemon::start(&format!(
            "[resolver]\nca-file = {:?}\n[[forward]]\nzone = \"corp.example\"\nservers = [{uri:?}]",
            self.authorities
        ));
        let response = daemon.ask(&query_for(3, "www.corp.example", Rtype::A));
        Message::parse(&response.into()).unwrap()
    }

    fn answers(&self, before: &str, after: &str) {
        let forwarded = self.forwarded(before, after);
        let addresses = forwarded.answer.iter().flat_map(|set| set.addresses());
        assert_eq!(addresses.count(), 1, "{before} {after}");
    }

    fn fails(&self, before: &str, after: &str, fault: &str) {
        let failed = self.forwarded(before, after);
        assert_eq!(failed.rcode, OptRcode::SERVFAIL, "{before} {after}");
        let told = &failed.edns.unwrap().errors[0];
        assert_eq!(told.code, EdeCode::NETWORK_ERROR);
        assert!(told.text.contains(fault), "{told:?}");
    }
}

const WRONG_NAME: &str = "the certificate is for another name";

#[test]
fn a_zone_is_forwarded_over_https_or_not_at_all() {
    let upstream = Upstream::serving("\"https://127.0.0.1:0/q\"", "http: listening on ");
    upstream.answers("https://127.0.0.1", "/q#dns.example");
    upstream.fails("https://127.0.0.1", "/dns-query#dns.example", "HTTP status 404");
    upstream.fails("https://127.0.0.1", "/q", WRONG_NAME);
}

#[test]
fn a_zone_is_forwarded_over_quic_or_not_at_all() {
    let upstream = Upstream::serving("\"quic://127.0.0.1:0\"", ", QUIC");
    upstream.answers("quic://127.0.0.1", "#dns.example");
    upstream.fails("quic://127.0.0.1", "", WRONG_NAME);
}
