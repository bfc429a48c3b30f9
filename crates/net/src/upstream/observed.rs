//! An exchange with a witness.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use zoners_dns::{Endpoint, Exchange, ExchangeEvent};

use super::SocketExchange;
use crate::observer::UpstreamObserver;

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
