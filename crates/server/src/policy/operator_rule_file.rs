//! The file of the operator's rules in the state folder: a rule a line, which people can read and search.

use std::io::{self, Write};
use std::path::Path;

use zoners_files::{read_own, replace};
use zoners_policy::{MAX_OPERATOR_RULES, OperatorRules};

/// The file.
pub(crate) const FILE: &str = "policy.rules";
/// Octets of the largest file: a name has 1004 letters at most, a group a line of the configuration.
const MAX_OCTETS: u64 = 2048 * MAX_OPERATOR_RULES as u64;
const MODE: u32 = 0o600;
const HEAD: &str = "# Rules of the operator, made by `zoners policy block` and `zoners policy allow` or in the dashboard.\n\
                    # The daemon reads the file when it starts, and writes it anew at each change.\n";

/// The kept rules; none without a file. A line that is no rule is passed over, and told in the log.
pub(crate) fn read(folder: &Path) -> OperatorRules {
    let mut rules = OperatorRules::default();
    let path = folder.join(FILE);
    let octets = match read_own(&path, MAX_OCTETS) {
        Ok(octets) => octets,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return rules,
        Err(error) => {
            tracing::error!("policy: rules of the operator are not in force: {error}");
            return rules;
        }
    };
    for (number, line) in String::from_utf8_lossy(&octets).lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.parse().is_ok_and(|rule| rules.set(rule)) {
            let (path, number) = (path.display(), number + 1);
            tracing::warn!("policy: {path}:{number}: no rule of the operator: passed over");
        }
    }
    rules
}

/// Replaces the file.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(folder: &Path, rules: &OperatorRules) -> io::Result<()> {
    replace(&folder.join(FILE), MODE, |file| {
        file.write_all(HEAD.as_bytes())?;
        rules.all().into_iter().try_for_each(|rule| writeln!(file, "{rule}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_written_and_other_lines_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).is_empty());
        let mut rules = OperatorRules::default();
        for text in ["block ads.example", "allow news.example for kids"] {
            assert!(rules.set(text.parse().unwrap()));
        }
        write(folder.path(), &rules).unwrap();
        assert_eq!(read(folder.path()), rules);
        let path = folder.path().join(FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("block ads.example\nallow news.example for kids\n"), "{text}");
        replace(&path, MODE, |file| write!(file, "{text}nonsense\nblock .\n\n# remark\n")).unwrap();
        assert_eq!(read(folder.path()), rules);
    }
}
