//! `zoners check`

use std::path::PathBuf;

use zoners_server::config::ConfigError;
use zoners_server::daemon::check_start;

use crate::config_file::{ConfigFile, described};
use crate::output::{eprintln, println};
use crate::{Failure, print};

/// The exit code where something would be passed over.
const PASSED_OVER: u8 = 5;

/// Arguments of `zoners check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It reads every file that the configuration names, and says all that `serve` would
refuse or pass over on this machine. Nothing is changed.

Exit codes:
  0  the configuration is OK
  2  `serve` would not start, or not reload
  5  `serve` would start, and pass over what is told"
)]
pub(crate) struct CheckArguments {
    /// The configuration file; without one, the file that `serve` would read.
    #[arg(conflicts_with = "config")]
    file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let named = arguments.file.as_deref().map(ConfigFile::named);
    let (config, file) = named.unwrap_or_else(|| arguments.config.clone()).load()?;
    let (prepared, start) = (config.prepare(), check_start(&config));
    let remarks = match &prepared {
        Ok(prepared) => prepared.local.remarks(),
        Err(error) => error.remarks(),
    };
    let remarks = [remarks, &config.remarks()].concat();
    remarks.iter().for_each(|remark| eprintln!("{}", print::warning(remark)));
    let wrong = |error: ConfigError| error.to_string();
    let prepared = match (prepared.map_err(wrong), start.map_err(wrong)) {
        (Ok(prepared), Ok(())) => prepared,
        (Err(one), Err(other)) => return Err(Failure::Usage(format!("{one}\n{other}"))),
        (Err(error), _) | (_, Err(error)) => return Err(Failure::Usage(error)),
    };
    match &file {
        Some(file) => println!("{}: configuration OK", file.display()),
        None => println!("{}", described(None)),
    }
    let listen: Vec<String> =
        config.server.listen.iter().flatten().map(ToString::to_string).collect();
    let listen =
        if listen.is_empty() { "port 53 of this machine".into() } else { listen.join(", ") };
    println!("  serves on {listen}");
    let (roots, routes) = (&prepared.settings.root.servers, &prepared.settings.routes);
    println!("  knows {} root servers and {} routes", roots.len(), routes.len());
    if prepared.local.names() > 0 {
        println!("  has records for {} names of its own", prepared.local.names());
    }
    if prepared.local.left_out() > 0 {
        let left_out = prepared.local.left_out();
        println!("  does not tell {left_out} of them in reverse: an address has enough");
    }
    if remarks.is_empty() { Ok(()) } else { Err(Failure::Told(PASSED_OVER)) }
}
