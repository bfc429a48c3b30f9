//! A network whose type is known at run time alone.
//!
//! The resolver is compiled anew for each type of network. The resolvers of this program beside the daemon's may be
//! slower, and share this type.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use zoners_dns::{ConnectionState, Endpoint, Exchange, ExchangeEvent, Network};

/// A network of any type; clones share the network.
#[derive(Clone)]
pub(crate) struct AnyNetwork(Arc<dyn DynNetwork>);

/// An exchange over a network of any type.
pub(crate) struct AnyExchange(Box<dyn DynExchange>);

/// The room of a query, of the type of the network.
type AnyRoom = Box<dyn Any + Send>;

type BoxedFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AnyNetwork {
    pub(crate) fn new(network: impl Network) -> Self {
        AnyNetwork(Arc::new(network))
    }
}

impl Network for AnyNetwork {
    type Exchange = AnyExchange;
    type Room = AnyRoom;

    fn room(&self, to: Endpoint) -> Option<AnyRoom> {
        self.0.any_room(to)
    }

    fn wait_for_room(&self, to: Endpoint) -> impl Future<Output = AnyRoom> + Send {
        self.0.wait_for_any_room(to)
    }

    fn is_short(&self) -> bool {
        self.0.is_any_short()
    }

    fn connection_state(&self, to: Endpoint) -> ConnectionState {
        self.0.any_connection_state(to)
    }

    fn exchange(&self, to: Endpoint, query: Bytes, room: Option<AnyRoom>) -> AnyExchange {
        AnyExchange(self.0.any_exchange(to, query, room))
    }
}

impl Exchange for AnyExchange {
    fn receive(&mut self) -> impl Future<Output = ExchangeEvent> + Send {
        self.0.receive_any()
    }

    fn resend(&mut self, query: Bytes) {
        self.0.resend_any(query);
    }

    fn doubt(&mut self) -> bool {
        self.0.doubt_any()
    }
}

/// [`Network`] behind a pointer.
trait DynNetwork: Send + Sync {
    fn any_room(&self, to: Endpoint) -> Option<AnyRoom>;

    fn wait_for_any_room(&self, to: Endpoint) -> BoxedFuture<'_, AnyRoom>;

    fn is_any_short(&self) -> bool;

    fn any_connection_state(&self, to: Endpoint) -> ConnectionState;

    fn any_exchange(
        &self,
        to: Endpoint,
        query: Bytes,
        room: Option<AnyRoom>,
    ) -> Box<dyn DynExchange>;
}

impl<N: Network> DynNetwork for N {
    fn any_room(&self, to: Endpoint) -> Option<AnyRoom> {
        Some(Box::new(self.room(to)?))
    }

    fn wait_for_any_room(&self, to: Endpoint) -> BoxedFuture<'_, AnyRoom> {
        Box::pin(async move { Box::new(self.wait_for_room(to).await) as AnyRoom })
    }

    fn is_any_short(&self) -> bool {
        self.is_short()
    }

    fn any_connection_state(&self, to: Endpoint) -> ConnectionState {
        self.connection_state(to)
    }

    fn any_exchange(
        &self,
        to: Endpoint,
        query: Bytes,
        room: Option<AnyRoom>,
    ) -> Box<dyn DynExchange> {
        let room = room.and_then(|room| room.downcast::<N::Room>().ok());
        Box::new(self.exchange(to, query, room.map(|room| *room)))
    }
}

/// [`Exchange`] behind a pointer.
trait DynExchange: Send {
    fn receive_any(&mut self) -> BoxedFuture<'_, ExchangeEvent>;

    fn resend_any(&mut self, query: Bytes);

    fn doubt_any(&mut self) -> bool;
}

impl<E: Exchange> DynExchange for E {
    fn receive_any(&mut self) -> BoxedFuture<'_, ExchangeEvent> {
        Box::pin(self.receive())
    }

    fn resend_any(&mut self, query: Bytes) {
        self.resend(query);
    }

    fn doubt_any(&mut self) -> bool {
        self.doubt()
    }
}
