//! Serial numbers of zones (RFC 1982), which wrap.

/// Whether `serial` is newer than `old`. Of two numbers half of the range apart, neither is.
#[must_use]
pub fn is_newer(serial: u32, old: u32) -> bool {
    serial.wrapping_sub(old).cast_signed() > 0
}

#[cfg(test)]
mod tests {
    use super::is_newer;

    #[test]
    fn serials_wrap_as_rfc_1982_says() {
        let half = 1 << 31;
        for (serial, old, newer) in [
            (1, 0, true),
            (0, 0, false),
            (0, 1, false),
            (0, u32::MAX, true),
            (u32::MAX, 0, false),
            (half - 1, 0, true),
            (half, 0, false),
            (0, half, false),
            (half + 100, half + 44, true),
        ] {
            assert_eq!(is_newer(serial, old), newer, "{serial} after {old}");
        }
    }
}
