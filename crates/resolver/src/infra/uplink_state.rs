//! The state of an uplink, as far as silence depends on it.

use std::time::Duration;

use zoners_dns::Moment;

use crate::infra::interruptions::Interruption;

/// The state of an uplink at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UplinkState {
    /// When any server last answered.
    pub(crate) last_reply_at: Moment,
    /// Timeouts up to this moment are ignored.
    pub(crate) forgiven: Moment,
    /// The last interruption.
    pub(crate) interruption: Interruption,
    /// No server answers.
    pub(crate) silent: bool,
    /// The time within which nearly every server replies.
    pub(crate) late: Duration,
    /// The loss rate of the uplink.
    pub(crate) loss: f64,
}

impl UplinkState {
    /// The packets allowed on this uplink: `packets` without loss, up to twice as many at a loss of
    /// a fifth or more.
    pub(crate) fn allows(self, packets: u32) -> u32 {
        (f64::from(packets) * self.stretch()) as u32
    }

    /// The factor of packets and times on this uplink, 1 to 2.
    pub(super) fn stretch(self) -> f64 {
        1.0 + (self.loss * 5.0).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lossy_uplink_is_allowed_up_to_twice_as_many_packets() {
        let (last_reply_at, forgiven) = (Moment::default(), Moment::default());
        for (loss, packets) in [(0.0, 3), (0.1, 4), (0.2, 6), (0.9, 6)] {
            let late = Duration::from_millis(200);
            let uplink = UplinkState {
                last_reply_at,
                forgiven,
                interruption: Interruption::default(),
                silent: false,
                late,
                loss,
            };
            assert_eq!(uplink.allows(3), packets, "{loss}");
        }
    }
}
