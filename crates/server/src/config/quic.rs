//! What is spoken over QUIC at each port of UDP: DNS over QUIC, HTTP/3, or both.

use std::net::SocketAddr;
use std::path::Path;

use zoners_dns::Transport;
use zoners_tls::ApplicationProtocol;

use super::{Config, ListenAddress};

/// What is spoken over QUIC at a socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct QuicSpoken {
    /// DNS over QUIC (RFC 9250).
    pub(crate) doq: bool,
    /// The listener of DNS over HTTPS that is served over HTTP/3.
    pub(crate) http3: Option<Http3Listener>,
}

/// A listener of DNS over HTTPS that is served over HTTP/3 too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Http3Listener {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
}

/// What is spoken over QUIC in a configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct QuicListeners {
    by_address: Vec<(SocketAddr, QuicSpoken)>,
    /// For sockets of a service manager, whose address may not be configured.
    by_port: Vec<(u16, QuicSpoken)>,
}

impl QuicSpoken {
    /// The protocols in a handshake.
    pub(crate) fn protocol(&self) -> ApplicationProtocol {
        match (self.doq, &self.http3) {
            (_, None) => ApplicationProtocol::Doq,
            (true, Some(_)) => ApplicationProtocol::DoqAndHttp3,
            (false, Some(_)) => ApplicationProtocol::Http3,
        }
    }

    /// The transport of the listener that says which certificates of clients are asked for. At a shared port both
    /// listeners ask for the same.
    pub(crate) fn transport(&self) -> Transport {
        if self.doq { Transport::Quic } else { Transport::Https }
    }

    fn is_silent(&self) -> bool {
        !self.doq && self.http3.is_none()
    }
}

impl QuicListeners {
    /// The configured addresses.
    pub(crate) fn by_address(&self) -> impl Iterator<Item = &(SocketAddr, QuicSpoken)> {
        self.by_address.iter()
    }

    /// What is spoken at a socket. A socket of a service manager may have an address that is not configured: then the
    /// port counts.
    pub(crate) fn spoken_at(&self, socket: SocketAddr) -> Option<&QuicSpoken> {
        let at_address = self.by_address.iter().find(|(address, _)| *address == socket);
        let at_address = at_address.map(|(_, spoken)| spoken);
        let at_port = || self.by_port.iter().find(|(port, _)| *port == socket.port());
        at_address.or_else(|| at_port().map(|(_, spoken)| spoken))
    }
}

impl Config {
    /// The addresses of DNS over HTTPS that are served over HTTP/3 too. Port 0 is left out, as the port of UDP would be
    /// another one. So is a table with load balancers, which name no client of a packet, and a port that DNS over QUIC
    /// has with other certificates of clients: the handshake asks for certificates before a protocol is agreed on.
    pub(crate) fn http3(&self) -> Vec<&ListenAddress> {
        let tables = self.listen.iter().filter(|table| table.proxies.is_empty());
        let tables = tables.map(|table| &table.address);
        let all = self.server.listen.iter().flatten().chain(tables);
        let is_over = |address: &&ListenAddress| {
            address.is_over(Transport::Https) && address.address.port() != 0
        };
        let may_share =
            |address: &&ListenAddress| self.other_authority_over_quic(address).is_none();
        all.filter(|_| self.server.http3).filter(is_over).filter(may_share).collect()
    }

    /// The listener of DNS over QUIC at the address of DNS over HTTPS that asks for other certificates of clients.
    pub(crate) fn other_authority_over_quic(
        &self,
        https: &ListenAddress,
    ) -> Option<&ListenAddress> {
        let mut of_doq = self.of_doq().filter(|doq| doq.address == https.address);
        of_doq.find(|doq| self.asked_certificates(doq) != self.asked_certificates(https))
    }

    /// The authority of the clients of a listener, and whether a certificate is required.
    fn asked_certificates(&self, address: &ListenAddress) -> Option<(&Path, bool)> {
        let table = self.listen.iter().find(|table| table.address == *address)?;
        Some((table.client_authority.as_deref()?, table.require_client_certificate))
    }

    fn of_doq(&self) -> impl Iterator<Item = &ListenAddress> {
        let all = self.listen_addresses().map(|(_, address)| address);
        all.filter(|address| address.is_over(Transport::Quic))
    }

    /// What is spoken over QUIC.
    pub(crate) fn quic(&self) -> QuicListeners {
        let doq = |own: &ListenAddress| (own.address, QuicSpoken { doq: true, http3: None });
        let mut by_address: Vec<(SocketAddr, QuicSpoken)> = self.of_doq().map(doq).collect();
        for https in self.http3() {
            let (address, path) = (https.address, https.path.clone().unwrap_or_default());
            let http3 = Some(Http3Listener { address, path });
            match by_address.iter_mut().find(|(known, _)| *known == address) {
                Some((_, spoken)) => spoken.http3 = http3,
                None => by_address.push((address, QuicSpoken { doq: false, http3 })),
            }
        }
        let ports = by_address.iter().map(|(address, _)| address.port());
        let mut by_port: Vec<(u16, QuicSpoken)> =
            ports.map(|port| (port, self.spoken_at_port(port, &by_address))).collect();
        by_port.retain(|(_, spoken)| !spoken.is_silent());
        QuicListeners { by_address, by_port }
    }

