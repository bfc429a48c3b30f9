//! Changes of the uplink and of the clock, for the log.

use zoners_resolver::{BrokenPaths, NetworkState, Obstacle, Shared};

/// The condition in the last lines of the log.
#[derive(Clone, Default)]
pub(super) struct UplinkLog {
    down: bool,
    broken: BrokenPaths,
    silent_networks: Vec<String>,
    obstacle: Option<Obstacle>,
    /// Seconds.
    clock_wrong_by: Option<i64>,
}

impl UplinkLog {
    /// Logs the changes since the last look.
    pub(super) fn look(&mut self, shared: &Shared) {
        let obstacle = match shared.network_state() {
            NetworkState::Obstructed(obstacle) => Some(obstacle),
            _ => None,
        };
        let now = UplinkLog {
            down: shared.is_uplink_down(),
            broken: shared.broken_paths(),
            silent_networks: shared.silent_networks(),
            obstacle,
            clock_wrong_by: shared.clock_skew.wrong_by(),
        };
        self.log_obstacle(&now);
        self.log_silent_networks(&now);
        self.log_reachability(&now);
        self.log_clock(&now);
        *self = now;
    }

    fn log_obstacle(&self, now: &UplinkLog) {
        match (self.obstacle, now.obstacle) {
            (before, Some(obstacle)) if before != now.obstacle => {
                tracing::warn!("uplink: {}", obstacle.says());
            }
            (Some(obstacle), None) => tracing::info!("uplink: no longer: {}", obstacle.says()),
            _ => {}
        }
    }

    fn log_silent_networks(&self, now: &UplinkLog) {
        let (before, after) = (&self.silent_networks, &now.silent_networks);
        for network in after.iter().filter(|network| !before.contains(network)) {
            tracing::warn!("uplink: no server in {network} responds");
        }
        for network in before.iter().filter(|network| !after.contains(network)) {
            tracing::info!("uplink: {network} responds again");
        }
    }

    fn log_reachability(&self, now: &UplinkLog) {
        match (self.down, now.down) {
            (false, true) => {
                tracing::warn!("uplink: no upstream responds: network appears to be down");
            }
            (true, false) => tracing::info!("uplink: servers respond again"),
            // Every path is broken while the uplink is down.
            (true, true) => return,
            (false, false) => {}
        }
        let (before, after) = (self.broken.names(), now.broken.names());
        for path in after.iter().filter(|path| !before.contains(path) && !now.down) {
            tracing::warn!("uplink: {path} does not work from here: queries go another way");
        }
        for path in before.iter().filter(|path| !after.contains(path) && !self.down) {
            tracing::info!("uplink: {path} works again");
        }
    }

    fn log_clock(&self, now: &UplinkLog) {
        match (self.clock_wrong_by, now.clock_wrong_by) {
            (None, Some(by)) => tracing::error!(
                "clock: wrong by about {by} s: no DNSSEC signature is within its dates"
            ),
            (Some(_), None) => tracing::info!("clock: right again"),
            _ => {}
        }
    }
}
