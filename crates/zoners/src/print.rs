//! What the commands print. Colour goes to terminals alone, and never with `NO_COLOR`; that is
//! `anstream`'s to know.

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::output::println;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// An error, as a line with its colour.
pub(crate) fn error(message: &str) -> String {
    format!("{RED}error:{RED:#} {message}")
}

/// A warning, likewise.
pub(crate) fn warning(message: &str) -> String {
    format!("{YELLOW}warning:{YELLOW:#} {message}")
}

/// A line as standard error is to have it, with or without its colours.
pub(crate) fn for_errors(line: &str) -> String {
    match anstream::AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(line).to_string(),
        _ => line.to_owned(),
    }
}

/// The end of a question, as [`zoners_server::report::resolution`] tells it.
pub(crate) fn resolution(object: &Value) {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    let asked = format!("{} {}", text("name"), text("type"));
    let lines: Vec<&str> =
        object["answer"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    lines.iter().for_each(|line| println!("{line}"));
    let rtype = format!(" IN {} ", text("type"));
    match text("rcode") {
        "SERVFAIL" => {
            println!("{RED}{asked}: no answer{RED:#}");
            let ede = &object["ede"];
            let part = |key: &str| clean(ede[key].as_str().unwrap_or_default());
            let why = format!("EDE {} ({}): {}", ede["code"], part("meaning"), part("text"));
            wrapped(&why, 78).iter().for_each(|line| println!("  {line}"));
        }
        "NXDOMAIN" => println!("{YELLOW}{asked}: no such name{YELLOW:#}"),
        _ if lines.iter().any(|line| line.contains(&rtype)) => {}
        _ if text("type") == "ANY" && !lines.is_empty() => {}
        _ => println!("{YELLOW}{asked}: no records of this type{YELLOW:#}"),
    }
}

/// What the cache has of a name, an entry in a few lines.
pub(crate) fn entries(object: &Value) {
    let entries = object["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        println!("{YELLOW}nothing is known of {}{YELLOW:#}", object["name"].as_str().unwrap_or(""));
    }
    for entry in entries {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let what = match text("denies") {
            "" => text("kind").to_owned(),
            "all" => "denial of the name".to_owned(),
            rtype => format!("denial of {rtype}"),
        };
        let left = match entry["left_s"].as_i64().unwrap_or_default() {
            left @ 0.. => format!("{left} s left"),
            over => format!("expired {} s ago", -over),
        };
        println!("{BOLD}{what}{BOLD:#}, {}, {left}", text("security"));
        let lines = entry["records"].as_array().into_iter().flatten().filter_map(Value::as_str);
        lines.for_each(|line| println!("  {line}"));
    }
    if let Some(more @ 1..) = object["more"].as_u64() {
        println!("{YELLOW}{more} more entries are not shown{YELLOW:#}");
    }
}

/// The way to the end of a question, a step in three lines of at most 80 columns.
pub(crate) fn trace(object: &Value) {
    let text = |of: &Value, key: &str| clean(of[key].as_str().unwrap_or_default());
    println!("{BOLD}{} {}{BOLD:#}", text(object, "name"), text(object, "type"));
    for step in object["trace"].as_array().into_iter().flatten() {
        let at = millis(&step["at_ms"]);
        let indent = "  ".repeat(step["depth"].as_u64().unwrap_or_default().min(8) as usize);
        let room = 70 - indent.len();
        if step["note"].is_string() {
            println!("{at:>8}  {indent}{DIM}{}{DIM:#}", cut(&text(step, "note"), room));
            continue;
        }
        let asked = format!("{} of {} server", text(step, "question"), text(step, "zone"));
        println!("{at:>8}  {indent}{}", cut(&asked, room));
        let server = text(step, "server");
        let server = if server == "." { String::new() } else { format!("{server} ") };
        let who = format!(
            "{server}{} {}, {}",
            text(step, "address"),
            text(step, "transport"),
            text(step, "why")
        );
        println!("{:>8}  {indent}  {DIM}{}{DIM:#}", "", cut(&who, room - 2));
        let outcome = text(step, "outcome");
        let good =
            ["referral", "alias", "record", "no such"].iter().any(|word| outcome.contains(word));
        let colour = if good { GREEN } else { RED };
        let took = millis(&step["took_ms"]);
        println!("{:>8}  {indent}  {took}: {colour}{}{colour:#}", "", cut(&outcome, room - 16));
    }
}

/// Named figures in two columns.
pub(crate) fn figures(object: &Value) {
    let entries: Vec<_> = object.as_object().into_iter().flatten().collect();
    let width = entries.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in entries {
        match value.as_str() {
            Some(text) => println!("{name:width$}  {}", clean(text)),
            None => println!("{name:width$}  {value}"),
        }
    }
}

/// What is known of servers, as [`zoners_server::report::standing`] tells it.
pub(crate) fn servers(reply: &Value) {
    if let Some(zone) = reply["zone"].as_str() {
        println!("{BOLD}{}{BOLD:#}", clean(zone));
    }
    for path in reply["broken"].as_array().into_iter().flatten() {
        let path = path.as_str().unwrap_or_default();
        println!("{RED}{path} does not work from here{RED:#}");
    }
    for silent in reply["silent"].as_array().into_iter().flatten() {
        let zone = clean(silent["zone"].as_str().unwrap_or_default());
        let (seconds, packets) = (&silent["silent_s"], &silent["packets"]);
        let dead = if silent["dead"] == true { "dead" } else { "silent" };
        println!("{RED}{zone} is {dead}: no answer for {seconds} s to {packets} packets{RED:#}");
    }
    for server in reply["servers"].as_array().into_iter().flatten() {
        let text = |key: &str| clean(server[key].as_str().unwrap_or_default());
        let rtt = match server["srtt_ms"].as_f64() {
            Some(srtt) => {
                let deviation = server["rttvar_ms"].as_f64().unwrap_or_default();
                format!("{srtt:.1} ms ± {deviation:.1}")
            }
            None => "never answered".to_owned(),
        };
        let lost = server["loss"].as_f64().unwrap_or_default() * 100.0;
        let address = format!("{} {}", text("address"), text("transport"));
        let mut remarks: Vec<String> = vec![text("name"), text("trouble")];
        remarks.extend((server["lame"] == true).then(|| "lame for this zone".to_owned()));
        remarks.extend((server["edns"] == false).then(|| "without EDNS".to_owned()));
        let skipped = server["skipped_s"].as_f64();
        remarks.extend(skipped.map(|left| format!("skipped, next probe in {left} s")));
        remarks.retain(|remark| !remark.is_empty());
        println!("{address:<44} {rtt:>18}  {lost:>3.0} % lost  {}", remarks.join(", "));
    }
}

fn millis(milliseconds: &Value) -> String {
    format!("{:.1} ms", milliseconds.as_f64().unwrap_or_default())
}

/// Text from outside without its control characters.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// Text in lines of a width, broken between words.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + word.chars().count() < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Cuts text to a width.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}
