//! Values of more than one table. Each type says in plain words which values are allowed; the words
//! are part of the error for a wrong value.

use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use zoners_dns::{Name, Prefix, name};

use super::super::values;

/// A value written as a text.
pub(super) trait TextValue: Sized {
    /// The allowed values.
    const ALLOWED: &'static str;

    /// The value of a text, if the text is allowed.
    fn read(text: &str) -> Option<Self>;
}

impl TextValue for Name {
    const ALLOWED: &'static str = "a domain name, such as \"corp.example\"";

    fn read(text: &str) -> Option<Self> {
        name::parse(text).ok()
    }
}

impl TextValue for Prefix {
    const ALLOWED: &'static str = "an address or a prefix, such as \"192.0.2.0/24\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// Reads a value written as a text.
pub(super) fn text<'de, T: TextValue, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(TextVisitor(PhantomData))
}

/// Reads an optional value written as a text.
pub(super) fn some_text<'de, T: TextValue, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    text(deserializer).map(Some)
}

/// Reads a list of texts.
pub(super) fn list<'de, T: TextValue, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let items = Vec::<Item<T>>::deserialize(deserializer)?;
    Ok(items.into_iter().map(|item| item.0).collect())
}

/// Reads an optional list of texts.
pub(super) fn some_list<'de, T: TextValue, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    list(deserializer).map(Some)
}

/// An item of a list, with a separate place in the file.
struct Item<T>(T);

impl<'de, T: TextValue> Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(Item)
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: TextValue> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::ALLOWED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::read(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// Reads a whole number out of a range.
pub(super) fn whole<'de, D: Deserializer<'de>>(
    deserializer: D,
    range: RangeInclusive<u32>,
) -> Result<u32, D::Error> {
    deserializer.deserialize_i64(Whole(range))
}

struct Whole(RangeInclusive<u32>);

impl Visitor<'_> for Whole {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number between {} and {}", self.0.start(), self.0.end())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        let right = u32::try_from(number).ok().filter(|number| self.0.contains(number));
        right.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
}

/// Reads a duration in whole seconds out of a range: a number, or a text such as "2h".
pub(super) fn seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
    range: RangeInclusive<u32>,
) -> Result<u32, D::Error> {
    deserializer.deserialize_any(Seconds(range))
}

/// Reads a duration in whole seconds.
pub(super) fn any_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    seconds(deserializer, 0..=u32::MAX)
}

struct Seconds(RangeInclusive<u32>);

impl Seconds {
    fn check(&self, seconds: u64) -> Option<u32> {
        u32::try_from(seconds).ok().filter(|seconds| self.0.contains(seconds))
    }
}

impl Visitor<'_> for Seconds {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")?;
        if *self.0.end() < u32::MAX {
            write!(f, " between {} and {}", self.0.start(), self.0.end())?;
        }
        f.write_str(", or a duration with a unit, such as \"90s\", \"15min\", \"2h\" or \"1d\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        let right = u64::try_from(number).ok().and_then(|seconds| self.check(seconds));
        right.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u32, E> {
        let whole = values::duration(text).filter(|duration| duration.subsec_nanos() == 0);
        let right = whole.and_then(|duration| self.check(duration.as_secs()));
        right.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// Reads a number of octets out of a range: a number, or a text such as "64KiB".
pub(super) fn octets<'de, D: Deserializer<'de>>(
    deserializer: D,
    range: RangeInclusive<u64>,
) -> Result<u64, D::Error> {
    deserializer.deserialize_any(OctetsVisitor(range))
}

struct OctetsVisitor(RangeInclusive<u64>);

impl OctetsVisitor {
    fn check(&self, octets: u64) -> Option<u64> {
        Some(octets).filter(|octets| self.0.contains(octets))
    }
}

impl Visitor<'_> for OctetsVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of octets")?;
        match (*self.0.start(), *self.0.end()) {
            (0, u64::MAX) => {}
            (least, u64::MAX) => write!(f, " from {least} on")?,
            (least, most) => write!(f, " between {least} and {most}")?,
        }
        f.write_str(", or a size with a unit, such as \"64KiB\", \"128MiB\" or \"128MB\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        let right = u64::try_from(number).ok().and_then(|octets| self.check(octets));
        right.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        let octets = values::size(text).and_then(|octets| u64::try_from(octets).ok());
        let right = octets.and_then(|octets| self.check(octets));
        right.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
