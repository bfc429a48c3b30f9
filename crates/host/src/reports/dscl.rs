//! `dscl . -list /Users UniqueID` (macOS) and the like: the records of accounts, each with its number.

/// The records: name and number. A name may have spaces in it; the number is the last word.
pub(crate) fn records(text: &str) -> Vec<(String, i64)> {
    let record = |line: &str| {
        let (name, number) = line.trim_end().rsplit_once(char::is_whitespace)?;
        Some((name.trim_end().to_owned(), number.parse().ok()?))
    };
    text.lines().filter_map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From github.com/NixOS/nix/issues/5928 and github.com/NixOS/nix/pull/11075, each in parts.
    const USERS: &str = "\
nobody                         -2
root                           0
_mdnsresponder                 65
SonosDMS                       301
_nixbld5                 305
";

    #[test]
    fn numbers_are_read_below_zero_too() {
        let expected = [
            ("nobody", -2),
            ("root", 0),
            ("_mdnsresponder", 65),
            ("SonosDMS", 301),
            ("_nixbld5", 305),
        ];
        assert_eq!(records(USERS), expected.map(|(name, number)| (name.to_owned(), number)));
        assert_eq!(records("Operation failed with error: eServerError\n"), []);
    }
}
