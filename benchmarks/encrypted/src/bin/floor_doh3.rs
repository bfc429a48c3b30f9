//! The floor of DoH over HTTP/3: quinn with its defaults on one thread, the least of HTTP/3, a fixed answer.

use std::sync::Arc;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, Incoming, ServerConfig};
use zoners_encrypted::{Outcome, answer, arguments, http3, run, server_tls};

/// Octets of the longest request.
const MAX_REQUEST: usize = 8192;

fn main() -> Outcome<()> {
    run(serve())
}

async fn serve() -> Outcome<()> {
    let (address, chain, key) = arguments()?;
    let tls = QuicServerConfig::try_from(server_tls(&chain, &key, "h3")?)?;
    let endpoint = Endpoint::server(ServerConfig::with_crypto(Arc::new(tls)), address)?;
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(converse(incoming));
    }
    Ok(())
}

/// Requests of well-behaved clients come whole, so that one stream after the other is answered.
async fn converse(incoming: Incoming) -> Outcome<()> {
    let connection = incoming.await?;
    // Open as long as the connection.
    let mut control = connection.open_uni().await?;
    control.write_all(&http3::CONTROL).await?;
    tokio::spawn(ignore_control(connection.clone()));
    let mut response = Vec::new();
    loop {
        let (mut send, mut receive) = connection.accept_bi().await?;
        let request = receive.read_to_end(MAX_REQUEST).await?;
        response.clear();
        answer(http3::message(&request).unwrap_or_default(), &mut response);
        send.write_all(&http3::answer(&response)).await?;
        send.finish()?;
    }
}

/// Keeps the streams of the client beside its requests.
async fn ignore_control(connection: Connection) -> Outcome<()> {
    let mut streams = Vec::new();
    loop {
        streams.push(connection.accept_uni().await?);
    }
}
