//! What is spoken over QUIC at each port of UDP: DNS over QUIC, HTTP/3, or both.

use std::net::SocketAddr;

use zoners_dns::Transport;
use zoners_tls::ApplicationProtocol;

use super::{Config, ListenAddress};

/// What is spoken over QUIC at a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuicSpoken {
    /// DNS over QUIC (RFC 9250).
    pub(crate) doq: bool,
    /// The path of DNS over HTTPS where HTTP/3 is spoken.
    pub(crate) path: Option<String>,
}

impl QuicSpoken {
    /// DNS over QUIC alone.
    pub(crate) const DOQ: Self = QuicSpoken { doq: true, path: None };

    /// The protocols in a handshake.
    pub(crate) fn protocol(&self) -> ApplicationProtocol {
        match (self.doq, &self.path) {
            (_, None) => ApplicationProtocol::Doq,
            (true, Some(_)) => ApplicationProtocol::DoqAndHttp3,
            (false, Some(_)) => ApplicationProtocol::Http3,
        }
    }
}

impl Config {
    /// The addresses of DNS over HTTPS that are served over HTTP/3 too. Port 0 is left out, as the port of UDP would be
    /// another one. So is a table with certificates of clients, for which QUIC does not ask, and a table with load
    /// balancers, which name no client of a packet.
    pub(crate) fn http3(&self) -> Vec<&ListenAddress> {
        let tables = self.listen.iter();
        let tables = tables
            .filter(|table| table.client_authority.is_none() && table.proxies.is_empty())
            .map(|table| &table.address);
        let all = self.server.listen.iter().flatten().chain(tables);
        let is_over = |address: &&ListenAddress| {
            address.is_over(Transport::Https) && address.address.port() != 0
        };
        all.filter(|_| self.server.http3).filter(is_over).collect()
    }

    /// What is spoken over QUIC, by address.
    pub(crate) fn quic(&self) -> Vec<(SocketAddr, QuicSpoken)> {
        let of_doq = self.listen_addresses().map(|(_, address)| address);
        let of_doq = of_doq.filter(|address| address.is_over(Transport::Quic));
        let doq = |address: &ListenAddress| (address.address, QuicSpoken::DOQ);
        let mut all: Vec<(SocketAddr, QuicSpoken)> = of_doq.map(doq).collect();
        for https in self.http3() {
            let path = https.path.clone();
            match all.iter_mut().find(|(address, _)| *address == https.address) {
                Some((_, spoken)) => spoken.path = path,
                None => all.push((https.address, QuicSpoken { doq: false, path })),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(text: &str) -> Vec<(String, bool, Option<String>)> {
        let quic = Config::parse(text, "zoners.toml").unwrap().quic();
        quic.into_iter().map(|(at, spoken)| (at.to_string(), spoken.doq, spoken.path)).collect()
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
    fn tables_whose_clients_are_named_by_tcp_have_no_http3() {
        let table = |key: &str| {
            spoken(&format!("[[listen]]\naddress = \"https://192.0.2.1\"\n{key}\n")).len()
        };
        assert_eq!(table("allow = []"), 1);
        assert_eq!(table("client-authority = \"/a\""), 0);
        assert_eq!(table("proxies = [\"192.0.2.9\"]"), 0);
    }
}
