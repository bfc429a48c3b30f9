//! `zoners phone`: a QR code, and behind it a profile for devices of Apple and the steps for others.

mod page;
mod profile;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Color, Style};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use tokio::sync::Semaphore;
use zoners_dns::endpoint::TLS_PORT;
use zoners_dns::{Random, Transport};
use zoners_files::read_own;
use zoners_host::interfaces::interfaces;
use zoners_http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderValue};
use zoners_http::{HttpLimits, HttpResponse, HttpService, HttpSite, Method, Route, StatusCode};
use zoners_server::Config;
use zoners_server::config::ListenAddress;
use zoners_server::config::values::parse_duration;
use zoners_tls::{CertificateChain, fingerprint};

use crate::Failure;
use crate::config_file::ConfigFile;
use crate::output::println;
use crate::print::{BOLD, DIM};
use crate::tls::{AUTHORITY, is_private};
use profile::{PhoneResolver, UsedOn};

/// Octets of the certificate of an authority at most.
const MAX_AUTHORITY: u64 = 64 * 1024;
/// Connections of devices at a time.
const MAX_CONNECTIONS: usize = 32;
/// The colours of the code.
const CODE: Style = Style::new()
    .fg_color(Some(Color::Ansi(AnsiColor::Black)))
    .bg_color(Some(Color::Ansi(AnsiColor::BrightWhite)));
/// What the page may load.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Arguments of `zoners phone`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The configuration must have a certificate and an address with https:// or tls:// (`zoners tls init` makes a certificate).
With a private address, a phone uses the server where the network names the server, or on the Wi-Fi that --wifi names.
The page is not encrypted: compare the fingerprint of the authority on the phone with the one in the terminal.

Examples:
  sudo zoners phone
  sudo zoners phone --wifi \"Our Wi-Fi\"
  zoners phone --profile zoners.mobileconfig"
)]
pub(crate) struct PhoneArguments {
    /// The name of a Wi-Fi on which devices use the server; may be repeated.
    #[arg(long, value_name = "SSID")]
    wifi: Vec<String>,
    /// Write the profile to a file, and show no page.
    #[arg(long, value_name = "FILE")]
    profile: Option<std::path::PathBuf>,
    /// The time after which the page is gone.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration, default_value = "15min")]
    time: Duration,
    #[command(flatten)]
    config: ConfigFile,
}

pub(crate) fn run(arguments: &PhoneArguments) -> Result<(), Failure> {
    let (config, file) = arguments.config.load()?;
    let (names, authority) = match &config.server.certificate {
        Some(path) => {
            let chain = CertificateChain::read(path);
            let chain = chain.map_err(|fault| Failure::Failed(fault.to_string()))?;
            (chain.names(), private_authority(path, &chain)?)
        }
        None if config.acme.directory_authority.is_some() => {
            let what = "the authority of a private ACME server is on no device: give its certificate to each, and the \
                        address of this server by hand";
            return Err(Failure::Failed(what.to_owned()));
        }
        // A public authority, which devices know.
        None if !config.acme.names.is_empty() => (config.acme_names(), None),
        None => {
            let file = crate::config_file::described(file.as_deref());
            let what =
                "has no server.certificate (`zoners tls init` makes a certificate), and no [acme]";
            return Err(Failure::Failed(format!("{file} {what}")));
        }
    };
    let name = names.into_iter().find(|name| !name.starts_with('*'));
    let name = name.ok_or_else(|| Failure::Failed("the certificate has no name".to_owned()))?;
    let resolver = resolver(&config, name, authority, &arguments.wifi)?;
    let random = Random::from_system().map_err(Failure::Failed)?;
    let profile = resolver.profile(&random);
    if let Some(path) = &arguments.profile {
        let written = zoners_files::replace(path, 0o644, |out| {
            std::io::Write::write_all(out, profile.as_bytes())
        });
        return written.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())));
    }
    show(&resolver, profile, &random, arguments.time)
}

