//! The floor of DoT: rustls and tokio on one thread, a fixed answer, one write for all queries of a read.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use zoners_encrypted::{Outcome, arguments, framed_answer, run, server_tls};

/// Octets of a read.
const READ: usize = 2048;

fn main() -> Outcome<()> {
    run(serve())
}

async fn serve() -> Outcome<()> {
    let (address, chain, key) = arguments()?;
    let acceptor = TlsAcceptor::from(Arc::new(server_tls(&chain, &key, "dot")?));
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(converse(stream, acceptor.clone()));
    }
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor) -> Outcome<()> {
    let mut stream = acceptor.accept(stream).await?;
    let (mut incoming, mut outgoing) = (Vec::with_capacity(READ), Vec::new());
    while stream.read_buf(&mut incoming).await? > 0 {
        let mut at = 0;
        while let Some((query, end)) = framed(&incoming, at) {
            framed_answer(query, &mut outgoing);
            at = end;
        }
        incoming.drain(..at);
        stream.write_all(&outgoing).await?;
        stream.flush().await?;
        outgoing.clear();
    }
    Ok(())
}

/// The whole message at this place, and the place behind.
fn framed(octets: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let length = u16::from_be_bytes(*octets.get(at..)?.first_chunk()?);
    let end = at + 2 + usize::from(length);
    Some((octets.get(at + 2..end)?, end))
}
