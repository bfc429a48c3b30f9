//! A DNS server asked directly, without recursion of our own.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;
use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{
    Checking, Endpoint, Exchange, ExchangeEvent, Message, Network, Question, Random, Transport,
};
use zoners_net::Sockets;
use zoners_server::config::values;

/// The port of DNS.
pub(crate) const PORT: u16 = 53;
/// The octet of a header with CD, and the bit (RFC 4035 section 3.2.2).
const CHECKING_DISABLED: (usize, u8) = (3, 0x10);

/// The address of a server in the notation of people: `192.0.2.1`, `[2001:db8::1]:5300`,
/// `tcp://192.0.2.1`, or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    transport: Transport,
    host: ServerHost,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ServerHost {
    Address(SocketAddr),
    /// A name, looked up by the system's resolver, and a port.
    Name(String, u16),
}

/// The properties of a query besides its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueryManner {
    /// RD: the server shall recurse.
    pub(crate) recursion_desired: bool,
    /// CD: whether the server has to validate.
    pub(crate) checking: Checking,
    /// The wait for one query; `None` if the caller has a timeout.
    pub(crate) timeout: Option<Duration>,
    /// How often a query is sent.
    pub(crate) tries: u32,
}

impl ServerAddress {
    /// Parses an address; `port` is the default port.
    ///
    /// # Errors
    /// The text is no address, or names an unknown transport; the error says what is allowed.
    pub(crate) fn read(text: &str, port: u16) -> Result<Self, String> {
        let (transport, rest) = match text.split_once("://") {
            Some(("udp", rest)) => (Transport::Udp, rest),
            Some(("tcp", rest)) => (Transport::Tcp, rest),
            None => (Transport::Udp, text),
            Some(("tls" | "https" | "quic" | "h3" | "sdns", _)) => {
                return Err(format!(
                    "{text}: encrypted queries (TLS, HTTPS, QUIC) are not there yet; tcp:// and udp:// are"
                ));
            }
            Some((other, _)) => {
                return Err(format!("{text}: `{other}` is no transport; udp:// and tcp:// are"));
            }
        };
        let host =
            values::address(rest, port).map(ServerHost::Address).or_else(|| host(rest, port));
        let wrong = || {
            format!(
                "{text}: no server; write an address such as 192.0.2.1, [2001:db8::1]:53 or a name"
            )
        };
        Ok(ServerAddress { transport, host: host.ok_or_else(wrong)? })
    }

    /// The address, unless it is a name.
    pub(crate) fn literal(&self) -> Option<Endpoint> {
        match self.host {
            ServerHost::Address(address) => Some(Endpoint::new(address, self.transport)),
            ServerHost::Name(..) => None,
        }
    }

    /// The endpoint; a name is looked up by the system's resolver. `ipv4` restricts the address
    /// family.
    ///
    /// # Errors
    /// The name has no address of this family.
    pub(crate) fn endpoint(&self, ipv4: Option<bool>) -> Result<Endpoint, String> {
        let fits = |address: &SocketAddr| ipv4.is_none_or(|ipv4| address.is_ipv4() == ipv4);
        let address = match &self.host {
            ServerHost::Address(address) => Some(*address).filter(fits),
            ServerHost::Name(name, port) => {
                let found = (name.as_str(), *port).to_socket_addrs();
                found.map_err(|error| format!("@{name}: {error}"))?.find(fits)
            }
        };
        let none = || format!("{}: no address of the family that is asked for", self.shown());
        Ok(Endpoint::new(address.ok_or_else(none)?, self.transport))
    }

    fn shown(&self) -> String {
        match &self.host {
            ServerHost::Address(address) => format!("@{}", address.ip()),
            ServerHost::Name(name, _) => format!("@{name}"),
        }
    }
}

/// A name, with a port or without.
fn host(text: &str, port: u16) -> Option<ServerHost> {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, digits)) => (name, digits.parse().ok()?),
        None => (text, port),
    };
    let is_name =
        !name.is_empty() && name.parse::<IpAddr>().is_err() && !name.contains([':', '[', '/', ' ']);
    (is_name && zoners_dns::name::parse(name).is_ok())
        .then(|| ServerHost::Name(name.to_owned(), port))
}

/// A server, and the sockets for queries to it.
#[derive(Clone)]
pub(crate) struct DnsServer {
    pub(crate) endpoint: Endpoint,
    network: Arc<Sockets>,
    random: Random,
}

impl DnsServer {
    pub(crate) fn at(endpoint: Endpoint) -> Result<Self, String> {
        let random = Random::from_system()?;
        let network = Arc::new(Sockets::new(random.clone()));
        Ok(DnsServer { endpoint, network, random })
    }

