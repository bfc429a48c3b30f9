//! `zoners why`: what made an answer slow, or failed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use zoners_api::{
    AdminReply, AdminRequest, DnssecStatus, HistoryFill, HopEventReport, HopReport, QueryOutcome,
    ResolutionReport, StepOutcome, VerdictCause, WhyQuery, WhyReport,
};
use zoners_dns::Prefix;
use zoners_server::config::values::parse_duration;

use super::Socket;
use crate::Failure;
use crate::lookup::name_on_the_wire;
use crate::output::{self, println};
use crate::print::{BOLD, DIM, GREEN, RED, YELLOW, clean, cut, wrapped};

/// Columns of the time line.
const BAR_WIDTH: usize = 20;
/// Columns before the text of a hop: two times, the time line, and gaps.
const TEXT_COLUMN: usize = 7 + 1 + 7 + 2 + BAR_WIDTH + 2;
/// Columns before the second line of a hop.
const SERVER_COLUMN: usize = 17;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// Arguments of `zoners why`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The daemon remembers each question that needed recursion, and one answer from memory every ten
seconds: which servers were asked, what they replied, and how long each took. The first sentence names the
cause: a provider whose servers are silent, slow or wrong, the line, IPv6, a captive portal,
signatures, or the resolver itself.
Below, each hop has the time at which it began, the time that it took, and its place in the whole.

`zoners slow` and `zoners failures` show the worst names, `zoners history erase` forgets all.
[history] in the configuration sets the memory.

Examples:
  zoners why www.example.com                       the last resolutions of the name
  zoners why www.example.com --at 14:10            those about ten past two (UTC)
  zoners why www.example.com --at 20min            those about twenty minutes ago
  zoners why www.example.com --client 192.168.1.7  those of one device
  zoners why www.example.com --live                resolve it now, too"
)]
pub(crate) struct WhyArguments {
    /// The name.
    #[arg(value_parser = name_on_the_wire)]
    name: String,
    /// Show only resolutions of this client, or of the clients in a network such as 192.168.1.0/24.
    #[arg(long, value_name = "ADDRESS")]
    client: Option<Prefix>,
    /// Show the resolutions nearest to this time: 14:10, 14:10:05, 2026-11-26T14:10:05Z (UTC), or so long ago, as 20min.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Resolve the name now, and show that too.
    #[arg(long)]
    live: bool,
    /// The record type that --live asks for.
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "A")]
    rtype: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &WhyArguments) -> Result<(), Failure> {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let at_s = arguments.at.as_deref().map(|text| moment(text, now_s)).transpose();
    let query = WhyQuery {
        name: arguments.name.clone(),
        client: arguments.client.map(|client| client.to_string()),
        at_s: at_s.map_err(Failure::Usage)?,
        live_type: arguments.live.then(|| arguments.rtype.clone()),
    };
    let report: WhyReport = arguments.socket.request(&AdminRequest::Why(query))?;
    let is_found = !report.resolutions.is_empty();
    if arguments.json {
        println!("{}", AdminReply::from(report).to_line());
    } else {
        page(&report, output::width()).iter().for_each(|line| println!("{line}"));
    }
    if is_found { Ok(()) } else { Err(Failure::NoAnswer) }
}

