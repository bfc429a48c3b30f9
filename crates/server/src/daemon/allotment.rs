//! The share of each part in the descriptors of the process: upstream sockets, connections of clients, and the rest.

use zoners_host::descriptors;

/// Descriptors of a worker's runtime, beside the listeners.
const WORKER_DESCRIPTORS: usize = 4;
/// Descriptors for occasional use: files, connections to the control socket and to Redis.
const OCCASIONAL_DESCRIPTORS: usize = 12;
/// Descriptors open at the start, where the system does not tell.
const START_DESCRIPTORS: usize = 20;
/// One in so many of the remaining descriptors is for connections of clients, with a minimum.
const CLIENT_DIVISOR: usize = 4;
const MIN_CLIENT_CONNECTIONS: usize = 2;
/// With fewer upstream sockets, queries will soon wait for a free socket.
const FEW_SOCKETS: usize = 256;

/// The descriptors of each part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allotment {
    /// The limit of the process.
    limit: usize,
    /// Sockets to servers.
    pub(super) servers: usize,
    /// TCP connections of clients.
    pub(super) clients: usize,
}

impl Allotment {
    /// The shares of this process with `workers` workers, beside the descriptors that are open by now.
    pub(super) fn of_process(workers: usize) -> Self {
        let open = descriptors::open().unwrap_or(START_DESCRIPTORS);
        Allotment::of(descriptors::limit(), open, workers)
    }

    fn of(limit: usize, open: usize, workers: usize) -> Self {
        let rest = limit.saturating_sub(
            open + workers.saturating_mul(WORKER_DESCRIPTORS) + OCCASIONAL_DESCRIPTORS,
        );
        let clients = (rest / CLIENT_DIVISOR).max(MIN_CLIENT_CONNECTIONS);
        Allotment { limit, servers: rest.saturating_sub(clients), clients }
    }

    /// Warns if upstream sockets are few.
    pub(super) fn log_if_scarce(self) {
        let Allotment { limit, servers, clients } = self;
        if servers < FEW_SOCKETS {
            tracing::warn!(
                "descriptors: the system grants this process {limit} open files: no more than {servers} \
                 upstream queries and {clients} TCP connections of clients at a time"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_gets_a_share_and_the_sum_fits_the_limit() {
        for (limit, servers, clients) in [(64, 15, 4), (256, 159, 52), (65_536, 49_119, 16_372)] {
            let open = 25;
            assert_eq!(Allotment::of(limit, open, 2), Allotment { limit, servers, clients });
            assert!(servers + clients + open <= limit);
        }
        assert_eq!(Allotment::of(10, 25, 2).clients, MIN_CLIENT_CONNECTIONS);
        assert!(Allotment::of(usize::MAX, 25, 2).servers > 1 << 40);
    }
}