    /// The reply of the server, and its transport: a truncated reply is fetched over TCP.
    ///
    /// # Errors
    /// None came, for this reason.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        manner: QueryManner,
    ) -> Result<(Message, Transport), String> {
        let message = self.first_reply(question, manner).await?;
        if !message.header.tc() {
            return Ok((message, self.endpoint.transport));
        }
        let over_tcp = self.endpoint.over(Transport::Tcp);
        let message = self.exchange(over_tcp, question, manner).await?;
        match message.header.tc() {
            true => Err("truncated even over TCP".to_owned()),
            false => Ok((message, Transport::Tcp)),
        }
    }

    /// The first reply of the server, perhaps truncated.
    ///
    /// # Errors
    /// None came, for this reason.
    pub(crate) async fn first_reply(
        &self,
        question: &Question,
        manner: QueryManner,
    ) -> Result<Message, String> {
        self.exchange(self.endpoint, question, manner).await
    }

    /// Asks until a reply arrives; over TCP once.
    async fn exchange(
        &self,
        to: Endpoint,
        question: &Question,
        manner: QueryManner,
    ) -> Result<Message, String> {
        let tries = if to.transport == Transport::Tcp { 1 } else { manner.tries.max(1) };
        let mut wrong = "no reply in time".to_owned();
        for _ in 0..tries {
            let exchange = self.once(to, question, manner);
            let ended = match manner.timeout {
                Some(limit) => timeout(limit, exchange).await,
                None => Ok(exchange.await),
            };
            match ended {
                Ok(Ok(message)) => return Ok(message),
                Ok(Err(why)) => wrong = why,
                Err(_) => {}
            }
        }
        Err(wrong)
    }

    async fn once(
        &self,
        to: Endpoint,
        question: &Question,
        manner: QueryManner,
    ) -> Result<Message, String> {
        let id = self.random.id();
        let room = self.network.wait_for_room(to).await;
        let mut exchange = self.network.exchange(to, compose(question, id, manner), Some(room));
        loop {
            let octets = match exchange.receive().await {
                ExchangeEvent::Message(octets) => octets,
                ExchangeEvent::Advisory(failure) | ExchangeEvent::Failed(failure) => {
                    return Err(failure.to_string());
                }
            };
            let Ok(message) = Message::parse(&octets) else { continue };
            let answers = message.question.as_ref() == Some(question);
            if message.header.id() == id && message.header.qr() && answers {
                return Ok(message);
            }
        }
    }
}

fn compose(question: &Question, id: u16, manner: QueryManner) -> Bytes {
    let options = QueryOptions { id, recursion_desired: manner.recursion_desired, edns: true };
    let mut wire = BytesMut::from(query(question, options));
    if let (Checking::Disabled, (at, bit)) = (manner.checking, CHECKING_DISABLED)
        && let Some(octet) = wire.get_mut(at)
    {
        *octet |= bit;
    }
    wire.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let literal = |text: &str| {
            let endpoint = ServerAddress::read(text, PORT).unwrap().literal().unwrap();
            format!("{} {}", endpoint.address, endpoint.transport)
        };
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1:53 udp"),
            ("udp://192.0.2.1:5300", "192.0.2.1:5300 udp"),
            ("tcp://[2001:db8::1]:53", "[2001:db8::1]:53 tcp"),
            ("2001:db8::1", "[2001:db8::1]:53 udp"),
            ("[::1]", "[::1]:53 udp"),
        ] {
            assert_eq!(literal(text), expected, "{text}");
        }
        let named = |text: &str| ServerAddress::read(text, PORT).unwrap().host;
        assert_eq!(named("dns.example"), ServerHost::Name("dns.example".to_owned(), 53));
        assert_eq!(
            named("tcp://dns.example:5300"),
            ServerHost::Name("dns.example".to_owned(), 5300)
        );
    }

    #[test]
    fn what_is_no_server_is_told_with_what_is_allowed() {
        for (text, told) in [
            ("", "192.0.2.1"),
            ("192.0.2.1:port", "192.0.2.1"),
            ("udp://", "192.0.2.1"),
            ("a b", "192.0.2.1"),
            ("ftp://192.0.2.1", "udp:// and tcp://"),
            ("https://dns.example/dns-query", "not there yet"),
            ("tls://1.1.1.1", "not there yet"),
        ] {
            let error = ServerAddress::read(text, PORT).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn a_family_can_be_asked_for() {
        let four = ServerAddress::read("192.0.2.1", PORT).unwrap();
        assert!(four.endpoint(None).is_ok() && four.endpoint(Some(true)).is_ok());
        assert!(four.endpoint(Some(false)).unwrap_err().contains("192.0.2.1"));
    }

    #[test]
    fn checking_disabled_sets_its_bit_alone() {
        let question = Question::new(zoners_dns::name::root(), zoners_dns::Rtype::NS);
        let manner = QueryManner {
            recursion_desired: true,
            checking: Checking::Enabled,
            timeout: None,
            tries: 1,
        };
        let plain = compose(&question, 7, manner);
        let disabled =
            compose(&question, 7, QueryManner { checking: Checking::Disabled, ..manner });
        assert!(!Message::parse(&plain).unwrap().header.cd());
        assert!(Message::parse(&disabled).unwrap().header.cd());
        assert_eq!((plain[2], plain.len()), (disabled[2], disabled.len()));
    }
}
