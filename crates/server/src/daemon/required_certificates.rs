//! Tables `[[listen]]` that require certificates of clients, beside the sockets of a service manager.

use std::net::SocketAddr;

use zoners_dns::Transport;

use crate::config::{Config, ConfigError};

/// Looks whether each table that requires certificates over TLS or QUIC holds for the sockets that a service manager has
/// `given`: a socket at the port and at another address is served by no such table, and clients of the table would be
/// served there without a certificate. DNS over HTTPS has other sockets, and HTTP/3 is not spoken there for a table.
///
/// # Errors
/// A table has no socket at its address, and there is one over TLS at its port.
pub(super) fn check_required_certificates(
    given: &[(Transport, SocketAddr)],
    config: &Config,
) -> Result<(), ConfigError> {
    let mut error = ConfigError::default();
    for (number, table) in config.listen.iter().enumerate() {
        let mut ways = [Transport::Tls, Transport::Quic].into_iter();
        let way = ways.find(|way| table.require_client_certificate && table.address.is_over(*way));
        let Some(way) = way else { continue };
        let of_way = || given.iter().filter(|(transport, _)| *transport == way);
        let at = table.address.address;
        if of_way().any(|(_, socket)| *socket == at) {
            continue;
        }
        if let Some((_, other)) = of_way().find(|(_, socket)| socket.port() == at.port()) {
            let what = format!(
                "the service manager gave no socket for {}, but one at {other}, where clients would be served without a \
                 certificate: write the address of the socket in the table, or the address of the table in the socket \
                 unit",
                table.address
            );
            let key = format!("listen[{number}].require-client-certificate");
            error.add(config.source.fault(&key, &what));
        }
    }
    error.outcome()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(given: &[(Transport, &str)], address: &str, required: bool) -> Vec<String> {
        let text = format!(
            "[[listen]]\naddress = \"{address}\"\nclient-authority = \"ca\"\nrequire-client-certificate = {required}\n"
        );
        let given: Vec<_> =
            given.iter().map(|(transport, at)| (*transport, at.parse().unwrap())).collect();
        let config = Config::parse(&text, "zoners.toml").unwrap();
        let outcome = check_required_certificates(&given, &config);
        outcome.map_or_else(|error| error.faults().to_vec(), |()| Vec::new())
    }

    #[test]
    fn a_socket_at_the_port_of_a_table_that_requires_certificates_has_its_address() {
        let (tls, table) = (Transport::Tls, "tls://192.0.2.1:853");
        assert_eq!(faults(&[(tls, "192.0.2.1:853")], table, true), [""; 0]);
        assert_eq!(faults(&[(tls, "192.0.2.1:853"), (tls, "[::]:853")], table, true), [""; 0]);
        for other in ["[::]:853", "192.0.2.2:853"] {
            let told = faults(&[(tls, other)], table, true);
            let start = "zoners.toml:4:30: listen.require-client-certificate: the service manager gave no socket for \
                         tls://192.0.2.1:853, but one at ";
            assert!(
                told.len() == 1 && told[0].starts_with(&format!("{start}{other}, ")),
                "{told:?}"
            );
            assert_eq!(faults(&[(tls, other)], table, false), [""; 0]);
        }
        let (quic, over_quic) = (Transport::Quic, "quic://192.0.2.1:853");
        assert_eq!(faults(&[(quic, "192.0.2.1:853"), (tls, "[::]:853")], over_quic, true), [""; 0]);
        assert_eq!(faults(&[(quic, "[::]:853")], over_quic, true).len(), 1);
        // Nobody is served over TLS there, or by other sockets than those of the manager.
        assert_eq!(faults(&[(tls, "[::]:8853")], table, true), [""; 0]);
        assert_eq!(faults(&[(Transport::Tcp, "[::]:853")], table, true), [""; 0]);
        assert_eq!(faults(&[(tls, "[::]:853")], "https://192.0.2.1:853", true), [""; 0]);
    }
}
