//! How the descriptors of the process are shared out: to sockets to servers, to connections of clients, and to
//! all else.

use zoners_host::descriptors;

/// What a worker's runtime has open, beside its listeners.
const OF_WORKER: usize = 4;
/// What is opened now and then: files, connections to the control socket and to Redis.
const OTHERS: usize = 12;
/// What is open at the start, where the system does not tell.
const AT_START: usize = 20;
/// Of what is left, connections of clients get a share of so many, and so many at least.
const OF_CLIENTS: usize = 4;
const LEAST_OF_CLIENTS: usize = 2;
/// With fewer sockets to servers, queries will wait for one before long.
const FEW: usize = 256;

/// What each part gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allotment {
    /// Of the process, in all.
    limit: usize,
    /// Sockets to servers.
    pub(super) servers: usize,
    /// TCP connections of clients.
    pub(super) clients: usize,
}

impl Allotment {
    /// What this process has to share out, beside what is open by now, where so many workers are to run.
    pub(super) fn of_process(workers: usize) -> Self {
        let open = descriptors::open().unwrap_or(AT_START);
        Allotment::of(descriptors::limit(), open, workers)
    }

    fn of(limit: usize, open: usize, workers: usize) -> Self {
        let rest = limit.saturating_sub(open + workers.saturating_mul(OF_WORKER) + OTHERS);
        let clients = (rest / OF_CLIENTS).max(LEAST_OF_CLIENTS);
        Allotment { limit, servers: rest.saturating_sub(clients), clients }
    }

    /// Logs where that is little.
    pub(super) fn log_if_scarce(self) {
        let Allotment { limit, servers, clients } = self;
        if servers < FEW {
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
    fn each_part_gets_its_share_and_all_are_no_more_than_there_is() {
        for (limit, servers, clients) in [(64, 15, 4), (256, 159, 52), (65_536, 49_119, 16_372)] {
            let open = 25;
            assert_eq!(Allotment::of(limit, open, 2), Allotment { limit, servers, clients });
            assert!(servers + clients + open <= limit);
        }
        assert_eq!(Allotment::of(10, 25, 2).clients, LEAST_OF_CLIENTS);
        assert!(Allotment::of(usize::MAX, 25, 2).servers > 1 << 40);
    }
}
