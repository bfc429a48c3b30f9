//! Clients over DoT and DoQ: a new connection with one query.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig as QuicConfig, Connection, Endpoint};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, HandshakeKind, SignatureScheme, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zoners_encrypted::{Outcome, query};

/// A transport, and whether sessions are resumed.
#[derive(Clone, Copy)]
pub enum Kind {
    Dot { resumes: bool },
    Doq { resumes: bool },
}

impl Kind {
    pub fn parse(word: &str, resumes: bool) -> Outcome<Self> {
        match word {
            "dot" => Ok(Kind::Dot { resumes }),
            "doq" => Ok(Kind::Doq { resumes }),
            _ => Err("dot or doq".into()),
        }
    }
}

/// Opens connections.
#[derive(Clone)]
pub enum Client {
    Dot(TlsConnector, IpAddr),
    Doq(Endpoint),
}

/// An open connection after its first answer.
pub enum Open {
    Dot(Box<TlsStream<TcpStream>>),
    Doq(Connection, bool),
}

impl Client {
    pub fn new(kind: Kind, from: Option<IpAddr>) -> Outcome<Self> {
        Ok(match kind {
            Kind::Dot { resumes } => {
                let tls = TlsConnector::from(Arc::new(tls("dot", resumes)?));
                Client::Dot(tls, from.unwrap_or(Ipv4Addr::UNSPECIFIED.into()))
            }
            Kind::Doq { resumes } => Client::Doq(doq_client(from, resumes)?),
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
            Client::Doq(endpoint) => {
                let connecting = endpoint.connect(to, "localhost")?;
                let connection = connecting.await?;
                ask_stream(&connection, &query(0, number)).await?;
                Ok(Open::Doq(connection, false))
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
            Open::Doq(_, resumed) => *resumed,
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
            Open::Doq(connection, _) => connection.close_reason().is_none(),
        }
    }

    pub fn close(self) {
        if let Open::Doq(connection, _) = self {
            connection.close(0u8.into(), b"");
        }
    }
}

/// Asks on a stream of its own (RFC 9250 section 4.2).
pub async fn ask_stream(connection: &Connection, query: &[u8]) -> Outcome<()> {
    let (mut send, mut receive) = connection.open_bi().await?;
    let mut framed = (query.len() as u16).to_be_bytes().to_vec();
    framed.extend_from_slice(query);
    send.write_all(&framed).await?;
    send.finish()?;
    let reply = receive.read_to_end(1 << 16).await?;
    check(query, reply.get(2..).unwrap_or_default())
}

/// Whether the reply is an answer with a record.
fn check(query: &[u8], reply: &[u8]) -> Outcome<()> {
    let answered =
        reply.len() > query.len() && reply[..2] == query[..2] && reply[3] & 15 == 0 && reply[7] > 0;
    if answered { Ok(()) } else { Err(format!("no answer: {reply:?}").into()) }
}

pub fn doq_client(from: Option<IpAddr>, resumes: bool) -> Outcome<Endpoint> {
    let mut endpoint = Endpoint::client((from.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), 0).into())?;
    let tls = QuicClientConfig::try_from(tls("doq", resumes)?)?;
    endpoint.set_default_client_config(QuicConfig::new(Arc::new(tls)));
    Ok(endpoint)
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
