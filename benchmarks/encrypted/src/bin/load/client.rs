//! Clients over DoT, DoQ and DoH3: a new connection with one query.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig as QuicConfig, Connection, Endpoint, SendStream};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, HandshakeKind, SignatureScheme, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zoners_encrypted::{Outcome, http3, query};

/// A transport, and whether sessions are resumed.
#[derive(Clone, Copy)]
pub enum Kind {
    Dot { resumes: bool },
    Quic { protocol: Protocol, resumes: bool },
}

/// What is spoken over QUIC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Doq,
    Http3,
}

impl Protocol {
    pub fn parse(word: &str) -> Outcome<Self> {
        match word {
            "doq" => Ok(Protocol::Doq),
            "doh3" => Ok(Protocol::Http3),
            _ => Err("doq or doh3".into()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Protocol::Doq => "doq",
            Protocol::Http3 => "h3",
        }
    }
}

impl Kind {
    pub fn parse(word: &str, resumes: bool) -> Outcome<Self> {
        match word {
            "dot" => Ok(Kind::Dot { resumes }),
            _ => Ok(Kind::Quic { protocol: Protocol::parse(word)?, resumes }),
        }
    }
}

/// Opens connections.
#[derive(Clone)]
pub enum Client {
    Dot(TlsConnector, IpAddr),
    Quic(QuicClient),
}

/// Opens connections over QUIC.
#[derive(Clone)]
pub struct QuicClient {
    endpoint: Endpoint,
    protocol: Protocol,
}

/// A connection over QUIC.
pub struct QuicConnection {
    connection: Connection,
    /// Open as long as the connection, over HTTP/3.
    control: Option<SendStream>,
}

/// An open connection after its first answer.
pub enum Open {
    Dot(Box<TlsStream<TcpStream>>),
    Quic(QuicConnection),
}

impl Client {
    pub fn new(kind: Kind, from: Option<IpAddr>) -> Outcome<Self> {
        Ok(match kind {
            Kind::Dot { resumes } => {
                let tls = TlsConnector::from(Arc::new(tls("dot", resumes)?));
                Client::Dot(tls, from.unwrap_or(Ipv4Addr::UNSPECIFIED.into()))
            }
            Kind::Quic { protocol, resumes } => {
                Client::Quic(QuicClient::new(protocol, from, resumes)?)
            }
        })
    }

    /// A new connection, and the answer to a query there.
    pub async fn ask(&self, to: SocketAddr, number: usize) -> Outcome<Open> {
        match self {
            Client::Dot(tls, from) => {
                let socket = TcpSocket::new_v4()?;
                socket.set_nodelay(true)?;
                socket.bind(SocketAddr::new(*from, 0))?;
                let stream = socket.connect(to).await?;
                let mut stream = tls.connect(ServerName::try_from("localhost")?, stream).await?;
                let query = query(number as u16, number);
                let mut framed = (query.len() as u16).to_be_bytes().to_vec();
                framed.extend_from_slice(&query);
                stream.write_all(&framed).await?;
                let mut reply = vec![0; usize::from(stream.read_u16().await?)];
                stream.read_exact(&mut reply).await?;
                check(&query, &reply)?;
                Ok(Open::Dot(Box::new(stream)))
            }
            Client::Quic(client) => {
                let connection = client.connect(to).await?;
                connection.ask(&query(0, number)).await?;
                Ok(Open::Quic(connection))
            }
        }
    }
}

impl Open {
    pub fn is_resumed(&self) -> bool {
        match self {
            Open::Dot(stream) => {
                stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
            }
            Open::Quic(_) => false,
        }
    }

    pub fn is_open(&mut self) -> bool {
        match self {
            Open::Dot(stream) => {
                let mut octet = [0];
                let read = stream.get_ref().0.try_read(&mut octet);
                !matches!(read, Ok(0))
                    && !read.is_err_and(|e| e.kind() != std::io::ErrorKind::WouldBlock)
            }
            Open::Quic(own) => own.connection.close_reason().is_none(),
        }
    }

    pub fn close(self) {
        if let Open::Quic(QuicConnection { connection, control }) = self {
            // H3_NO_ERROR, or DOQ_NO_ERROR.
            let code: u32 = if control.is_some() { 0x100 } else { 0 };
            connection.close(code.into(), b"");
        }
    }
}

impl QuicClient {
    pub fn new(protocol: Protocol, from: Option<IpAddr>, resumes: bool) -> Outcome<Self> {
        let from = (from.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), 0).into();
        let mut endpoint = Endpoint::client(from)?;
        let tls = QuicClientConfig::try_from(tls(protocol.name(), resumes)?)?;
        endpoint.set_default_client_config(QuicConfig::new(Arc::new(tls)));
        Ok(QuicClient { endpoint, protocol })
    }

    pub async fn connect(&self, to: SocketAddr) -> Outcome<QuicConnection> {
        let connection = self.endpoint.connect(to, "localhost")?.await?;
        let control = match self.protocol {
            Protocol::Doq => None,
            Protocol::Http3 => {
                let mut control = connection.open_uni().await?;
                control.write_all(&http3::CONTROL).await?;
                Some(control)
            }
        };
        Ok(QuicConnection { connection, control })
    }
}

impl QuicConnection {
    /// Asks on a stream of its own (RFC 9250 section 4.2, RFC 9114 section 4.1).
    pub async fn ask(&self, query: &[u8]) -> Outcome<()> {
        let (mut send, mut receive) = self.connection.open_bi().await?;
        let octets = match self.control {
            Some(_) => http3::request(query),
            None => [&(query.len() as u16).to_be_bytes()[..], query].concat(),
        };
        send.write_all(&octets).await?;
        send.finish()?;
        let octets = receive.read_to_end(1 << 16).await?;
        let reply = match self.control {
            Some(_) => http3::message(&octets),
            None => octets.get(2..),
        };
        check(query, reply.unwrap_or_default())
    }
}

/// Whether the reply is an answer with a record.
fn check(query: &[u8], reply: &[u8]) -> Outcome<()> {
    let answered =
        reply.len() > query.len() && reply[..2] == query[..2] && reply[3] & 15 == 0 && reply[7] > 0;
    if answered { Ok(()) } else { Err(format!("no answer: {reply:?}").into()) }
}

/// The client's side of TLS 1.3, with any certificate.
fn tls(protocol: &str, resumes: bool) -> Outcome<ClientConfig> {
    let x25519 = vec![aws_lc_rs::kx_group::X25519];
    let provider = CryptoProvider { kx_groups: x25519, ..aws_lc_rs::default_provider() };
    let provider = Arc::new(provider);
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.into()];
    if !resumes {
        config.resumption = Resumption::disabled();
    }
    Ok(config)
}

/// Takes any certificate whose key has signed the handshake.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 alone".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
