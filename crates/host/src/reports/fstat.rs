//! `fstat -n` (OpenBSD, NetBSD): open files, sockets among them.

use super::{address_and_port, listeners_at};
use crate::ports::{PortListener, PortOwner};

/// The sockets that wait for clients at `port`.
pub(crate) fn listeners(text: &str, port: u16) -> Vec<PortListener> {
    listeners_at(port, text, listener)
}

/// A line of the list with its port: user, program, process, descriptor; then the family, the type, the protocol, the
/// address of a kernel structure (of TCP), and the local address. A socket with a peer has an arrow and more words.
fn listener(line: &str) -> Option<(u16, PortListener)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, name, process, _, family, _, protocol, ..] = words[..] else { return None };
    let is_ipv6 = match family {
        "internet" => false,
        "internet6" => true,
        _ => return None,
    };
    let has_peer = words.iter().any(|word| matches!(*word, "<--" | "-->"));
    let is_stream = protocol == "tcp";
    if has_peer || !(is_stream || protocol == "udp") {
        return None;
    }
    let (address, port) = address_and_port(words.last()?, is_ipv6)?;
    let owner = PortOwner { name: name.to_owned(), process: process.to_owned() };
    Some((port, PortListener { owner, address, is_stream }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::tests::shown;

    /// The form of fstat(1) of OpenBSD.
    #[test]
    fn listeners_are_found_by_port() {
        let text = "\
USER     CMD          PID   FD MOUNT        INUM  MODE         R/W    SZ|DV
_unbound unbound    62551   wd /           25984  drwxr-xr-x     r      512
_unbound unbound    62551    3* internet dgram udp 127.0.0.1:53
_unbound unbound    62551    4* internet stream tcp 0x0 127.0.0.1:53
_unbound unbound    62551    5* internet6 dgram udp *:53
_unbound unbound    62551    6* internet stream tcp 0xd1c0 127.0.0.1:53 <-- 127.0.0.1:4242
_unbound unbound    62551    7* unix stream 0x0
";
        let name = |rest: &str| format!("unbound (process 62551) {rest}");
        let expected = ["UDP 127.0.0.1", "TCP 127.0.0.1", "UDP ::"].map(name);
        assert_eq!(shown(&listeners(text, 53)), expected);
        assert!(listeners(text, 4242).is_empty());
    }
}
