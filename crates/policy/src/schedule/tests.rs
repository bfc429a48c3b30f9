use super::*;
use proptest::prelude::*;

const HOUR: u64 = 3600;

/// A zone of the system's kind, version 2 without a table: the rule at the end says it all (RFC 9636 section 3.3).
fn zone(rule: &str) -> ZoneRules {
    let head = |version: u8| {
        let mut head = b"TZif".to_vec();
        head.push(version);
        head.extend([0; 15]);
        // Counts: UT, standard, leap seconds, transitions, types, octets of names.
        for count in [0_u32, 0, 0, 0, 1, 4] {
            head.extend(count.to_be_bytes());
        }
        head.extend([0, 0, 0, 0, 0, 0]);
        head.extend(b"LMT\0");
        head
    };
    let octets = [head(b'2'), head(b'2'), format!("\n{rule}\n").into_bytes()].concat();
    ZoneRules::read("Test/Zone", &octets).unwrap()
}

fn berlin() -> ZoneRules {
    zone("CET-1CEST,M3.5.0,M10.5.0/3")
}

fn unix(text: &str) -> u64 {
    text.parse::<Timestamp>().unwrap().as_second().try_into().unwrap()
}

fn schedule(days: &[&str], hours: &[&str], zone: ZoneRules) -> WeekSchedule {
    let days = days.iter().map(|text| text.parse().unwrap()).reduce(WeekDays::and);
    let hours: Vec<DayHours> = hours.iter().map(|text| text.parse().unwrap()).collect();
    WeekSchedule::new(days.unwrap_or(WeekDays::ALL), &hours, zone)
}

/// The changes of a schedule after a moment, as a clock of UTC shows them.
fn changes(schedule: &WeekSchedule, after: &str, count: usize) -> Vec<String> {
    let mut at = unix(after);
    let mut next = || {
        at = schedule.next_change(at)?;
        let shown = Timestamp::from_second(at as i64).unwrap().to_string();
        Some(format!("{shown} {}", if schedule.is_on(at) { "on" } else { "off" }))
    };
    (0..count).map_while(|_| next()).collect()
}

#[test]
fn hours_past_midnight_belong_to_the_day_of_their_beginning() {
    let bedtime = schedule(&["mon-fri"], &["21:00-07:00"], berlin());
    // 2026-11-27 is a Friday.
    let expected = [
        "2026-11-27T06:00:00Z off",
        "2026-11-27T20:00:00Z on",
        "2026-11-28T06:00:00Z off",
        "2026-11-30T20:00:00Z on",
    ];
    assert_eq!(changes(&bedtime, "2026-11-27T01:00:00Z", 4), expected);
    assert!(bedtime.is_on(unix("2026-11-28T05:59:59Z")), "Saturday morning is Friday's night");
    assert!(!bedtime.is_on(unix("2026-11-28T23:00:00Z")), "Saturday has no bedtime");
    assert!(!bedtime.is_on(unix("2026-11-30T05:00:00Z")), "nor has Sunday");
}

#[test]
fn an_hour_that_the_clock_skips_never_comes() {
    // 2026-03-29: the clock goes from 02:00 to 03:00, at 01:00 UTC.
    let within = schedule(&[], &["02:15-02:45"], berlin());
    let expected =
        ["2026-03-28T01:15:00Z on", "2026-03-28T01:45:00Z off", "2026-03-30T00:15:00Z on"];
    assert_eq!(changes(&within, "2026-03-28T00:00:00Z", 3), expected);
    let begins = schedule(&[], &["02:30-04:00"], berlin());
    let expected = ["2026-03-29T01:00:00Z on", "2026-03-29T02:00:00Z off"];
    assert_eq!(changes(&begins, "2026-03-28T12:00:00Z", 2), expected);
    let ends = schedule(&[], &["01:00-02:30"], berlin());
    let expected = ["2026-03-29T00:00:00Z on", "2026-03-29T01:00:00Z off"];
    assert_eq!(changes(&ends, "2026-03-28T12:00:00Z", 2), expected);
}

