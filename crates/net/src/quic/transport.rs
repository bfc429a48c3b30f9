//! What both ends set for a connection.

use std::time::Duration;

use quinn_proto::{IdleTimeout, TransportConfig};

/// What a peer may have under way on a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Streams of two directions and of one that the peer may open.
    pub(super) streams: [u32; 2],
    /// Octets that the peer may send on a stream before they are read …
    pub(super) stream_window: u32,
    /// … and on the connection.
    pub(super) connection_window: u32,
    /// Octets to the peer that are sent and not acknowledged.
    pub(super) send_window: u64,
}

/// The transport of a connection that ends after `idle` without packets.
pub(super) fn transport(idle: Duration, allowed: Allowance) -> TransportConfig {
    let [bidirectional, unidirectional] = allowed.streams;
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(bidirectional.into())
        .max_concurrent_uni_streams(unidirectional.into())
        .stream_receive_window(allowed.stream_window.into())
        .receive_window(allowed.connection_window.into())
        .send_window(allowed.send_window)
        .max_idle_timeout(IdleTimeout::try_from(idle).ok())
        // Messages are short: a search for longer datagrams would take more packets than it saves.
        .mtu_discovery_config(None)
        .datagram_receive_buffer_size(None)
        .enable_segmentation_offload(false);
    transport
}
