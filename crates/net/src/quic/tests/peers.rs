//! Clients without sockets, and the way between them and the server.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use quinn_proto::crypto::rustls::QuicClientConfig;
use quinn_proto::{
    ClientConfig, Connection, ConnectionError, ConnectionHandle, DatagramEvent, Dir, Endpoint,
    EndpointConfig, Event, ReadError, StreamId, TransportConfig, VarInt,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use zoners_dns::Counter;
use zoners_tls::alpn;

use crate::datagrams::Peer;
use crate::quic::{Asked, Outbox, QuicQuery, QuicServer, QuicTerms, Reception};

pub(super) const SERVER: SocketAddr =
    SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 853);

struct Credentials {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

static CREDENTIALS: LazyLock<Credentials> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Credentials { chain: vec![made.cert.der().clone()], key: made.signing_key.serialize_der() }
});

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// TLS of a server with 0-RTT and these protocols.
fn server_tls(protocols: &[&[u8]]) -> Arc<rustls::ServerConfig> {
    let key = PrivatePkcs8KeyDer::from(CREDENTIALS.key.clone()).into();
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(CREDENTIALS.chain.clone(), key)
        .unwrap();
    tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    tls.max_early_data_size = u32::MAX;
    Arc::new(tls)
}

/// The terms of an ordinary listener.
pub(super) fn terms() -> QuicTerms {
    terms_of(&[alpn::DOQ])
}

/// The terms of a listener with these protocols.
pub(super) fn terms_of(protocols: &[&[u8]]) -> QuicTerms {
    QuicTerms::new(server_tls(protocols), 7).unwrap()
}

/// The server with its clients.
pub(super) struct World {
    pub(super) server: QuicServer,
    pub(super) now: Instant,
    pub(super) clients: Vec<TestClient>,
    /// Octets that the server has sent, and datagrams.
    pub(super) sent: (usize, usize),
    outbox: Outbox,
    /// One for ordinary clients: sessions are resumed.
    tls: Arc<QuicClientConfig>,
    /// The protocol of clients.
    pub(super) protocol: Vec<u8>,
}

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientLike {
    Ordinary,
    /// Without a session of an earlier connection.
    Stranger,
    /// Takes so many octets of a stream before the first read.
    Narrow(u32),
    /// A stranger whose connection ends after a second without packets.
    Impatient,
    /// A stranger that lets the server open no stream.
    Closed,
}

/// A client with one connection.
pub(super) struct TestClient {
    endpoint: Endpoint,
    handle: ConnectionHandle,
    pub(super) connection: Connection,
    pub(super) address: SocketAddr,
    pub(super) lost: Option<ConnectionError>,
    /// So many datagrams of the server still reach the client.
    pub(super) hears: usize,
    outgoing: VecDeque<Vec<u8>>,
}

impl World {
    pub(super) fn new() -> Self {
        World::with_terms(terms())
    }

    /// A server with these protocols, of which the clients speak one.
    pub(super) fn speaking(protocols: &[&[u8]], protocol: &[u8]) -> Self {
        World {
            tls: client_tls(protocol),
            protocol: protocol.to_vec(),
            ..World::with_terms(terms_of(protocols))
        }
    }

    pub(super) fn with_terms(terms: QuicTerms) -> Self {
        let server = QuicServer::new(terms);
        let (now, outbox) = (Instant::now(), Outbox::default());
        World {
            server,
            now,
            clients: Vec::new(),
            sent: (0, 0),
            outbox,
            tls: client_tls(alpn::DOQ),
            protocol: alpn::DOQ.to_vec(),
        }
    }

    /// A client at this address that begins a connection; its number.
    pub(super) fn connect(&mut self, address: &str, is_like: ClientLike) -> usize {
        let tls = match is_like {
            ClientLike::Stranger | ClientLike::Impatient | ClientLike::Closed => {
                client_tls(&self.protocol)
            }
            ClientLike::Ordinary | ClientLike::Narrow(_) => self.tls.clone(),
        };
        let mut transport = TransportConfig::default();
        transport.max_idle_timeout(None).mtu_discovery_config(None);
        match is_like {
            ClientLike::Narrow(window) => {
                transport.stream_receive_window(VarInt::from_u32(window));
            }
            ClientLike::Impatient => {
                transport.max_idle_timeout(Some(VarInt::from_u32(1000).into()));
            }
            ClientLike::Closed => {
                transport.max_concurrent_uni_streams(0u32.into());
            }
            ClientLike::Ordinary | ClientLike::Stranger => {}
        }
        let mut config = ClientConfig::new(tls);
        config.transport_config(Arc::new(transport));
        let endpoint = EndpointConfig::default();
        let mut endpoint = Endpoint::new(Arc::new(endpoint), None, false, None);
        let (handle, connection) = endpoint.connect(self.now, config, SERVER, "localhost").unwrap();
        self.clients.push(TestClient {
            endpoint,
            handle,
            connection,
            address: SocketAddr::new(address.parse().unwrap(), 1000),
            lost: None,
            hears: usize::MAX,
            outgoing: VecDeque::new(),
        });
        self.clients.len() - 1
    }

    /// A client asks, and ends the connection before the response; returns the query.
    pub(super) fn ask_and_leave(&mut self, client: usize) -> QuicQuery {
        self.clients[client].ask();
        let mut queries = self.run();
        self.clients[client].connection.close(self.now, 0u32.into(), bytes::Bytes::new());
        self.run();
        queries.remove(0)
    }

    /// Carries datagrams until nothing moves; the queries that the server has read.
    pub(super) fn run(&mut self) -> Vec<QuicQuery> {
        let mut queries = Vec::new();
        loop {
            let mut moved = false;
            for number in 0..self.clients.len() {
                moved |= self.carry_to_server(number);
            }
            self.server.expire(self.now);
            self.server.read(self.now);
            while let Some(query) = self.server.next_query() {
                queries.push(query);
            }
            moved |= self.carry_to_clients();
            if !moved {
                return queries;
            }
        }
    }