    /// What is spoken at a socket of a service manager with this port and an address that is not configured. There is no
    /// HTTP/3 for one of several listeners, nor for a table, whose clients and certificates hold at its address alone.
    fn spoken_at_port(&self, port: u16, all: &[(SocketAddr, QuicSpoken)]) -> QuicSpoken {
        let of_port = || all.iter().filter(|(address, _)| address.port() == port);
        let mut http3 = of_port().filter_map(|(_, spoken)| spoken.http3.as_ref());
        let first = http3.next().filter(|_| http3.next().is_none());
        let has_table = |own: &&Http3Listener| {
            let mut tables = self.listen.iter().map(|table| &table.address);
            tables.any(|table| table.is_over(Transport::Https) && table.address == own.address)
        };
        QuicSpoken {
            doq: of_port().any(|(_, spoken)| spoken.doq),
            http3: first.filter(|own| !has_table(own)).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quic(text: &str) -> QuicListeners {
        Config::parse(text, "zoners.toml").unwrap().quic()
    }

    fn spoken(text: &str) -> Vec<(String, bool, Option<String>)> {
        let own = |(at, spoken): &(SocketAddr, QuicSpoken)| {
            let path = spoken.http3.as_ref().map(|http3| http3.path.clone());
            (at.to_string(), spoken.doq, path)
        };
        quic(text).by_address().map(own).collect()
    }

    #[test]
    fn an_address_of_https_is_served_over_http3_too() {
        let listen = "listen = [\"https://192.0.2.1/q\", \"quic://192.0.2.2:443\", \"https://192.0.2.2\", \
                      \"quic://192.0.2.3\", \"https://192.0.2.4:0\"]\n";
        let doq = [("192.0.2.2:443", true, None), ("192.0.2.3:853", true, None)];
        let own = |(at, doq, path): (&str, bool, Option<&str>)| {
            (at.to_owned(), doq, path.map(str::to_owned))
        };
        let expected = [
            ("192.0.2.2:443", true, Some("/dns-query")),
            ("192.0.2.3:853", true, None),
            ("192.0.2.1:443", false, Some("/q")),
        ];
        assert_eq!(spoken(&format!("[server]\n{listen}")), expected.map(own));
        assert_eq!(spoken(&format!("[server]\nhttp3 = false\n{listen}")), doq.map(own));
    }

    #[test]
    fn tables_with_load_balancers_have_no_http3() {
        let table = |key: &str| {
            spoken(&format!("[[listen]]\naddress = \"https://192.0.2.1\"\n{key}\n")).len()
        };
        assert_eq!(table("allow = []"), 1);
        assert_eq!(table("client-authority = \"/a\""), 1);
        assert_eq!(table("proxies = [\"192.0.2.9\"]"), 0);
    }

    #[test]
    fn a_port_is_shared_where_both_listeners_ask_for_the_same_certificates() {
        let table = |scheme: &str, keys: &str| {
            format!("[[listen]]\naddress = \"{scheme}://192.0.2.1:443\"\n{keys}\n")
        };
        let shares = |of_doq: &str, of_https: &str| {
            let all = spoken(&(table("quic", of_doq) + &table("https", of_https)));
            assert_eq!(all.len(), 1);
            all[0].2.is_some()
        };
        let (own, other) = ("client-authority = \"/a\"", "client-authority = \"/b\"");
        let required = format!("{own}\nrequire-client-certificate = true");
        assert!(shares("", "allow = []") && shares(own, own) && shares(&required, &required));
        assert!(!shares("", own) && !shares(own, "") && !shares(own, other));
        assert!(!shares(own, &required));
    }

    #[test]
    fn a_socket_of_another_address_has_the_http3_of_a_single_listener_without_a_table() {
        let at = |text: &str| {
            let socket = "[::]:443".parse().unwrap();
            let quic = quic(text);
            let spoken = quic.spoken_at(socket).cloned().unwrap_or_default();
            (spoken.doq, spoken.http3.map(|http3| http3.address.to_string()))
        };
        let one = (false, Some("192.0.2.1:443".to_owned()));
        assert_eq!(at("[server]\nlisten = [\"https://192.0.2.1\", \"quic://192.0.2.1\"]\n"), one);
        let two = "[server]\nlisten = [\"https://192.0.2.1\", \"https://192.0.2.2\"]\n";
        assert_eq!(at(two), (false, None));
        let table = "[[listen]]\naddress = \"https://192.0.2.1\"\nallow = []\n";
        assert_eq!(at(table), (false, None));
        let doq = "[server]\nlisten = [\"quic://192.0.2.3:443\"]\n";
        assert_eq!(at(&format!("{doq}{table}")), (true, None));
    }
}
