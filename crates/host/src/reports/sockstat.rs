//! `sockstat -46l -p PORT` (FreeBSD): open sockets that wait for clients.

use super::{address_and_port, listeners_at};
use crate::ports::{PortListener, PortOwner};

/// The sockets that wait for clients at `port`.
pub(crate) fn listeners(text: &str, port: u16) -> Vec<PortListener> {
    listeners_at(port, text, listener)
}

/// A line of the list with its port: user, program, process, descriptor, protocol, local and remote address.
fn listener(line: &str) -> Option<(u16, PortListener)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, name, process, _, protocol, local, remote, ..] = words[..] else { return None };
    let is_stream = match protocol.get(..3)? {
        "tcp" => true,
        "udp" => false,
        _ => return None,
    };
    if !remote.starts_with('*') {
        return None;
    }
    let (address, port) = address_and_port(local, protocol.ends_with('6'))?;
    let owner = PortOwner { name: name.to_owned(), process: process.to_owned() };
    Some((port, PortListener { owner, address, is_stream }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::tests::shown;

    #[test]
    fn listeners_are_found_by_port() {
        // The first three lines are from github.com/HardenedBSD/hardenedbsd-ports/issues/114, the further ones are in
        // the form of sockstat(1).
        let text = "\
USER     COMMAND    PID   FD PROTO  LOCAL ADDRESS         FOREIGN ADDRESS
bind     named      79910 22 tcp4   79.137.56.144:953     *:*
root     syslogd    13633 6  udp4   79.137.56.144:514     *:*
unbound  unbound    1402  3  udp6   ::1:53                *:*
unbound  unbound    1402  4  tcp6   *:53                  *:*
unbound  unbound    1402  5  udp4   *:53                  *:*
a        dig        1500  6  udp4   10.0.0.2:53           10.0.0.3:5300
";
        let name = |rest: &str| format!("unbound (process 1402) {rest}");
        let expected = ["UDP ::1", "TCP ::", "UDP 0.0.0.0"].map(name);
        assert_eq!(shown(&listeners(text, 53)), expected);
        assert_eq!(shown(&listeners(text, 953)), ["named (process 79910) TCP 79.137.56.144"]);
    }
}
