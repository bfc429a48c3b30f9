//! Clock skew: whether our own clock is wrong when signatures are out of date.
//!
//! One zone with expired signatures is badly kept. If the root zone, or several unrelated zones,
//! are out of date at once, the clock of the machine is wrong.

use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Moment, Name, name};

/// Unrelated zones out of date at once, with no zone in date, that indicate skew; the root zone
/// alone does too.
const ZONES: usize = 4;
/// Older observations are ignored.
const LATELY: Duration = Duration::from_secs(300);

/// The state of the clock.
#[derive(Debug, Default)]
pub struct ClockSkew(Mutex<SkewState>);

#[derive(Debug, Default)]
struct SkewState {
    /// Zones with signatures out of date, the seconds by which they are, and the time of the
    /// observation.
    out_of_date: Vec<(Name, i64, Moment)>,
    /// By how many seconds the clock seems to be wrong.
    wrong_by: Option<i64>,
}

impl ClockSkew {
    /// The estimated error of the clock in seconds, if it seems wrong: positive if it is ahead.
    #[must_use]
    pub fn wrong_by(&self) -> Option<i64> {
        self.0.lock().wrong_by
    }

    /// A signature of `zone` was valid.
    pub(crate) fn in_date(&self) {
        let mut state = self.0.lock();
        state.out_of_date.clear();
        state.wrong_by = None;
    }

    /// No signature of an RRset of `zone` was in date: each expired `by` seconds ago or, if
    /// negative, begins that many seconds from now.
    pub(crate) fn out_of_date(&self, zone: &Name, by: i64, now: Moment) {
        let mut state = self.0.lock();
        let apart = |other: &Name| !related(other, zone);
        state.out_of_date.retain(|(other, _, seen)| apart(other) && now.since(*seen) < LATELY);
        state.out_of_date.push((zone.clone(), by, now));
        if state.out_of_date.len() < ZONES && !zone.is_root() || state.wrong_by.is_some() {
            return;
        }
        // The least error that explains each observation.
        let all = state.out_of_date.iter().map(|(_, by, _)| *by);
        let wrong_by = all.max_by_key(|by| by.unsigned_abs()).unwrap_or(by);
        state.wrong_by = Some(wrong_by);
    }
}

/// Whether both zones lie below the same name of two labels, and so probably belong to one owner.
fn related(one: &Name, other: &Name) -> bool {
    name::ancestor(one, 2) == name::ancestor(other, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_millis(1_000_000);

    fn doubt(zones: &[&str]) -> ClockSkew {
        let doubt = ClockSkew::default();
        for zone in zones {
            doubt.out_of_date(&name::parse(zone).unwrap(), -5000, NOW);
        }
        doubt
    }

    #[test]
    fn signatures_of_several_zones_or_of_the_root_prove_a_wrong_clock() {
        assert_eq!(doubt(&["a.test", "b.test", "c.example"]).wrong_by(), None);
        assert_eq!(doubt(&["a.test", "b.test", "c.example", "d.example"]).wrong_by(), Some(-5000));
        assert_eq!(doubt(&["."]).wrong_by(), Some(-5000));
        let one = ["a.test", "x.a.test", "y.a.test", "z.y.a.test", "a.test"];
        assert_eq!(doubt(&one).wrong_by(), None, "they are one zone's");
    }

    #[test]
    fn a_signature_in_date_ends_the_doubt_of_the_clock() {
        let doubt = doubt(&["."]);
        doubt.in_date();
        assert_eq!(doubt.wrong_by(), None);
    }
}
