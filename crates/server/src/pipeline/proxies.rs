//! The load balancers in front of listeners, which name the clients (PROXY protocol).

use std::net::{IpAddr, SocketAddr};

use zoners_dns::{Prefix, Transport};

use crate::config::ListenConfig;

/// The proxies of each listener that has some.
#[derive(Debug, Default)]
pub(super) struct Proxies(Vec<ListenerProxies>);

#[derive(Debug)]
struct ListenerProxies {
    at: SocketAddr,
    transports: &'static [Transport],
    prefixes: Vec<Prefix>,
}

impl Proxies {
    /// The proxies of the tables.
    pub(super) fn of(tables: &[ListenConfig]) -> Self {
        let behind = tables.iter().filter(|table| !table.proxies.is_empty());
        let proxies = behind.map(|table| ListenerProxies {
            at: table.address.address,
            transports: table.address.transports,
            prefixes: table.proxies.clone(),
        });
        Proxies(proxies.collect())
    }

    /// Whether a proxy of the listener has this address.
    pub(super) fn have(&self, at: SocketAddr, transport: Transport, address: IpAddr) -> bool {
        let listener =
            self.0.iter().find(|own| own.at == at && own.transports.contains(&transport));
        listener.is_some_and(|own| own.prefixes.iter().any(|prefix| prefix.contains(address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn a_proxy_is_one_at_its_own_listener_alone() {
        let text = "[[listen]]\naddress = \"tls://0.0.0.0\"\nproxies = [\"192.0.2.0/24\", \"2001:db8::1\"]\n\
                    [[listen]]\naddress = \"tcp://0.0.0.0:853\"\n";
        let config = Config::parse(text, "zoners.toml").unwrap();
        let proxies = Proxies::of(&config.listen);
        let at = "0.0.0.0:853".parse().unwrap();
        let have = |transport, address: &str| proxies.have(at, transport, address.parse().unwrap());
        for proxy in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1"] {
            assert!(have(Transport::Tls, proxy), "{proxy}");
        }
        assert!(!have(Transport::Tls, "192.0.3.7") && !have(Transport::Tls, "127.0.0.1"));
        assert!(!have(Transport::Tcp, "192.0.2.7"));
        let other = "0.0.0.0:8853".parse().unwrap();
        assert!(!proxies.have(other, Transport::Tls, "192.0.2.7".parse().unwrap()));
    }
}
