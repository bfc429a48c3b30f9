//! The listeners for clients, by the configuration or by default.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use zoners_dns::Transport;
use zoners_tls::CertificateFiles;

use super::{AcmeChallenge, Config, ListenAddress};

/// Where clients are served unless the configuration says otherwise: this machine alone.
const HERE: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// The port of DNS.
pub(crate) const PORT: u16 = 53;
/// The port of HTTPS.
pub(crate) const HTTPS_PORT: u16 = 443;

/// A listener to be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListenerSpec {
    /// The address, with port 0 for any free port.
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) options: ListenerOptions,
}

/// The options of a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListenerOptions {
    /// The configuration names the address: the listener must be bound, unless the machine does not have the address.
    /// Of the default addresses one is enough.
    pub(crate) required: bool,
    /// The socket is for HTTP/3 alone: an address of HTTPS stands for the listener.
    pub(crate) http3_alone: bool,
}

/// Neighbours in a list of listeners at one address: all get the same port, and either all are bound or none is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressSpec<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) listeners: &'a [ListenerSpec],
}

impl ListenerSpec {
    /// The default listeners, at this port.
    pub(crate) fn here(port: u16) -> Vec<Self> {
        let addresses = HERE.map(|address| ListenAddress::plain(SocketAddr::new(address, port)));
        ListenerSpec::at(addresses.iter(), ListenerOptions::default())
    }

    /// Whether both want the same socket; a reload changes options without a new socket.
    pub(crate) fn wants_socket_of(&self, other: &ListenerSpec) -> bool {
        (self.address, self.transport) == (other.address, other.transport)
    }

    /// The listeners at addresses, without those of the HTTP service.
    fn at<'a>(
        addresses: impl Iterator<Item = &'a ListenAddress>,
        options: ListenerOptions,
    ) -> Vec<Self> {
        let listeners = addresses.flat_map(|ListenAddress { address, transports, .. }| {
            transports.iter().map(|&transport| ListenerSpec {
                address: *address,
                transport,
                options,
            })
        });
        listeners.filter(|listener| listener.transport != Transport::Https).collect()
    }
}

impl<'a> AddressSpec<'a> {
    /// The listeners of a list by address. A transport that comes again begins a new address, since port 0 is a new
    /// port each time; and so does each encrypted one, which has no port in common with UDP and TCP.
    pub(crate) fn all_of(listeners: &'a [ListenerSpec]) -> impl Iterator<Item = Self> {
        let belong = |one: &ListenerSpec, next: &ListenerSpec| {
            one.address == next.address
                && one.transport < next.transport
                && !next.transport.is_encrypted()
        };
        let spec = |listeners: &'a [ListenerSpec]| {
            listeners.first().map(|first| AddressSpec { address: first.address, listeners })
        };
        listeners.chunk_by(belong).filter_map(spec)
    }

    /// The addresses of a list.
    pub(crate) fn addresses(listeners: &[ListenerSpec]) -> Vec<SocketAddr> {
        AddressSpec::all_of(listeners).map(|spec| spec.address).collect()
    }

    /// Whether the address is that of a listener over HTTPS, which goes on without HTTP/3.
    pub(crate) fn is_http3_alone(&self) -> bool {
        self.listeners.iter().all(|listener| listener.options.http3_alone)
    }

    /// Whether the configuration names the address.
    pub(crate) fn is_required(&self) -> bool {
        self.listeners.iter().any(|listener| listener.options.required)
    }
}

impl Config {
    /// The wanted listeners, by address and then in the order of their transports.
    pub(crate) fn listeners(&self) -> Vec<ListenerSpec> {
        let here = match &self.server.listen {
            Some(_) => Vec::new(),
            None => ListenerSpec::here(PORT),
        };
        let named = self.listen_addresses().map(|(_, address)| address);
        let options = ListenerOptions { required: true, ..ListenerOptions::default() };
        let mut all = [here, ListenerSpec::at(named, options)].concat();
        let quic = self.quic();
        for (address, spoken) in quic.by_address().filter(|(_, spoken)| spoken.http3.is_some()) {
            let own = ListenerSpec {
                address: *address,
                transport: Transport::Quic,
                options: ListenerOptions { http3_alone: !spoken.doq, ..options },
            };
            match all.iter_mut().find(|shared| shared.wants_socket_of(&own)) {
                Some(shared) => *shared = own,
                None => all.push(own),
            }
        }
        all
    }

