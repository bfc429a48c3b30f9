//! The client's end against a server of `quinn-proto`, in virtual time.

use quinn_proto::crypto::rustls::QuicServerConfig;
use quinn_proto::{ServerConfig, Transmit, TransportConfig};
use rcgen::CertifiedKey;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zoners_dns::IdentityFault;
use zoners_tls::client::{ClientTls, ExpectedPeer};

use super::*;

const SERVER: ([u8; 4], u16) = ([192, 0, 2, 1], 853);
const CLIENT: ([u8; 4], u16) = ([192, 0, 2, 2], 1000);
const IDLE: Duration = Duration::from_secs(60);
/// Octets of a query that the server takes before the first read.
const WINDOW: u32 = 10_000;

/// A client, and a server with a limit of streams.
struct Pair {
    client: QuicClient,
    server: Endpoint,
    connection: Option<(ConnectionHandle, Connection)>,
    now: Instant,
}

/// A server of dns.example, and the trust in its certificate.
fn certified(protocol: &[u8]) -> (Arc<rustls::ServerConfig>, ClientTls) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["dns.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(zoners_tls::provider());
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    (Arc::new(config), ClientTls::with_authorities(cert.pem().as_bytes()).unwrap())
}

impl Pair {
    fn new(streams: u32) -> Self {
        let (server, trust) = certified(b"doq");
        Pair::with((streams, WINDOW), server, &trust, "dns.example")
    }

    fn with(
        (streams, window): (u32, u32),
        server: Arc<rustls::ServerConfig>,
        trust: &ClientTls,
        name: &str,
    ) -> Self {
        let crypto = QuicServerConfig::try_from(server).unwrap();
        let mut config = ServerConfig::with_crypto(Arc::new(crypto));
        let mut transport = TransportConfig::default();
        transport.max_concurrent_bidi_streams(streams.into()).mtu_discovery_config(None);
        transport.enable_segmentation_offload(false).stream_receive_window(window.into());
        config.transport_config(Arc::new(transport));
        let endpoint = Arc::new(EndpointConfig::default());
        let server = Endpoint::new(endpoint, Some(Arc::new(config)), false, None);
        let (now, peer) = (Instant::now(), ExpectedPeer::Named(name));
        let tls = trust.over_quic().config_for(peer).unwrap();
        let client = QuicClient::begin(now, tls, SERVER.into(), name, IDLE).unwrap();
        Pair { client, server, connection: None, now }
    }

    /// Carries datagrams until nothing moves; what the client tells.
    fn run(&mut self) -> Vec<QuicClientEvent> {
        let mut told = Vec::new();
        loop {
            let mut moved = false;
            let mut datagram = Vec::new();
            while self.client.transmit(self.now, &mut datagram) {
                moved = true;
                self.hear(&datagram);
            }
            for datagram in self.turn() {
                moved = true;
                self.client.receive(self.now, SERVER.into(), &datagram);
            }
            while let Some(event) = self.client.next_event() {
                moved = true;
                told.push(event);
            }
            if !moved {
                return told;
            }
        }
    }

    fn hear(&mut self, datagram: &[u8]) {
        let mut scratch = Vec::new();
        let octets = BytesMut::from(datagram);
        match self.server.handle(self.now, CLIENT.into(), None, None, octets, &mut scratch) {
            Some(DatagramEvent::NewConnection(incoming)) => {
                let accepted = self.server.accept(incoming, self.now, &mut scratch, None);
                self.connection = accepted.ok();
            }
            Some(DatagramEvent::ConnectionEvent(_, event)) => self.peer().handle_event(event),
            _ => {}
        }
    }

