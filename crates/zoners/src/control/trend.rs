//! `zoners trend`: what changed in the latencies, and since when.

use std::time::Duration;

use zoners_api::words::counted;
use zoners_api::{
    AdminReply, AdminRequest, BaselineFill, TrendChange, TrendPart, TrendQuery, TrendReport,
    UsualLatency,
};
use zoners_server::config::values::parse_duration;

use super::Socket;
use super::why::utc;
use crate::Failure;
use crate::output::{self, println};
use crate::print::{BOLD, DIM, GREEN, YELLOW, clean, cut, wrapped};

/// The most providers in the list of usual latencies, unless a provider is named.
const MAX_PROVIDERS: usize = 12;

/// Arguments of `zoners trend`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The daemon keeps the latencies of each hour for a year: of every provider's servers, of the line, of IPv4
and IPv6, and of the resolver itself. What lasts for eight hours, is felt, and exceeds all that was
usual in the month before is a change. Each network has latencies of its own.

A provider is the domain of nameservers, as in `zoners bench`. On the disk lie numbers alone, without
names; history.trend in the configuration turns it off, `zoners history erase` forgets all.

Examples:
  zoners trend                                what changed in the last 30 days
  zoners trend --since 365d                   what changed in the last year
  zoners trend --provider hoster8.example     the servers of one provider"
)]
pub(crate) struct TrendArguments {
    /// Show changes that were found in so long until now, as 12h, 7d, 365d.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_duration)]
    since: Duration,
    /// Show one provider: the domain of its nameservers.
    #[arg(long, value_name = "DOMAIN")]
    provider: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &TrendArguments) -> Result<(), Failure> {
    let seconds = Some(arguments.since.as_secs());
    let query = TrendQuery { seconds, provider: arguments.provider.clone() };
    let report: TrendReport = arguments.socket.request(&AdminRequest::Trend(query))?;
    if arguments.json {
        println!("{}", AdminReply::from(report).to_line());
    } else {
        page(&report, output::width()).iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

/// What changed in a sentence, each change with the figures, and what is usual.
pub(super) fn page(report: &TrendReport, width: usize) -> Vec<String> {
    let TrendReport { text, lasting, changes, usual, baseline } = report;
    // Without a usual latency nothing is known to be well.
    let style = if *lasting == 0 && !usual.is_empty() { GREEN } else { BOLD };
    let mut lines: Vec<String> =
        wrapped(&clean(text), width).iter().map(|line| format!("{style}{line}{style:#}")).collect();
    if !changes.is_empty() {
        lines.push(String::new());
        lines.push(format!("{BOLD}Changes{BOLD:#}"));
        lines.extend(changes.iter().flat_map(|change| change_lines(change, width)));
    }
    if !usual.is_empty() {
        lines.push(String::new());
        lines.push(format!("{BOLD}Usual on this network{BOLD:#}"));
        lines.extend(usual_lines(usual, width));
    }
    lines.push(String::new());
    let measured = wrapped(&measured(baseline), width);
    lines.extend(measured.iter().map(|line| format!("{DIM}{line}{DIM:#}")));
    lines
}

/// The time and the sentence, and the figures below.
fn change_lines(change: &TrendChange, width: usize) -> Vec<String> {
    let TrendChange { at_unix_s, before_ms, by_ms, low_ms, high_ms, chance, .. } = change;
    let place = if change.here { "" } else { " (on another network)" };
    let text = format!("{}  {}{place}", utc(*at_unix_s), clean(&change.text));
    let lasts = change.here && change.ended_unix_s.is_none() && *by_ms > 0.0;
    let colour = |line: String| if lasts { format!("{YELLOW}{line}{YELLOW:#}") } else { line };
    let figures = format!(
        "{before_ms:.0} ms before; {by_ms:+.0} ms ({low_ms:+.0} to {high_ms:+.0}), by chance {}",
        chance_in_words(*chance)
    );
    let figures = cut(&figures, width.saturating_sub(2));
    let mut lines: Vec<String> = wrapped(&text, width).into_iter().map(colour).collect();
    lines.push(format!("  {DIM}{figures}{DIM:#}"));
    lines
}

fn chance_in_words(chance: f64) -> String {
    match chance {
        ..0.0001 => "less than once in 10,000".to_owned(),
        _ => format!("once in {:.0}", 1.0 / chance),
    }
}

/// The line, the resolver, and the providers with the most hours.
fn usual_lines(usual: &[UsualLatency], width: usize) -> Vec<String> {
    let (mut providers, own): (Vec<&UsualLatency>, Vec<&UsualLatency>) =
        usual.iter().partition(|usual| usual.subject == TrendPart::Provider);
    providers.sort_by_key(|provider| std::cmp::Reverse(provider.hours));
    let more = providers.len().saturating_sub(MAX_PROVIDERS);
    let shown = own.into_iter().chain(providers.into_iter().take(MAX_PROVIDERS));
    let line = |usual: &UsualLatency| {
        let UsualLatency { usual_ms, hours, .. } = usual;
        let hours = counted(*hours, "hour");
        cut(&format!("{usual_ms:>8.1} ms  {} ({hours})", clean(&name(usual))), width)
    };
    let mut lines: Vec<String> = shown.map(line).collect();
    if more > 0 {
        let more = counted(more as u64, "further provider");
        lines.push(format!("{:>13}and {more}", ""));
    }
    lines
}

fn name(usual: &UsualLatency) -> String {
    match usual.subject {
        TrendPart::Line => "the line".to_owned(),
        TrendPart::Ipv4 => "servers over IPv4".to_owned(),
        TrendPart::Ipv6 => "servers over IPv6".to_owned(),
        TrendPart::Resolver => "the resolver itself".to_owned(),
        TrendPart::Provider | TrendPart::Unknown => {
            usual.provider.clone().unwrap_or_else(|| "a provider not asked since the start".into())
        }
    }
}

fn measured(fill: &BaselineFill) -> String {
    let BaselineFill { hours, all_hours, since_unix_s, used_bytes, .. } = fill;
    let since = since_unix_s.map(|since| format!(" since {}", utc(since))).unwrap_or_default();
    format!(
        "Measured: {} with replies on this network{since}; {all_hours} on all, in {} KiB",
        counted(*hours, "hour"),
        used_bytes.div_ceil(1024)
    )
}
