//! A finding: one cause of trouble, with the evidence and the line to type; and a part without trouble.

use std::fmt;

use serde::{Deserialize, Serialize};
use zoners_api::Severity;

/// The part that is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Culprit {
    /// This machine: the operating system, the daemon, the clock, a firewall.
    Machine,
    /// The settings of this machine, or the configuration of Zoners.
    Settings,
    /// The local network: the router, the access point, the operator of the hotspot.
    Router,
    /// The provider of the connection to the Internet.
    Provider,
    /// Servers on the Internet.
    OtherSide,
}

impl Culprit {
    /// The exit code of a verdict against this part.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Culprit::Machine => 10,
            Culprit::Settings => 11,
            Culprit::Router => 12,
            Culprit::Provider => 13,
            Culprit::OtherSide => 14,
        }
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Culprit::Machine => "This machine",
            Culprit::Settings => "Your settings",
            Culprit::Router => "Your router or local network",
            Culprit::Provider => "Your Internet provider",
            Culprit::OtherSide => "The other side",
        })
    }
}

/// One cause of trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorFinding {
    /// A stable word for programs, such as `router-silent`.
    pub id: String,
    /// The part at fault.
    pub culprit: Culprit,
    /// Notices do not reach the verdict.
    pub severity: Severity,
    /// The cause as a sentence.
    pub sentence: String,
    /// The observations behind the sentence, a line each.
    pub evidence: Vec<String>,
    /// The reaction, as a sentence.
    pub advice: String,
    /// The line to type.
    pub command: String,
}

impl DoctorFinding {
    /// A finding without evidence and advice so far.
    pub(crate) fn new(
        id: &str,
        culprit: Culprit,
        severity: Severity,
        sentence: impl Into<String>,
    ) -> Self {
        DoctorFinding {
            id: id.to_owned(),
            culprit,
            severity,
            sentence: sentence.into(),
            evidence: Vec::new(),
            advice: String::new(),
            command: String::new(),
        }
    }

    /// Adds a line of evidence.
    pub(crate) fn because(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    /// Adds a line of evidence, if there is one.
    pub(crate) fn because_also(mut self, evidence: Option<String>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// Sets the advice and the line to type.
    pub(crate) fn advise(mut self, advice: impl Into<String>, command: impl Into<String>) -> Self {
        (self.advice, self.command) = (advice.into(), command.into());
        self
    }
}

/// A part without trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundPart {
    /// The part in a word or two.
    pub topic: String,
    /// The observation.
    pub text: String,
}

impl SoundPart {
    pub(crate) fn new(topic: &str, text: impl Into<String>) -> Self {
        SoundPart { topic: topic.to_owned(), text: text.into() }
    }
}
