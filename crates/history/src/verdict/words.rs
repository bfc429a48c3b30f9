//! Figures and servers in words.

use std::time::Duration;

use super::AskedServer;

/// Servers named one by one in the evidence.
const MAX_NAMED: usize = 4;

/// `31 ms`
pub(super) fn millis(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

/// `2.3 s`, or milliseconds below a second.
pub(super) fn seconds(duration: Duration) -> String {
    match duration.as_millis() {
        0..1000 => millis(duration),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

/// The distinct servers among `asked`.
pub(super) fn distinct<'a>(asked: &[AskedServer<'a>]) -> Vec<AskedServer<'a>> {
    let mut distinct: Vec<AskedServer<'a>> = Vec::new();
    for one in asked {
        if distinct.iter().all(|other| other.server.address.ip() != one.server.address.ip()) {
            distinct.push(*one);
        }
    }
    distinct
}

/// `the server`, `both servers`, `all 3 servers`; or `3 servers` if the provider has further servers that reply.
pub(super) fn servers(count: usize, all: bool) -> String {
    match (count, all) {
        (1, true) => "the server".to_owned(),
        (1, false) => "a server".to_owned(),
        (2, true) => "both servers".to_owned(),
        (count, true) => format!("all {count} servers"),
        (count, false) => format!("{count} servers"),
    }
}

/// The servers with their waits.
pub(super) fn list(asked: &[AskedServer<'_>]) -> String {
    let distinct = distinct(asked);
    let one = |asked: &AskedServer<'_>| {
        let name = match asked.server.name.is_root() {
            true => String::new(),
            false => format!("{} ", asked.server.name),
        };
        format!("{name}{} for {}", asked.server.address.ip(), millis(asked.hop.took))
    };
    let mut named: Vec<String> = distinct.iter().take(MAX_NAMED).map(one).collect();
    if let Some(more @ 1..) = distinct.len().checked_sub(MAX_NAMED) {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}