    /// The datagrams of the server.
    fn turn(&mut self) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        let Some((handle, connection)) = &mut self.connection else { return datagrams };
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(event) = self.server.handle_event(*handle, event) {
                connection.handle_event(event);
            }
        }
        while connection.poll().is_some() {}
        loop {
            let mut octets = Vec::new();
            let transmit: Option<Transmit> = connection.poll_transmit(self.now, 1, &mut octets);
            let Some(transmit) = transmit else { return datagrams };
            octets.truncate(transmit.size);
            datagrams.push(octets);
        }
    }

    fn peer(&mut self) -> &mut Connection {
        &mut self.connection.as_mut().unwrap().1
    }

    /// Has the server read the next query.
    fn query(&mut self) -> Option<(StreamId, Vec<u8>)> {
        let id = self.peer().streams().accept(Dir::Bi)?;
        Some((id, self.read(id)))
    }

    /// What the server reads on a stream.
    fn read(&mut self, id: StreamId) -> Vec<u8> {
        let mut read = Vec::new();
        let mut stream = self.peer().recv_stream(id);
        let mut chunks = stream.read(true).unwrap();
        while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
            read.extend_from_slice(&chunk.bytes);
        }
        let _ = chunks.finalize();
        read
    }

    /// Runs after some time.
    fn run_after(&mut self, time: Duration) -> Vec<QuicClientEvent> {
        self.now += time;
        self.client.expire(self.now);
        let now = self.now;
        self.peer().handle_timeout(now);
        self.run()
    }

    /// Has the server write these octets, and end the stream.
    fn answer(&mut self, id: StreamId, octets: &[u8]) {
        assert_eq!(self.peer().send_stream(id).write(octets), Ok(octets.len()));
        self.peer().send_stream(id).finish().unwrap();
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

#[test]
fn a_query_has_id_0_on_a_stream_of_its_own() {
    let mut pair = Pair::new(10);
    assert_eq!(pair.run(), [QuicClientEvent::Connected]);
    let asked = pair.client.ask(b"\x12\x34query").unwrap();
    pair.run();
    let (id, query) = pair.query().unwrap();
    assert_eq!((id, query), (asked, framed(b"\0\0query")));
    pair.answer(id, &framed(b"\0\0reply"));
    let reply = QuicClientEvent::Reply(asked, Bytes::from_static(b"\0\0reply"));
    assert_eq!(pair.run(), [reply]);
    assert_eq!(pair.client.held(), 0);
}

#[test]
fn a_reply_may_be_as_long_as_a_message() {
    let mut pair = Pair::new(10);
    pair.run();
    let asked = pair.client.ask(&[0; 65_535]).unwrap();
    assert!(pair.client.ask(&[0; 65_536]).is_none());
    pair.run();
    let (id, mut query) = pair.query().unwrap();
    assert_eq!(query.len(), WINDOW as usize, "the rest waits");
    assert_eq!(pair.client.held(), 65_537 - query.len());
    while query.len() < 65_537 {
        pair.run();
        query.extend(pair.read(id));
    }
    assert_eq!(pair.client.held(), 0);
    let reply = framed(&[0; 65_535]);
    let mut rest = &reply[..];
    let mut told = Vec::new();
    while !rest.is_empty() {
        let written = pair.peer().send_stream(id).write(rest).unwrap_or(0);
        rest = &rest[written..];
        told.extend(pair.run());
    }
    pair.peer().send_stream(id).finish().unwrap();
    told.extend(pair.run());
    let whole = Bytes::from(vec![0; 65_535]);
    assert_eq!(told, [QuicClientEvent::Reply(asked, whole)]);
}

#[test]
fn queries_beyond_the_send_window_go_out_once_others_have_come() {
    let (server, trust) = certified(b"doq");
    let mut pair = Pair::with((10, 1 << 20), server, &trust, "dns.example");
    pair.run();
    let sent = [(); 3].map(|()| pair.client.ask(&[0; 65_535]).unwrap());
    assert_eq!(pair.client.held(), 3 * 65_537 - ALLOWANCE.send_window as usize);
    for _ in 0..100 {
        pair.run_after(Duration::from_millis(30));
    }
    assert_eq!(pair.client.held(), 0);
    let queries = std::iter::from_fn(|| pair.query());
    assert_eq!(
        queries.map(|(id, query)| (id, query.len())).collect::<Vec<_>>(),
        sent.map(|id| (id, 65_537))
    );
}

#[test]
fn what_is_no_reply_ends_its_stream_alone() {
    let mut pair = Pair::new(10);
    pair.run();
    for octets in [
        framed(b"\0\x01with an ID"),
        framed(b"\0\0cut short")[..9].to_vec(),
        [framed(b"\0\0one"), framed(b"\0\0two")].concat(),
        Vec::new(),
    ] {
        let asked = pair.client.ask(b"\0\0query").unwrap();
        pair.run();
        let (id, _) = pair.query().unwrap();
        pair.answer(id, &octets);
        assert_eq!(pair.run(), [QuicClientEvent::NoReply(asked)], "{octets:?}");
    }
    for end in [true, false] {
        let asked = pair.client.ask(b"\0\0query").unwrap();
        pair.run();
        let (id, _) = pair.query().unwrap();
        match end {
            true => pair.peer().send_stream(id).reset(4u32.into()).unwrap(),
            false => pair.answer(id, b""),
        }
        assert_eq!(pair.run(), [QuicClientEvent::NoReply(asked)]);
    }
    let asked = pair.client.ask(b"\0\0query").unwrap();
    pair.run();
    let (id, _) = pair.query().unwrap();
    pair.answer(id, &framed(b"\0\0reply"));
    let reply = QuicClientEvent::Reply(asked, Bytes::from_static(b"\0\0reply"));
    assert_eq!(pair.run(), [reply]);
    assert_eq!(pair.client.held(), 0);
}

#[test]
fn queries_under_way_have_a_limit_whatever_the_server_allows() {
    for (streams, most) in [(MAX_UNDER_WAY as u32 + 10, MAX_UNDER_WAY), (3, 3)] {
        let mut pair = Pair::new(streams);
        assert!(!pair.client.has_stream(), "before the handshake");
        pair.run();
        let asked: Vec<_> = std::iter::from_fn(|| pair.client.ask(b"\0\0query")).collect();
        assert_eq!(asked.len(), most);
        pair.run();
        assert!(!pair.client.has_stream());
        // A query that is cancelled makes room, once the server has let go of the stream.
        pair.client.cancel(asked[1]);
        pair.run();
        while let Some((id, _)) = pair.query() {
            if id == asked[1] {
                let _ = pair.peer().send_stream(id).reset(3u32.into());
            }
        }
        pair.run();
        pair.run_after(Duration::from_millis(100));
        assert!(pair.client.ask(b"\0\0query").is_some());
        assert!(!pair.client.has_stream());
    }
}

#[test]
fn a_server_that_does_not_prove_its_identity_is_named() {
    let (server, trust) = certified(b"doq");
    let (_, other) = certified(b"doq");
    for (trust, name, fault) in [
        (&trust, "other.example", IdentityFault::WrongName),
        (&other, "dns.example", IdentityFault::UnknownIssuer),
    ] {
        let mut pair = Pair::with((1, WINDOW), server.clone(), trust, name);
        let lost = QuicClientEvent::Lost(NetworkError::Untrusted(fault));
        assert_eq!(pair.run(), [lost]);
    }
    let (server, trust) = certified(b"h3");
    let mut pair = Pair::with((1, WINDOW), server, &trust, "dns.example");
    assert_eq!(pair.run(), [QuicClientEvent::Lost(NetworkError::Handshake)]);
}

#[test]
fn the_end_of_a_connection_is_told() {
    let mut pair = Pair::new(1);
    pair.run();
    let now = pair.now;
    pair.peer().close(now, 0u32.into(), Bytes::new());
    assert_eq!(pair.run(), [QuicClientEvent::Lost(NetworkError::Closed)]);
    let mut pair = Pair::new(1);
    pair.run();
    pair.now += IDLE + Duration::from_secs(1);
    pair.client.expire(pair.now);
    assert_eq!(pair.run(), [QuicClientEvent::Lost(NetworkError::Closed)], "idle");
}
