//! The load that dnsperf and h2load do not make.
//!
//!     load doq|doh3 ADDRESS SECONDS CONNECTIONS STREAMS    as many queries as are answered
//!     load handshakes dot|doq|doh3 ADDRESS COUNT       one query on each of so many connections, four at a time
//!     load resumed dot|doq|doh3 ADDRESS COUNT          the same, with session tickets of the server
//!     load first dot|doq|doh3 ADDRESS COUNT            one after the other: milliseconds until the answer
//!     load idle dot|doq|doh3 ADDRESS COUNT             opens connections with one query each, until a line is read
//!
//! The client offers X25519 alone, so that servers with and without post-quantum groups do the same work.

mod client;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Client, Kind, Open, Protocol, QuicClient, QuicConnection};
use tokio::task::{JoinError, JoinSet};
use tokio::time::error::Elapsed;
use zoners_encrypted::{Outcome, query, run};

/// Connections that are set up at a time.
const TOGETHER: usize = 4;
/// Idle connections that are opened at a time: a server closes the first after some time.
const OPENED_TOGETHER: usize = 32;
/// Idle connections from one address, of which loopback has many.
const OF_ADDRESS: usize = 100;
/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(async {
        match *words {
            [protocol @ ("doq" | "doh3"), address, seconds, connections, streams] => {
                let seconds = Duration::from_secs(seconds.parse()?);
                let to = (Protocol::parse(protocol)?, address.parse()?);
                flood(to, seconds, connections.parse()?, streams.parse()?).await
            }
            ["handshakes", kind, address, count] => {
                handshakes(Kind::parse(kind, false)?, address.parse()?, count.parse()?).await
            }
            ["resumed", kind, address, count] => {
                handshakes(Kind::parse(kind, true)?, address.parse()?, count.parse()?).await
            }
            ["first", kind, address, count] => {
                first(Kind::parse(kind, false)?, address.parse()?, count.parse()?).await
            }
            ["idle", kind, address, count] => {
                idle(Kind::parse(kind, false)?, address.parse()?, count.parse()?).await
            }
            _ => Err("see the head of load.rs".into()),
        }
    })
}

/// Keeps so many streams busy on each connection.
async fn flood(
    (protocol, to): (Protocol, SocketAddr),
    length: Duration,
    connections: usize,
    streams: usize,
) -> Outcome<()> {
    let end = Instant::now() + length;
    let mut asking = JoinSet::new();
    for number in 0..connections {
        let connection = Arc::new(QuicClient::new(protocol, None, false)?.connect(to).await?);
        for stream in 0..streams {
            asking.spawn(ask_until(connection.clone(), end, number * streams + stream));
        }
    }
    let mut answers = 0;
    while let Some(asked) = asking.join_next().await {
        answers += asked??;
    }
    println!("answers {answers}");
    Ok(())
}

async fn ask_until(connection: Arc<QuicConnection>, end: Instant, first: usize) -> Outcome<usize> {
    let mut answers = 0;
    while Instant::now() < end {
        connection.ask(&query(0, first + answers * 7)).await?;
        answers += 1;
    }
    Ok(answers)
}

async fn handshakes(kind: Kind, to: SocketAddr, count: usize) -> Outcome<()> {
    let client = Client::new(kind, None)?;
    let mut asking = JoinSet::new();
    let (mut answers, mut resumed) = (0, 0);
    for number in 0..count + TOGETHER {
        if number >= TOGETHER {
            let Some(asked) = asking.join_next().await else { break };
            let was_resumed: bool = asked??;
            answers += 1;
            resumed += usize::from(was_resumed);
        }
        if number < count {
            let client = client.clone();
            asking.spawn(async move {
                let open = tokio::time::timeout(TIMEOUT, client.ask(to, number)).await??;
                let was_resumed = open.is_resumed();
                open.close();
                Outcome::Ok(was_resumed)
            });
        }
    }
    println!("answers {answers} resumed {resumed}");
    Ok(())
}

async fn first(kind: Kind, to: SocketAddr, count: usize) -> Outcome<()> {
    let client = Client::new(kind, None)?;
    let mut times = Vec::new();
    for number in 0..count {
        let began = Instant::now();
        let open = tokio::time::timeout(TIMEOUT, client.ask(to, number)).await??;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        open.close();
    }
    times.sort_by(f64::total_cmp);
    println!("median {:.3} p90 {:.3}", times[count / 2], times[count * 9 / 10]);
    Ok(())
}

async fn idle(kind: Kind, to: SocketAddr, count: usize) -> Outcome<()> {
    let (mut open, mut opening) = (Vec::new(), JoinSet::new());
    for place in 0..count.div_ceil(OF_ADDRESS) {
        let from = [127, 0, 1 + (place / 200) as u8, 1 + (place % 200) as u8];
        let client = Client::new(kind, Some(from.into()))?;
        for number in 0..OF_ADDRESS.min(count - place * OF_ADDRESS) {
            if opening.len() == OPENED_TOGETHER {
                open.extend(opening.join_next().await.and_then(opened));
            }
            let client = client.clone();
            opening
                .spawn(async move { tokio::time::timeout(TIMEOUT, client.ask(to, number)).await });
        }
    }
    while let Some(joined) = opening.join_next().await {
        open.extend(opened(joined));
    }
    println!("open {}", open.iter_mut().filter_map(|open| open.is_open().then_some(())).count());
    std::io::stdout().flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    Ok(())
}

/// A connection, if it was opened in time.
fn opened(joined: Result<Result<Outcome<Open>, Elapsed>, JoinError>) -> Option<Open> {
    joined.ok()?.ok()?.ok()
}
