//! The table of a router that translates addresses: a flow without an entry gets one, while there is room.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// A flow through the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flow {
    /// Datagrams of one exchange, which has a port of its own.
    Datagrams(u64),
    /// A stream to a server, opened at this moment.
    Stream(SocketAddr, Duration),
}

/// The table of a router.
#[derive(Clone, Debug)]
pub(crate) struct NatTable {
    size: usize,
    idle: Duration,
    /// The last packet of each flow.
    flows: BTreeMap<Flow, Duration>,
}

impl NatTable {
    /// A table with room for `size` flows, each of which is forgotten after `idle` without a packet.
    pub(crate) fn new(size: usize, idle: Duration) -> Self {
        NatTable { size, idle, flows: BTreeMap::new() }
    }

    /// Whether a packet of `flow` passes. A full table drops packets of new flows.
    pub(crate) fn passes(&mut self, flow: Flow, at: Duration) -> bool {
        let idle = self.idle;
        self.flows.retain(|_, last| at.saturating_sub(*last) < idle);
        let passes = self.flows.contains_key(&flow) || self.flows.len() < self.size;
        if passes {
            self.flows.insert(flow, at);
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_drops_new_flows_until_old_ones_are_idle() {
        let (mut nat, at) = (NatTable::new(2, Duration::from_secs(30)), Duration::from_secs);
        let flow = Flow::Datagrams;
        assert!(nat.passes(flow(1), at(0)) && nat.passes(flow(2), at(10)));
        assert!(!nat.passes(flow(3), at(20)) && nat.passes(flow(2), at(20)));
        assert!(nat.passes(flow(3), at(30)) && !nat.passes(flow(1), at(30)));
    }
}
