//! The resolvers of the system.
//!
//! Linux and the BSDs name resolvers in `/etc/resolv.conf`; a resolver of the system (systemd-resolved) may stand
//! there for the servers of the network. macOS writes the primary resolver alone to the file, and none of a VPN.

use std::fs;
use std::io;
use std::net::IpAddr;

/// The file with the resolvers.
pub const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The resolvers in the order in which the system asks. The zone of a link-local address (`fe80::1%en0`) is lost.
///
/// # Errors
/// [`RESOLV_CONF`] cannot be read, or a line of the file is malformed.
pub fn nameservers() -> io::Result<Vec<IpAddr>> {
    parse(&fs::read(RESOLV_CONF)?)
}

fn parse(text: &[u8]) -> io::Result<Vec<IpAddr>> {
    let config = resolv_conf::Config::parse(text)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    Ok(config.nameservers.iter().map(IpAddr::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_keep_their_order() {
        let text = b"# comment\nsearch lan\nnameserver 192.0.2.53\nnameserver 192.0.2.54\n";
        let expected = [[192, 0, 2, 53], [192, 0, 2, 54]].map(IpAddr::from);
        assert_eq!(parse(text).unwrap(), expected);
        let six = parse(b"nameserver fe80::1%2\noptions edns0\n").unwrap();
        assert!(six.iter().all(IpAddr::is_ipv6) && six.len() == 1);
        assert!(parse(b"search lan\n").unwrap().is_empty());
        assert!(parse(b"nameserver nonsense\n").is_err());
    }
}