    /// Runs after some time.
    pub(super) fn run_after(&mut self, time: Duration) -> Vec<QuicQuery> {
        self.now += time;
        for client in &mut self.clients {
            client.connection.handle_timeout(self.now);
        }
        self.run()
    }

    /// Answers a query with a message of so many zeros.
    pub(super) fn answer(&mut self, query: &QuicQuery, length: u16) {
        let mut framed = length.to_be_bytes().to_vec();
        framed.resize(2 + usize::from(length), 0);
        self.server.answer(query.stream, &framed);
    }

    pub(super) fn count(&mut self, counter: Counter) -> usize {
        self.server.counted().filter(|counted| *counted == counter).count()
    }

    fn carry_to_server(&mut self, number: usize) -> bool {
        let client = &mut self.clients[number];
        client.turn(self.now);
        let peer = Peer { address: client.address, ours: None };
        let datagrams = std::mem::take(&mut client.outgoing);
        for datagram in &datagrams {
            // Clients of TEST-NET-3 are refused, and clients of another network get no reply.
            let receives = |address: IpAddr| match address.to_string() {
                address if address.starts_with("203.0.113.") => Reception::Refused,
                address if address.starts_with("10.") => Reception::Unheard,
                _ => Reception::Served,
            };
            self.server.receive(self.now, peer, datagram, receives, &mut self.outbox);
        }
        !datagrams.is_empty()
    }

    fn carry_to_clients(&mut self) -> bool {
        self.server.transmit(self.now, &mut self.outbox);
        let datagrams = self.outbox.datagrams().to_vec();
        self.outbox.clear();
        for (octets, peer) in &datagrams {
            self.sent = (self.sent.0 + octets.len(), self.sent.1 + 1);
            let to = self.clients.iter_mut().filter(|client| client.address == peer.address);
            for client in to.filter(|client| client.hears > 0) {
                client.hears -= 1;
                client.hear(self.now, octets);
            }
        }
        !datagrams.is_empty()
    }
}

impl TestClient {
    /// Opens a stream with these octets, and ends the stream if there are no more.
    pub(super) fn send(&mut self, octets: &[u8], ends: bool) -> StreamId {
        self.send_on(Dir::Bi, octets, ends)
    }

    /// The same, on a stream of one direction or of two.
    pub(super) fn send_on(&mut self, direction: Dir, octets: &[u8], ends: bool) -> StreamId {
        let id = self.connection.streams().open(direction).unwrap();
        assert_eq!(self.connection.send_stream(id).write(octets), Ok(octets.len()));
        if ends {
            self.connection.send_stream(id).finish().unwrap();
        }
        id
    }

    /// Opens a stream with a query for the root.
    pub(super) fn ask(&mut self) -> StreamId {
        self.send(&query(0, 0), true)
    }

    /// The octets of a stream so far, and whether it has ended, by a code if it was reset.
    pub(super) fn heard(&mut self, id: StreamId) -> (Vec<u8>, Option<Option<u64>>) {
        let mut heard = Vec::new();
        let mut stream = self.connection.recv_stream(id);
        let mut chunks = stream.read(true).unwrap();
        let end = loop {
            match chunks.next(usize::MAX) {
                Ok(Some(chunk)) => heard.extend_from_slice(&chunk.bytes),
                Ok(None) => break Some(None),
                Err(ReadError::Blocked) => break None,
                Err(ReadError::Reset(code)) => break Some(Some(code.into_inner())),
            }
        };
        let _ = chunks.finalize();
        (heard, end)
    }

    /// The code with which the server has closed the connection.
    pub(super) fn close_code(&self) -> Option<u64> {
        match &self.lost {
            Some(ConnectionError::ApplicationClosed(close)) => Some(close.error_code.into_inner()),
            _ => None,
        }
    }

    fn turn(&mut self, now: Instant) {
        while let Some(event) = self.connection.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(self.handle, event) {
                self.connection.handle_event(event);
            }
        }
        while let Some(event) = self.connection.poll() {
            if let Event::ConnectionLost { reason } = event {
                self.lost.get_or_insert(reason);
            }
        }
        loop {
            let mut octets = Vec::new();
            let Some(transmit) = self.connection.poll_transmit(now, 1, &mut octets) else { return };
            octets.truncate(transmit.size);
            self.outgoing.push_back(octets);
        }
    }

    fn hear(&mut self, now: Instant, octets: &[u8]) {
        let mut response = Vec::new();
        let octets = BytesMut::from(octets);
        let event = self.endpoint.handle(now, SERVER, None, None, octets, &mut response);
        if let Some(DatagramEvent::ConnectionEvent(_, event)) = event {
            self.connection.handle_event(event);
        }
    }
}

/// The message that a client asks over DNS over QUIC.
pub(super) fn message(query: &QuicQuery) -> &[u8] {
    match &query.asked {
        Asked::Message(message) => message,
        Asked::Request(request) => panic!("{request:?}"),
    }
}

/// A query with its length in front.
pub(super) fn query(id: u16, opcode: u8) -> Vec<u8> {
    let mut framed = vec![0, 17];
    framed.extend_from_slice(&id.to_be_bytes());
    framed.extend_from_slice(&[opcode << 3, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
    framed
}

fn client_tls(protocol: &[u8]) -> Arc<QuicClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CREDENTIALS.chain[0].clone()).unwrap();
    let mut tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![protocol.to_vec()];
    tls.enable_early_data = true;
    Arc::new(QuicClientConfig::try_from(tls).unwrap())
}
