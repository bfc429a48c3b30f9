//! `zoners watch`: a line for each query that ends.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use zoners_api::{AdminEvent, EdeReport, FinishedQuery, QueryOutcome, WatchFilter};
use zoners_dns::Prefix;

use super::{Socket, failure};
use crate::Failure;
use crate::lookup::name_on_the_wire;
use crate::output::{self, eprintln, println};
use crate::print::{BOLD, RED, YELLOW, clean, warning};

/// Arguments of `zoners watch`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A line has the time (UTC), the client, how the query ended, the response code, the time that the
answer took, the question, and the reason if there is one. Clients do not wait for this command: a
terminal that is too slow misses queries, and is told how many.

How a query ends:
  cached, recursed         answered from memory, or by asking servers
  local, policy            answered by the configuration
  stale                    answered with expired records, since no server responds
  failed                   answered SERVFAIL: there is no answer, or none that is genuine
  refused                  answered with an error: the client is not served, or the query is wrong
  rate-limited             told to ask again, over TCP or with a cookie
  late, dropped,           not answered
  errors-limited

Examples:
  zoners watch --failed                   what does not work
  zoners watch --client 192.168.1.7       what one device asks
  zoners watch --name example.com --json  objects for a program"
)]
pub(crate) struct WatchArguments {
    /// Show only queries of this client, or of the clients in a network such as 192.168.1.0/24.
    #[arg(long, value_name = "ADDRESS")]
    client: Option<Prefix>,
    /// Show only queries for this name and the names below it.
    #[arg(long, value_name = "NAME", value_parser = name_on_the_wire)]
    name: Option<String>,
    /// Show only queries that failed: those without an answer, or with SERVFAIL.
    #[arg(long)]
    failed: bool,
    /// Print each event as a JSON object in a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &WatchArguments) -> Result<(), Failure> {
    let filter = WatchFilter {
        client: arguments.client.map(|client| client.to_string()),
        name: arguments.name.clone(),
        failed: arguments.failed,
        most_a_second: None,
    };
    let mut events = arguments.socket.watch(&filter)?;
    if !arguments.json {
        println!("{}", heading());
    }
    loop {
        // Shown at once, since the next event may be far away.
        output::is_whole()?;
        if let Some(socket) = events.awaited() {
            wait(socket)?;
        }
        let line = events.next_line().map_err(failure)?;
        let ended = || Failure::Failed("the daemon has ended the watch".to_owned());
        show(&line.ok_or_else(ended)?, arguments.json)?;
    }
}

/// Waits for events, or for the reader of standard output to leave: `zoners watch | head` ends without a further event.
fn wait(socket: BorrowedFd<'_>) -> Result<(), Failure> {
    let stdout = io::stdout();
    let mut awaited = [
        PollFd::from_borrowed_fd(socket, PollFlags::IN),
        // An error needs no flag.
        PollFd::new(&stdout, PollFlags::empty()),
    ];
    match poll(&mut awaited, None) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(Failure::Failed(error.to_string())),
    }
    let [_, stdout] = awaited;
    match stdout.revents().intersects(PollFlags::ERR | PollFlags::HUP) {
        true => Err(Failure::Unread),
        false => Ok(()),
    }
}

fn show(line: &[u8], json: bool) -> Result<(), Failure> {
    if json {
        output::octets(line);
        return Ok(());
    }
    let event = AdminEvent::from_line(line);
    match event.map_err(|error| Failure::Failed(error.to_string()))? {
        AdminEvent::Query(query) => println!("{}", row(&query)),
        AdminEvent::Lost(lost) => {
            let text = format!("{} queries are not shown: they came too fast", lost.count);
            eprintln!("{}", warning(&text));
        }
        AdminEvent::Other => {}
    }
    Ok(())
}

/// The columns before the question.
fn columns(time: &str, client: &str, outcome: &str, rcode: &str, took: &str) -> String {
    format!("{time:<8}  {client:<15}  {outcome:<14}  {rcode:<9} {took:>8}")
}

pub(super) fn heading() -> String {
    let columns = columns("UTC", "client", "ended", "code", "ms");
    format!("{BOLD}{columns}  question{BOLD:#}")
}

/// A line with a date in front.
pub(super) fn dated(line: &str, date: &str) -> String {
    format!("{date:<10}  {line}")
}

/// A query as a line.
pub(super) fn row(query: &FinishedQuery) -> String {
    let outcome = query.outcome.map_or("other", QueryOutcome::name);
    let rcode = query.rcode.as_deref().unwrap_or("-");
    let took = format!("{:.0}", query.took_ms);
    let columns = columns(
        &time_of_day(query.received_s),
        &clean(&query.client),
        outcome,
        &clean(rcode),
        &took,
    );
    let question = match (&query.name, &query.r#type) {
        (Some(name), Some(rtype)) => format!("{name} {rtype}"),
        _ => "(no question)".to_owned(),
    };
    let reason = query.ede.as_ref().map(reason).unwrap_or_default();
    let line = format!("{columns}  {}", clean(&format!("{question}{reason}")));
    match query.outcome {
        _ if query.failed => format!("{RED}{line}{RED:#}"),
        Some(QueryOutcome::Stale) => format!("{YELLOW}{line}{YELLOW:#}"),
        _ => line,
    }
}

fn reason(ede: &EdeReport) -> String {
    format!("  (EDE {}: {})", ede.code, ede.meaning)
}

/// The time of day, as in the log of the daemon.
fn time_of_day(seconds: u64) -> String {
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!("{:02}:{:02}:{seconds:02}", minutes / 60 % 24, minutes % 60)
}
