//! The question to the daemon, by which the switch of the system's DNS decides.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use zoners_dns::{Checking, Endpoint, Question, Transport};
use zoners_host::dns_switch::DaemonProbe;
use zoners_server::control::question;

use crate::dns_server::{DnsServer, QueryManner};

/// The name that every daemon answers without a network (RFC 6761 section 6.3).
const PROBE_NAME: &str = "localhost";
/// The wait for an answer. The daemon answers on this machine, and without a network.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The question.
pub(super) fn probe_question() -> Result<Question, String> {
    question(PROBE_NAME, "A")
}

/// Asks the daemon, over UDP and TCP: programs need both. Each question has a new source port, and so reaches each
/// worker in turn.
pub(super) async fn probe(question: &Question, port: u16) -> DaemonProbe {
    for transport in [Transport::Udp, Transport::Tcp] {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let manner = QueryManner {
            recursion_desired: true,
            checking: Checking::Enabled,
            timeout: Some(PROBE_TIMEOUT),
            tries: 1,
        };
        let Ok(server) = DnsServer::at(Endpoint::new(address, transport)) else {
            return DaemonProbe::Silent;
        };
        if server.first_reply(question, manner).await.is_err() {
            return failure(address);
        }
    }
    DaemonProbe::Answered
}

/// Whether a process listens that gave no reply.
fn failure(address: SocketAddr) -> DaemonProbe {
    match TcpStream::connect_timeout(&address, PROBE_TIMEOUT) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => DaemonProbe::Refused,
        _ => DaemonProbe::Silent,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[tokio::test]
    async fn a_port_without_a_process_refuses() {
        let question = probe_question().unwrap();
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(failure((Ipv4Addr::LOCALHOST, port).into()), DaemonProbe::Refused);
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert_eq!(failure(listener.local_addr().unwrap()), DaemonProbe::Silent);
        drop((taken, listener));
        assert_eq!(probe(&question, port).await, DaemonProbe::Refused);
    }
}