/// The certificate of the private authority, in the folder of the certificate; `None` if a public authority has signed the
/// certificate.
fn private_authority(path: &Path, chain: &CertificateChain) -> Result<Option<String>, Failure> {
    let path = path.with_file_name(AUTHORITY);
    let failed =
        |error: &dyn std::fmt::Display| Failure::Failed(format!("{}: {error}", path.display()));
    if !path.exists() {
        return Ok(None);
    }
    let text = read_own(&path, MAX_AUTHORITY).map_err(|error| failed(&error))?;
    let text = String::from_utf8(text).map_err(|error| failed(&error))?;
    // A file of before: since then a public authority has certified the server.
    Ok(chain.is_signed_by(&text).then_some(text))
}

/// The resolver of a configuration, as a phone reaches it.
fn resolver(
    config: &Config,
    name: String,
    authority: Option<String>,
    wifi: &[String],
) -> Result<PhoneResolver, Failure> {
    // A phone has no certificate of its own.
    let tables = config.listen.iter().filter(|table| !table.require_client_certificate);
    let tables = tables.map(|table| &table.address);
    let all: Vec<&ListenAddress> = config.server.listen.iter().flatten().chain(tables).collect();
    let over = |transport| {
        let mut of_others = all
            .iter()
            .filter(move |listen| listen.is_over(transport) && !listen.address.ip().is_loopback());
        of_others.next().copied()
    };
    // Devices have no port for DNS over TLS but the usual one.
    let tls = over(Transport::Tls).filter(|listen| listen.address.port() == TLS_PORT);
    let listen = over(Transport::Https).or(tls).ok_or_else(|| {
        let what = "no address of server.listen has https:// or tls:// for other devices";
        Failure::Failed(what.to_owned())
    })?;
    let https = listen.path.clone().map(|path| (listen.address.port(), path));
    let addresses = match listen.address.ip() {
        ip if ip.is_unspecified() => reachable(own_addresses(ip)?),
        ip => vec![ip],
    };
    let has_private = addresses.iter().any(|address| is_private(*address));
    let network = match wifi {
        [_, ..] => UsedOn::Wifi(wifi.to_vec()),
        [] if has_private => UsedOn::Naming,
        [] => UsedOn::Every,
    };
    Ok(PhoneResolver { name, addresses, https, has_tls: tls.is_some(), authority, network })
}

/// The addresses at which a phone finds the server: the private ones if there are any, since the router or `server.allow`
/// bars the public ones from elsewhere.
fn reachable(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    if addresses.iter().any(|address| is_private(*address)) {
        addresses.retain(|address| is_private(*address));
    }
    addresses
}

/// The addresses of this machine for others; `any` is the unspecified address of the family.
fn own_addresses(any: IpAddr) -> Result<Vec<IpAddr>, Failure> {
    let mut all = interfaces().map_err(|error| Failure::Failed(format!("interfaces: {error}")))?;
    // The page is served at the first address: that of a bridge for containers reaches no phone.
    all.sort_by_key(|interface| !interface.default_route);
    let all = all.into_iter().filter(|interface| !interface.loopback);
    let all = all.flat_map(|interface| interface.addresses).map(|(address, _)| address);
    let own: Vec<IpAddr> = all
        .filter(|address| any.is_ipv6() || address.is_ipv4())
        .filter(|address| !matches!(address, IpAddr::V6(ip) if ip.is_unicast_link_local()))
        .collect();
    if own.is_empty() {
        return Err(Failure::Failed("this machine has no address for other devices".to_owned()));
    }
    Ok(own)
}

