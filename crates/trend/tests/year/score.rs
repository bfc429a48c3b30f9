//! Which changes were found, and which of them have a reason.

use zoners_trend::{Baseline, LatencyChange, Numbering, TrendSubject};

use crate::household::{BEGIN_S, House, Shift, ShiftKind};

/// The numbers of providers in the test.
const NUMBERING: Numbering = Numbering::new([9; 16]);
/// Minutes of a year.
const YEAR: u64 = 365 * 1440;
/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// A real change: the beginning or the end of a shift.
#[derive(Clone, Copy, Debug)]
struct RealChange {
    kind: ShiftKind,
    by_ms: f64,
    at_s: u64,
    hoster: usize,
    /// The use of the machine in the first day after, in seconds; a laptop sees the change later.
    found_until_s: u64,
}

/// The outcome of a year.
#[derive(Debug, Default)]
pub(crate) struct Score {
    /// Beginnings and ends of shifts.
    pub(crate) shifts: usize,
    /// By kind: found in time at the right place with the right size, and all.
    kinds: Vec<(&'static str, usize, usize)>,
    /// Real changes that were not found in time.
    pub(crate) missed: Vec<String>,
    /// Changes that nothing has caused.
    pub(crate) without_reason: Vec<String>,
}

fn kind_name(kind: ShiftKind) -> &'static str {
    match kind {
        ShiftKind::Provider => "provider",
        ShiftKind::Line => "line",
        ShiftKind::Ipv6 => "ipv6",
        ShiftKind::Resolver => "resolver",
    }
}

impl RealChange {
    fn all(shifts: &[Shift], house: &House) -> Vec<Self> {
        let both = shifts.iter().flat_map(|shift| {
            [(shift.at_min, shift.by_ms), (shift.until_min, -shift.by_ms)].map(|(at_min, by_ms)| {
                RealChange {
                    kind: shift.kind,
                    by_ms,
                    at_s: BEGIN_S + at_min * 60,
                    hoster: shift.hoster(),
                    found_until_s: BEGIN_S + after_a_day(house, at_min) * 60,
                }
            })
        });
        both.collect()
    }

    /// Whether a found change is this one.
    fn is(&self, found: &LatencyChange) -> bool {
        let subject = match self.kind {
            ShiftKind::Provider => TrendSubject::Provider(
                NUMBERING.provider(&format!("hoster{}.example", self.hoster)),
            ),
            ShiftKind::Line => TrendSubject::Line,
            ShiftKind::Ipv6 => TrendSubject::Ipv6,
            ShiftKind::Resolver => TrendSubject::Resolver,
        };
        let share = found.by_ms / self.by_ms;
        found.subject == subject
            && (0.5..1.6).contains(&share)
            && found.at_s.abs_diff(self.at_s) < 3 * DAY_S
    }
}

/// The minute by which a change should be found: a day later, and for a laptop a day with 24 hours of use.
fn after_a_day(house: &House, at_min: u64) -> u64 {
    let mut used = 0;
    let mut minute = at_min - at_min % 10;
    while used < 144 {
        used += u64::from(house.network_at(minute) == Some("home"));
        minute += 10;
    }
    minute + 70
}

impl Score {
    /// Lives through a year with these shifts.
    pub(crate) fn of_year(house: &House, shifts: &[Shift]) -> Self {
        let mut baseline = Baseline::new(NUMBERING);
        for minute in (0..YEAR).step_by(10) {
            let Some(network) = house.network_at(minute) else { continue };
            baseline.enter_network(network);
            let questions = house.questions_at(minute);
            for number in 0..questions {
                let minute = minute + number * 10 / questions;
                baseline.observe(&house.question(network, minute, shifts));
            }
        }
        let mut open = baseline.changes().to_vec();
        let mut score = Score::default();
        for real in RealChange::all(shifts, house) {
            // A provider shifts on both networks of a laptop.
            let (found, rest) = open.into_iter().partition(|change| real.is(change));
            open = rest;
            score.note(&real, &found);
        }
        println!("found within a day, of all: {:?}; without a reason: {}", score.kinds, open.len());
        score.without_reason = open.iter().map(|change| format!("{change:?}")).collect();
        score
    }

    fn note(&mut self, real: &RealChange, found: &[LatencyChange]) {
        self.shifts += 1;
        let in_time = found.iter().any(|change| change.found_s <= real.found_until_s);
        let kind = kind_name(real.kind);
        if !self.kinds.iter().any(|(name, ..)| *name == kind) {
            self.kinds.push((kind, 0, 0));
        }
        for entry in self.kinds.iter_mut().filter(|(name, ..)| *name == kind) {
            entry.1 += usize::from(in_time);
            entry.2 += 1;
        }
        if !in_time {
            self.missed.push(format!("{real:?}: {found:?}"));
        }
    }

    /// How many changes of a kind were found in time, of how many.
    pub(crate) fn of_kind(&self, kind: &str) -> (usize, usize) {
        let known = self.kinds.iter().find(|(name, ..)| *name == kind);
        known.map_or((0, 0), |(_, found, all)| (*found, *all))
    }
}
