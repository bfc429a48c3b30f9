//! `zoners slow`, `zoners failures` and `zoners history`.

use std::time::Duration;

use zoners_api::{
    AdminReply, AdminRequest, HistoryErased, TroubleEntry, TroubleReport, VerdictCause,
};
use zoners_server::config::values::parse_duration;

use super::Socket;
use super::status::span;
use crate::Failure;
use crate::output::{self, println};
use crate::print::{BOLD, DIM, GREEN, RED, clean, cut, wrapped};

/// Arguments of `zoners slow` and `zoners failures`.
#[derive(Debug, clap::Args)]
pub(crate) struct TroubleArguments {
    /// The time that is looked at: so long until now, as 90s, 15min, 2h, 1d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    since: Duration,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

/// Arguments of `zoners history`.
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArguments {
    #[command(subcommand)]
    command: HistoryCommand,
}

#[derive(Debug, clap::Subcommand)]
enum HistoryCommand {
    /// Forget every past resolution, and the latencies of `zoners trend`.
    Erase {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
}

/// Shows failed questions, or slow ones.
pub(crate) fn run(arguments: &TroubleArguments, failures: bool) -> Result<(), Failure> {
    let seconds = arguments.since.as_secs();
    let request = AdminRequest::Troubles { failures, seconds };
    let report: TroubleReport = arguments.socket.request(&request)?;
    if arguments.json {
        println!("{}", AdminReply::from(report).to_line());
    } else {
        page(&report, output::width()).iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

pub(crate) fn history(arguments: &HistoryArguments) -> Result<(), Failure> {
    let HistoryCommand::Erase { json, socket } = &arguments.command;
    let erased: HistoryErased = socket.request(&AdminRequest::HistoryErase {})?;
    match json {
        true => println!("{}", AdminReply::from(erased).to_line()),
        false => println!(
            "{} past resolutions and the latencies of {} hours are forgotten",
            erased.records, erased.hours
        ),
    }
    Ok(())
}

/// The sum in a sentence, the causes, and the worst names, providers and servers.
pub(super) fn page(report: &TroubleReport, width: usize) -> Vec<String> {
    let TroubleReport { failures, seconds, questions, hurt, clients, .. } = report;
    let what = if *failures { "without an answer" } else { "slow" };
    let time = span(*seconds);
    if *hurt == 0 {
        let text = format!(
            "none of {questions} questions of the last {time} was {what} (beside plain hits)"
        );
        return wrapped(&text, width)
            .iter()
            .map(|line| format!("{GREEN}{line}{GREEN:#}"))
            .collect();
    }
    let client = if *clients == 1 { "client" } else { "clients" };
    let text = format!(
        "{hurt} of {questions} questions of the last {time} were {what}, of {clients} {client} (beside plain hits)"
    );
    let mut lines: Vec<String> =
        wrapped(&text, width).iter().map(|line| format!("{BOLD}{line}{BOLD:#}")).collect();
    let causes: Vec<String> = report
        .causes
        .iter()
        .map(|cause| format!("{} {}", cause.questions, in_words(cause.cause)))
        .collect();
    lines.extend(wrapped(&format!("Causes: {}", causes.join(", ")), width));
    for (title, entries) in [
        ("Names", &report.names),
        ("At fault", &report.providers),
        ("Servers without a useful reply", &report.servers),
    ] {
        if !entries.is_empty() {
            lines.push(String::new());
            lines.push(format!("{BOLD}{title}{BOLD:#}"));
            lines.extend(entries.iter().flat_map(|entry| of_entry(entry, width)));
        }
    }
    lines
}

/// The number of questions, the longest wait, the name, and the cause below.
fn of_entry(entry: &TroubleEntry, width: usize) -> [String; 2] {
    let TroubleEntry { name, questions, clients, worst_ms, text, .. } = entry;
    let client = if *clients == 1 { "client" } else { "clients" };
    let columns = format!("{questions:>5} {worst_ms:>7.0} ms  ");
    let name = clean(&format!("{name} ({clients} {client})"));
    let room = width.saturating_sub(columns.len());
    let cause = cut(&clean(text), width.saturating_sub(8));
    [format!("{RED}{columns}{RED:#}{}", cut(&name, room)), format!("{:8}{DIM}{cause}{DIM:#}", "")]
}

fn in_words(cause: VerdictCause) -> &'static str {
    match cause {
        VerdictCause::ProviderSilent => "by silent servers",
        VerdictCause::ProviderSlow => "by slow servers",
        VerdictCause::ProviderFaulty => "by servers with useless replies",
        VerdictCause::Zone => "by zones set up wrongly",
        VerdictCause::Dnssec => "by wrong signatures",
        VerdictCause::LineDown => "while the line was down",
        VerdictCause::LineLossy => "by lost packets",
        VerdictCause::LineSlow => "by a slow line",
        VerdictCause::Ipv4 => "by IPv4, which does not work",
        VerdictCause::Ipv6 => "by IPv6, which does not work",
        VerdictCause::Udp => "by UDP, which does not work",
        VerdictCause::Network => "by a network that stands in the way",
        VerdictCause::Clock => "by the clock of this machine",
        VerdictCause::Resolver => "by the resolver",
        VerdictCause::Steps => "by many steps, each of them quick",
        VerdictCause::Nothing | VerdictCause::Unknown => "by unknown causes",
    }
}
