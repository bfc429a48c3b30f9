//! Times of the week in a time zone.
//!
//! A schedule goes by the clock on the wall. So an hour that the clock skips in spring never comes, and an hour that the
//! clock shows twice in autumn counts both times. A schedule is a pure function of the time, whatever way the clock was
//! set.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{Timestamp, ToSpan};

/// The most ranges of hours in a schedule.
pub const MAX_HOURS: usize = 24;

/// Days within which a change must come, if there is one: a week, and a day at each end for hours past midnight.
const HORIZON_DAYS: i32 = 9;
const MINUTES_OF_DAY: u16 = 24 * 60;
const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A time zone with the changes of its offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRules(jiff::tz::TimeZone);

impl ZoneRules {
    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        ZoneRules(jiff::tz::TimeZone::UTC)
    }

    /// Reads the content of a file of the system's zones (TZif, RFC 9636); none if there is no zone in the file.
    #[must_use]
    pub fn read(name: &str, octets: &[u8]) -> Option<Self> {
        jiff::tz::TimeZone::tzif(name, octets).ok().map(ZoneRules)
    }

    /// The name of the zone, such as `Europe/Berlin`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

/// Days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekDays(u8);

impl WeekDays {
    /// Every day.
    pub const ALL: Self = WeekDays(0x7F);

    /// The days of both sets.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        WeekDays(self.0 | more.0)
    }

    fn contains(self, day: Weekday) -> bool {
        self.0 >> day.to_monday_zero_offset() & 1 == 1
    }
}

/// `mon`, or a range such as `mon-fri` or `sat-mon`.
impl FromStr for WeekDays {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: &str| DAY_NAMES.iter().position(|name| *name == text).ok_or(());
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (number(first)?, number(last)?);
        let count = (last + 7 - first) % 7 + 1;
        Ok(WeekDays((first..first + count).fold(0, |days, day| days | 1 << (day % 7))))
    }
}

/// Hours of a day, to the minute. Hours that end before they begin go past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayHours {
    /// The first minute of the day.
    start: u16,
    /// The first minute behind, of this day or the next.
    end: u16,
}

impl DayHours {
    const WHOLE_DAY: Self = DayHours { start: 0, end: MINUTES_OF_DAY };

    fn goes_past_midnight(self) -> bool {
        self.end < self.start
    }
}

/// `21:00-07:00`. A day ends at `24:00`; the two times differ.
impl FromStr for DayHours {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let minute = |text: &str| {
            let (hour, minute) = text.split_once(':').ok_or(())?;
            let is_number = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
            if minute.len() != 2 || !is_number(hour) || !is_number(minute) {
                return Err(());
            }
            let (hour, minute): (u16, u16) =
                (hour.parse().map_err(|_| ())?, minute.parse().map_err(|_| ())?);
            let of_day = hour.checked_mul(60).ok_or(())?.checked_add(minute).ok_or(())?;
            (minute < 60 && of_day <= MINUTES_OF_DAY).then_some(of_day).ok_or(())
        };
        let (start, end) = text.split_once('-').ok_or(())?;
        let (start, end) = (minute(start)?, minute(end)?);
        let is_empty = start % MINUTES_OF_DAY == end % MINUTES_OF_DAY && end != MINUTES_OF_DAY;
        match is_empty || start == MINUTES_OF_DAY {
            true => Err(()),
            false => Ok(DayHours { start, end }),
        }
    }
}

impl Display for DayHours {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let DayHours { start, end } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", start / 60, start % 60, end / 60, end % 60)
    }
}

/// Times of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeekSchedule {
    /// The days on which hours begin.
    days: WeekDays,
    hours: Vec<DayHours>,
    zone: ZoneRules,
}

impl WeekSchedule {
    /// These hours on these days; without hours, whole days. Of the hours, [`MAX_HOURS`] count.
    #[must_use]
    pub fn new(days: WeekDays, hours: &[DayHours], zone: ZoneRules) -> Self {
        let mut hours: Vec<DayHours> = hours.iter().take(MAX_HOURS).copied().collect();
        if hours.is_empty() {
            hours.push(DayHours::WHOLE_DAY);
        }
        WeekSchedule { days, hours, zone }
    }

    /// Whether the schedule is in force, so many seconds after 1970 began (Unix time).
    #[must_use]
    pub fn is_on(&self, unix_seconds: u64) -> bool {
        moment(unix_seconds).is_some_and(|moment| self.is_on_at(self.zone.0.to_datetime(moment)))
    }

    /// The next moment in Unix time at which the schedule begins or ends; `None` if the schedule never does.
    #[must_use]
    pub fn next_change(&self, unix_seconds: u64) -> Option<u64> {
        let now = moment(unix_seconds)?;
        let mut candidates = self.boundaries(now);
        candidates.sort_unstable();
        let is_on = self.is_on(unix_seconds);
        let later = candidates.into_iter().filter_map(|candidate| {
            u64::try_from(candidate.as_second()).ok().filter(|second| *second > unix_seconds)
        });
        later.into_iter().find(|second| self.is_on(*second) != is_on)
    }

    fn is_on_at(&self, clock: DateTime) -> bool {
        let minute = clock.hour() as u16 * 60 + clock.minute() as u16;
        let begins_on =
            |date: Option<Date>| date.is_some_and(|date| self.days.contains(date.weekday()));
        let (today, before) = (Some(clock.date()), clock.date().yesterday().ok());
        self.hours.iter().any(|hours| match hours.goes_past_midnight() {
            false => begins_on(today) && (hours.start..hours.end).contains(&minute),
            true => {
                begins_on(today) && minute >= hours.start || begins_on(before) && minute < hours.end
            }
        })
    }

    /// Every moment of the next days at which the schedule may begin or end: at the clock's times of the hours, each time
    /// that the clock shows them, and when the offset of the zone changes.
    fn boundaries(&self, now: Timestamp) -> Vec<Timestamp> {
        let zone = &self.zone.0;
        let today = zone.to_datetime(now).date();
        let days = (-1..=HORIZON_DAYS).filter_map(|days| today.checked_add(days.days()).ok());
        let minutes = || self.hours.iter().flat_map(|hours| [hours.start, hours.end]);
        let times = days.flat_map(|date| minutes().filter_map(move |minute| at(date, minute)));
        let shown = times.flat_map(|time| {
            let first = zone.to_ambiguous_timestamp(time).earlier().ok();
            let second = zone.to_ambiguous_timestamp(time).later().ok();
            [first, second].into_iter().flatten()
        });
        let horizon = now.checked_add((i64::from(HORIZON_DAYS) * 24).hours()).ok();
        let offsets = zone.following(now).map(|transition| transition.timestamp());
        let offsets = offsets.take_while(|moment| horizon.is_some_and(|horizon| *moment < horizon));
        shown.chain(offsets).collect()
    }
}

fn moment(unix_seconds: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(unix_seconds).ok()?).ok()
}

/// A minute of a day; minute 1440 is the beginning of the next day.
fn at(date: Date, minute: u16) -> Option<DateTime> {
    let date = if minute == MINUTES_OF_DAY { date.tomorrow().ok()? } else { date };
    let minute = minute % MINUTES_OF_DAY;
    let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()?;
    Some(date.to_datetime(time))
}

#[cfg(test)]
mod tests;
