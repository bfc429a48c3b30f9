//! `zoners status`, `zoners stats`, `zoners servers`, `zoners cache`, `zoners nta`: what a running daemon is asked.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zoners_files::replace;
use zoners_host::paths::runtime::control_sockets;
use zoners_server::control;

use crate::output::println;
use crate::{Failure, configuration, print};

/// Who may read a dump: it says what was asked for.
const MODE: u32 = 0o600;

/// Where the daemon is spoken to.
#[derive(Debug, clap::Args)]
pub(crate) struct Socket {
    /// The daemon's control socket. Without it, and without --config, it is looked for in
    /// $RUNTIME_DIRECTORY, /run/zoners (/var/run/zoners on macOS and BSD), and $XDG_RUNTIME_DIR/zoners or
    /// $TMPDIR/zoners.
    #[arg(long = "control", value_name = "FILE")]
    path: Option<PathBuf>,
    /// The daemon's configuration file, which may name the control socket.
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    config: Option<PathBuf>,
}

impl Socket {
    /// At `path`, or where the daemon puts it by the configuration in `config`.
    pub(crate) fn new(path: Option<PathBuf>, config: Option<PathBuf>) -> Self {
        Socket { path, config }
    }

    /// Sends a request to the daemon.
    pub(crate) fn request(&self, request: &Value) -> Result<Value, Failure> {
        control::request(&self.paths()?, request, None).map_err(Failure::Failed)
    }

    /// Where it may be.
    fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        let configured = match (&self.path, &self.config) {
            (Some(path), _) => Some(path.clone()),
            (None, Some(file)) => configuration(Some(file))?.server.control,
            (None, None) => None,
        };
        if configured.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err(Failure::Usage("this configuration has no control socket".to_owned()));
        }
        Ok(control_sockets(configured.as_deref()))
    }
}

/// Sends a request to the daemon at one of `paths`, with a file that it shall write to or read.
fn request_with(paths: &[PathBuf], request: &Value, file: &File) -> io::Result<Value> {
    control::request(paths, request, Some(file.as_fd())).map_err(io::Error::other)
}

/// Arguments of `zoners status` and `zoners stats`.
#[derive(Debug, clap::Args)]
pub(crate) struct Figures {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

/// Arguments of `zoners cache`.
#[derive(Debug, clap::Args)]
pub(crate) struct Cache {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, clap::Subcommand)]
enum CacheCommand {
    /// Say how full it is and how many answers came out of it.
    Stats {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// Show what is known of a name.
    Lookup {
        /// The name.
        name: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// Let the daemon write the cache to a file.
    Dump {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        socket: Socket,
    },
    /// Let the daemon take what a dump has. It is proven again when it is asked for.
    Load {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        socket: Socket,
    },
    /// Forget what is known of a name.
    Flush {
        /// The name.
        name: String,
        /// And of all names below it.
        #[arg(long)]
        subtree: bool,
        #[command(flatten)]
        socket: Socket,
    },
}

/// Arguments of `zoners nta`.
#[derive(Debug, clap::Args)]
pub(crate) struct Nta {
    #[command(subcommand)]
    command: NtaCommand,
}

#[derive(Debug, clap::Subcommand)]
enum NtaCommand {
    /// Take a zone as it comes for a while: its owner made a mistake that breaks its signatures.
    Add {
        /// The zone.
        name: String,
        /// Seconds until it is validated again, up to a week.
        #[arg(long = "for", value_name = "SECONDS", default_value_t = 3600)]
        seconds: u32,
        #[command(flatten)]
        socket: Socket,
    },
    /// Validate a zone again.
    Remove {
        /// The zone.
        name: String,
        #[command(flatten)]
        socket: Socket,
    },
    /// List the zones that go unvalidated.
    List {
        #[command(flatten)]
        socket: Socket,
    },
}

pub(crate) fn nta(arguments: &Nta) -> Result<(), Failure> {
    match &arguments.command {
        NtaCommand::Add { name, seconds, socket } => {
            socket.request(&json!({ "do": "nta-add", "name": name, "seconds": seconds }))?;
            println!("{name} is not validated for {seconds} seconds");
        }
        NtaCommand::Remove { name, socket } => {
            let reply = socket.request(&json!({ "do": "nta-remove", "name": name }))?;
            let again = if reply["removed"] == true { "again" } else { "as it was" };
            println!("{name} is validated {again}");
        }
        NtaCommand::List { socket } => {
            let reply = socket.request(&json!({ "do": "nta-list" }))?;
            for zone in reply["zones"].as_array().into_iter().flatten() {
                let name = zone["name"].as_str().unwrap_or_default();
                println!("{name} for {} seconds more", zone["seconds"]);
            }
        }
    }
    Ok(())
}

/// Arguments of `zoners servers`.
#[derive(Debug, clap::Args)]
pub(crate) struct Servers {
    /// The zone whose servers are listed, or a name in it; without one, all servers are.
    zone: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn servers(arguments: &Servers) -> Result<(), Failure> {
    let reply = arguments.socket.request(&json!({ "do": "servers", "zone": arguments.zone }))?;
    if arguments.json {
        println!("{reply}");
    } else {
        print::servers(&reply);
    }
    Ok(())
}

pub(crate) fn figures(arguments: &Figures, what: &str) -> Result<(), Failure> {
    let reply = arguments.socket.request(&json!({ "do": what }))?;
    if arguments.json {
        println!("{reply}");
    } else {
        print::figures(&reply);
    }
    Ok(())
}

pub(crate) fn cache(arguments: &Cache) -> Result<(), Failure> {
    match &arguments.command {
        CacheCommand::Stats { json, socket } => {
            let reply = socket.request(&json!({ "do": "cache" }))?;
            if *json { println!("{reply}") } else { print::figures(&reply) }
        }
        CacheCommand::Lookup { name, json, socket } => {
            let reply = socket.request(&json!({ "do": "cache-lookup", "name": name }))?;
            if *json { println!("{reply}") } else { print::entries(&reply) }
        }
        CacheCommand::Dump { file, socket } => {
            let request = json!({ "do": "cache-dump" });
            let paths = socket.paths()?;
            let reply = replace(file, MODE, |out| request_with(&paths, &request, out.get_ref()))
                .map_err(|error| told(file, &error))?;
            println!("{} octets written to {}", reply["octets"], file.display());
        }
        CacheCommand::Load { file, socket } => {
            let paths = socket.paths()?;
            let reply = File::open(file)
                .and_then(|open| request_with(&paths, &json!({ "do": "cache-load" }), &open))
                .map_err(|error| told(file, &error))?;
            let (taken, age) = (&reply["taken"], &reply["age_s"]);
            println!("{taken} entries of {age} s ago taken, {} not", reply["passed_over"]);
        }
        CacheCommand::Flush { name, subtree, socket } => {
            let request = json!({ "do": "flush", "name": name, "subtree": subtree });
            let reply = socket.request(&request)?;
            println!("{} entries forgotten", reply["removed"]);
            if let Some(why) = reply["second_level_error"].as_str() {
                let text = format!("not forgotten by the second level: {why}");
                return Err(Failure::Failed(text));
            }
            if let Some(questions) = reply["second_level"].as_u64() {
                println!("{questions} questions forgotten by the second level");
            }
        }
    }
    Ok(())
}

fn told(file: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}", file.display()))
}
