//! Years of certificates, in virtual time.

use super::*;

/// The lifetime of a certificate of the profile `shortlived`.
const SHORT_S: u64 = 160 * HOUR_S;
const DAY_S: u64 = 24 * HOUR_S;
/// A moment in 2026.
const START_S: u64 = 1_790_000_000;

/// A certificate of this moment, with a begin an hour before, as Let's Encrypt issues.
fn issued_at(now_s: u64) -> Validity {
    Validity { not_before: now_s - HOUR_S, not_after: now_s - HOUR_S + SHORT_S }
}

/// Random bits that differ from order to order.
fn random(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[test]
fn a_year_of_short_certificates_has_no_gap_and_some_83_orders() {
    let (mut schedule, mut now_s, mut orders) = (AcmeSchedule::default(), START_S, Vec::new());
    let mut end_s = None;
    while now_s < START_S + 365 * DAY_S {
        assert_eq!(schedule.wait_s(now_s), 0);
        let left_s = end_s.map(|end_s: u64| end_s.checked_sub(now_s).expect("valid all the time"));
        // A third is left, and up to a twenty-fourth more.
        assert!(left_s.is_none_or(|left_s| (SHORT_S / 3..=SHORT_S * 9 / 24).contains(&left_s)));
        schedule.begin(now_s);
        orders.push(now_s);
        let issued = issued_at(now_s);
        schedule.issued(issued, random(orders.len() as u64));
        end_s = Some(issued.not_after);
        now_s += schedule.wait_s(now_s);
    }
    assert!((80..=90).contains(&orders.len()), "{}", orders.len());
    let waits: Vec<u64> = orders.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.iter().any(|wait| *wait != waits[0]), "renewals are spread");
}

#[test]
fn an_outage_of_two_days_leaves_the_certificate_valid() {
    let mut schedule = AcmeSchedule::new(Some(issued_at(START_S)), Vec::new(), 0);
    let renewal_s = START_S + schedule.wait_s(START_S);
    let (mut now_s, mut asked) = (renewal_s, 0);
    while now_s < renewal_s + 2 * DAY_S {
        schedule.begin(now_s);
        schedule.failed(FaultKind::Unreachable, None, now_s, random(asked));
        asked += 1;
        now_s += schedule.wait_s(now_s);
    }
    assert!(asked > 40, "an hour apart at most: {asked}");
    assert!(now_s < issued_at(START_S).not_after, "the next attempt is in time");
    schedule.begin(now_s);
    schedule.issued(issued_at(now_s), 0);
    assert_eq!(schedule.failures(), 0);
    assert!(schedule.wait_s(now_s) > 4 * DAY_S);
}

#[test]
fn orders_that_fail_stay_within_the_limits_of_lets_encrypt() {
    let (mut schedule, mut now_s, mut orders) = (AcmeSchedule::default(), START_S, Vec::new());
    while now_s < START_S + 30 * DAY_S {
        schedule.begin(now_s);
        orders.push(now_s);
        schedule.failed(FaultKind::Refused, None, now_s, random(orders.len() as u64));
        now_s += schedule.wait_s(now_s);
    }
    let within =
        |begin_s: u64| orders.iter().filter(move |at| (begin_s..begin_s + HOUR_S).contains(*at));
    assert!(orders.iter().all(|at| within(*at).count() <= MAX_ORDERS_AN_HOUR));
    let gaps: Vec<u64> = orders.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((FIRST_REFUSED_S..=FIRST_REFUSED_S * 6 / 5).contains(&gaps[0]));
    assert!((MAX_REFUSED_S..=MAX_REFUSED_S * 6 / 5).contains(gaps.last().unwrap()));
}

#[test]
fn restarts_do_not_make_more_orders() {
    let (mut kept, mut now_s) = (Vec::new(), START_S);
    for _ in 0..MAX_ORDERS_AN_HOUR {
        let mut schedule = AcmeSchedule::new(None, kept, 0);
        assert_eq!(schedule.wait_s(now_s), 0, "a person may have mended what was wrong");
        kept = schedule.begin(now_s).to_vec();
        now_s += 60;
    }
    let schedule = AcmeSchedule::new(None, kept.clone(), 0);
    assert_eq!(schedule.wait_s(now_s), HOUR_S - 240);
    let many = AcmeSchedule::new(None, vec![START_S; 1000], 0);
    assert_eq!(many.placed_s.len(), MAX_ORDERS_AN_HOUR, "a file cannot grow the list");
}

#[test]
fn a_useless_certificate_is_asked_for_five_times_a_week_at_most() {
    let (mut schedule, mut now_s, mut orders) = (AcmeSchedule::default(), START_S, 0);
    while now_s < START_S + 7 * DAY_S {
        orders += 1;
        schedule.begin(now_s);
        schedule.failed(FaultKind::Unusable, None, now_s, 0);
        now_s += schedule.wait_s(now_s);
    }
    assert_eq!(orders, 5);
}

#[test]
fn the_pause_that_the_server_wants_is_kept() {
    let mut schedule = AcmeSchedule::default();
    schedule.begin(START_S);
    schedule.failed(FaultKind::Refused, Some(3 * DAY_S), START_S, 0);
    assert_eq!(schedule.wait_s(START_S), 3 * DAY_S);
    schedule.network_changed(START_S);
    assert_eq!(schedule.wait_s(START_S), 3 * DAY_S, "another network changes nothing of that");
}

#[test]
fn an_unreachable_server_is_asked_soon_on_another_network() {
    let mut schedule = AcmeSchedule::default();
    for _ in 0..10 {
        schedule.begin(START_S);
        schedule.failed(FaultKind::Unreachable, None, START_S, 0);
    }
    assert_eq!(schedule.wait_s(START_S), MAX_UNREACHABLE_S);
    schedule.network_changed(START_S);
    assert_eq!(schedule.wait_s(START_S), AFTER_CHANGE_S);
}

#[test]
fn jumps_of_the_clock_neither_hammer_nor_starve() {
    let mut schedule = AcmeSchedule::new(Some(issued_at(START_S)), Vec::new(), 0);
    assert!(schedule.wait_s(START_S + DAY_S) > 0);
    // A machine that slept for a month orders at once.
    assert_eq!(schedule.wait_s(START_S + 30 * DAY_S), 0);
    // A clock that begins in 1970 has a certificate of the future, which needs no order.
    assert!(schedule.wait_s(0) > 30 * DAY_S);
    for _ in 0..MAX_ORDERS_AN_HOUR {
        schedule.begin(START_S + 30 * DAY_S);
    }
    schedule.failed(FaultKind::Refused, None, START_S + 30 * DAY_S, 0);
    schedule.certificate = None;
    // The clock is set back by a month: no wait is longer than an hour of quota.
    assert_eq!(schedule.wait_s(START_S), HOUR_S);
}