/// Seconds since 1970 of a time typed by a person: of today, or of yesterday if that is yet to come.
pub(super) fn moment(text: &str, now_s: u64) -> Result<u64, String> {
    if let Ok(time) = humantime::parse_rfc3339_weak(text) {
        return Ok(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
    }
    let clock: Option<Vec<u64>> = text.split(':').map(|part| part.parse().ok()).collect();
    let second = match clock.as_deref() {
        Some(&[hours @ 0..24, minutes @ 0..60]) => Some(hours * 3600 + minutes * 60),
        Some(&[hours @ 0..24, minutes @ 0..60, seconds @ 0..60]) => {
            Some(hours * 3600 + minutes * 60 + seconds)
        }
        _ => None,
    };
    if let Some(second) = second {
        let today = now_s - now_s % DAY + second;
        return Ok(if today > now_s { today.saturating_sub(DAY) } else { today });
    }
    let ago = parse_duration(text).map_err(|_| {
        format!(
            "--at {text:?}: write 14:10, 14:10:05, 2026-11-26T14:10:05Z, or 20min for so long ago"
        )
    })?;
    Ok(now_s.saturating_sub(ago.as_secs()))
}

/// The verdict, the picture of the first resolution, and a line for each further one.
pub(super) fn page(report: &WhyReport, width: usize) -> Vec<String> {
    let Some((first, further)) = report.resolutions.split_first() else {
        return none_found(report, width);
    };
    let mut lines = verdict(first, width);
    lines.push(String::new());
    lines.extend(head(first, width));
    lines.extend(first.hops.iter().flat_map(|hop| picture(hop, first.took_ms, width)));
    if first.more_hops > 0 {
        lines.push(format!("{DIM}{} further hops were not kept{DIM:#}", first.more_hops));
    }
    if first.hops.is_empty() {
        lines.push(format!("{DIM}no server was asked{DIM:#}"));
    }
    if !further.is_empty() {
        lines.push(String::new());
        lines.push(format!("{BOLD}Other resolutions of the name{BOLD:#}"));
        lines.extend(further.iter().map(|resolution| further_line(resolution, width)));
    }
    lines
}

fn none_found(report: &WhyReport, width: usize) -> Vec<String> {
    let name = clean(&report.name);
    let HistoryFill { records, oldest_s, .. } = report.history;
    let since = oldest_s.map(|oldest| format!(" since {}", utc(oldest))).unwrap_or_default();
    let text = format!(
        "there is no resolution of {name} among {records} records{since}: it was answered from memory, or not asked"
    );
    let mut lines = wrapped(&text, width);
    if !report.names_below.is_empty() {
        lines.push(format!("{BOLD}Names below it with records{BOLD:#}"));
        lines.extend(report.names_below.iter().map(|name| format!("  {}", clean(name))));
    }
    lines
}

/// The sentence, and the evidence below.
fn verdict(resolution: &ResolutionReport, width: usize) -> Vec<String> {
    let verdict = &resolution.verdict;
    let style = match verdict.cause {
        VerdictCause::Nothing | VerdictCause::Steps => GREEN,
        _ if resolution.failed => RED,
        _ => YELLOW,
    };
    let sentence = wrapped(&clean(&verdict.text), width);
    let evidence = verdict.evidence.iter().flat_map(|text| wrapped(&clean(text), width));
    let sentence = sentence.into_iter().map(|line| format!("{style}{line}{style:#}"));
    sentence.chain(evidence.map(|line| format!("{DIM}{line}{DIM:#}"))).collect()
}

/// The question, the client, and the end.
fn head(resolution: &ResolutionReport, width: usize) -> Vec<String> {
    let ResolutionReport { name, r#type, client, received_s, .. } = resolution;
    let question = clean(&format!("{name} {type}"));
    let asked = clean(&format!("asked by {client} at {}", utc(*received_s)));
    let mut lines = vec![format!("{BOLD}{}{BOLD:#}", cut(&question, width))];
    lines.extend(wrapped(&asked, width));
    lines.extend(wrapped(&clean(&ending(resolution)), width));
    lines
}

fn ending(resolution: &ResolutionReport) -> String {
    let outcome = resolution.outcome.map_or("other", QueryOutcome::name);
    let rcode = resolution.rcode.as_deref().unwrap_or("no response");
    let reason = resolution.ede.as_ref();
    let reason = reason.map(|ede| format!(", EDE {}: {}", ede.code, ede.meaning));
    let dnssec = match resolution.dnssec {
        DnssecStatus::Secure => ", DNSSEC secure",
        DnssecStatus::Insecure => ", DNSSEC insecure (unsigned zone)",
        DnssecStatus::Bogus => ", DNSSEC bogus",
        DnssecStatus::Unchecked => "",
    };
    let took = resolution.took_ms;
    format!("{outcome} after {took:.1} ms: {rcode}{}{dnssec}", reason.unwrap_or_default())
}

/// A hop in two lines: the times and what came of it, and the server.
fn picture(hop: &HopReport, whole_ms: f64, width: usize) -> Vec<String> {
    let indent = "  ".repeat(usize::from(hop.depth.min(4)));
    let room = width.saturating_sub(TEXT_COLUMN + indent.len()).max(10);
    let (style, mark, text, server) = match &hop.event {
        HopEventReport::Query { server, address, transport, why, outcome, text } => {
            let (style, mark) = match outcome {
                StepOutcome::Useful => (GREEN, '█'),
                StepOutcome::Failed => (RED, '░'),
                StepOutcome::Outpaced => (YELLOW, '░'),
            };
            let name = server.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
            let over = if transport == "udp" { String::new() } else { format!(" {transport}") };
            let why = if why.is_empty() { String::new() } else { format!(", {why}") };
            (style, mark, text.clone(), Some(format!("{name}{address}{over}{why}")))
        }
        HopEventReport::Wait {} => {
            let query = "the same question of another query".to_owned();
            (YELLOW, '▒', "waited for".to_owned(), Some(query))
        }
        HopEventReport::Skip { address, text } => {
            (DIM, ' ', "left out".to_owned(), Some(format!("{address}, {text}")))
        }
    };
    let text = clean(&format!("{} {}: {text}", hop.zone, hop.r#type));
    let bar = bar(hop, whole_ms, mark);
    let (at, took) = (hop.at_ms, hop.took_ms);
    let first =
        format!("{at:>7.0} {took:>7.0}  {style}{bar}{style:#}  {indent}{}", cut(&text, room));
    let server = server.map(|server| {
        let room = width.saturating_sub(SERVER_COLUMN + indent.len()).max(10);
        format!("{:SERVER_COLUMN$}{indent}{DIM}{}{DIM:#}", "", cut(&clean(&server), room))
    });
    [first].into_iter().chain(server).collect()
}

/// The place of a hop in the whole time.
fn bar(hop: &HopReport, whole_ms: f64, mark: char) -> String {
    let column = |ms: f64| {
        let share = (ms / whole_ms.max(0.1)).clamp(0.0, 1.0);
        (share * BAR_WIDTH as f64) as usize
    };
    let from = column(hop.at_ms).min(BAR_WIDTH - 1);
    let until = column(hop.at_ms + hop.took_ms).clamp(from + 1, BAR_WIDTH);
    let place = |at: usize| if (from..until).contains(&at) { mark } else { '·' };
    (0..BAR_WIDTH).map(place).collect()
}

/// A further resolution as a line.
fn further_line(resolution: &ResolutionReport, width: usize) -> String {
    let ResolutionReport { received_s, r#type, client, verdict, failed, .. } = resolution;
    let text = clean(&format!("{}  {client} {type}: {}", utc(*received_s), verdict.text));
    let text = cut(&text, width);
    if *failed { format!("{RED}{text}{RED:#}") } else { text }
}

/// A second since 1970 as a date and a time.
pub(super) fn utc(second: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(second.min(253_402_300_799));
    humantime::format_rfc3339_seconds(time).to_string()
}