    /// The addresses for clients that the file names, each with its key.
    pub(crate) fn listen_addresses(&self) -> impl Iterator<Item = (String, &ListenAddress)> {
        let of_server = self.server.listen.iter().flatten().enumerate();
        let of_server = of_server.map(|(at, address)| (format!("server.listen[{at}]"), address));
        let tables = self.listen.iter().enumerate();
        let tables = tables.map(|(at, table)| (format!("listen[{at}].address"), &table.address));
        of_server.chain(tables)
    }

    /// The addresses of DNS over HTTPS.
    pub(crate) fn https(&self) -> Vec<&ListenAddress> {
        let all = self.listen_addresses().map(|(_, address)| address);
        all.filter(|address| address.is_over(Transport::Https)).collect()
    }

    /// The files of the certificate, if there is one.
    pub(crate) fn certificate_files(&self) -> Option<CertificateFiles> {
        let (chain, key) = (self.server.certificate.clone()?, self.server.certificate_key.clone()?);
        Some(CertificateFiles { chain, key })
    }

    /// The ports of the listeners, in order.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let https = self.https().into_iter().map(|https| https.address);
        ports(self.listeners().iter().map(|listener| listener.address).chain(https))
    }

    /// The ports of the HTTP service, in order.
    pub(crate) fn http_ports(&self) -> Vec<u16> {
        ports(self.server.http.iter().copied().chain(self.acme_pages().iter().copied()))
    }

    /// The addresses of pages for an ACME server.
    pub(crate) fn acme_pages(&self) -> &[SocketAddr] {
        match self.acme.challenge {
            AcmeChallenge::Http01 => &self.acme.listen,
            AcmeChallenge::TlsAlpn01 => &[],
        }
    }

    /// The ports of the dashboard, in order.
    pub(crate) fn dashboard_ports(&self) -> Vec<u16> {
        ports(self.server.dashboard.into_iter().chain(self.server.dashboard_https))
    }
}

fn ports(addresses: impl Iterator<Item = SocketAddr>) -> Vec<u16> {
    let ports: BTreeSet<u16> = addresses.map(|address| address.port()).collect();
    ports.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_of_one_address_share_a_port_and_port_0_is_a_new_port_each_time() {
        let text = "[server]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\", \"[::1]:5300\"]\n";
        let listeners = Config::parse(text, "zoners.toml").unwrap().listeners();
        let transports = |spec: AddressSpec<'_>| {
            let transports = spec.listeners.iter().map(|listener| listener.transport);
            (spec.address.port(), transports.collect::<Vec<_>>())
        };
        let by_address: Vec<_> = AddressSpec::all_of(&listeners).map(transports).collect();
        let transports = [Transport::Udp, Transport::Tcp];
        assert_eq!(by_address, [0, 0, 5300].map(|port| (port, transports.to_vec())));
        assert!(AddressSpec::all_of(&listeners).all(|spec| spec.is_required()));
        let default = Config::default().listeners();
        assert_eq!(AddressSpec::addresses(&default), HERE.map(|ip| SocketAddr::new(ip, PORT)));
        assert!(!AddressSpec::all_of(&default).any(|spec| spec.is_required()));
    }

    #[test]
    fn tables_add_listeners_and_https_has_a_socket_of_udp_here() {
        let text = "[server]\nlisten = [\"127.0.0.1\", \"https://127.0.0.1\"]\n[[listen]]\naddress = \"tls://0.0.0.0\"\n\
                    [[listen]]\naddress = \"udp://[::1]:5300\"\n";
        let config = Config::parse(text, "zoners.toml").unwrap();
        let listeners = config.listeners();
        let listeners =
            listeners.iter().map(|listener| (listener.transport, listener.address.port()));
        let expected = [
            (Transport::Udp, 53),
            (Transport::Tcp, 53),
            (Transport::Tls, 853),
            (Transport::Udp, 5300),
            (Transport::Quic, 443),
        ];
        assert_eq!(listeners.collect::<Vec<_>>(), expected);
        assert_eq!(config.https().len(), 1);
        assert_eq!(config.ports(), [53, 443, 853, 5300]);
        let text =
            "[server]\nlisten = [\"127.0.0.1:0\", \"tls://127.0.0.1:0\", \"quic://127.0.0.1:0\"]\n";
        let three = Config::parse(text, "zoners.toml").unwrap().listeners();
        assert_eq!(AddressSpec::all_of(&three).count(), 3, "each with a free port of its own");
        let table =
            Config::parse("[[listen]]\naddress = \"tls://0.0.0.0\"\n", "zoners.toml").unwrap();
        assert_eq!(table.listeners().len(), 5, "beside those of this machine");
    }
}
