//! Reading a scenario file.

use std::net::IpAddr;
use std::time::Duration;

use zoners_dns::name;

use super::entry::{Entry, Lines};

/// The source of the scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Configuration also counts behind a comment sign; questions are minimised with type NS.
    Deckard,
    /// The dialect of testbound.
    Unbound,
}

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The title.
    pub title: String,
    /// The lines of the configuration, as key and value.
    pub config: Vec<(String, String)>,
    /// The answers of servers, by time.
    pub ranges: Vec<Range>,
    /// The steps.
    pub steps: Vec<ScenarioStep>,
}

/// Answers in force while the step's number lies in a range.
#[derive(Clone, Debug)]
pub struct Range {
    /// First step.
    pub from: u32,
    /// Last step.
    pub to: u32,
    /// The addresses of the servers; empty for any address.
    pub addresses: Vec<IpAddr>,
    /// The first matching entry answers.
    pub entries: Vec<Entry>,
}

/// A step of a script.
#[derive(Clone, Debug)]
pub struct ScenarioStep {
    /// The number.
    pub number: u32,
    /// The action.
    pub action: Action,
}

/// The action of a step.
#[derive(Clone, Debug)]
pub enum Action {
    /// A client asks.
    Query(Entry),
    /// The reply to the last query must match.
    CheckAnswer(Entry),
    /// The waiting query of the resolver must match.
    CheckOutQuery(Entry),
    /// The waiting query is answered.
    Reply(Entry),
    /// The waiting query is dropped.
    Timeout,
    /// Time goes by.
    TimePasses(Duration),
    /// Work under way is completed.
    Settle,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// The file has a statement that the player does not know.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, String> {
        let (config, script) = text.split_once("CONFIG_END").ok_or("no CONFIG_END")?;
        let mut scenario = Scenario {
            title: String::new(),
            config: configuration(config, dialect),
            ranges: vec![],
            steps: vec![],
        };
        let mut lines = Lines::new(script);
        while let Some(line) = lines.next() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("SCENARIO_BEGIN") => scenario.title = words.collect::<Vec<_>>().join(" "),
                Some("SCENARIO_END") => break,
                // Some files close a range twice.
                Some("RANGE_END") => {}
                Some("RANGE_BEGIN") => scenario.ranges.push(range(&mut words, &mut lines)?),
                Some("STEP") => scenario.steps.push(step(&mut words, &mut lines)?),
                Some(other) => return Err(format!("unexpected {other}")),
                None => {}
            }
        }
        scenario.steps.sort_by_key(|step| step.number);
        Ok(scenario)
    }

    /// The values of a configuration key, in order.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.config.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The validation time in seconds since 1970, if the configuration sets one.
    #[must_use]
    pub fn validation_date(&self) -> Option<u64> {
        let timestamp = self.value("val-override-timestamp").and_then(|text| text.parse().ok());
        timestamp.or_else(|| seconds(self.value("val-override-date")?))
    }

    /// The last value of a configuration key.
    #[must_use]
    pub fn value<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.values(key).last()
    }
}

/// Parses a date such as `20160308103040` into seconds since 1970.
fn seconds(date: &str) -> Option<u64> {
    let part = |from: usize, to: usize| date.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let months: u64 = lengths.iter().take(month.checked_sub(1)? as usize).sum();
    let days = years + months + day.checked_sub(1)?;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn configuration(text: &str, dialect: Dialect) -> Vec<(String, String)> {
    let mut config = Vec::new();
    for line in text.lines() {
        let line = match dialect {
            Dialect::Deckard => line.trim_start_matches([';', ' ', '\t']),
            Dialect::Unbound => line,
        };
        let line = line.split(['#', ';']).next().unwrap_or_default();
        if let Some((key, value)) = line.split_once(':') {
            let value = value.trim().trim_matches('"').trim();
            config.push((key.trim().to_owned(), value.to_owned()));
        }
    }
    config
}

type Words<'a, 'b> = &'a mut std::str::SplitWhitespace<'b>;

fn number(words: Words<'_, '_>) -> Result<u32, String> {
    let word = words.next().ok_or("a number is missing")?;
    word.parse().map_err(|_| format!("{word} is no number"))
}

fn range(words: Words<'_, '_>, lines: &mut Lines<'_>) -> Result<Range, String> {
    let (from, to) = (number(words)?, number(words)?);
    let address = |word: &str| word.parse().map_err(|_| format!("{word}: no address"));
    // An address may stand on the first line of the range.
    let addresses = words.map(address).collect::<Result<_, _>>()?;
    let mut range = Range { from, to, addresses, entries: vec![] };
    let mut origin = name::root();
    while let Some(line) = lines.next() {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["RANGE_END", ..] => return Ok(range),
            ["ADDRESS", word, ..] => range.addresses.push(address(word)?),
            ["$ORIGIN", word, ..] => origin = name::parse(word)?,
            ["ENTRY_BEGIN", ..] => range.entries.push(Entry::parse(lines, &origin)?),
            other => return Err(format!("unexpected {other:?} in a range")),
        }
    }
    Err("RANGE_END is missing".into())
}

fn step(words: Words<'_, '_>, lines: &mut Lines<'_>) -> Result<ScenarioStep, String> {
    let number = number(words)?;
    let action = match words.next().unwrap_or_default() {
        "QUERY" => Action::Query(entry(lines)?),
        "CHECK_ANSWER" => Action::CheckAnswer(entry(lines)?),
        "CHECK_OUT_QUERY" => Action::CheckOutQuery(entry(lines)?),
        "REPLY" => Action::Reply(entry(lines)?),
        "TIMEOUT" => Action::Timeout,
        "TIME_PASSES" => {
            let word = words.nth(1).unwrap_or_default();
            let seconds = word.parse().map_err(|_| format!("{word}: no seconds"))?;
            let time = Duration::try_from_secs_f64(seconds);
            Action::TimePasses(time.map_err(|error| format!("{word}: {error}"))?)
        }
        "TRAFFIC" | "NOTHING" => Action::Settle,
        other => return Err(format!("a step of kind {other} is not played")),
    };
    Ok(ScenarioStep { number, action })
}

fn entry(lines: &mut Lines<'_>) -> Result<Entry, String> {
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("ENTRY_BEGIN") => return Entry::parse(lines, &name::root()),
            // From which client a query comes makes no difference yet.
            Some("ADDRESS") => {}
            other => return Err(format!("unexpected {other:?} before an entry")),
        }
    }
    Err("an entry is missing".into())
}
