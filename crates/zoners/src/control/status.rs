//! `zoners status`: a page for people who have never run a resolver.

use anstyle::{AnsiColor, Style};
use zoners_api::words::{counted, grouped, listed};
use zoners_api::{
    AdminReply, AdminRequest, CrashReport, DaemonStatus, LayerReport, NetworkReport, PassageState,
    Problem, SecondLevelState, Severity, ZoneCopyState,
};

use super::Socket;
use crate::Failure;
use crate::machine_dns::MachineDns;
use crate::output::{self, println};
use crate::print::{BOLD, DIM, RED, YELLOW, clean, wrapped};

const GREEN_BOLD: Style = AnsiColor::Green.on_default().bold();
const RED_BOLD: Style = AnsiColor::Red.on_default().bold();
const YELLOW_BOLD: Style = AnsiColor::Yellow.on_default().bold();

/// Columns of a label with the gap.
const LABEL_WIDTH: usize = 17;
/// The most prefixes of clients in the list; further prefixes are counted.
const MAX_PREFIXES: usize = 6;

/// Arguments of `zoners status`.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArguments {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &StatusArguments) -> Result<(), Failure> {
    let asked = arguments.socket.request::<DaemonStatus>(&AdminRequest::Status {});
    let machine = MachineDns::look(asked.as_ref().ok());
    if !arguments.json {
        let sentence = wrapped(&clean(&machine.sentence), output::width());
        sentence.iter().for_each(|line| println!("{BOLD}{line}{BOLD:#}"));
        let exceptions = machine.exceptions.iter();
        let exceptions = exceptions.flat_map(|text| wrapped(&clean(text), output::width()));
        exceptions.for_each(|line| println!("{YELLOW}{line}{YELLOW:#}"));
    }
    let status = asked?;
    if arguments.json {
        println!("{}", machine.added_to(&AdminReply::from(status).to_line()));
    } else {
        page(&status, output::width()).iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

/// The status in lines of at most `width` columns.
pub(super) fn page(status: &DaemonStatus, width: usize) -> Vec<String> {
    let mut lines = vec![headline(status), String::new()];
    for (label, text) in rows(status) {
        let text = wrapped(&clean(&text), width.saturating_sub(LABEL_WIDTH).max(20));
        let labels = [label].into_iter().chain(std::iter::repeat(""));
        let row = |(label, text): (&str, String)| {
            format!("  {DIM}{label:<0$}{DIM:#}{text}", LABEL_WIDTH - 2)
        };
        lines.extend(labels.zip(text).map(row));
    }
    for problem in &status.problems {
        lines.push(String::new());
        lines.extend(problem_lines(problem, width));
    }
    lines.push(String::new());
    let more = wrapped("More: zoners stats, zoners cache stats, zoners servers", width);
    lines.extend(more.iter().map(|line| format!("{DIM}{line}{DIM:#}")));
    lines
}

/// The answer to the first question of a person: does Zoners work?
fn headline(status: &DaemonStatus) -> String {
    let program = format!("Zoners {}", clean(&status.program));
    let worst = status.problems.first().map(|problem| problem.severity);
    match worst {
        Some(Severity::Error) => {
            format!("{RED_BOLD}{program} runs, but cannot resolve names as it should.{RED_BOLD:#}")
        }
        Some(Severity::Warning) => {
            format!("{YELLOW_BOLD}{program} works, but not everything is well.{YELLOW_BOLD:#}")
        }
        Some(Severity::Notice) | None => {
            format!("{GREEN_BOLD}{program} works.{GREEN_BOLD:#}")
        }
    }
}

fn rows(status: &DaemonStatus) -> Vec<(&'static str, String)> {
    let mut rows = vec![("Running", running(status)), ("Listens on", listens(status))];
    if !status.http.is_empty() {
        rows.push(("HTTP", format!("{} (/health)", listed(&status.http))));
    }
    rows.extend([
        ("Serves", clients(&status.serves)),
        ("Network", network(&status.network)),
        ("Validation", validation(status)),
        ("Queries", queries(status)),
        ("Cache", cache(status)),
    ]);
    rows.extend(encrypted(status).map(|addresses| ("Encrypted", addresses)));
    rows.extend(certificate(status).map(|text| ("Certificate", text)));
    rows.extend(status.second_level.map(|state| ("Shared cache", second_level(state).to_owned())));
    rows.extend(zones(&status.zones).map(|zones| ("Zones", zones)));
    rows.extend(rebinding(status).map(|denied| ("Rebinding", denied)));
    rows.extend(status.trend.as_ref().map(|trend| ("Trend", trend.text.clone())));
    rows.extend(status.last_crash.as_ref().map(|crash| ("Last crash", last_crash(crash))));
    rows.push(("Sandbox", sandbox(&status.sandbox)));
    rows.push(("Configuration", configuration(status)));
    rows
}

fn running(status: &DaemonStatus) -> String {
    let workers = counted(status.workers, "worker");
    format!("for {} (process {}, {workers})", span(status.uptime_s), status.process)
}

fn listens(status: &DaemonStatus) -> String {
    let both = match status.listen.as_slice() {
        [] => None,
        addresses => Some(format!("{}, over UDP and TCP", listed(addresses))),
    };
    let all: Vec<String> = both.into_iter().chain(status.single_transport.clone()).collect();
    if all.is_empty() { "no address".to_owned() } else { all.join("; ") }
}

/// The certificate by ACME, with the next order.
fn certificate(status: &DaemonStatus) -> Option<String> {
    let acme = status.acme.as_ref()?;
    let names = listed(&acme.names);
    let valid = match &status.certificate {
        Some(own) => format!("valid for {}", span(u64::try_from(own.expires_in_s).unwrap_or(0))),
        None => "not there yet".to_owned(),
    };
    let next = match acme.next_order_in_s {
        Some(left_s) => format!("next order in {}", span(left_s)),
        None if acme.ordering => "an order is under way".to_owned(),
        None => "no order is made".to_owned(),
    };
    Some(format!("{names}: {valid}; {next}"))
}

fn encrypted(status: &DaemonStatus) -> Option<String> {
    let shown = |address: &String| match status.http3.contains(address) {
        true => format!("{address} (HTTP/3 too)"),
        false => address.clone(),
    };
    let addresses: Vec<String> = status.encrypted.iter().map(shown).collect();
    (!addresses.is_empty()).then(|| listed(&addresses))
}

fn clients(prefixes: &[String]) -> String {
    let is_local = |prefix: &String| prefix.starts_with("127.") || prefix.starts_with("::1");
    if prefixes.is_empty() {
        return "no client (server.allow is empty)".to_owned();
    }
    let (local, networks): (Vec<String>, Vec<String>) =
        prefixes.iter().cloned().partition(is_local);
    let this_machine = if local.is_empty() { "" } else { "this machine" };
    let networks = match networks.split_at_checked(MAX_PREFIXES) {
        _ if networks.is_empty() => return this_machine.to_owned(),
        Some((first, rest)) if !rest.is_empty() => {
            let more = counted(rest.len() as u64, "more network");
            format!("clients in {} and {more}", first.join(", "))
        }
        _ => format!("clients in {}", listed(&networks)),
    };
    if local.is_empty() { networks } else { format!("{this_machine}, and {networks}") }
}

/// The uplink in words.
pub(super) fn network(network: &NetworkReport) -> String {
    if network.down {
        return "down, as it seems: no server responds".to_owned();
    }
    if let Some(strategy) = &network.strategy
        && (strategy.forwards() || strategy.is_portal())
    {
        return strategy.text.clone();
    }
    let ways: Vec<String> = network.reachability.names(true).map(str::to_owned).collect();
    let lost = network.loss * 100.0;
    match network.passage.state {
        PassageState::Unknown => match &network.first_recursion {
            Some(first) => format!("not used by clients yet; tried by the server: {}", first.text),
            None => "not used yet".to_owned(),
        },
        PassageState::Doubtful | PassageState::Open => {
            format!("works over {}; {lost:.1} % of queries are lost", listed(&ways))
        }
        PassageState::Intercepted => "another resolver answers in the place of servers".to_owned(),
        PassageState::Refused | PassageState::Rejected => "lets no query pass".to_owned(),
        PassageState::Silent => "answers no query".to_owned(),
    }
}

/// The answers that rebinding protection has denied, if there are any.
fn rebinding(status: &DaemonStatus) -> Option<String> {
    let denied = status.rebinding_denied.filter(|denied| *denied > 0)?;
    let answers = counted(denied, "answer");
    Some(format!("{answers} of the Internet with a private address denied (zoners policy explain)"))
}

fn validation(status: &DaemonStatus) -> String {
    let on = match status.validation.on {
        true => "on: forged answers of signed zones are rejected (DNSSEC)",
        false => "off: answers are not checked (DNSSEC)",
    };
    match status.validation.negative_anchors {
        0 => on.to_owned(),
        zones => format!("{on}, but not for {} (zoners nta list)", counted(zones, "zone")),
    }
}

fn queries(status: &DaemonStatus) -> String {
    let answered = grouped(status.cache.queries);
    match status.waiting {
        0 => format!("{answered} from clients so far"),
        waiting => format!("{answered} from clients so far, {} waiting now", grouped(waiting)),
    }
}

fn cache(status: &DaemonStatus) -> String {
    let cache = &status.cache;
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let (used, limit) = (mebibytes(cache.used_bytes), mebibytes(cache.limit_bytes));
    let fill = format!("{} entries in {used:.1} of {limit:.0} MiB", grouped(cache.entries));
    match cache.hit_rate() {
        None => fill,
        Some(rate) => format!("{fill}; {:.1} % of answers came out of it", rate * 100.0),
    }
}

fn second_level(state: SecondLevelState) -> &'static str {
    match state {
        SecondLevelState::InUse => "in use (Redis)",
        SecondLevelState::Broken => "not used for a time, since it failed (Redis)",
    }
}

