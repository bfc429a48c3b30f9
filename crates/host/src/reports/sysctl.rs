//! `sysctl -n NAME` (macOS and the BSDs): values of the kernel.

use crate::clock::identifier;

/// The identifier of this start of the machine, from `kern.bootsessionuuid` of macOS.
pub(crate) fn boot_session(text: &str) -> Option<[u8; 16]> {
    identifier(text)
}

/// The moment of this start, from `kern.boottime` of FreeBSD, in place of an identifier: `{ sec = 1700000000, usec =
/// 123456 } Tue Nov 14 22:13:20 2023`. A step of the clock changes the moment, and then this start seems to be a new
/// one. OpenBSD and NetBSD print seconds alone, which may recur on a machine without a clock of its own.
pub(crate) fn boot_moment(text: &str) -> Option<[u8; 16]> {
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
    fn each_start_of_the_machine_has_an_identifier() {
        let session = boot_session("9A8B7C6D-0011-2233-4455-66778899AABB\n").unwrap();
        assert_eq!(session[..4], [0x9A, 0x8B, 0x7C, 0x6D]);
        assert_eq!(session[15], 0xBB);
        assert_eq!(boot_session(""), None);
        let moment = boot_moment("{ sec = 1700000000, usec = 123456 } Tue Nov 14 22:13:20 2023\n");
        let moment = moment.unwrap();
        assert_eq!(moment[..8], 1_700_000_000_u64.to_be_bytes());
        assert_eq!(moment[8..], 123_456_u64.to_be_bytes());
        assert_eq!(boot_moment("Tue Nov 14 22:13:20 2023\n"), None);
        assert_eq!(boot_moment(""), None);
    }
}
