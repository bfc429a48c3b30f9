//! A server that is next door and knows every name, beside a simulated Internet.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use zoners_dns::{Endpoint, Exchange, ExchangeEvent, Network, NetworkError};
use zoners_sim::SimExchange;
use zoners_sim::SimNetwork;

/// Where it is.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 114, 9);

const HEADER: usize = 12;
/// The name of the question, A, IN, 300 s, an address.
const RECORD: [u8; 16] = [0xC0, HEADER as u8, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 203, 0, 115, 9];
const OPT: [u8; 11] = [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0];

/// The way to both.
#[derive(Debug)]
pub(crate) struct Near(SimNetwork);

impl Near {
    pub(crate) fn beside(net: SimNetwork) -> Self {
        Near(net)
    }
}

impl Network for Near {
    type Exchange = NearExchange;
    type Room = <SimNetwork as Network>::Room;

    fn room(&self, to: Endpoint) -> Option<Self::Room> {
        self.0.room(to)
    }

    fn exchange(&self, to: Endpoint, query: Bytes, room: Option<Self::Room>) -> NearExchange {
        if to.address.ip() != IpAddr::V4(ADDRESS) {
            NearExchange::Far(Box::new(self.0.exchange(to, query, room)))
        } else if to.transport.is_encrypted() {
            NearExchange::Closed
        } else {
            NearExchange::Near { query, waited: false }
        }
    }
}

/// A query under way to one of them.
pub(crate) enum NearExchange {
    Near {
        query: Bytes,
        waited: bool,
    },
    /// The server next door listens on port 53 alone, as most authorities do.
    Closed,
    Far(Box<SimExchange>),
}

impl Exchange for NearExchange {
    async fn receive(&mut self) -> ExchangeEvent {
        match self {
            NearExchange::Far(exchange) => exchange.receive().await,
            NearExchange::Closed => ExchangeEvent::Failed(NetworkError::Refused),
            NearExchange::Near { query, waited } => {
                if std::mem::replace(waited, true) {
                    return std::future::pending().await;
                }
                // Others have their turn, as they have while a datagram is under way.
                tokio::task::yield_now().await;
                ExchangeEvent::Message(answer(query))
            }
        }
    }

    fn resend(&mut self, query: Bytes) {
        match self {
            NearExchange::Far(exchange) => exchange.resend(query),
            NearExchange::Near { .. } | NearExchange::Closed => {}
        }
    }
}

/// The answer: an address, whatever is asked for.
fn answer(query: &[u8]) -> Bytes {
    let name = query[HEADER..].iter().position(|octet| *octet == 0).unwrap_or(0);
    let question = &query[HEADER..(HEADER + name + 5).min(query.len())];
    let mut reply = Vec::with_capacity(HEADER + question.len() + RECORD.len() + OPT.len());
    reply.extend_from_slice(&query[..2]);
    reply.extend_from_slice(&[0x84, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
    reply.extend_from_slice(question);
    reply.extend_from_slice(&RECORD);
    reply.extend_from_slice(&OPT);
    reply.into()
}
