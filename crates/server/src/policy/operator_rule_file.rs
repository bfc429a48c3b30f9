//! The file of the operator's rules in the state folder: a rule a line, which people can read and search.

use std::io::{self, Write};
use std::path::Path;

use zoners_files::read_own;
use zoners_policy::{MAX_OPERATOR_RULES, OperatorRules};

use crate::kept_file::KeptFile;

/// The file.
pub(crate) const FILE: &str = "policy.rules";
/// Octets of the largest file: a name has 1004 letters at most, a group a line of the configuration.
const MAX_OCTETS: u64 = 2048 * MAX_OPERATOR_RULES as u64;
const HEAD: &str = "# Rules of the operator, made by `zoners policy block` and `zoners policy allow` or in the dashboard.\n\
                    # The daemon reads the file when it starts, and writes it anew at each change.\n";

/// The file of a state folder.
#[derive(Debug)]
pub(crate) struct OperatorRuleFile(KeptFile);

impl OperatorRuleFile {
    /// The file with the kept rules; no rules without a file. A line that is no rule is logged and has no effect; while one
    /// exists, the file is not overwritten.
    pub(crate) fn open(folder: &Path) -> (Self, OperatorRules) {
        let path = folder.join(FILE);
        let (rules, fault) = read(&path);
        if let Some(fault) = &fault {
            let in_force = if rules.is_empty() { "none is" } else { "the other lines are" };
            tracing::error!(
                "policy: rules of the operator: {in_force} in force, and the file is not overwritten: {fault}"
            );
        }
        (OperatorRuleFile(KeptFile::with_fault(path, fault)), rules)
    }

    /// The path.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// The file had a fault when the daemon started, or cannot be written.
    pub(crate) fn write(&self, rules: &OperatorRules) -> io::Result<()> {
        self.0.replace(|file| {
            file.write_all(HEAD.as_bytes())?;
            rules.all().into_iter().try_for_each(|rule| writeln!(file, "{rule}"))
        })
    }
}

/// The rules of a file, and why a part is none, with the path and the numbers of lines.
fn read(path: &Path) -> (OperatorRules, Option<String>) {
    let mut rules = OperatorRules::default();
    let octets = match read_own(path, MAX_OCTETS) {
        Ok(octets) => octets,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (rules, None),
        Err(error) => return (rules, Some(format!("{}: {error}", path.display()))),
    };
    let mut faulty = Vec::new();
    for (number, line) in String::from_utf8_lossy(&octets).lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.parse().is_ok_and(|rule| rules.set(rule)) {
            faulty.push(number + 1);
        }
    }
    let (first, all) = (faulty.first().copied(), faulty.len());
    let further = if all > 1 { format!(", and {} more", all - 1) } else { String::new() };
    let fault =
        first.map(|line| format!("{}:{line}: no rule of the operator{further}", path.display()));
    (rules, fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(folder: &Path, texts: &[&str]) -> OperatorRules {
        let (file, mut rules) = OperatorRuleFile::open(folder);
        for text in texts {
            assert!(rules.set(text.parse().unwrap()));
        }
        file.write(&rules).unwrap();
        rules
    }

    #[test]
    fn rules_are_read_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(OperatorRuleFile::open(folder).1.is_empty());
        let rules = set(folder, &["block ads.example", "allow news.example for kids"]);
        assert_eq!(OperatorRuleFile::open(folder).1, rules);
        let text = std::fs::read_to_string(folder.join(FILE)).unwrap();
        assert!(text.ends_with("block ads.example\nallow news.example for kids\n"), "{text}");
    }

    #[test]
    fn other_lines_are_passed_over_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let rules = set(folder.path(), &["block ads.example"]);
        let path = folder.path().join(FILE);
        let text = "block ads.example\nnonsense\nblock .\n\n# remark\n";
        std::fs::write(&path, text).unwrap();
        let (file, read) = OperatorRuleFile::open(folder.path());
        assert_eq!(read, rules);
        let told = file.write(&OperatorRules::default()).unwrap_err().to_string();
        let expected = format!("{}:2: no rule of the operator, and 1 more", path.display());
        assert!(told.contains(&expected), "{told}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}
