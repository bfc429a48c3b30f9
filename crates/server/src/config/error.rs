//! The faults of a configuration, written so that a person can mend the file.

use std::fmt;

/// Faults shown; the rest is counted.
const MOST: usize = 20;

/// The faults of a configuration, and of the files named there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigError {
    faults: Vec<String>,
    /// Remarks on values that would be skipped.
    remarks: Vec<String>,
}

impl ConfigError {
    /// A fault without a place in the file.
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        ConfigError { faults: vec![message.into()], remarks: Vec::new() }
    }

    /// Each fault, in some lines of text.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Remarks on skipped values, for a configuration without faults.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Adds remarks on skipped values.
    pub(crate) fn remark(&mut self, remarks: impl IntoIterator<Item = String>) {
        self.remarks.extend(remarks);
    }

    /// Adds a fault, unless the same fault is there already.
    pub(crate) fn add(&mut self, fault: String) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Takes the value, or adds the faults.
    pub(crate) fn take<T>(&mut self, outcome: Result<T, ConfigError>) -> Option<T> {
        let added = |error: ConfigError| {
            error.faults.into_iter().for_each(|fault| self.add(fault));
            self.remark(error.remarks);
        };
        outcome.map_err(added).ok()
    }

    /// Fine, if there is no fault.
    ///
    /// # Errors
    /// There is a fault.
    pub(crate) fn outcome(self) -> Result<(), ConfigError> {
        if self.faults.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.faults.iter().take(MOST).cloned().collect::<Vec<_>>().join("\n"))?;
        match self.faults.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_once_and_no_more_than_a_person_reads() {
        let mut error = ConfigError::default();
        assert_eq!(error.clone().outcome(), Ok(()));
        for number in 0..MOST {
            error.add(format!("fault {number}"));
            error.add(format!("fault {number}"));
        }
        assert_eq!(error.to_string().lines().count(), MOST);
        assert_eq!(error.take::<()>(Err(ConfigError::plain("another"))), None);
        assert_eq!(error.take(Ok(1)), Some(1));
        assert!(error.to_string().ends_with("\nand 1 more"), "{error}");
        assert!(error.outcome().is_err());
    }
}
