//! The result of a trial of encryption, as nodes tell each other.
//!
//! A success at a different node makes a trial here due at once, since not every network lets TLS pass. A failure damps
//! trials here (RFC 9539 section 4.3) from the time of the failure on, and is not told again.

use std::time::Duration;

use bytes::BufMut;
use zoners_dns::Moment;

use super::encryption::{DAMPING, EncryptionTrial, PERSISTENCE};
use crate::codec::ValueReader;

/// Octets of an encoded result: kind and time.
const ENCODED: usize = 9;
const WORKS: u8 = 1;
const FAILS: u8 = 2;

/// The result of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialResult {
    /// Whether an encrypted reply came.
    pub works: bool,
    /// The time of the encrypted reply, or of the failed trial.
    pub at: Moment,
}

impl TrialResult {
    /// The result that other nodes may learn. A failure of a server that has encrypted before is not told: most such failures
    /// come from a network on the way.
    #[must_use]
    pub fn of(trial: &EncryptionTrial, now: Moment) -> Option<Self> {
        let (tried_at, worked_at) = trial.times();
        let result = match worked_at {
            0 if tried_at > 0 => TrialResult { works: false, at: Moment::from_millis(tried_at) },
            _ if trial.is_usable(now) => {
                TrialResult { works: true, at: Moment::from_millis(worked_at) }
            }
            _ => return None,
        };
        result.lifetime(now).map(|_| result)
    }

    /// The time for which the result still counts; `None` for an outdated result.
    #[must_use]
    pub fn lifetime(&self, now: Moment) -> Option<Duration> {
        let counts = if self.works { PERSISTENCE } else { DAMPING };
        counts.checked_sub(now.since(self.at)).filter(|left| !left.is_zero())
    }

    /// The octets for another node.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ENCODED);
        out.put_u8(if self.works { WORKS } else { FAILS });
        out.put_u64(self.at.as_millis());
        out
    }

    /// The result in the octets of a different node, whose clock plus `shift` milliseconds is the clock here; `None` without
    /// a result that counts now.
    #[must_use]
    pub fn decode(octets: &[u8], shift: i64, now: Moment) -> Option<Self> {
        let (kind, at) = octets.split_first().filter(|_| octets.len() == ENCODED)?;
        let works = match *kind {
            WORKS => true,
            FAILS => false,
            _ => return None,
        };
        let at = ValueReader(at).u64()?.checked_add_signed(shift)?;
        let result = TrialResult { works, at: Moment::from_millis(at).min(now) };
        result.lifetime(now).map(|_| result)
    }
}

#[cfg(test)]
mod tests {
    use super::super::TrialEvent;
    use super::*;

    const BEGIN: u64 = 1_000_000_000;

    fn after(duration: Duration) -> Moment {
        Moment::from_millis(BEGIN).after(duration)
    }

    #[test]
    fn a_result_is_told_as_long_as_it_counts() {
        let mut trial = EncryptionTrial::default();
        let second = Duration::from_secs(1);
        assert_eq!(TrialResult::of(&trial, after(second)), None);
        trial.learn(TrialEvent::Failed, BEGIN);
        let failed = TrialResult::of(&trial, after(second)).unwrap();
        assert_eq!((failed.works, failed.lifetime(after(second))), (false, Some(DAMPING - second)));
        assert_eq!(TrialResult::of(&trial, after(DAMPING)), None);
        trial.learn(TrialEvent::Worked, BEGIN);
        let worked = TrialResult::of(&trial, after(second)).unwrap();
        assert_eq!(worked.lifetime(after(second)), Some(PERSISTENCE - second));
        assert_eq!(TrialResult::of(&trial, after(PERSISTENCE)), None);
        trial.learn(TrialEvent::Failed, BEGIN);
        assert_eq!(TrialResult::of(&trial, after(second)), None, "a server that has encrypted");
    }

    #[test]
    fn octets_of_another_node_are_read_on_our_clock_and_nothing_else_is() {
        let told = TrialResult { works: true, at: Moment::from_millis(5_000) }.encode();
        let read = |octets: &[u8], shift| TrialResult::decode(octets, shift, after(DAMPING));
        let here = TrialResult { works: true, at: Moment::from_millis(BEGIN) };
        assert_eq!(read(&told, BEGIN as i64 - 5_000), Some(here));
        assert_eq!(
            read(&told, i64::MAX).map(|result| result.at),
            Some(after(DAMPING)),
            "not later than now"
        );
        assert_eq!(read(&told, -5_001), None);
        assert_eq!(read(&told, -5_000), None, "too old");
        for damaged in [&told[..8], &[told.as_slice(), &[0]].concat(), &[3; 9], &[]] {
            assert_eq!(read(damaged, BEGIN as i64), None);
        }
    }
}
