//! Numbers of variable length, and durations in tenths of a millisecond.

use std::time::Duration;

/// The unit of a time in a record.
const UNIT_MICROS: u128 = 100;

/// Writes a number in groups of seven bits, the lowest first.
pub fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes a number that may be negative: the sign is the lowest bit.
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, (number << 1 ^ number >> 63) as u64);
}

/// Writes a duration to the nearest unit below.
pub fn put_duration(out: &mut Vec<u8>, duration: Duration) {
    put_number(out, u64::try_from(duration.as_micros() / UNIT_MICROS).unwrap_or(u64::MAX));
}

/// Octets that are read from the front. Each method is `None` at the end of the octets.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next octet.
    #[inline]
    pub fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number of [`put_number`].
    #[inline]
    pub fn number(&mut self) -> Option<u64> {
        // Most numbers have a single octet.
        if let Some((first, rest)) = self.0.split_first()
            && *first < 0x80
        {
            self.0 = rest;
            return Some(u64::from(*first));
        }
        self.long_number()
    }

    fn long_number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let octet = self.octet()?;
            number |= u64::from(octet & 0x7F) << shift;
            if octet < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A number as an index.
    #[inline]
    pub fn index(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// A number of [`put_signed`].
    pub fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A duration of [`put_duration`].
    pub fn duration(&mut self) -> Option<Duration> {
        self.number().map(|units| Duration::from_micros(units.saturating_mul(UNIT_MICROS as u64)))
    }

    /// The next `length` octets.
    #[inline]
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(number: u64, signed: i64, units in 0_u64..1 << 40) {
            let mut out = Vec::new();
            put_number(&mut out, number);
            put_signed(&mut out, signed);
            let duration = Duration::from_micros(units * 100);
            put_duration(&mut out, duration);
            let mut reader = Reader(&out);
            prop_assert_eq!(reader.number(), Some(number));
            prop_assert_eq!(reader.signed(), Some(signed));
            prop_assert_eq!(reader.duration(), Some(duration));
            prop_assert_eq!(reader.octet(), None);
        }

        #[test]
        fn whatever_is_read_ends(octets: Vec<u8>) {
            let mut reader = Reader(&octets);
            while reader.number().is_some() {}
        }
    }
}
