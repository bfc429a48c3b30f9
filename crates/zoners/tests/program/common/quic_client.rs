//! A client of DNS over QUIC (RFC 9250) with one connection, or of another protocol over QUIC.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use quinn_proto::crypto::rustls::QuicClientConfig;
use quinn_proto::{
    ClientConfig, Connection, ConnectionError, ConnectionHandle, DatagramEvent, Dir, Endpoint,
    EndpointConfig, Event, ReadError, StreamId, WriteError,
};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zoners_dns::{Message, Rtype};

use super::waiting::PATIENCE;
use super::{client, localhost};

/// The longest datagram.
const LONGEST: usize = 65_535;

/// What programs of a user share: the sessions of earlier connections.
#[derive(Clone)]
pub(crate) struct QuicTrust(Arc<QuicClientConfig>);

/// A connection to a server.
pub(crate) struct QuicClient {
    socket: UdpSocket,
    server: SocketAddr,
    endpoint: Endpoint,
    handle: ConnectionHandle,
    connection: Connection,
    lost: Option<ConnectionError>,
    arrived: Vec<u8>,
}

impl QuicTrust {
    /// Trust in a server with this certificate.
    pub(crate) fn of(chain: &str) -> Self {
        QuicTrust::speaking(chain, b"doq")
    }

    /// Trust in a server with this certificate, with which clients speak a protocol.
    pub(crate) fn speaking(chain: &str, protocol: &[u8]) -> Self {
        QuicTrust::showing(None, chain, protocol)
    }

    /// The same with a certificate of the client, and its key.
    pub(crate) fn showing(
        shown: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
        chain: &str,
        protocol: &[u8],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider);
        let config = config.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
        let config = config.with_root_certificates(roots);
        let mut config = match shown {
            Some((own, key)) => config.with_client_auth_cert(vec![own], key).unwrap(),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        config.enable_early_data = true;
        QuicTrust(Arc::new(QuicClientConfig::try_from(config).unwrap()))
    }

    /// Begins a connection with `dns.example`.
    pub(crate) fn begin(&self, server: SocketAddr) -> QuicClient {
        self.begin_with("dns.example", server)
    }

    /// Begins a connection with a server of this name.
    fn begin_with(&self, name: &str, server: SocketAddr) -> QuicClient {
        let endpoint = Arc::new(EndpointConfig::default());
        let mut endpoint = Endpoint::new(endpoint, None, false, None);
        let config = ClientConfig::new(self.0.clone());
        let connected = endpoint.connect(Instant::now(), config, server, name);
        let (handle, connection) = connected.unwrap();
        let (lost, arrived) = (None, vec![0; LONGEST]);
        let socket = client(server.ip());
        QuicClient { socket, server, endpoint, handle, connection, lost, arrived }
    }

    /// A connection with `dns.example` after the handshake.
    pub(crate) fn connect(&self, server: SocketAddr) -> Result<QuicClient, ConnectionError> {
        self.connect_with("dns.example", server)
    }

    /// A connection with a server of this name after the handshake.
    pub(crate) fn connect_with(
        &self,
        name: &str,
        server: SocketAddr,
    ) -> Result<QuicClient, ConnectionError> {
        let mut client = self.begin_with(name, server);
        client.wait(|connection| (!connection.is_handshaking()).then_some(()))?;
        Ok(client)
    }
}

impl QuicClient {
    /// Whether a query may go in the first packet.
    pub(crate) fn has_early_data(&self) -> bool {
        self.connection.has_0rtt()
    }

    /// Asks for an address of `localhost`.
    pub(crate) fn ask(&mut self) -> Result<Message, ConnectionError> {
        self.answer(&localhost(0, Rtype::A))
    }

    /// The response to a query.
    pub(crate) fn answer(&mut self, query: &[u8]) -> Result<Message, ConnectionError> {
        let stream = self.send(query);
        let response = self.response(stream)?;
        Ok(Message::parse(&response.into()).unwrap())
    }

    /// Sends a query on a stream of its own.
    pub(crate) fn send(&mut self, query: &[u8]) -> StreamId {
        let id = self.write(query);
        self.transmit();
        id
    }

    /// Sends a query, and in the same datagram that the response is not wanted.
    pub(crate) fn send_cancelled(&mut self, query: &[u8]) {
        let id = self.write(query);
        self.cancel(id);
    }

    /// Writes a query on a stream of its own.
    fn write(&mut self, query: &[u8]) -> StreamId {
        let framed = [&(query.len() as u16).to_be_bytes()[..], query].concat();
        self.put(Dir::Bi, &framed, true)
    }