#[test]
fn an_hour_that_the_clock_shows_twice_counts_twice() {
    // 2026-10-25: the clock goes from 03:00 back to 02:00, at 01:00 UTC.
    let within = schedule(&[], &["02:15-02:45"], berlin());
    let expected = [
        "2026-10-25T00:15:00Z on",
        "2026-10-25T00:45:00Z off",
        "2026-10-25T01:15:00Z on",
        "2026-10-25T01:45:00Z off",
        "2026-10-26T01:15:00Z on",
    ];
    assert_eq!(changes(&within, "2026-10-24T12:00:00Z", 5), expected);
    let night = schedule(&[], &["21:00-07:00"], berlin());
    let expected = ["2026-10-24T19:00:00Z on", "2026-10-25T06:00:00Z off"];
    assert_eq!(changes(&night, "2026-10-24T12:00:00Z", 2), expected);
}

#[test]
fn days_and_hours_are_read_as_people_write_them() {
    let days = |text: &str| text.parse::<WeekDays>().map(|days| days.0);
    assert_eq!(
        [days("mon"), days("mon-fri"), days("sat-mon")],
        [Ok(1), Ok(0b1_1111), Ok(0b110_0001)]
    );
    assert_eq!((days("mon-sun"), days("tue-mon")), (Ok(0x7F), Ok(0x7F)));
    for text in ["", "monday", "Mon", "mon-", "mon-fri-sun", "1"] {
        assert_eq!(days(text), Err(()), "{text}");
    }
    for text in ["21:00-07:00", "00:00-24:00", "09:30-10:00", "18:00-00:00", "18:00-24:00"] {
        assert_eq!(text.parse::<DayHours>().unwrap().to_string(), text);
    }
    assert_eq!("9:30-10:00".parse::<DayHours>().unwrap().to_string(), "09:30-10:00");
    for text in [
        "",
        "21-7",
        "21:00",
        "21:00-21:00",
        "24:00-08:00",
        "21:60-22:00",
        "25:00-26:00",
        "+1:00-2:00",
        "00:00-00:00",
    ] {
        assert_eq!(text.parse::<DayHours>(), Err(()), "{text}");
    }
}

#[test]
fn a_schedule_without_end_has_no_change() {
    let always = schedule(&[], &[], berlin());
    assert!(always.is_on(unix("2026-10-25T01:00:00Z")));
    assert_eq!(always.next_change(unix("2026-10-20T01:00:00Z")), None);
    let both = schedule(&[], &["00:00-12:00", "12:00-24:00"], ZoneRules::utc());
    assert_eq!(both.next_change(0), None);
    let weekend = schedule(&["sat-sun"], &[], ZoneRules::utc());
    let expected =
        ["2026-11-28T00:00:00Z on", "2026-11-30T00:00:00Z off", "2026-12-05T00:00:00Z on"];
    assert_eq!(changes(&weekend, "2026-11-27T00:00:00Z", 3), expected);
    // A clock that stands wrong by ages is no reason to panic.
    for at in [0, 1, u64::MAX, i64::MAX as u64, 253_402_207_199] {
        let (_, _) = (weekend.is_on(at), weekend.next_change(at));
    }
}

#[test]
fn what_is_no_zone_is_refused() {
    assert_eq!(ZoneRules::read("Test/Zone", b"no zone"), None);
    assert_eq!(ZoneRules::read("Test/Zone", b""), None);
    assert_eq!(berlin().name(), "Test/Zone");
}

proptest! {
    /// Between two changes nothing changes, and at a change the state does, wherever the clock was set.
    #[test]
    fn the_next_change_is_the_first(
        start in 0..24_u32, length in 1..24_u32, day in 0..7_usize, after in 0..400 * 24 * 4_u64,
    ) {
        let hours = format!("{start}:00-{}:00", (start + length) % 24);
        prop_assume!(hours != "0:00-0:00");
        let schedule = schedule(&[DAY_NAMES[day], "wed"], &[&hours], berlin());
        let after = unix("2026-01-01T00:00:00Z") + after * HOUR / 4;
        let next = schedule.next_change(after).unwrap();
        prop_assert_ne!(schedule.is_on(next), schedule.is_on(after));
        for at in (after..next).step_by(HOUR as usize / 4) {
            prop_assert_eq!(schedule.is_on(at), schedule.is_on(after));
        }
        prop_assert_eq!(schedule.is_on(next - 1), schedule.is_on(after));
    }
}
