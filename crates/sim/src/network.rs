//! The simulated Internet as a network of the resolver: sockets of the machine, and exchanges.

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use zoners_dns::{ConnectionState, Endpoint, Network};

use crate::exchange::SimExchange;
use crate::internet::SimNetwork;

impl Network for SimNetwork {
    type Exchange = SimExchange;
    type Room = Option<OwnedSemaphorePermit>;

    fn room(&self, _: Endpoint) -> Option<Self::Room> {
        match &self.0.lock().sockets {
            None => Some(None),
            Some(sockets) => sockets.clone().try_acquire_owned().ok().map(Some),
        }
    }

    async fn wait_for_room(&self, _: Endpoint) -> Self::Room {
        let sockets = self.0.lock().sockets.clone()?;
        let _waiting = SocketWait::new(self);
        sockets.acquire_owned().await.ok()
    }

    fn is_short(&self) -> bool {
        self.0.lock().waiting > 0
    }

    fn connection_state(&self, to: Endpoint) -> ConnectionState {
        self.0.lock().connection_state(to)
    }

    fn exchange(&self, to: Endpoint, query: Bytes, room: Option<Self::Room>) -> SimExchange {
        SimExchange::begin(self.clone(), to, query, room.flatten())
    }
}

/// A query waiting for a socket.
struct SocketWait<'a>(&'a SimNetwork);

impl<'a> SocketWait<'a> {
    fn new(net: &'a SimNetwork) -> Self {
        net.0.lock().waiting += 1;
        SocketWait(net)
    }
}

impl Drop for SocketWait<'_> {
    fn drop(&mut self) {
        self.0.0.lock().waiting -= 1;
    }
}
