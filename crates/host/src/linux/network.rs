//! Reports of network changes, and the default route, by Linux.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};

use super::netlink::{messages, number};
use crate::networks::AdvertisedOptions;

/// `RTMGRP_LINK`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR` and `_IPV6_ROUTE`.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// The group `RTNLGRP_ND_USEROPT`, number 20.
const ADVERTISED: u32 = 1 << 19;
/// `RTM_NEWNDUSEROPT` (rtnetlink.h).
const NEW_OPTIONS: u16 = 68;
/// Octets of `struct nduseroptmsg`; the length of the options and the interface stand in octets 2 and 4.
const OPTIONS_HEAD: usize = 16;

/// A socket for reports: readable when links, addresses or routes change.
pub(crate) fn event_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    bind(&socket, &SocketAddrNetlink::new(0, GROUPS | ADVERTISED))?;
    Ok(socket)
}

/// Takes options of router advertisements out of reports; whether the reports tell something new.
pub(crate) fn take_reports(
    reports: &[u8],
    advertised: &mut AdvertisedOptions,
    now: Instant,
) -> bool {
    let mut is_news = false;
    for (kind, body) in messages(reports) {
        is_news |= match kind {
            NEW_OPTIONS => observe(advertised, body, now).unwrap_or(false),
            libc::RTM_NEWLINK | libc::RTM_DELLINK => {
                link_without_carrier(kind, body).map(|link| advertised.forget(link));
                true
            }
            _ => true,
        };
    }
    is_news
}

fn observe(advertised: &mut AdvertisedOptions, body: &[u8], now: Instant) -> Option<bool> {
    let length = u16::from_ne_bytes(*body.get(2..)?.first_chunk()?);
    let link = number(body.get(4..)?)?;
    let options = body.get(OPTIONS_HEAD..)?.get(..usize::from(length))?;
    Some(advertised.observe(link, options, now))
}

/// The number of a link that is gone or leads nowhere (`struct ifinfomsg`).
fn link_without_carrier(kind: u16, body: &[u8]) -> Option<u32> {
    let (link, flags) = (number(body.get(4..)?)?, number(body.get(8..)?)?);
    let is_running = flags & libc::IFF_RUNNING.cast_unsigned() != 0;
    (kind == libc::RTM_DELLINK || !is_running).then_some(link)
}

pub(crate) fn gateway() -> Option<Ipv4Addr> {
    fs::read_to_string("/proc/net/route").ok().and_then(|table| read_gateway(&table))
}

/// The table has addresses in hexadecimal digits, in the byte order of the machine.
fn read_gateway(table: &str) -> Option<Ipv4Addr> {
    let mut routes = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let route = routes.find(|words| words.get(1) == Some(&"00000000"))?;
    let octets = u32::from_str_radix(route.get(2)?, 16).ok()?;
    (octets != 0).then(|| Ipv4Addr::from(octets.to_ne_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut message = ((16 + body.len()) as u32).to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.resize(16, 0);
        message.extend(body);
        message
    }

    fn link(flags: libc::c_int) -> Vec<u8> {
        let head = [[0; 4], 3_u32.to_ne_bytes(), flags.cast_unsigned().to_ne_bytes(), [0; 4]];
        message(libc::RTM_NEWLINK, &head.concat())
    }

    #[test]
    fn advertised_options_are_news_once_and_end_with_the_carrier() {
        let option = [&[38, 2, 0x07, 0x08][..], &[0x20, 0x01, 0x0d, 0xb8], &[0; 8]].concat();
        let length = (option.len() as u16).to_ne_bytes();
        let head = [&[10, 0][..], &length, &3_u32.to_ne_bytes(), &[134, 0], &[0; 6]].concat();
        let report = message(NEW_OPTIONS, &[head, option].concat());
        let (mut advertised, now) = (AdvertisedOptions::default(), Instant::now());
        let mut take = |reports: &[u8]| take_reports(reports, &mut advertised, now);
        assert!(take(&report) && !take(&report));
        assert!(take(&[report.clone(), message(libc::RTM_NEWADDR, &[0; 8])].concat()));
        assert!(take(&link(libc::IFF_UP | libc::IFF_RUNNING)));
        assert!(!take(&report), "still known");
        assert!(take(&link(libc::IFF_UP)));
        assert!(take(&report), "of the next network");
        for end in 0..report.len() {
            take(&report[..end]);
        }
    }

    #[test]
    fn the_default_route_is_found() {
        let table = "Iface\tDestination\tGateway\tFlags\n\
                     eth0\t000200C0\t00000000\t0001\n\
                     eth0\t00000000\t010200C0\t0003\n";
        let expected = Ipv4Addr::from(0x0102_00C0_u32.to_ne_bytes());
        assert_eq!(read_gateway(table), Some(expected));
        assert_eq!(read_gateway("Iface\tDestination\tGateway\n"), None);
        assert_eq!(read_gateway("x\neth0\t00000000\tnonsense\n"), None);
    }
}
