//! Why there is no new certificate.

use std::fmt;

/// Characters of a text of an ACME server that a person gets to read.
const MAX_TEXT: usize = 400;

/// How far an order came, which decides when the next may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// No order was placed: the server is unreachable, or refuses the account.
    Unreachable,
    /// An order was placed, or asked for, and led to no certificate.
    Refused,
    /// There is a certificate, and it is of no use.
    Unusable,
}

/// Why there is no new certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeFault {
    /// How far the order came.
    pub kind: FaultKind,
    /// What went wrong, in one line.
    pub what: String,
    /// The pause that the ACME server wants, in seconds.
    pub wanted_s: Option<u64>,
}

impl AcmeFault {
    /// A fault, with a text that may be of the ACME server.
    pub fn new(kind: FaultKind, what: impl fmt::Display) -> Self {
        AcmeFault { kind, what: clean(&what.to_string()), wanted_s: None }
    }
}

impl fmt::Display for AcmeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for AcmeFault {}

/// One line without control characters, of a length that a person reads.
fn clean(text: &str) -> String {
    let printable = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    printable.take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_server_is_one_short_line() {
        let hostile = format!("a\nb\u{1b}[2J{}", "x".repeat(MAX_TEXT));
        let fault = AcmeFault::new(FaultKind::Refused, hostile);
        assert!(fault.what.starts_with("a b [2Jx"), "{fault}");
        assert_eq!(fault.what.len(), MAX_TEXT);
    }
}
