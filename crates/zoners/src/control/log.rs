//! `zoners log`: the queries in the query log.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use zoners_api::{AdminEvent, AdminRequest, DaemonStatus, FinishedQuery, QueryOutcome};
use zoners_dns::{Prefix, name};
use zoners_querylog::{LogFilter, LogPosition, LogRow, search_from};
use zoners_server::config::values::parse_duration;
use zoners_server::report::logged_query;

use super::{Socket, watch};
use crate::Failure;
use crate::lookup::name_on_the_wire;
use crate::output::{self, println};

/// The time between two looks for new rows; the daemon writes every quarter of a second.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(500);

/// Arguments of `zoners log`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The configuration turns the query log on (query-log.queries). How a query ends: `zoners watch --help`.

Examples:
  zoners log --since 1h --outcome failed          what failed in the last hour
  zoners log --client 192.168.1.7 --last 20       what one device asked last
  zoners log --name example.com --json            objects for a program
  zoners log --follow                             every query, as it is logged"
)]
pub(crate) struct LogArguments {
    /// Go on with new rows as they are logged.
    #[arg(long, short)]
    follow: bool,
    /// Show only queries of this client, or of the clients in a network such as 192.168.1.0/24.
    #[arg(long, value_name = "ADDRESS")]
    client: Option<Prefix>,
    /// Show only queries for this name and the names below it.
    #[arg(long, value_name = "NAME", value_parser = name_on_the_wire)]
    name: Option<String>,
    /// Show only queries that ended so, such as failed; may be repeated.
    #[arg(long, value_name = "OUTCOME", value_parser = outcome)]
    outcome: Vec<QueryOutcome>,
    /// Show only queries of the last so long, such as 10min, 1h or 2d.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    since: Option<Duration>,
    /// Show only so many, the newest.
    #[arg(long, value_name = "NUMBER", conflicts_with = "follow")]
    last: Option<usize>,
    /// Print each query as a JSON object in a line.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print comma-separated values.
    #[arg(long)]
    csv: bool,
    /// The folder of the log, instead of asking the daemon.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    socket: Socket,
}

fn outcome(text: &str) -> Result<QueryOutcome, String> {
    let known = QueryOutcome::ALL.into_iter().find(|outcome| outcome.name() == text);
    let names = || QueryOutcome::ALL.map(QueryOutcome::name).join(", ");
    known.ok_or_else(|| format!("must be one of {}", names()))
}

pub(crate) fn run(arguments: &LogArguments) -> Result<(), Failure> {
    let folder = match &arguments.folder {
        Some(folder) => folder.clone(),
        None => folder_of_daemon(&arguments.socket)?,
    };
    let since = arguments.since.and_then(|time| SystemTime::now().checked_sub(time));
    let since = since.and_then(|since| since.duration_since(UNIX_EPOCH).ok());
    let filter = LogFilter {
        since_s: since.map_or(0, |since| since.as_secs()),
        client: arguments.client,
        name: arguments.name.as_deref().map(name::parse).transpose().map_err(Failure::Usage)?,
        outcomes: arguments.outcome.clone(),
        ..LogFilter::default()
    };
    let failed = |error: io::Error| Failure::Failed(format!("{}: {error}", folder.display()));
    let form = LogForm::of(arguments);
    form.heading().iter().for_each(|line| println!("{line}"));
    let mut newest = VecDeque::new();
    // Without --since, a follower wants new rows alone.
    let from_now = arguments.follow && arguments.since.is_none();
    let show = |row: &LogRow<'_>| {
        match arguments.last {
            _ if from_now => {}
            None => println!("{}", form.line(&logged_query(row))),
            Some(last) => {
                newest.push_back(form.line(&logged_query(row)));
                if newest.len() > last {
                    newest.pop_front();
                }
            }
        }
        !output::is_broken()
    };
    let mut position =
        search_from(&folder, LogPosition::default(), &filter, show).map_err(failed)?;
    newest.iter().for_each(|line| println!("{line}"));
    if !arguments.follow {
        return Ok(());
    }
    loop {
        output::is_whole()?;
        sleep(FOLLOW_INTERVAL);
        let show = |row: &LogRow<'_>| {
            println!("{}", form.line(&logged_query(row)));
            !output::is_broken()
        };
        position = search_from(&folder, position, &filter, show).map_err(failed)?;
    }
}

/// The folder into which the daemon writes.
fn folder_of_daemon(socket: &Socket) -> Result<PathBuf, Failure> {
    let status: DaemonStatus = socket.request(&AdminRequest::Status {})?;
    status.query_log.map(PathBuf::from).ok_or_else(|| {
        let text =
            "the daemon logs no queries: set query-log.queries in zoners.toml, then: zoners reload";
        Failure::Failed(text.to_owned())
    })
}

/// How rows are printed.
#[derive(Clone, Copy, Debug)]
enum LogForm {
    Table,
    Json,
    Csv,
}

impl LogForm {
    fn of(arguments: &LogArguments) -> Self {
        match (arguments.json, arguments.csv) {
            (true, _) => LogForm::Json,
            (_, true) => LogForm::Csv,
            (false, false) => LogForm::Table,
        }
    }

    fn heading(self) -> Option<String> {
        match self {
            LogForm::Table => Some(watch::dated(&watch::heading(), "")),
            LogForm::Json => None,
            LogForm::Csv => Some(CSV_HEADING.to_owned()),
        }
    }

    fn line(self, query: &FinishedQuery) -> String {
        match self {
            LogForm::Table => watch::dated(&watch::row(query), &date(query)),
            LogForm::Json => AdminEvent::Query(query.clone()).to_line(),
            LogForm::Csv => csv(query),
        }
    }
}

/// The columns of comma-separated values.
const CSV_HEADING: &str = "time,client,transport,name,type,outcome,rcode,ede,failed,took_ms";

fn csv(query: &FinishedQuery) -> String {
    let FinishedQuery { client, transport, name, r#type, outcome, rcode, ede, failed, .. } = query;
    let ede = ede.as_ref().map(|ede| ede.code.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        time(query),
        client.clone(),
        transport.clone(),
        text(name),
        text(r#type),
        outcome.map_or_else(String::new, |outcome| outcome.name().to_owned()),
        text(rcode),
        text(&ede),
        failed.to_string(),
        query.took_ms.to_string(),
    ];
    cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",")
}

/// A cell, in quotes where a reader would take it for several (RFC 4180).
fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

/// Date and time of a query, in UTC (RFC 3339).
fn time(query: &FinishedQuery) -> String {
    let moment = UNIX_EPOCH + Duration::from_secs(query.received_s);
    humantime::format_rfc3339_seconds(moment).to_string()
}

fn date(query: &FinishedQuery) -> String {
    time(query).split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_a_line_of_comma_separated_values() {
        let query = FinishedQuery {
            received_s: 1_790_000_000,
            client: "192.0.2.7".to_owned(),
            transport: "udp".to_owned(),
            name: Some("a,\"b.example.".to_owned()),
            r#type: Some("A".to_owned()),
            outcome: Some(QueryOutcome::RateLimited),
            rcode: None,
            ede: None,
            failed: true,
            took_ms: 7.0,
        };
        let line =
            "2026-09-21T14:13:20Z,192.0.2.7,udp,\"a,\"\"b.example.\",A,rate-limited,,,true,7";
        assert_eq!(csv(&query), line);
        assert_eq!(csv(&query).split(',').count(), CSV_HEADING.split(',').count() + 1);
        assert_eq!(outcome("rate-limited"), Ok(QueryOutcome::RateLimited));
        assert!(outcome("blocked").unwrap_err().contains("policy, cached"));
    }
}
