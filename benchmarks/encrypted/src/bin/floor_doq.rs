//! The floor of DoQ: quinn with its defaults on one thread, a fixed answer.

use quinn::Incoming;
use zoners_encrypted::{Outcome, framed_answer, run, serve_quic};

/// Octets of the longest query.
const MAX_QUERY: usize = 4096;

fn main() -> Outcome<()> {
    run(serve_quic("doq", converse))
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
