//! Noticing that the machine slept, or moved to another network: what servers missed meanwhile is
//! no fault of theirs.

use std::time::{Duration, Instant};

use zoners_dns::Moment;
use zoners_host::network::NetworkChanges;
use zoners_resolver::BrokenPaths;
use zoners_resolver::{Event, Shared};
use zoners_resolver::{NetworkState, Obstacle};

/// A clock that goes on during sleep, and is so much further than one that does not, has slept.
const SLEPT: Duration = Duration::from_secs(5);

/// What tells of sleep and of moves, and says so when the line is bad.
pub(super) struct Wake {
    changes: Option<NetworkChanges>,
    looked_at: (Moment, Instant),
    line: Line,
}

/// What was last said of the line.
#[derive(Clone, Default, PartialEq, Eq)]
struct Line {
    down: bool,
    broken: BrokenPaths,
    silent_networks: Vec<String>,
    obstacle: Option<Obstacle>,
}

impl Wake {
    /// Begins to watch; without the system's help, only sleep is noticed.
    pub(super) fn watch(shared: &Shared) -> Self {
        let told = |error: &std::io::Error| {
            tracing::info!("changes of the network go unnoticed: {error}");
        };
        let changes = NetworkChanges::watch().inspect_err(told).ok();
        Wake { changes, looked_at: (shared.now(), Instant::now()), line: Line::default() }
    }

    /// Ends after links, addresses or routes have changed; true if the machine has moved to another network.
    pub(super) async fn changed(&mut self) -> bool {
        match &mut self.changes {
            Some(changes) => changes.next().await,
            None => std::future::pending().await,
        }
    }

    /// Called now and then while clients ask: whether the machine has slept.
    pub(super) fn look(&mut self, shared: &Shared) -> Option<Event> {
        let (now, awake) = (shared.now(), Instant::now());
        let (before, was_awake) = std::mem::replace(&mut self.looked_at, (now, awake));
        let slept = now.since(before).saturating_sub(awake.duration_since(was_awake));
        let obstacle = match shared.passage() {
            NetworkState::Obstructed(obstacle) => Some(obstacle),
            _ => None,
        };
        let line = Line {
            down: shared.is_line_down(),
            broken: shared.broken_paths(),
            silent_networks: shared.silent_networks(),
            obstacle,
        };
        self.line.tell_of_change(&line);
        self.line = line;
        (slept >= SLEPT).then_some(Event::Woke)
    }
}

impl Line {
    fn tell_of_change(&self, now: &Line) {
        match (self.obstacle, now.obstacle) {
            (before, Some(obstacle)) if before != now.obstacle => {
                tracing::warn!("{}", obstacle.says());
            }
            (Some(obstacle), None) => tracing::info!("no longer so: {}", obstacle.says()),
            _ => {}
        }
        let (before, after) = (&self.silent_networks, &now.silent_networks);
        for network in after.iter().filter(|network| !before.contains(network)) {
            tracing::warn!("no server in {network} answers any more");
        }
        for network in before.iter().filter(|network| !after.contains(network)) {
            tracing::info!("{network} answers again");
        }
        match (self.down, now.down) {
            (false, true) => tracing::warn!("nobody answers: the line is down, as it seems"),
            (true, false) => tracing::info!("the line is back"),
            // All ways out are broken while it is down.
            (true, true) => return,
            (false, false) => {}
        }
        let (before, after) = (self.broken.names(), now.broken.names());
        for path in after.iter().filter(|path| !before.contains(path) && !now.down) {
            tracing::warn!("{path} does not work from here: servers are asked another way");
        }
        for path in before.iter().filter(|path| !after.contains(path) && !self.down) {
            tracing::info!("{path} works again");
        }
    }
}
