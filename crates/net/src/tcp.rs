//! Queries on TCP connections, which are kept open and shared (RFC 7766 section 6.2).

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use zoners_dns::{Failure, Message, Outcome};

use crate::held::{Account, Held};
use crate::sources::{Sources, not_ours};
use crate::stream::{read_message, write_message};
use crate::upstream::failure;

/// A connection without a query is closed after this.
const IDLE: Duration = Duration::from_secs(10);
/// A server that does not take the connection in this time is given up.
const CONNECT: Duration = Duration::from_secs(3);
/// Queries that wait on one connection; more open a second.
const IN_FLIGHT: usize = 32;
/// Octets of replies that have not come whole, of all servers: a slow one is given up for others. A pending
/// query that is told of a long reply takes 4 KiB before more of it comes.
const UNFINISHED: usize = 16 * 1024 * 1024;
/// Connections kept for later queries; others close after theirs.
const CONNECTIONS: usize = 128;

type Reply = Result<Bytes, Failure>;
type Queries = mpsc::Sender<(Bytes, oneshot::Sender<Reply>)>;

/// The open connections, by server.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    open: Arc<Mutex<HashMap<SocketAddr, Queries>>>,
    held: Arc<Held>,
    /// Where new ones are opened from; none: the system chooses.
    sources: Option<Sources>,
}

impl Default for Pool {
    fn default() -> Self {
        Pool { open: Arc::default(), held: Held::new(UNFINISHED), sources: None }
    }
}

impl Pool {
    pub(crate) fn new(sources: Sources) -> Self {
        Pool { sources: Some(sources), ..Pool::default() }
    }

    /// Puts a query on a connection to `to`, an open one if there is one.
    pub(crate) fn send(&self, to: SocketAddr, query: Bytes) -> TcpExchange {
        let (sender, reply) = oneshot::channel();
        let open = self.open.lock().get(&to).cloned();
        let unsent = match open {
            Some(connection) => connection.try_send((query.clone(), sender)).err().is_some(),
            None => true,
        };
        let mut exchange = TcpExchange { pool: self.clone(), to, query, reply, fresh: false };
        if unsent {
            exchange.reopen();
        }
        exchange
    }

    fn forget(
        &self,
        to: SocketAddr,
        connection: &mpsc::WeakSender<(Bytes, oneshot::Sender<Reply>)>,
    ) {
        let mut open = self.open.lock();
        let gone = connection.upgrade();
        let same = |kept: &Queries| gone.as_ref().is_none_or(|gone| kept.same_channel(gone));
        if open.get(&to).is_some_and(same) {
            open.remove(&to);
        }
    }
}

/// A query on a connection.
#[derive(Debug)]
pub struct TcpExchange {
    pool: Pool,
    to: SocketAddr,
    query: Bytes,
    reply: oneshot::Receiver<Reply>,
    /// The connection was opened for this query.
    fresh: bool,
}

impl TcpExchange {
    pub(crate) async fn receive(&mut self) -> Outcome {
        // One reply comes to a query; whoever could not use it hears that there is no other.
        if self.reply.is_terminated() {
            return Outcome::Failed(Failure::Closed);
        }
        loop {
            match (&mut self.reply).await {
                Ok(Ok(message)) => return Outcome::Message(message),
                // The server may close an idle connection just when we use it.
                Ok(Err(Failure::Closed)) | Err(_) if !self.fresh => self.reopen(),
                Ok(Err(failure)) => return Outcome::Failed(failure),
                Err(_) => return Outcome::Failed(Failure::Closed),
            }
        }
    }

    /// Opens a connection of its own for the query, and leaves it to others.
    fn reopen(&mut self) {
        let (sender, reply) = oneshot::channel();
        let (queries, incoming) = mpsc::channel(IN_FLIGHT);
        (self.reply, self.fresh) = (reply, true);
        let _ = queries.try_send((self.query.clone(), sender));
        let (pool, to, weak) = (self.pool.clone(), self.to, queries.downgrade());
        {
            let mut open = pool.open.lock();
            if open.len() < CONNECTIONS || open.contains_key(&to) {
                open.insert(to, queries);
            }
        }
        tokio::spawn(async move {
            let waiting = Waiting::default();
            let from = pool.sources.as_ref().map(|sources| sources.address(to));
            let ended = run(from, to, incoming, &waiting, &pool.held.account()).await;
            pool.forget(to, &weak);
            waiting.fail(ended.err().map_or(Failure::Closed, |error| failure(&error)));
        });
    }
}

