//! A year of a household and of a laptop, hour by hour: alarms without a reason are rare, and real shifts are found
//! within a day.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod household;
mod score;

use household::{House, Shift, ShiftKind};
use score::Score;

/// The most alarms without a reason in a year: one a month.
const MOST_FALSE: usize = 12;

#[test]
fn a_household_without_a_shift_has_few_alarms() {
    let score = Score::of_year(&House::always_on(1), &[]);
    assert!(score.without_reason.len() <= MOST_FALSE, "{score:#?}");
}

#[test]
fn a_laptop_without_a_shift_has_few_alarms() {
    let score = Score::of_year(&House::laptop(2), &[]);
    assert!(score.without_reason.len() <= MOST_FALSE, "{score:#?}");
}

/// Shifts of 20 to 500 ms of each kind, each for nine days, all over the year.
fn shifts(seed: u64) -> Vec<Shift> {
    let kinds = [ShiftKind::Provider, ShiftKind::Line, ShiftKind::Ipv6, ShiftKind::Resolver];
    let sizes = [20.0, 35.0, 60.0, 120.0, 250.0, 500.0];
    (0..17)
        .map(|number: u64| {
            let kind = kinds[(number % 4) as usize];
            let by_ms = sizes[((number / 4 + number + seed) % 6) as usize];
            // At each hour of the day, to the minute.
            let at_min = (40 + number * 19) * 1440 + (number * 347 + seed * 131) % 1440;
            Shift { kind, by_ms, at_min, until_min: at_min + 9 * 1440 + 200 }
        })
        .collect()
}

#[test]
fn shifts_in_a_household_are_found_within_a_day() {
    let score = Score::of_year(&House::always_on(3), &shifts(3));
    assert!(score.without_reason.len() <= MOST_FALSE, "{score:#?}");
    // Each shift begins and ends.
    assert_eq!(score.shifts, 34);
    for kind in ["provider", "line", "ipv6", "resolver"] {
        let (found, all) = score.of_kind(kind);
        assert!(found * 10 >= all * 9, "{kind}: {found} of {all}: {score:#?}");
    }
}

#[test]
fn shifts_before_a_laptop_are_found_within_a_day_of_use() {
    let score = Score::of_year(&House::laptop(4), &shifts(4));
    assert!(score.without_reason.len() <= MOST_FALSE, "{score:#?}");
    for kind in ["provider", "line", "ipv6", "resolver"] {
        let (found, all) = score.of_kind(kind);
        assert!(found * 10 >= all * 8, "{kind}: {found} of {all}: {score:#?}");
    }
}
