//! `zoners tls init`: a certificate for encrypted transports, signed by a private authority.

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zoners_files::{check_folder, read_own, replace};
use zoners_host::interfaces::interfaces;
use zoners_tls::{CertificateSubjects, PrivateAuthority, day_of};

use crate::Failure;
use crate::output::println;
use crate::print::{BOLD, DIM};

/// The name of the server unless the caller gives one: for networks at home (RFC 8375).
const NAME: &str = "dns.home.arpa";
/// The files in the folder.
pub(crate) const AUTHORITY: &str = "ca.pem";
const AUTHORITY_KEY: &str = "ca-key.pem";
const CHAIN: &str = "chain.pem";
const KEY: &str = "key.pem";
/// The group of the service, as `zoners install` makes it.
const GROUP: &str = "zoners";
/// Octets of a file of the authority at most.
const MAX_FILE: u64 = 64 * 1024;

/// Arguments of `zoners tls`.
#[derive(Debug, clap::Args)]
pub(crate) struct TlsArguments {
    #[command(subcommand)]
    command: TlsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TlsCommand {
    /// Make a certificate for DNS over TLS, HTTPS and QUIC, signed by a private certificate authority (CA).
    Init(InitArguments),
}

/// Arguments of `zoners tls init`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The first call makes the authority (ca.pem, ten years). Each call makes a new certificate (820 days); a running server
takes it by itself. Devices must trust ca.pem: `zoners phone` helps. The authority may certify the given names and
addresses, those of private networks, and nothing else.

A certificate of a public authority, such as one by an ACME client, needs none of this.

Examples:
  sudo zoners tls init
  sudo zoners tls init --name dns.example.net --address 192.168.1.2"
)]
struct InitArguments {
    /// A name of the server; may be repeated. Without this option: dns.home.arpa.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// An address of the server; may be repeated. Without this option: the private addresses of this machine.
    #[arg(long = "address", value_name = "ADDRESS")]
    addresses: Vec<IpAddr>,
    /// The folder of the files.
    #[arg(long, value_name = "FOLDER", default_value = "/etc/zoners/tls")]
    folder: PathBuf,
}

pub(crate) fn run(arguments: &TlsArguments) -> Result<(), Failure> {
    let TlsCommand::Init(arguments) = &arguments.command;
    init(arguments)
}

fn init(arguments: &InitArguments) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let failed = |error: io::Error| Failure::Failed(format!("{}: {error}", folder.display()));
    let subjects = subjects(arguments).map_err(failed)?;
    if subjects.addresses.iter().all(IpAddr::is_loopback) {
        let what =
            "this machine has no private address for other devices: name an address with --address";
        return Err(Failure::Failed(what.to_owned()));
    }
    make_folder(folder).map_err(failed)?;
    let today = day_of(SystemTime::now());
    let file = folder.join(AUTHORITY);
    let is_new = !file.exists();
    let advise = |error: &dyn std::fmt::Display| {
        let advice = format!("; without {}, a new one is made", file.display());
        Failure::Failed(format!("{error}{}", if is_new { "" } else { &advice }))
    };
    let authority = match is_new {
        true => PrivateAuthority::new(&subjects, today),
        false => {
            let (certificate, key) = stored(folder).map_err(|what| advise(&what))?;
            PrivateAuthority::from_pem(&certificate, &key)
        }
    };
    let authority = authority.map_err(|error| advise(&error))?;
    let made = authority.certify(&subjects, today).map_err(|error| advise(&error))?;
    let group = service_group();
    let key_mode = if group.is_some() { 0o640 } else { 0o600 };
    if is_new {
        write(folder, AUTHORITY_KEY, 0o600, None, &authority.key_pem())?;
        write(folder, AUTHORITY, 0o644, None, authority.pem())?;
    }
    // The key first: the server takes the pair once both fit.
    write(folder, KEY, key_mode, group, &made.key)?;
    write(folder, CHAIN, 0o644, None, &made.chain)?;
    let last_day = made.last_day.to_string();
    show(folder, &subjects, &last_day, is_new, group.is_some())
        .iter()
        .for_each(|line| println!("{line}"));
    Ok(())
}

