//! `lsof -nP +c 0 -i :PORT` (macOS): open sockets with a local or remote port.

use super::{address_and_port, listeners_at};
use crate::ports::{PortListener, PortOwner};

/// The sockets that wait for clients at `port`.
pub(crate) fn listeners(text: &str, port: u16) -> Vec<PortListener> {
    listeners_at(port, text, listener)
}

/// A line of the list with its port: program, process, user and more columns; then the family, the protocol, the
/// addresses and, of TCP, the state. A column in between may be empty, so that columns have no fixed number.
fn listener(line: &str) -> Option<(u16, PortListener)> {
    let mut words = line.split_whitespace();
    let (name, process) = (words.next()?, words.next()?);
    process.parse::<u32>().ok()?;
    let is_ipv6 = words.find(|word| matches!(*word, "IPv4" | "IPv6"))? == "IPv6";
    let is_stream = words.find(|word| matches!(*word, "UDP" | "TCP"))? == "TCP";
    // A socket with a peer is written as LOCAL->REMOTE, and has no port to parse at the end of LOCAL.
    let local = words.next().filter(|local| !local.contains("->"))?;
    if is_stream && words.next() != Some("(LISTEN)") {
        return None;
    }
    let (address, port) = address_and_port(local, is_ipv6)?;
    // Spaces in a name are written as an escape.
    let owner = PortOwner { name: name.replace("\\x20", " "), process: process.to_owned() };
    Some((port, PortListener { owner, address, is_stream }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::tests::shown;

    /// From github.com/miekg/dns/issues/941 and github.com/docker/for-mac/issues/7033, each in parts.
    const MAC: &str = "\
COMMAND     PID           USER   FD   TYPE             DEVICE SIZE/OFF NODE NAME
mDNSRespo   205 _mdnsresponder    6u  IPv4 0x90f33fd199e59435      0t0  UDP *:5353
mDNSRespo   205 _mdnsresponder   17u  IPv4 0x90f33fd199e31f75      0t0  UDP *:53
mDNSRespo   205 _mdnsresponder   19u  IPv6 0x90f33fd199e32285      0t0  UDP *:53
mDNSRespo   205 _mdnsresponder   20u  IPv4 0x90f33fcccca090f5      0t0  TCP *:53 (LISTEN)
mDNSRespo   205 _mdnsresponder   21u  IPv6 0x90f33fcccca25c95      0t0  TCP *:53 (LISTEN)
";

    #[test]
    fn mdnsresponder_is_found_at_the_wildcards() {
        let found = shown(&listeners(MAC, 53));
        let name = |rest: &str| format!("mDNSRespo (process 205) {rest}");
        let expected = ["UDP 0.0.0.0", "UDP ::", "TCP 0.0.0.0", "TCP ::"].map(name);
        assert_eq!(found, expected);
        assert_eq!(listeners(MAC, 5353).len(), 1);
        assert!(listeners("", 53).is_empty());
    }

    /// The form of lsof(8): connections are no listeners, and a name may have a space.
    #[test]
    fn connections_are_no_listeners() {
        let text = "\
COMMAND          PID USER FD TYPE DEVICE SIZE/OFF NODE NAME
Google\\x20Chrome 41 a    20u IPv4 0x1         0t0  UDP 192.168.1.5:61234->8.8.8.8:53
curl             42 a    21u IPv4 0x2         0t0  TCP 192.168.1.5:61235->8.8.8.8:53 (ESTABLISHED)
My\\x20Resolver   43 a    22u IPv6             0t0  TCP [::1]:53 (LISTEN)
My\\x20Resolver   43 a    22u IPv6 0x3         0t0  UDP [fe80::1%lo0]:53
";
        let name = |rest: &str| format!("My Resolver (process 43) {rest}");
        assert_eq!(shown(&listeners(text, 53)), ["TCP ::1", "UDP fe80::1"].map(name));
    }
}