/// Who waits for which ID on a connection.
#[derive(Default)]
struct Waiting(Mutex<HashMap<u16, oneshot::Sender<Reply>>>);

impl Waiting {
    /// Whom a message is for: the query with its ID; or the only one that waits, as no other server can have
    /// sent what has an ID of none. That query would wait for nothing.
    fn asker_of(&self, message: &Bytes) -> Option<oneshot::Sender<Reply>> {
        let mut waiting = self.0.lock();
        if let Some(reply) = Message::id_of(message).and_then(|id| waiting.remove(&id)) {
            return Some(reply);
        }
        let mut open = waiting.iter().filter(|(_, reply)| !reply.is_closed());
        let (only, others) = (open.next().map(|(id, _)| *id), open.next().is_some());
        waiting.remove(&only.filter(|_| !others)?)
    }

    fn fail(&self, failure: Failure) {
        #[expect(clippy::iter_over_hash_type, reason = "all are told the same")]
        for (_, reply) in self.0.lock().drain() {
            let _ = reply.send(Err(failure));
        }
    }
}

/// Keeps one connection until it is idle, closed or broken.
async fn run(
    from: Option<IpAddr>,
    to: SocketAddr,
    mut queries: mpsc::Receiver<(Bytes, oneshot::Sender<Reply>)>,
    waiting: &Waiting,
    account: &Account,
) -> io::Result<()> {
    let connect = tokio::time::timeout(CONNECT, connect(from, to)).await;
    let stream = match connect.map_err(|_| io::ErrorKind::TimedOut.into()).flatten() {
        Ok(stream) => stream,
        Err(error) => {
            while let Ok((_, reply)) = queries.try_recv() {
                let _ = reply.send(Err(failure(&error)));
            }
            return Err(error);
        }
    };
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.into_split();
    let reading = async {
        loop {
            let message = read_message(&mut reader, account).await?;
            if let Some(reply) = waiting.asker_of(&message) {
                let _ = reply.send(Ok(message));
            }
        }
    };
    let writing = async {
        loop {
            match tokio::time::timeout(IDLE, queries.recv()).await {
                Ok(Some((query, reply))) => {
                    let Some(id) = Message::id_of(&query) else { continue };
                    // An ID that is already under way here finds the connection closed and opens
                    // its own.
                    let taken = {
                        let mut waiting = waiting.0.lock();
                        match waiting.contains_key(&id) {
                            true => Some(reply),
                            false => waiting.insert(id, reply),
                        }
                    };
                    if let Some(reply) = taken {
                        let _ = reply.send(Err(Failure::Closed));
                        continue;
                    }
                    write_message(&mut writer, &query).await?;
                }
                Ok(None) => return drained(waiting).await,
                Err(_) if waiting.0.lock().is_empty() => {
                    writer.shutdown().await?;
                    return Ok(());
                }
                // Whoever still waits gives up by itself.
                Err(_) => waiting.0.lock().retain(|_, reply| !reply.is_closed()),
            }
        }
    };
    tokio::select! {
        biased;
        () = account.given_up() => Err(io::ErrorKind::OutOfMemory.into()),
        ended = reading => ended,
        ended = writing => ended,
    }
}

/// Opens a connection, from an address of ours if that is given.
async fn connect(from: Option<IpAddr>, to: SocketAddr) -> io::Result<TcpStream> {
    let Some(from) = from.filter(|from| !from.is_unspecified()) else {
        return TcpStream::connect(to).await;
    };
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind((from, 0).into()).map_err(|error| not_ours(&error))?;
    socket.connect(to).await
}

/// Nobody can send any more; ends once nobody waits.
async fn drained(waiting: &Waiting) -> io::Result<()> {
    loop {
        waiting.0.lock().retain(|_, reply| !reply.is_closed());
        if waiting.0.lock().is_empty() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests;
