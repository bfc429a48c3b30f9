//! The floor of DoH over HTTP/3: quinn with its defaults on one thread, the least of HTTP/3, a fixed answer.

use quinn::{Connection, Incoming};
use zoners_encrypted::{Outcome, answer, http3, run, serve_quic};

/// Octets of the longest request.
const MAX_REQUEST: usize = 8192;

fn main() -> Outcome<()> {
    run(serve_quic("h3", converse))
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
