//! The result of a diagnosis: the verdict, the findings, and what is sound.

use serde::{Deserialize, Serialize};
use zoners_api::Severity;

use crate::checks;
use crate::finding::{Culprit, DoctorFinding, SoundPart};
use crate::observations::Observations;

/// The verdict, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineVerdict {
    /// The part at fault; `None` if all is well.
    pub culprit: Option<Culprit>,
    /// The sentence.
    pub sentence: String,
}

/// The result of a diagnosis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    /// The verdict.
    pub verdict: LineVerdict,
    /// The findings, worst first; those of one severity from the machine outwards.
    pub findings: Vec<DoctorFinding>,
    /// Parts without trouble.
    pub sound: Vec<SoundPart>,
}

impl Examination {
    /// Examines the observations.
    #[must_use]
    pub fn of(seen: &Observations) -> Self {
        let (mut findings, sound) = checks::run(seen);
        findings.sort_by_key(|finding| finding.severity);
        Examination { verdict: verdict(&findings), findings, sound }
    }

    /// The exit code of `zoners doctor`: 0 if all is well, else [`Culprit::exit_code`].
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.verdict.culprit.map_or(0, Culprit::exit_code)
    }
}

/// The worst finding makes the verdict; notices make none.
fn verdict(findings: &[DoctorFinding]) -> LineVerdict {
    let counted = |finding: &&DoctorFinding| finding.severity < Severity::Notice;
    match findings.iter().find(counted) {
        Some(worst) => LineVerdict {
            culprit: Some(worst.culprit),
            sentence: format!("{}: {}", worst.culprit, worst.sentence),
        },
        None => LineVerdict { culprit: None, sentence: "All is well.".to_owned() },
    }
}
