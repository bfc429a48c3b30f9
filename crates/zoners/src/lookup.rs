//! `zoners lookup`

mod idn;
mod options;
mod show;
mod target;
mod words;

use std::path::PathBuf;

use zoners_api::LookupReport;
use zoners_dns::{Checking, name};

use crate::Failure;
use crate::config_file::ConfigFile;
use crate::dns_server::{PORT, QueryManner, ServerAddress};
use crate::output::eprintln;
use options::PlusOptions;
use target::LookupTarget;
use words::LookupRequest;

/// Arguments of `zoners lookup`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "zoners lookup [OPTIONS] [@SERVER] NAME... [TYPE]... [+OPTION]...",
    after_help = "Words may come in any order, as with dig:
  NAME      a name; in its own script too. An address is looked up in reverse.
  TYPE      A, MX, TYPE65280 …; without one: A and AAAA
  @SERVER   a DNS server to ask instead of resolving from the root servers down:
            @1.1.1.1, @::1, @127.0.0.1:5300, @tcp://192.0.2.1, @dns.example
  +OPTION   +short +trace +dnssec +tcp +json +noall +answer +authority +norecurse +cdflag
            +time=SECONDS +tries=N +idnout; the other options of dig are accepted, and most do nothing

Each answer ends with a line that begins with `;;`: whether it is proven (DNSSEC), how long it took, and
where it comes from.

Examples:
  zoners lookup example.com
  zoners lookup example.com MX +short
  zoners lookup 8.8.8.8
  zoners lookup @9.9.9.9 example.com AAAA
  zoners lookup example.com HTTPS +trace
  zoners lookup --daemon example.com"
)]
pub(crate) struct LookupArguments {
    /// Names, types, @SERVER and options such as +short, in any order.
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// A name, even if it looks like a type.
    #[arg(short = 'q', long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// A record type.
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// An address whose name is looked up.
    #[arg(short = 'x', long = "reverse", value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// The DNS server to ask, as @SERVER.
    #[arg(short, long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "")]
    server: Option<String>,
    /// The port of the server, if not 53.
    #[arg(short, long)]
    port: Option<u16>,
    /// Ask over IPv4 only.
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// Ask over IPv6 only.
    #[arg(short = '6', long)]
    ipv6: bool,
    /// Show the data of the records alone, as +short.
    #[arg(long)]
    short: bool,
    /// Show every server on the way: what it was asked, and its reply; as +trace.
    #[arg(long)]
    trace: bool,
    /// Show signatures too, as +dnssec.
    #[arg(long)]
    dnssec: bool,
    /// Ask the server over TCP, as +tcp.
    #[arg(long)]
    tcp: bool,
    /// Print one JSON object for each question, as +json.
    #[arg(long)]
    json: bool,
    /// Let the running daemon resolve, with its cache.
    #[arg(long)]
    daemon: bool,
    /// The control socket of that daemon.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    control: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

/// A name as typed by a person, in zone-file format.
///
/// # Errors
/// The text is no domain name.
pub(crate) fn name_on_the_wire(text: &str) -> Result<String, String> {
    let name = name::parse(&idn::to_wire(text)?)?;
    Ok(name.fmt_with_dot().to_string())
}

pub(crate) fn run(arguments: &LookupArguments) -> Result<(), Failure> {
    let wanted = arguments.wanted().map_err(Failure::Usage)?;
    let questions = wanted.questions().map_err(Failure::Usage)?;
    let resolver = arguments.resolver(&wanted)?;
    notes(&wanted, &resolver).iter().for_each(|note| eprintln!("note: {note}"));
    let (mut failed, mut gone) = (false, false);
    for question in &questions {
        let report = resolver.ask(question)?;
        gone |= report.rcode == "NXDOMAIN";
        failed |= !is_answer(&report);
        show::report(&report, &wanted.options);
    }
    match (failed, gone) {
        (true, _) => Err(Failure::NoAnswer),
        (false, true) => Err(Failure::NoSuchName),
        (false, false) => Ok(()),
    }
}

fn is_answer(report: &LookupReport) -> bool {
    matches!(report.rcode.as_str(), "NOERROR" | "NXDOMAIN" | "YXDOMAIN")
}

/// Remarks before the answers.
fn notes(wanted: &LookupRequest, resolver: &LookupTarget) -> Vec<String> {
    let mut notes = wanted.options.notes.clone();
    if wanted.is_of_root() {
        notes.push("no name is given, so the root zone is asked for".to_owned());
    }
    if wanted.options.trace && resolver.is_server() {
        notes.push(
            "a server that is asked directly shows no steps; without it, +trace does".to_owned(),
        );
    }
    if !wanted.options.recursion_desired && !resolver.is_server() {
        notes.push("+norecurse has an effect with @SERVER alone".to_owned());
    }
    notes
}

impl LookupArguments {
    /// The request made from words and options.
    fn wanted(&self) -> Result<LookupRequest, String> {
        let mut wanted = LookupRequest::default();
        self.words.iter().try_for_each(|word| wanted.take(word))?;
        self.names.iter().try_for_each(|name| wanted.take_name(name))?;
        self.addresses.iter().try_for_each(|address| wanted.take_address(address))?;
        self.types.iter().try_for_each(|rtype| wanted.take_type_word(rtype))?;
        match self.server.as_deref() {
            Some(server) if is_address(server) => wanted.server = Some(server.to_owned()),
            // Until 0.1, `--server` stood for the daemon and took no value: this is the name then.
            Some(word) if !word.is_empty() => wanted.take(word)?,
            _ => {}
        }
        let PlusOptions { short, trace, dnssec, tcp, json, .. } = &mut wanted.options;
        *short |= self.short;
        *trace |= self.trace;
        *dnssec |= self.dnssec;
        *tcp |= self.tcp;
        *json |= self.json;
        Ok(wanted)
    }

    /// Where the questions go.
    fn resolver(&self, wanted: &LookupRequest) -> Result<LookupTarget, Failure> {
        let is_old = self.server.as_deref().is_some_and(|server| !is_address(server));
        if is_old {
            eprintln!("note: `--server` without an address is now `--daemon`");
        }
        let family = match (self.ipv4, self.ipv6) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        let PlusOptions { tcp, timeout, tries, recursion_desired, checking_disabled, .. } =
            wanted.options;
        let checking = Checking::of_cd(checking_disabled);
        let daemon = self.daemon || is_old || self.control.is_some();
        match &wanted.server {
            Some(_) if daemon => {
                Err(Failure::Usage("either the daemon or a server is asked, not both".to_owned()))
            }
            Some(text) => {
                let address = ServerAddress::read(text, self.port.unwrap_or(PORT));
                let timeout = Some(timeout);
                let manner = QueryManner { recursion_desired, checking, timeout, tries };
                LookupTarget::server(&address.map_err(Failure::Usage)?, family, tcp, manner)
            }
            None if self.port.is_some() => {
                Err(Failure::Usage("--port is that of @SERVER, and no server is given".to_owned()))
            }
            None => {
                if let Some(class) = wanted.other_class() {
                    let text = format!("class {class} needs @SERVER: the Internet has class IN");
                    return Err(Failure::Usage(text));
                }
                match daemon {
                    true => Ok(LookupTarget::daemon(self.control.clone(), self.config.clone())),
                    false => LookupTarget::in_process(&self.config, family, checking),
                }
            }
        }
    }
}

/// Whether the value of `--server` is a server, and not a name taken by mistake.
fn is_address(text: &str) -> bool {
    ServerAddress::read(text, PORT).is_ok_and(|server| server.literal().is_some())
        || text.contains("://")
}
