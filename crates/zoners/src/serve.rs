//! `zoners serve`

mod welcome;

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use zoners_server::Log;
use zoners_server::daemon::{Bound, Configured, ListenStatus, Running};

use crate::config_file::{ConfigFile, described};
use crate::logging::Logging;
use crate::{Failure, print};
use welcome::Welcome;

/// Arguments of `zoners serve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Port 53 needs a privilege: start it as root and set `server.user`, or from systemd, or run
`sudo setcap cap_net_bind_service=+ep` on the program once. Or serve on another port:
  [server]
  listen = [\"127.0.0.1:5300\"]

Signals:
  SIGHUP             read the configuration again
  SIGUSR1            write what was counted to the log
  SIGTERM, SIGINT    finish what is under way, and end

Called at a terminal, without a configuration and not by a service manager, it takes port 5300 where 53
is not to be had; else it ends with 1 and says which program has the port, so that a service manager
tries again."
)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    logging: Logging,
    /// Take over from the daemon with this control socket, as told by `zoners restart`.
    #[arg(long, hide = true, value_name = "FILE", conflicts_with = "rehearse")]
    take_over: Option<PathBuf>,
    /// Serve on a free port until the end of standard input, as told by `zoners restart`.
    #[arg(long, hide = true)]
    rehearse: bool,
}

/// The option by which a new daemon takes over.
pub(crate) const TAKE_OVER: &str = "--take-over";
/// Said to `zoners restart` once clients are served.
pub(crate) const READY: &str = "ready";
/// Said by `zoners restart`: the old daemon may end.
pub(crate) const GO: &str = "go\n";
/// Said once the old daemon ends.
pub(crate) const SERVING: &str = "serving";

/// The last lines of the log are waited for no longer than this.
const FLUSH: Duration = Duration::from_millis(250);

pub(crate) fn run(arguments: &ServeArguments) -> Result<(), Failure> {
    let mut log = arguments.logging.start();
    let ended = serve(arguments, &log);
    match &ended {
        Ok(()) => tracing::info!("serve: stopped"),
        Err(failure) => {
            let message = failure.message().unwrap_or_default();
            // Output to standard error beside the log would wait as long as the log.
            let _ = writeln!(log, "{}", print::for_errors(&print::error(message)));
            if arguments.take_over.is_some() || arguments.rehearse {
                // The log may be the one of the old daemon.
                let _ = tell_caller(message);
            }
        }
    }
    if !log.has_begun() {
        log.begin(io::stderr()).map_err(|error| Failure::Failed(error.to_string()))?;
    }
    log.flush(FLUSH);
    ended.map_err(|failure| Failure::Told(failure.code()))
}

fn serve(arguments: &ServeArguments, log: &Log) -> Result<(), Failure> {
    let (config, file) = arguments.config.load()?;
    let for_people = io::stderr().is_terminal() && arguments.logging.is_for_people();
    let welcome = for_people.then(|| Welcome::new(log.clone(), file.clone()));
    if welcome.is_none() {
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!("serve: Zoners {version}, configuration: {}", described(file.as_deref()));
    }
    let configured = Configured::for_daemon(config, file)
        .map_err(|error| Failure::Usage(error.to_string()))?
        .logging_to(log.clone());
    let configured = match arguments.rehearse {
        true => configured.rehearsing(),
        false => configured.taking_over(arguments.take_over.clone()),
    };
    let bound = configured.bind().and_then(Bound::start);
    let ended = bound.and_then(|running| match arguments {
        ServeArguments { rehearse: true, .. } => rehearse(running),
        ServeArguments { take_over: Some(_), .. } => take_over(running, welcome),
        _ => attend(running, welcome),
    });
    ended.map_err(|error| Failure::Failed(format!("cannot serve: {error}")))
}

/// Serves on a free port until the caller has seen enough.
fn rehearse(running: Running) -> io::Result<()> {
    let address = running.listens().addresses.first().copied();
    let address = address.ok_or_else(|| io::Error::other("no address is served"))?;
    tell_caller(&format!("{READY} {address}"))?;
    io::stdin().read_to_end(&mut Vec::new())?;
    running.end()
}

/// Lets the old daemon end, with leave of the caller, and serves.
fn take_over(mut running: Running, welcome: Option<Welcome>) -> io::Result<()> {
    tell_caller(READY)?;
    let mut leave = String::new();
    io::stdin().lock().read_line(&mut leave)?;
    let no_leave = || io::Error::other("the caller gave no leave: the old daemon goes on");
    let confirmed = match leave == GO {
        true => running.confirm_take_over(),
        false => Err(no_leave()),
    };
    if let Err(error) = confirmed {
        // Queries that came here are answered.
        running.end()?;
        return Err(error);
    }
    // The caller may be gone: clients are served nevertheless.
    let _ = tell_caller(SERVING);
    attend(running, welcome)
}

/// Says a line to the caller, who reads standard output.
fn tell_caller(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush())
}

/// Reports addresses and whether recursion works, and serves until the daemon is stopped.
fn attend(running: Running, welcome: Option<Welcome>) -> io::Result<()> {
    tell(running.listens(), welcome.as_ref());
    running.try_recursion(move |first| match welcome {
        Some(welcome) => welcome.recursed(first),
        None => first.log(),
    });
    running.run()
}

/// Reports the served addresses and the missing addresses.
fn tell(bound: &ListenStatus, welcome: Option<&Welcome>) {
    if let Some(reason) = &bound.instead {
        tracing::warn!("listen: cannot bind port 53: {reason}; serving on another instead");
    }
    for why in &bound.missing {
        tracing::error!("listen: not served: {why}");
    }
    for effect in &bound.side_effects {
        tracing::warn!("listen: {effect}");
    }
    for address in &bound.absent {
        tracing::warn!("listen: {address}: no interface has this address yet; served once one has");
    }
    if let Some(welcome) = welcome {
        return welcome.ready(bound);
    }
    for address in &bound.addresses {
        tracing::info!("listen: serving on {address}, UDP and TCP");
    }
    for (transport, address) in &bound.single_transport {
        let transport = transport.to_string().to_uppercase();
        tracing::info!("listen: serving on {address}, {transport}");
    }
    for address in &bound.tls {
        tracing::info!("listen: serving on {address}, TLS");
    }
    for address in &bound.quic {
        tracing::info!("listen: serving on {address}, QUIC");
    }
    for (address, path) in &bound.https {
        let http3 = if bound.http3.contains(address) { ", over HTTP/3 too" } else { "" };
        tracing::info!("listen: serving on {address}, HTTPS at {path}{http3}");
    }
}
