//! Machines on the links, from rtnetlink(7).

use std::io;

use super::netlink::{address, ask, attributes, number};
use crate::networks::LinkNeighbour;

/// The highest number of entries that are read.
const MAX_NEIGHBOURS: usize = 16_384;
/// Octets of `struct ndmsg`.
const NEIGHBOUR_HEAD: usize = 12;

/// The neighbours of both families with a known hardware address.
///
/// # Errors
/// The kernel does not tell.
pub(crate) fn neighbours() -> io::Result<Vec<LinkNeighbour>> {
    let mut known = Vec::new();
    ask(libc::RTM_GETNEIGH, libc::AF_UNSPEC as u8, MAX_NEIGHBOURS, |entry| {
        known.extend(read_neighbour(entry));
    })?;
    Ok(known)
}

fn read_neighbour(entry: &[u8]) -> Option<LinkNeighbour> {
    let (head, rest) = entry.split_first_chunk::<NEIGHBOUR_HEAD>()?;
    let find =
        |wanted: u16| attributes(rest).find(|(which, _)| *which == wanted).map(|(_, value)| value);
    // Bridges list machines of their ports without an address.
    let address = find(libc::NDA_DST).and_then(address)?;
    let hardware_address = *find(libc::NDA_LLADDR)?.first_chunk()?;
    Some(LinkNeighbour { index: number(&head[4..])?, address, hardware_address })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut entry =
            [&[libc::AF_INET as u8, 0, 0, 0][..], &7_u32.to_ne_bytes(), &[0; 4]].concat();
        for (which, value) in attributes {
            entry.extend(((4 + value.len()) as u16).to_ne_bytes());
            entry.extend(which.to_ne_bytes());
            entry.extend(*value);
            entry.resize(entry.len().next_multiple_of(4), 0);
        }
        entry
    }

    #[test]
    fn an_entry_has_link_address_and_hardware_address() {
        let (ip, hardware) = ([192, 0, 2, 1], [2, 0, 0, 0, 0, 1]);
        let expected = LinkNeighbour { index: 7, address: ip.into(), hardware_address: hardware };
        let whole = [(libc::NDA_DST, &ip[..]), (libc::NDA_LLADDR, &hardware)];
        assert_eq!(read_neighbour(&entry(&whole)), Some(expected));
        assert_eq!(read_neighbour(&entry(&whole[..1])), None, "not answered yet");
        assert_eq!(read_neighbour(&[0; 11]), None);
        assert!(neighbours().is_ok());
    }
}
