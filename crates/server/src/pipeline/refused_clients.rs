//! The latest refused clients, for a person with a device that gets no answers.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use zoners_api::RefusedClient;
use zoners_dns::Moment;

/// Clients in the list: a flood of forged addresses takes the places of devices, but no memory.
const MAX_CLIENTS: usize = 8;

/// The latest refused clients. Clones have the same list.
#[derive(Clone, Debug, Default)]
pub(super) struct RefusedClients {
    clients: Arc<Mutex<Vec<NotServed>>>,
}

#[derive(Clone, Copy, Debug)]
struct NotServed {
    address: IpAddr,
    queries: u64,
    last: Moment,
}

impl RefusedClients {
    /// Notes a query of a client, in the place of the client longest silent if the list is full. Without a wait: while
    /// two workers note at once, one of the queries is not noted.
    #[cold]
    pub(super) fn note(&self, address: IpAddr, now: Moment) {
        let Some(mut clients) = self.clients.try_lock() else { return };
        let address = address.to_canonical();
        let last = now;
        if let Some(client) = clients.iter_mut().find(|client| client.address == address) {
            (client.queries, client.last) = (client.queries + 1, last);
            return;
        }
        let client = NotServed { address, queries: 1, last };
        if clients.len() < MAX_CLIENTS {
            clients.push(client);
        } else if let Some(oldest) = clients.iter_mut().min_by_key(|client| client.last) {
            *oldest = client;
        }
    }

    /// The clients, the latest first.
    pub(super) fn latest(&self, now: Moment) -> Vec<RefusedClient> {
        let mut clients = self.clients.lock().clone();
        clients.sort_by_key(|client| std::cmp::Reverse(client.last));
        let report = |NotServed { address, queries, last }: NotServed| RefusedClient {
            address: address.to_string(),
            queries,
            ago_s: now.since(last).as_secs(),
        };
        clients.into_iter().map(report).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_clients_are_told_once_each_and_their_number_is_bounded() {
        let refused = RefusedClients::default();
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        for second in 0..20_u8 {
            let now = Moment::from_millis(u64::from(second) * 1000);
            refused.note(address(second), now);
            refused.note("::ffff:192.0.2.99".parse().unwrap(), now);
        }
        let latest = refused.latest(Moment::from_millis(29_000));
        assert_eq!(latest.len(), MAX_CLIENTS);
        let find = |wanted: &str| latest.iter().find(|client| client.address == wanted);
        assert_eq!(find("192.0.2.99").map(|client| (client.queries, client.ago_s)), Some((20, 10)));
        assert_eq!(find("192.0.2.19").map(|client| client.queries), Some(1));
        assert!(find("192.0.2.3").is_none(), "{latest:?}");
        assert_eq!(latest[0].ago_s, 10);
    }
}
