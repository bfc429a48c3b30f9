//! The terms of a certificate by ACME.

use zoners_acme::{AcmeTerms, ChallengeKind};

use crate::config::{AcmeChallenge, Config};

impl Config {
    /// The names of the certificate by ACME, without addresses.
    #[must_use]
    pub fn acme_names(&self) -> Vec<String> {
        let names = self.acme.names.iter().filter(|name| name.address().is_none());
        names.map(ToString::to_string).collect()
    }

    /// The terms of the certificate; `None` without `[acme]`. The configuration is valid.
    pub(crate) fn acme_terms(&self) -> Option<AcmeTerms> {
        let acme = &self.acme;
        if !self.has_acme() {
            return None;
        }
        Some(AcmeTerms {
            names: acme.names.clone(),
            contact: acme.contact.iter().map(|uri| uri.0.clone()).collect(),
            directory: acme.directory.url().ok()?,
            authority: acme.directory_authority.clone(),
            profile: acme.profile.clone(),
            challenge: match acme.challenge {
                AcmeChallenge::TlsAlpn01 => ChallengeKind::TlsAlpn01,
                AcmeChallenge::Http01 => ChallengeKind::Http01,
            },
        })
    }
}
