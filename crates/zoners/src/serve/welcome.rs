//! The welcome of `serve` at a terminal.

use std::fmt::Write as _;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use zoners_server::Log;
use zoners_server::daemon::{FirstRecursion, ListenStatus};

use crate::config_file::described;
use crate::print::{BOLD, DIM, GREEN, YELLOW, for_errors};

/// The port of DNS.
const PORT: u16 = 53;

/// Writes through the log, so that a stalled terminal delays nothing.
#[derive(Clone, Debug)]
pub(super) struct Welcome {
    log: Log,
    file: Option<PathBuf>,
}

impl Welcome {
    pub(super) fn new(log: Log, file: Option<PathBuf>) -> Self {
        Welcome { log, file }
    }

    /// The addresses, the configuration and the next steps.
    pub(super) fn ready(&self, bound: &ListenStatus) {
        self.write(&self.text(bound));
    }

    /// Whether recursion works from here.
    pub(super) fn recursed(&self, first: &FirstRecursion) {
        let colour = match first {
            FirstRecursion::Proven(_) | FirstRecursion::Unvalidated(_) => GREEN,
            FirstRecursion::Offline | FirstRecursion::Failed(_) => YELLOW,
        };
        self.write(&row("recursion", &format!("{colour}{first}{colour:#}")));
    }

    fn text(&self, bound: &ListenStatus) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let listen: Vec<String> = bound.addresses.iter().map(ToString::to_string).collect();
        let single = bound.single_transport.iter();
        let single: Vec<String> =
            single.map(|(transport, address)| format!("{transport}://{address}")).collect();
        let listen = match listen.join(" and ") {
            none if none.is_empty() && !single.is_empty() => {
                format!("answers on {BOLD}{}{BOLD:#}", single.join(" and "))
            }
            none if none.is_empty() => "waits for its addresses".to_owned(),
            all => format!("answers on {BOLD}{all}{BOLD:#} (UDP and TCP)"),
        };
        let mut text = format!("{BOLD}Zoners {version}{BOLD:#} {listen}. Ctrl-C ends it.\n");
        text += &row("configuration", &described(self.file.as_deref()));
        if let Some(address) = bound.http.first() {
            text += &row("HTTP", &format!("http://{address}/health"));
        }
        if let Some(address) = bound.addresses.first() {
            text += &row(
                "try it",
                &format!("{}   {DIM}status: zoners status{DIM:#}", first_query(*address)),
            );
            text += &row("use it", &in_use(*address));
        }
        text
    }

    fn write(&self, text: &str) {
        let _ = self.log.clone().write_all(for_errors(text).as_bytes());
    }
}

fn row(what: &str, text: &str) -> String {
    let mut row = String::new();
    let _ = writeln!(row, "  {what:<14} {text}");
    row
}

/// The command for a first query to this address.
fn first_query(address: SocketAddr) -> String {
    let ip = match address.ip() {
        ip if ip.is_unspecified() && ip.is_ipv4() => "127.0.0.1".to_owned(),
        ip if ip.is_unspecified() => "::1".to_owned(),
        ip => ip.to_string(),
    };
    let port = match address.port() {
        PORT => String::new(),
        port => format!(" -p {port}"),
    };
    format!("zoners lookup @{ip}{port} example.com")
}

/// The way to make this machine use the server.
fn in_use(address: SocketAddr) -> String {
    match address.port() {
        PORT => format!("write \"nameserver {}\" first in /etc/resolv.conf", address.ip()),
        _ => {
            "programs ask port 53 only: start it there (`zoners serve --help` says how)".to_owned()
        }
    }
}
