//! `zoners check`

use std::path::PathBuf;

use zoners_server::validate::Scope;

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
    /// Print the JSON Schema of the configuration, by which an editor completes and checks a file.
    #[arg(long, conflicts_with_all = ["file", "config"])]
    schema: bool,
    #[command(flatten)]
    config: ConfigFile,
}

pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    if arguments.schema {
        println!("{:#}", zoners_server::config::json_schema());
        return Ok(());
    }
    let named = arguments.file.as_deref().map(ConfigFile::named);
    let (config, file) = named.unwrap_or_else(|| arguments.config.clone()).load()?;
    let validated = config.validate(Scope::Start);
    let remarks = match &validated {
        Ok(validated) => validated.local.remarks(),
        Err(error) => error.remarks(),
    };
    let lists = zoners_server::policy::list_faults(&config);
    let now_s = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_s = now_s.map_or(0, |since| since.as_secs());
    let of_certificates = match &validated {
        Ok(validated) => validated.certificate_remarks(&config, now_s),
        Err(_) => Vec::new(),
    };
    let remarks = [remarks, &config.remarks(), &lists, &of_certificates].concat();
    remarks.iter().for_each(|remark| eprintln!("{}", print::warning(remark)));
    let validated = validated.map_err(|error| Failure::Usage(error.to_string()))?;
    match &file {
        Some(file) => println!("{}: configuration OK", file.display()),
        None => println!("{}", described(None)),
    }
    let listen: Vec<String> =
        config.server.listen.iter().flatten().map(ToString::to_string).collect();
    let listen =
        if listen.is_empty() { "port 53 of this machine".into() } else { listen.join(", ") };
    println!("  serves on {listen}");
    for table in &config.listen {
        println!("  serves on {} too", table.address);
    }
    let (roots, routes) = (&validated.settings.root.servers, &validated.settings.routes);
    let routes = routes.iter().filter(|route| !route.servers.is_empty()).count();
    println!("  knows {} root servers, and {routes} forwarders and stubs", roots.len());
    match config.zone.len() {
        0 => {}
        1 => println!("  has a copy of 1 zone"),
        zones => println!("  has copies of {zones} zones"),
    }
    match validated.local.names() {
        0 => {}
        1 => println!("  has records for 1 name of your own"),
        names => println!("  has records for {names} names of your own"),
    }
    match config.policy.list.len() {
        0 => {}
        1 => println!("  has 1 list of blocked or allowed names"),
        lists => println!("  has {lists} lists of blocked or allowed names"),
    }
    if validated.local.left_out() > 0 {
        let left_out = validated.local.left_out();
        println!("  does not tell {left_out} of them in reverse: an address has enough");
    }
    if remarks.is_empty() { Ok(()) } else { Err(Failure::Told(PASSED_OVER)) }
}
