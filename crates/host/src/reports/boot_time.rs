//! `sysctl -n kern.boottime` (FreeBSD): the moment of this start of the machine.

/// The moment of this start, in place of an identifier: `{ sec = 1700000000, usec =
/// 123456 } Tue Nov 14 22:13:20 2023`. A step of the clock changes the moment, and then this start seems to be a new
/// one. OpenBSD and NetBSD print seconds alone, which may recur on a machine without a clock of its own.
pub(crate) fn moment(text: &str) -> Option<[u8; 16]> {
    let number = |key: &str| {
        let rest = text.split_once(key)?.1;
        let end = rest.find([',', ' '])?;
        rest.get(..end)?.parse::<u64>().ok()
    };
    let (seconds, micros) = (number(" sec = ").or_else(|| number("{sec = "))?, number("usec = ")?);
    Some((u128::from(seconds) << 64 | u128::from(micros)).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_of_the_machine_has_a_moment() {
        let start =
            moment("{ sec = 1700000000, usec = 123456 } Tue Nov 14 22:13:20 2023\n").unwrap();
        assert_eq!(start[..8], 1_700_000_000_u64.to_be_bytes());
        assert_eq!(start[8..], 123_456_u64.to_be_bytes());
        assert_eq!(moment("Tue Nov 14 22:13:20 2023\n"), None);
        assert_eq!(moment(""), None);
    }
}
