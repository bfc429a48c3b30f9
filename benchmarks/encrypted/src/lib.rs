//! What the programs share: a fixed answer, certificates, and a runtime of one thread.

pub mod http3;

use std::error::Error;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion, version};

/// As Zoners allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Any failure ends a program.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Octets of the header of a message.
const HEADER: usize = 12;
/// One address for an hour, for the name in the question.
const RECORD: [u8; 16] = [0xC0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 93, 184, 216, 34];

/// Appends the fixed answer to `query`; nothing if the query is cut.
pub fn answer(query: &[u8], out: &mut Vec<u8>) {
    let Some(end) = question_end(query) else { return };
    out.extend_from_slice(&query[..2]);
    out.extend_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    out.extend_from_slice(&query[HEADER..end]);
    out.extend_from_slice(&RECORD);
}

/// Appends the answer with its length in front (RFC 1035 section 4.2.2).
pub fn framed_answer(query: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    answer(query, out);
    let length = (out.len() - start - 2) as u16;
    out[start..start + 2].copy_from_slice(&length.to_be_bytes());
}

fn question_end(query: &[u8]) -> Option<usize> {
    let mut at = HEADER;
    loop {
        let label = usize::from(*query.get(at)?);
        at += 1 + label;
        if label == 0 {
            return (query.len() >= at + 4).then_some(at + 4);
        }
    }
}

/// The question for the number of a name, for an address.
pub fn query(id: u16, number: usize) -> Vec<u8> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in [&*format!("h{}", number % 1000), "hits", "bench", "com", ""] {
        query.push(label.len() as u8);
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 1, 0, 1]);
    query
}

/// The server's side of TLS with rustls' defaults, for a chain and a key in PEM.
pub fn server_tls(chain: &str, key: &str, protocol: &str) -> Outcome<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(chain)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let versions: &[&SupportedProtocolVersion] = match protocol {
        "doq" | "h3" => &[&version::TLS13],
        _ => rustls::ALL_VERSIONS,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![protocol.into()];
    Ok(config)
}

/// Runs on one thread.
pub fn run(work: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// The arguments of a floor: address, chain and key.
pub fn arguments() -> Outcome<(std::net::SocketAddr, String, String)> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("arguments: ADDRESS CHAIN KEY");
    Ok((next()?.parse()?, next()?, next()?))
}

/// Serves QUIC with quinn's defaults: each connection with this protocol goes to `converse`.
pub async fn serve_quic<Conversation>(
    protocol: &str,
    converse: fn(quinn::Incoming) -> Conversation,
) -> Outcome<()>
where
    Conversation: Future<Output = Outcome<()>> + Send + 'static,
{
    let (address, chain, key) = arguments()?;
    let tls =
        quinn::crypto::rustls::QuicServerConfig::try_from(server_tls(&chain, &key, protocol)?)?;
    let config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    let endpoint = quinn::Endpoint::server(config, address)?;
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(converse(incoming));
    }
    Ok(())
}
