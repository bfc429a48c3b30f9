//! The floor of DoQ: quinn with its defaults on one thread, a fixed answer.

use std::sync::Arc;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, Incoming, ServerConfig};
use zoners_encrypted::{Outcome, arguments, framed_answer, run, server_tls};

/// Octets of the longest query.
const MAX_QUERY: usize = 4096;

fn main() -> Outcome<()> {
    run(serve())
}

async fn serve() -> Outcome<()> {
    let (address, chain, key) = arguments()?;
    let tls = QuicServerConfig::try_from(server_tls(&chain, &key, "doq")?)?;
    let endpoint = Endpoint::server(ServerConfig::with_crypto(Arc::new(tls)), address)?;
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(converse(incoming));
    }
    Ok(())
}

/// Queries of well-behaved clients come whole, so that one stream after the other is answered.
async fn converse(incoming: Incoming) -> Outcome<()> {
    let connection = incoming.await?;
    let mut reply = Vec::new();
    loop {
        let (mut send, mut receive) = connection.accept_bi().await?;
        let query = receive.read_to_end(MAX_QUERY).await?;
        reply.clear();
        framed_answer(query.get(2..).unwrap_or_default(), &mut reply);
        send.write_all(&reply).await?;
        send.finish()?;
    }
}