    /// Opens a stream with these octets.
    pub(crate) fn put(&mut self, direction: Dir, octets: &[u8], ends: bool) -> StreamId {
        let id = self.connection.streams().open(direction).unwrap();
        let mut rest = octets;
        let mut write = |connection: &mut Connection| {
            match connection.send_stream(id).write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(fault) => assert_eq!(fault, WriteError::Blocked),
            }
            rest.is_empty().then_some(())
        };
        if write(&mut self.connection).is_none() {
            // The server makes room as it reads.
            self.wait(write).unwrap();
        }
        if ends {
            self.connection.send_stream(id).finish().unwrap();
        }
        id
    }

    /// Tells that the response is not wanted any more.
    pub(crate) fn cancel(&mut self, stream: StreamId) {
        self.connection.recv_stream(stream).stop(3u32.into()).unwrap();
        self.transmit();
    }

    /// The response on a stream, without its length.
    pub(crate) fn response(&mut self, stream: StreamId) -> Result<Vec<u8>, ConnectionError> {
        let mut heard = self.octets(stream)?;
        assert_eq!(heard.len(), 2 + usize::from(u16::from_be_bytes([heard[0], heard[1]])));
        Ok(heard.split_off(2))
    }

    /// The octets of a stream to its end.
    pub(crate) fn octets(&mut self, stream: StreamId) -> Result<Vec<u8>, ConnectionError> {
        let mut heard = Vec::new();
        self.wait(|connection| {
            let mut stream = connection.recv_stream(stream);
            let mut chunks = stream.read(true).unwrap();
            let ended = loop {
                match chunks.next(usize::MAX) {
                    Ok(Some(chunk)) => heard.extend_from_slice(&chunk.bytes),
                    Ok(None) => break Some(()),
                    Err(ReadError::Blocked) => break None,
                    Err(ReadError::Reset(code)) => panic!("the stream was reset: {code}"),
                }
            };
            let _ = chunks.finalize();
            ended
        })?;
        Ok(heard)
    }

    /// The code with which the server resets a stream.
    pub(crate) fn reset_code(&mut self, stream: StreamId) -> Result<u64, ConnectionError> {
        self.wait(|connection| {
            let mut stream = connection.recv_stream(stream);
            let mut chunks = stream.read(true).unwrap();
            let code = match chunks.next(usize::MAX) {
                Err(ReadError::Reset(code)) => Some(code.into_inner()),
                Err(ReadError::Blocked) => None,
                Ok(response) => panic!("a response: {response:?}"),
            };
            let _ = chunks.finalize();
            code
        })
    }

    /// The code with which the server closes the connection; `None` for another end.
    pub(crate) fn close_code(&mut self) -> Option<u64> {
        match self.wait(|_| None::<()>) {
            Err(ConnectionError::ApplicationClosed(close)) => Some(close.error_code.into_inner()),
            _ => None,
        }
    }

    /// Carries datagrams until something is there.
    fn wait<T>(
        &mut self,
        mut has: impl FnMut(&mut Connection) -> Option<T>,
    ) -> Result<T, ConnectionError> {
        loop {
            self.transmit();
            if let Some(lost) = &self.lost {
                return Err(lost.clone());
            }
            if let Some(found) = has(&mut self.connection) {
                self.transmit();
                return Ok(found);
            }
            self.receive();
        }
    }

    fn transmit(&mut self) {
        let now = Instant::now();
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
        let mut octets = Vec::new();
        while let Some(sent) = self.connection.poll_transmit(now, 1, &mut octets) {
            self.socket.send_to(&octets[..sent.size], self.server).unwrap();
            octets.clear();
        }
    }

    /// Receives a datagram, or notes that a timer has ended.
    fn receive(&mut self) {
        let timer = self.connection.poll_timeout();
        let wait = timer.map_or(PATIENCE, |at| at.saturating_duration_since(Instant::now()));
        self.socket.set_read_timeout(Some(wait.max(std::time::Duration::from_millis(1)))).unwrap();
        let received = self.socket.recv(&mut self.arrived);
        let (now, mut response) = (Instant::now(), Vec::new());
        match received {
            Ok(length) => {
                let octets = BytesMut::from(&self.arrived[..length]);
                let event =
                    self.endpoint.handle(now, self.server, None, None, octets, &mut response);
                if let Some(DatagramEvent::ConnectionEvent(_, event)) = event {
                    self.connection.handle_event(event);
                }
            }
            Err(_) => {
                assert!(timer.is_some(), "the server is silent");
                self.connection.handle_timeout(now);
            }
        }
    }
}
