//! The servers whose trials of encryption were looked up at other nodes lately.

use std::net::SocketAddr;
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::Moment;

use crate::infra::recent_table::RecentTable;

/// Remembered servers; a forgotten server is looked up once more.
const MAX_SERVERS: usize = 4096;
/// Until there is a result, a server is looked up once in this time.
const LOOK_UP_EVERY: Duration = Duration::from_secs(600);

/// The table.
#[derive(Debug)]
pub(crate) struct TrialLookUps(Mutex<RecentTable<SocketAddr, ()>>);

impl Default for TrialLookUps {
    fn default() -> Self {
        TrialLookUps(Mutex::new(RecentTable::new(MAX_SERVERS, LOOK_UP_EVERY)))
    }
}

impl TrialLookUps {
    /// Whether the server is to be looked up now; true once in [`LOOK_UP_EVERY`].
    pub(crate) fn claim(&self, server: SocketAddr, now: Moment) -> bool {
        let mut table = self.0.lock();
        table.get_mut(&server, now).is_none() && table.touch(server, now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_looked_up_once_in_ten_minutes_and_the_table_is_bounded() {
        let table = TrialLookUps::default();
        let server = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
        let at = |seconds| Moment::from_millis(1).after(Duration::from_secs(seconds));
        assert!(table.claim(server(53), at(0)) && !table.claim(server(53), at(599)));
        assert!(table.claim(server(53), at(600)));
        (0..20_000).for_each(|port| _ = table.claim(server(port), at(600)));
        assert!(table.0.lock().len() <= MAX_SERVERS);
    }
}