/// The zones with a copy here; `None` without one.
fn zones(zones: &[ZoneCopyState]) -> Option<String> {
    let (roots, others): (Vec<_>, Vec<_>) = zones.iter().partition(|zone| zone.zone == ".");
    let names: u64 = others.iter().map(|zone| zone.names).sum();
    let others = (!others.is_empty()).then(|| {
        let zones = counted(others.len() as u64, "zone");
        format!("{zones} of your own with {}", counted(names, "name"))
    });
    let root = roots.first().and_then(|root| root.serial);
    let root = root.map(|serial| format!("the root, verified (serial {serial})"));
    let parts: Vec<String> = others.into_iter().chain(root).collect();
    (!parts.is_empty()).then(|| parts.join(", and "))
}

fn last_crash(crash: &CrashReport) -> String {
    let CrashReport { ago_s, program, process, .. } = crash;
    format!("{} ago (version {}, process {process})", span(*ago_s), clean(program))
}

fn sandbox(layers: &[LayerReport]) -> String {
    let off: Vec<&str> =
        layers.iter().filter(|layer| !layer.on).map(|layer| layer.name.as_str()).collect();
    match off.len() {
        _ if layers.is_empty() => "none".to_owned(),
        0 => "on: an attacker who takes over the daemon can do little with this machine".to_owned(),
        _ => format!("on, without {}", off.join(", ")),
    }
}

