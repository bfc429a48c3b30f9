//! Ports of the BSDs and macOS, from programs of the system.

use crate::ports::{OpenPort, PortListener, PortOwner};
use crate::program::output;
use crate::reports::{fstat, lsof, sockstat};

/// A program for listing sockets, the arguments for a port, and the parser of the output.
type Listing = (&'static str, fn(u16) -> Vec<String>, fn(&str, u16) -> Vec<PortListener>);

/// The first program that is there tells.
const LISTINGS: [Listing; 3] = [
    // macOS. Without `+c 0` a name has nine letters.
    (
        "/usr/sbin/lsof",
        |port| vec!["-nP".into(), "+c".into(), "0".into(), "-i".into(), format!(":{port}")],
        lsof::listeners,
    ),
    // FreeBSD.
    (
        "/usr/bin/sockstat",
        |port| vec!["-46l".into(), "-p".into(), port.to_string()],
        sockstat::listeners,
    ),
    // OpenBSD, NetBSD.
    ("/usr/bin/fstat", |_| vec!["-n".into()], fstat::listeners),
];

/// The setting of FreeBSD, whose last privileged port is named; other systems have no such setting.
pub(crate) fn first_unprivileged() -> Option<u16> {
    let last = output("/sbin/sysctl", &["-n", "net.inet.ip.portrange.reservedhigh"])?;
    last.trim().parse::<u16>().ok()?.checked_add(1)
}

/// A program at one address is the owner rather than a program at the wildcard, beside which more may listen.
pub(crate) fn owner(port: u16) -> Option<PortOwner> {
    let all = listeners(port);
    let at_one = all.iter().find(|listener| !listener.address.is_unspecified());
    at_one.or(all.first()).map(|listener| listener.owner.clone())
}

pub(crate) fn listeners(port: u16) -> Vec<PortListener> {
    LISTINGS
        .iter()
        .find_map(|(program, arguments, parse)| {
            let arguments = arguments(port);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            output(program, &arguments).map(|text| parse(&text, port))
        })
        .unwrap_or_default()
}

pub(crate) fn open(port: u16) -> Vec<OpenPort> {
    let open = |listener: PortListener| OpenPort {
        address: listener.address,
        is_stream: listener.is_stream,
        owner: Some(listener.owner),
    };
    listeners(port).into_iter().map(open).collect()
}
