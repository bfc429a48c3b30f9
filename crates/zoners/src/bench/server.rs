//! A server asked over the network.

use std::net::{IpAddr, SocketAddr};

use zoners_bench::target::Telling;
use zoners_bench::{QuestionOutcome, Target, TargetAnswer};
use zoners_dns::{
    Checking, Ede, EdeCode, Endpoint, Message, Name, OptRcode, Question, Rtype, Transport,
};

use crate::dns_server::{DnsServer, PORT, QueryManner, ServerAddress};

/// Questions to find the nameservers of a name: the name, and the apex of the zone.
pub(super) const MAX_NAMESERVER_QUESTIONS: usize = 2;
/// One attempt, since a sample is a single query; the plan has the timeout.
const MANNER: QueryManner =
    QueryManner { recursion_desired: true, checking: Checking::Enabled, timeout: None, tries: 1 };

/// A server asked over UDP or TCP.
#[derive(Clone)]
pub(super) struct ServerTarget {
    label: String,
    server: DnsServer,
}

impl ServerTarget {
    /// The server at an address such as `192.0.2.1`, `udp://[2001:db8::1]:53` or `tcp://192.0.2.1`.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let address = ServerAddress::read(text, PORT);
        let address = address.map_err(|wrong| format!("--server {wrong}"))?;
        let no_address =
            || format!("--server {text}: no IP address, such as 192.0.2.1 or [2001:db8::1]:53");
        ServerTarget::at(address.literal().ok_or_else(no_address)?, text.into())
    }

    /// The server that the system asks.
    pub(super) fn of_system(address: SocketAddr) -> Result<Self, String> {
        let label = format!("the system's resolver, {}", address.ip());
        ServerTarget::at(Endpoint::new(address, Transport::Udp), label)
    }

    fn at(endpoint: Endpoint, label: String) -> Result<Self, String> {
        Ok(ServerTarget { label, server: DnsServer::at(endpoint)? })
    }

    /// Whether packets to the server stay on this machine or the local network.
    pub(super) fn is_near(&self) -> bool {
        match self.server.endpoint.address.ip().to_canonical() {
            IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
            IpAddr::V6(ip) => {
                ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
            }
        }
    }

    /// The nameservers of the zone of `name`, according to this server.
    pub(super) async fn nameservers(&self, name: &Name) -> Vec<Name> {
        let mut zone = name.clone();
        // For a name below an apex, the answer is the SOA of the zone.
        for _ in 0..MAX_NAMESERVER_QUESTIONS {
            let question = Question::new(zone.clone(), Rtype::NS);
            let Ok(message) = self.reply(&question).await else { return Vec::new() };
            let sets = || message.answer.iter().chain(&message.authority);
            if let Some(set) = sets().find(|set| set.rtype == Rtype::NS) {
                return set.targets().collect();
            }
            let Some(soa) = sets().find(|set| set.rtype == Rtype::SOA) else { return Vec::new() };
            zone = soa.owner.clone();
        }
        Vec::new()
    }

    /// The reply, over TCP if truncated over UDP.
    async fn reply(&self, question: &Question) -> Result<Message, QuestionOutcome> {
        let asked = self.server.ask(question, MANNER).await;
        asked.map(|(message, _)| message).map_err(QuestionOutcome::Broken)
    }
}

impl Target for ServerTarget {
    fn label(&self) -> &str {
        &self.label
    }

    fn ask(&self, question: &Question) -> Telling {
        let (server, question) = (self.clone(), question.clone());
        Box::pin(async move {
            let ending = match server.reply(&question).await {
                Ok(message) => ending(&message),
                Err(ending) => ending,
            };
            TargetAnswer { ending, hops: Vec::new() }
        })
    }
}

fn ending(message: &Message) -> QuestionOutcome {
    match message.rcode {
        OptRcode::NOERROR | OptRcode::NXDOMAIN => QuestionOutcome::Answered,
        rcode => {
            let ede = message.edns.as_ref().and_then(|edns| edns.errors.first());
            QuestionOutcome::Failed { rcode: rcode.to_string(), ede: ede.map(cause) }
        }
    }
}

/// The code of the cause. Of a remembered failure (EDE 13, RFC 9520 section 3.2) Zoners names the first one in the
/// text:
/// `failed before: EDE 22 (No Reachable Authority)`.
fn cause(ede: &Ede) -> u16 {
    let first =
        ede.text.strip_prefix("failed before: EDE ").filter(|_| ede.code == EdeCode::CACHED_ERROR);
    let code = first.and_then(|rest| rest.split(' ').next()?.parse().ok());
    code.unwrap_or(ede.code.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_failure_has_the_code_of_the_first() {
        let of = |code, text: &str| cause(&Ede::new(code, text));
        let first = Ede::new(EdeCode(7), "example.com. DNSKEY: the signature has expired");
        assert_eq!(of(EdeCode::CACHED_ERROR, &format!("failed before: {first}")), 7);
        assert_eq!(of(EdeCode::CACHED_ERROR, "no servers"), 13);
        assert_eq!(of(EdeCode(22), "failed before: EDE 7 (Signature Expired)"), 22);
    }

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        for text in ["192.0.2.1", "udp://192.0.2.1:5300", "tcp://[2001:db8::1]:53", "2001:db8::1"] {
            assert!(ServerTarget::new(text).is_ok(), "{text}");
        }
        for text in ["", "example.com", "https://192.0.2.1", "192.0.2.1:port", "udp://"] {
            let told = ServerTarget::new(text).err().unwrap_or_default();
            assert!(told.contains("--server"), "{text}: {told}");
        }
    }

    #[test]
    fn it_is_known_who_is_near() {
        let near = |text: &str| ServerTarget::new(text).is_ok_and(|server| server.is_near());
        let all = ["127.0.0.1", "10.1.2.3", "192.168.0.1:53", "::1", "fd00::1", "::ffff:10.0.0.1"];
        assert!(all.into_iter().all(near));
        assert!(!["9.9.9.9", "100.64.0.1", "2001:db8::1"].into_iter().any(near));
    }
}