fn configuration(status: &DaemonStatus) -> String {
    let file = status.config.as_deref().unwrap_or("no file; everything has its default");
    match status.reloads {
        0 => file.to_owned(),
        1 => format!("{file}, reloaded once"),
        times => format!("{file}, reloaded {times} times"),
    }
}

fn problem_lines(problem: &Problem, width: usize) -> Vec<String> {
    let (style, word) = match problem.severity {
        Severity::Error => (RED, "Problem"),
        Severity::Warning => (YELLOW, "Warning"),
        Severity::Notice => (BOLD, "Note"),
    };
    let text = wrapped(&format!("{word}: {}", clean(&problem.text)), width);
    let advice = wrapped(&clean(&problem.advice), width.saturating_sub(2));
    let text = text.iter().map(|line| format!("{style}{line}{style:#}"));
    text.chain(advice.iter().map(|line| format!("  {line}"))).collect()
}

/// A time span in its two largest units.
pub(super) fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let first = UNITS.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3);
    let mut left = seconds;
    let part = |(unit, name): &(u64, &str)| {
        let count = left / unit;
        left %= unit;
        (count > 0).then(|| format!("{count} {name}"))
    };
    let parts: Vec<String> = UNITS.iter().skip(first).take(2).filter_map(part).collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}