/// The names and addresses of the certificate.
fn subjects(arguments: &InitArguments) -> io::Result<CertificateSubjects> {
    let names = match arguments.names.as_slice() {
        [] => vec![NAME.to_owned()],
        names => names.iter().map(|name| name.trim_end_matches('.').to_owned()).collect(),
    };
    let addresses = match arguments.addresses.as_slice() {
        [] => {
            let own = interfaces()?.into_iter().flat_map(|interface| interface.addresses);
            // Public addresses of a home change.
            let own = own.map(|(address, _)| address).filter(|address| is_private(*address));
            let mut own: Vec<IpAddr> = own.collect();
            own.sort_unstable();
            own
        }
        addresses => addresses.to_vec(),
    };
    Ok(CertificateSubjects { names, addresses })
}

/// Whether an address is private, of this machine or of a provider's network (RFC 6598), as tunnels use.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let is_shared = matches!(address.octets(), [100, 64..128, ..]);
            address.is_private() || address.is_loopback() || is_shared
        }
        IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    check_folder(folder)
}

/// The authority of an earlier call: certificate and key; or the file with a fault, and the fault.
fn stored(folder: &Path) -> Result<(String, String), String> {
    let read = |name: &str| {
        let path = folder.join(name);
        let text = read_own(&path, MAX_FILE)
            .and_then(|text| String::from_utf8(text).map_err(io::Error::other));
        text.map_err(|error| format!("{}: {error}", path.display()))
    };
    Ok((read(AUTHORITY)?, read(AUTHORITY_KEY)?))
}

/// The number of the group of the service, if root makes the files.
fn service_group() -> Option<u32> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let groups = fs::read_to_string("/etc/group").ok()?;
    let row = groups.lines().find_map(|row| row.strip_prefix(GROUP)?.strip_prefix(':'))?;
    row.split(':').nth(1)?.parse().ok()
}

fn write(
    folder: &Path,
    name: &str,
    mode: u32,
    group: Option<u32>,
    text: &str,
) -> Result<(), Failure> {
    let path = folder.join(name);
    let written = replace(&path, mode, |out| out.write_all(text.as_bytes()));
    let given = written.and_then(|()| match group {
        Some(group) => chown(&path, None, Some(group)),
        None => Ok(()),
    });
    given.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
}