/// Shows the QR code, and serves the page until the time has passed or Ctrl-C.
fn show(
    resolver: &PhoneResolver,
    profile: String,
    random: &Random,
    time: Duration,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("the page: {error}"));
    let print = resolver.authority.as_deref().and_then(fingerprint);
    // A device that has not seen the code does not guess the address.
    let secret = format!("{:016x}", random.bits());
    let routes = routes(&format!("/{secret}/"), resolver, print.as_deref(), profile);
    let address = resolver.addresses.first().copied().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let socket = TcpListener::bind(SocketAddr::new(address, 0)).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    let url = format!("http://{}/{secret}/", socket.local_addr().map_err(failed)?);
    let limits = HttpLimits { connections: MAX_CONNECTIONS, ..HttpLimits::default() };
    let descriptors = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let service = HttpService::start(HttpSite::new(routes, limits, descriptors, |_| ()));
    let service = service.map_err(failed)?;
    let _listener = service.serve(socket).map_err(failed)?;
    let code = QrCode::new(&url).map_err(|error| Failure::Failed(format!("QR code: {error}")))?;
    // Readers want dark on light, with the margin, whatever the colours of the terminal.
    for line in code.render::<Dense1x2>().build().lines() {
        println!("{CODE}{line}{CODE:#}");
    }
    println!();
    println!("Scan the code with the camera of a phone, or open {BOLD}{url}{BOLD:#}");
    if let Some(print) = print {
        println!("{DIM}fingerprint of the authority (SHA-256):{DIM:#} {print}");
    }
    println!(
        "{DIM}The page is gone in {}, or with Ctrl-C.{DIM:#}",
        humantime::format_duration(time)
    );
    wait(time).map_err(failed)
}

fn routes(at: &str, resolver: &PhoneResolver, print: Option<&str>, profile: String) -> Vec<Route> {
    let page = page::page(resolver, print);
    let serve = |name: &str, content_type: &'static str, body: String, is_file: bool| {
        Route::new(Method::GET, format!("{at}{name}"), move |_| {
            let response = HttpResponse::new(StatusCode::OK, content_type, body.clone())
                .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
            let attachment = HeaderValue::from_static("attachment");
            let response =
                if is_file { response.with(CONTENT_DISPOSITION, attachment) } else { response };
            async { response }
        })
    };
    let mut routes = vec![
        serve("", "text/html; charset=utf-8", page, false),
        serve("dns.mobileconfig", "application/x-apple-aspen-config", profile, false),
    ];
    if let Some(authority) = resolver.authority.clone() {
        routes.push(serve("ca.pem", "application/x-pem-file", authority, true));
    }
    routes
}

/// Waits for a time, or for Ctrl-C.
fn wait(time: Duration) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let _ = tokio::time::timeout(time, tokio::signal::ctrl_c()).await;
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, wifi: &[&str]) -> Result<PhoneResolver, Failure> {
        let config = Config::parse(text, "zoners.toml").unwrap();
        let wifi: Vec<String> = wifi.iter().map(|&name| name.to_owned()).collect();
        resolver(&config, "dns.home.arpa".into(), None, &wifi)
    }

    #[test]
    fn the_way_and_the_networks_follow_from_the_addresses() {
        let text = "[server]\nlisten = [\"127.0.0.1\", \"tls://192.168.1.2\", \"https://192.168.1.2:8443/q\"]\n";
        let both = of(text, &[]).unwrap();
        assert_eq!(both.https, Some((8443, "/q".into())));
        assert_eq!((both.network, both.addresses.len()), (UsedOn::Naming, 1));
        let wifi = of(text, &["Ours"]).unwrap();
        assert_eq!(wifi.network, UsedOn::Wifi(vec!["Ours".into()]));
        assert!(both.has_tls && both.authority.is_none());
        let mixed = ["192.168.1.2", "2001:db8::2", "fd00::2"].map(|ip| ip.parse().unwrap());
        let expected = ["192.168.1.2", "fd00::2"].map(|ip| ip.parse::<IpAddr>().unwrap());
        assert_eq!(reachable(mixed.to_vec()), expected, "an address of elsewhere helps nobody");
        assert_eq!(reachable(vec![mixed[1]]), [mixed[1]]);
        let public = of("[[listen]]\naddress = \"tls://203.0.113.7\"\n", &[]).unwrap();
        assert_eq!((public.network, public.https), (UsedOn::Every, None));
        for none in [
            "[server]\nlisten = [\"192.168.1.2\", \"https://127.0.0.1\"]\n",
            "[server]\nlisten = [\"tls://192.168.1.2:8853\"]\n",
        ] {
            assert!(of(none, &[]).is_err(), "{none}");
        }
    }
}
