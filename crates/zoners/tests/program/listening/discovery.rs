//! What clients learn of the encrypted listeners (DDR, RFC 9462).

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use zoners_dns::{Message, RRset, Rtype};

use super::encrypted::{answer, handshake};
use crate::common::certificate::{certificate_keys, certify};
use crate::common::networks::in_a_network;
use crate::common::quic_client::QuicTrust;
use crate::common::{Daemon, client, file, query_for, receive, send};

/// The records of an answer, as texts.
fn services(answer: &Message) -> Vec<String> {
    let records = answer.answer.iter().flat_map(RRset::parsed);
    records.map(|record| record.data().to_string()).collect()
}

#[test]
fn a_listener_at_every_address_is_hinted_at_by_the_asked_address() {
    in_a_network(|| {
        let folder = tempfile::tempdir().unwrap();
        let chain = certify(folder.path());
        let keys = certificate_keys(folder.path());
        let listen = "\"0.0.0.0:5300\", \"tls://0.0.0.0:8853\", \"quic://0.0.0.0:8853\"";
        file(&folder, &format!("[server]\nlisten = [{listen}]\n{keys}\n"));
        let mut daemon = Daemon::of(folder);
        assert!(daemon.is_ready());
        let query = query_for(7, "_dns.resolver.arpa", Rtype::SVCB);
        for asked in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)] {
            let at = |port| SocketAddr::from((asked, port));
            let over_udp = {
                let (socket, mut buffer) = (client(Ipv4Addr::LOCALHOST), [0; 1500]);
                socket.send_to(&query, at(5300)).unwrap();
                let length = socket.recv(&mut buffer).unwrap();
                Message::parse(&buffer[..length].to_vec().into()).unwrap()
            };
            let over_tcp = {
                let mut stream = TcpStream::connect(at(5300)).unwrap();
                send(&mut stream, &query).unwrap();
                receive(&mut stream)
            };
            let stream = TcpStream::connect(at(8853)).unwrap();
            let over_tls =
                answer(&mut handshake("dns.example", stream, &chain).unwrap(), &query).unwrap();
            let query = query_for(0, "_dns.resolver.arpa", Rtype::SVCB);
            let over_quic =
                QuicTrust::of(&chain).connect(at(8853)).unwrap().answer(&query).unwrap();
            for answer in [over_udp, over_tcp, over_tls, over_quic] {
                let services = services(&answer);
                let hint = format!("hint={asked}");
                assert_eq!(services.len(), 2);
                assert!(services.iter().all(|service| service.contains(&hint)), "{services:?}");
            }
        }
    });
}
