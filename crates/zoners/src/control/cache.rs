//! `zoners cache`

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::ArgGroup;
use zoners_api::words::grouped;
use zoners_api::{
    AdminReply, AdminRequest, CacheDump, CacheEntries, CacheEntry, CacheFill, CacheFlush,
    CacheLoad, DnssecStatus,
};
use zoners_files::replace;

use super::{Socket, request_with};
use crate::Failure;
use crate::output::{self, println};
use crate::print::{BOLD, YELLOW, clean, wrapped};

/// The mode of a dump: the names in a dump are private to the owner.
const DUMP_MODE: u32 = 0o600;

/// Arguments of `zoners cache`.
#[derive(Debug, clap::Args)]
pub(crate) struct CacheArguments {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, clap::Subcommand)]
enum CacheCommand {
    /// Show how full the cache is, and the share of answers from the cache.
    Stats {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// Show the cache entries of a name.
    Lookup {
        /// The name.
        name: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// Write the cache to a file.
    Dump {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        socket: Socket,
    },
    /// Add the entries of a dump to the cache. Each entry is validated again before use.
    Load {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        socket: Socket,
    },
    /// Remove the cache entries of a name, or every entry.
    #[command(group(ArgGroup::new("what").args(["name", "all"]).required(true)))]
    Flush {
        /// The name.
        name: Option<String>,
        /// Remove the entries of every name below, too.
        #[arg(long)]
        subtree: bool,
        /// Remove every entry. Measurements of servers stay.
        #[arg(long, conflicts_with = "subtree")]
        all: bool,
        #[command(flatten)]
        socket: Socket,
    },
}

pub(crate) fn run(arguments: &CacheArguments) -> Result<(), Failure> {
    match &arguments.command {
        CacheCommand::Stats { json, socket } => stats(*json, socket),
        CacheCommand::Lookup { name, json, socket } => lookup(name, *json, socket),
        CacheCommand::Dump { file, socket } => dump(file, socket),
        CacheCommand::Load { file, socket } => load(file, socket),
        CacheCommand::Flush { name, subtree, all, socket } => {
            let name = name.as_deref().unwrap_or(".");
            flush(name, *subtree || *all, socket)
        }
    }
}

fn stats(json: bool, socket: &Socket) -> Result<(), Failure> {
    let fill: CacheFill = socket.request(&AdminRequest::Cache {})?;
    if json {
        println!("{}", AdminReply::from(fill).to_line());
    } else {
        fill_page(&fill, output::width()).iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

/// How full the cache is, in lines of at most `width` columns.
pub(super) fn fill_page(fill: &CacheFill, width: usize) -> Vec<String> {
    let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let rate = match fill.hit_rate() {
        Some(rate) => format!("{:.1} % of the answers came out of the cache", rate * 100.0),
        None => "no answer came from the cache or from servers yet".to_owned(),
    };
    let texts = [
        format!(
            "{} entries take {:.1} of {:.0} MiB; {} were evicted to make room",
            grouped(fill.entries),
            megabytes(fill.used_bytes),
            megabytes(fill.limit_bytes),
            grouped(fill.evicted)
        ),
        rate,
        format!(
            "{} queries: {} answered from the cache, {} by asking servers, {} with expired entries",
            grouped(fill.queries),
            grouped(fill.cached),
            grouped(fill.recursed),
            grouped(fill.stale)
        ),
    ];
    texts.iter().flat_map(|text| wrapped(text, width)).collect()
}

fn lookup(name: &str, json: bool, socket: &Socket) -> Result<(), Failure> {
    let request = AdminRequest::CacheLookup { name: name.to_owned() };
    let found: CacheEntries = socket.request(&request)?;
    if json {
        println!("{}", AdminReply::from(found).to_line());
    } else {
        entries_page(&found).iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

pub(super) fn entries_page(found: &CacheEntries) -> Vec<String> {
    let mut lines: Vec<String> = found.entries.iter().flat_map(entry).collect();
    if found.entries.is_empty() {
        let name = clean(&found.name);
        lines.push(format!("{YELLOW}the cache has no entry of {name}{YELLOW:#}"));
    }
    if found.more > 0 {
        lines.push(format!("{YELLOW}{} more entries are not shown{YELLOW:#}", found.more));
    }
    lines
}

/// An entry in a few lines.
fn entry(entry: &CacheEntry) -> Vec<String> {
    let what = match entry.denies.as_deref() {
        None => entry.kind.clone(),
        Some("all") => "denial of the name".to_owned(),
        Some(rtype) => format!("denial of {rtype}"),
    };
    let dnssec = match entry.dnssec {
        DnssecStatus::Secure => "secure",
        DnssecStatus::Insecure => "insecure",
        DnssecStatus::Bogus => "bogus",
        DnssecStatus::Unchecked => "not validated",
    };
    let left = match entry.left_s {
        left @ 0.. => format!("{left} s left"),
        over => format!("expired {} s ago", -over),
    };
    let records = entry.records.iter().map(|record| format!("  {}", clean(record)));
    [format!("{BOLD}{what}{BOLD:#}, {dnssec}, {left}")].into_iter().chain(records).collect()
}

fn dump(file: &Path, socket: &Socket) -> Result<(), Failure> {
    let paths = socket.paths()?;
    let write = |out: &mut io::BufWriter<File>| {
        request_with::<CacheDump>(&paths, &AdminRequest::CacheDump {}, out.get_ref())
    };
    let dump = replace(file, DUMP_MODE, write).map_err(|error| of_file(file, &error))?;
    println!("{} octets written to {}", dump.written_bytes, file.display());
    Ok(())
}

fn load(file: &Path, socket: &Socket) -> Result<(), Failure> {
    let paths = socket.paths()?;
    let load: CacheLoad = File::open(file)
        .and_then(|open| request_with(&paths, &AdminRequest::CacheLoad {}, &open))
        .map_err(|error| of_file(file, &error))?;
    let CacheLoad { imported, skipped, age_s } = load;
    println!("{imported} entries loaded, {skipped} skipped; the file is {age_s} s old");
    Ok(())
}

fn flush(name: &str, subtree: bool, socket: &Socket) -> Result<(), Failure> {
    let request = AdminRequest::Flush { name: name.to_owned(), subtree };
    let flushed: CacheFlush = socket.request(&request)?;
    let entries = if flushed.removed == 1 { "entry" } else { "entries" };
    println!("{} {entries} removed", flushed.removed);
    if let Some(why) = flushed.second_level_error {
        return Err(Failure::Failed(format!("nothing removed from the second level: {why}")));
    }
    if let Some(questions) = flushed.second_level {
        println!("{questions} questions removed from the second level");
    }
    Ok(())
}

fn of_file(file: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}", file.display()))
}