fn show(
    folder: &Path,
    subjects: &CertificateSubjects,
    last_day: &str,
    is_new: bool,
    is_of_group: bool,
) -> Vec<String> {
    let at = |name: &str| folder.join(name).display().to_string();
    let addresses = subjects.addresses.iter().map(ToString::to_string);
    let all: Vec<String> = subjects.names.iter().cloned().chain(addresses).collect();
    let authority = if is_new { "new; devices must trust it" } else { "as before" };
    let readers = if is_of_group { "for root and the group zoners" } else { "for this user alone" };
    let at_home = subjects.addresses.iter().filter(|address| !address.is_loopback());
    let listen: Vec<String> = at_home
        .flat_map(|address| {
            let host = match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            };
            let encrypted = ["tls", "https", "quic"].map(|scheme| format!("\"{scheme}://{host}\""));
            [format!("\"{address}\"")].into_iter().chain(encrypted)
        })
        .collect();
    let records = subjects.names.iter().flat_map(|name| {
        let at_home = subjects.addresses.iter().filter(|address| !address.is_loopback());
        at_home.map(move |address| {
            let rtype = if address.is_ipv4() { "A" } else { "AAAA" };
            format!("\"{name}. {rtype} {address}\"")
        })
    });
    let records = records.collect::<Vec<_>>().join(", ");
    vec![
        format!("{BOLD}authority{BOLD:#}    {}  {DIM}{authority}{DIM:#}", at(AUTHORITY)),
        format!("{BOLD}certificate{BOLD:#}  {}  {DIM}until {last_day}{DIM:#}", at(CHAIN)),
        format!("             {DIM}for {}{DIM:#}", all.join(", ")),
        format!("{BOLD}key{BOLD:#}          {}  {DIM}{readers}{DIM:#}", at(KEY)),
        String::new(),
        "The configuration needs:".to_owned(),
        String::new(),
        "[server]".to_owned(),
        format!("listen = [\"127.0.0.1\", \"::1\", {}]", listen.join(", ")),
        format!("certificate = \"{}\"", at(CHAIN)),
        format!("certificate-key = \"{}\"", at(KEY)),
        String::new(),
        "[local]".to_owned(),
        format!("records = [{records}]"),
        String::new(),
        "Then `zoners check`, `sudo zoners restart`, and `zoners phone` for your devices."
            .to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(folder: &Path, names: &[&str], addresses: &[&str]) -> InitArguments {
        InitArguments {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            folder: folder.to_owned(),
        }
    }

    #[test]
    fn the_authority_stays_and_the_certificate_is_new() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        init(&arguments(folder.path(), &[], &["192.168.1.2"])).unwrap();
        let (authority, chain) = (at(AUTHORITY), at(CHAIN));
        for secret in [AUTHORITY_KEY, KEY] {
            let mode = fs::metadata(folder.path().join(secret)).unwrap().mode();
            assert_eq!(mode & 0o007, 0, "{secret}");
        }
        init(&arguments(folder.path(), &["nas.home.arpa."], &["192.168.1.3"])).unwrap();
        assert_eq!(at(AUTHORITY), authority);
        assert_ne!(at(CHAIN), chain);
        let files = zoners_tls::CertificateFiles {
            chain: folder.path().join(CHAIN),
            key: folder.path().join(KEY),
        };
        assert_eq!(files.read().unwrap().names(), ["nas.home.arpa"]);
    }

    #[test]
    fn a_subject_that_the_authority_may_not_certify_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        init(&arguments(folder.path(), &[], &["10.0.0.1"])).unwrap();
        let chain = at(CHAIN);
        let refused = init(&arguments(folder.path(), &["bank.example"], &["192.168.1.2"]));
        let told = refused.unwrap_err().message().unwrap().to_owned();
        assert!(told.contains("may not certify") && told.contains("ca.pem"), "{told}");
        assert_eq!(at(CHAIN), chain);
        fs::remove_file(folder.path().join(AUTHORITY_KEY)).unwrap();
        let again = init(&arguments(folder.path(), &[], &["10.0.0.1"]));
        let told = again.unwrap_err().message().unwrap().to_owned();
        assert!(told.contains("ca-key.pem: ") && told.contains("a new one is made"), "{told}");
        let here = init(&arguments(folder.path(), &[], &["127.0.0.1"])).unwrap_err();
        assert!(here.message().unwrap().contains("--address"));
        assert_eq!(at(CHAIN), chain);
    }

    #[test]
    fn the_settings_name_each_address_and_record() {
        let subjects = CertificateSubjects {
            names: vec!["dns.home.arpa".into()],
            addresses: vec!["127.0.0.1".parse().unwrap(), "fd00::2".parse().unwrap()],
        };
        let shown = show(Path::new("/etc/zoners/tls"), &subjects, "2029-02-24", true, true);
        let text = anstream::adapter::strip_str(&shown.join("\n")).to_string();
        assert!(text.contains(
            "listen = [\"127.0.0.1\", \"::1\", \"fd00::2\", \"tls://[fd00::2]\", \"https://[fd00::2]\", \
             \"quic://[fd00::2]\"]"
        ));
        assert!(text.contains("records = [\"dns.home.arpa. AAAA fd00::2\"]"), "{text}");
        let settings = text.split_once("[server]").unwrap().1;
        let settings = settings.split_once("Then").unwrap().0;
        let config = format!("[server]{settings}");
        assert!(zoners_server::Config::parse(&config, "zoners.toml").is_ok(), "{config}");
    }
}
