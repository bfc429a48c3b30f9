//! Numbers and times as texts for people.

pub(crate) use zoners_api::words::of_them;

/// A part of a whole in per cent; a dash where the whole is nothing.
pub(crate) fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "–".to_owned(),
        _ => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}

/// Milliseconds with three digits at most.
pub(crate) fn millis(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}

/// A span of time, in its two largest units.
pub(crate) fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(length, _)| seconds >= *length).unwrap_or(units.len() - 1);
    let mut left = seconds;
    let texts = units.iter().skip(first).take(2).filter_map(|(length, unit)| {
        let number = left / length;
        left %= length;
        (number > 0 || seconds == 0).then(|| format!("{number} {unit}"))
    });
    texts.collect::<Vec<_>>().join(" ")
}

/// Octets.
pub(crate) fn octets(number: u64) -> String {
    match number {
        0..1024 => format!("{number} B"),
        1024..1_048_576 => format!("{:.1} kB", number as f64 / 1024.0),
        _ => format!("{:.1} MB", number as f64 / 1_048_576.0),
    }
}

/// A time of day in UTC.
pub(crate) fn time_of_day(unix_s: u64) -> String {
    let (minutes, seconds) = (unix_s / 60, unix_s % 60);
    format!("{:02}:{:02}:{seconds:02}", minutes / 60 % 24, minutes % 60)
}

/// A day and the time of day in UTC.
pub(crate) fn day_and_time(unix_s: u64) -> String {
    let (year, month, day) = date(unix_s / 86_400);
    format!("{year:04}-{month:02}-{day:02} {}", time_of_day(unix_s))
}

/// The moment in the form of a browser's `Date`.
pub(crate) fn instant(unix_s: u64) -> String {
    format!("{}Z", day_and_time(unix_s).replace(' ', "T"))
}

/// The date of a day since 1970 in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Years begin in March here, so that the day of a leap year comes last.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// A name without its last dot, but for the root.
pub(crate) fn name(name: &str) -> &str {
    match name {
        "." => name,
        _ => name.strip_suffix('.').unwrap_or(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_short() {
        assert_eq!(of_them(1, "name", "names"), "1 name");
        assert_eq!(of_them(2000, "name", "names"), "2,000 names");
        assert_eq!([share(1, 0), share(1, 8)], ["–", "12.5 %"]);
        assert_eq!([millis(0.26), millis(31.4), millis(12_345.0)], ["0.3 ms", "31 ms", "12.3 s"]);
        assert_eq!(
            [span(0), span(59), span(3600), span(90_061)],
            ["0 s", "59 s", "1 h", "1 d 1 h"]
        );
        assert_eq!([octets(9), octets(2048), octets(3_145_728)], ["9 B", "2.0 kB", "3.0 MB"]);
        assert_eq!(time_of_day(86_400 + 3661), "01:01:01");
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(day_and_time(4_102_444_799), "2099-12-31 23:59:59");
        assert_eq!([name("a.example."), name("."), name("b")], ["a.example", ".", "b"]);
    }
}
