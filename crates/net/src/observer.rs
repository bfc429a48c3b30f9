//! A witness of the messages between this process and servers.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use zoners_dns::{Endpoint, Exchange, ExchangeEvent};

use crate::upstream::SocketExchange;

/// Sees each message to and from a server. A method must not wait.
pub trait UpstreamObserver: Debug + Send + Sync {
    /// A query is sent, or sent again.
    fn sent(&self, to: Endpoint, query: &[u8]);
    /// A message came from the address of the server; over UDP the address may be spoofed.
    fn received(&self, from: Endpoint, message: &[u8]);
}

/// An exchange with a witness.
#[derive(Debug)]
pub struct ObservedExchange {
    exchange: SocketExchange,
    server: Endpoint,
    observer: Arc<dyn UpstreamObserver>,
}

impl ObservedExchange {
    /// The exchange of `query`, which is sent.
    pub(crate) fn new(
        exchange: SocketExchange,
        server: Endpoint,
        query: &[u8],
        observer: Arc<dyn UpstreamObserver>,
    ) -> Self {
        observer.sent(server, query);
        ObservedExchange { exchange, server, observer }
    }

    /// As [`Exchange::receive`]; boxed, since an exchange lies in an exchange.
    pub(crate) fn receive(&mut self) -> Pin<Box<dyn Future<Output = ExchangeEvent> + Send + '_>> {
        Box::pin(async move {
            let event = self.exchange.receive().await;
            if let ExchangeEvent::Message(message) = &event {
                self.observer.received(self.server, message);
            }
            event
        })
    }

    /// As [`Exchange::resend`].
    pub(crate) fn resend(&mut self, query: Bytes) {
        self.observer.sent(self.server, &query);
        self.exchange.resend(query);
    }

    /// As [`Exchange::doubt`].
    pub(crate) fn doubt(&mut self) -> bool {
        self.exchange.doubt()
    }
}
