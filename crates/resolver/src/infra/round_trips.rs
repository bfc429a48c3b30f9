//! The round trips of a query: one, or three where a connection to an authority over TLS is opened first.
//!
//! The RTT estimate of the server is the time of one round trip, whatever the state of the connection, and the price of
//! a query follows from the state.

use std::time::Duration;

use zoners_dns::{ConnectionState, Endpoint, Network};

/// The handshakes of TCP and of TLS 1.3, a round trip each (RFC 8446 section 2).
const HANDSHAKES: u8 = 2;

/// The round trips from the query to the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoundTrips {
    least: u8,
    most: u8,
}

impl RoundTrips {
    /// No handshake.
    pub(crate) const ONE: RoundTrips = RoundTrips { least: 1, most: 1 };

    /// The round trips of a query sent now. Over other streams than opportunistic TLS, the RTT estimate has the
    /// handshakes in it.
    pub(crate) fn of(network: &impl Network, to: Endpoint) -> Self {
        if !to.is_opportunistic() {
            return RoundTrips::ONE;
        }
        match network.connection_state(to) {
            ConnectionState::Open => RoundTrips::ONE,
            ConnectionState::Opening => RoundTrips { least: 1, most: 1 + HANDSHAKES },
            ConnectionState::Closed => RoundTrips { least: 1 + HANDSHAKES, most: 1 + HANDSHAKES },
        }
    }

    /// Whether the connection is yet to be opened, and nothing opens it.
    pub(crate) fn is_closed(self) -> bool {
        self.least > 1
    }

    /// The expected round trips.
    pub(crate) fn expected(self) -> u32 {
        self.most.into()
    }

    /// The shortest and the longest round trip of an exchange of this duration.
    pub(crate) fn bounds(self, took: Duration) -> (Duration, Duration) {
        (took / self.most.into(), took / self.least.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_waits_for_a_part_of_the_handshakes_gives_bounds() {
        let (opening, closed) =
            (RoundTrips { least: 1, most: 3 }, RoundTrips { least: 3, most: 3 });
        let ms = Duration::from_millis;
        assert_eq!(RoundTrips::ONE.bounds(ms(30)), (ms(30), ms(30)));
        assert_eq!(opening.bounds(ms(30)), (ms(10), ms(30)));
        assert_eq!(closed.bounds(ms(30)), (ms(10), ms(10)));
        assert!(closed.is_closed() && !opening.is_closed());
        assert_eq!(opening.expected(), 3);
    }
}
