//! Why a peer has not proven its identity.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};

/// Why TLS with a peer could not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerFault {
    /// The certificate is for other names.
    WrongName,
    /// The certificate has expired, or is not valid yet.
    WrongTime,
    /// No known authority has signed the certificate.
    UnknownIssuer,
    /// The key of the certificate is not a pinned key.
    WrongKey,
    /// The certificate cannot be used otherwise.
    Unusable,
    /// The peer speaks no TLS, or none of ours.
    NoTls,
    /// The peer speaks TLS, and not the application protocol in ALPN.
    NoProtocol,
}

impl PeerFault {
    /// The fault in an error of a stream; `None` if the stream itself broke.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<Error>()?;
        Some(match error {
            Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => PeerFault::WrongName,
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => PeerFault::WrongTime,
                // An authority of the same name with another key.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    PeerFault::UnknownIssuer
                }
                CertificateError::ApplicationVerificationFailure => PeerFault::WrongKey,
                _ => PeerFault::Unusable,
            },
            Error::NoCertificatesPresented => PeerFault::Unusable,
            Error::AlertReceived(AlertDescription::NoApplicationProtocol) => PeerFault::NoProtocol,
            _ => PeerFault::NoTls,
        })
    }
}

impl PeerFault {
    /// The fault for which rustls sends an alert. A certificate that cannot be read has the alert of one for other
    /// names.
    #[must_use]
    pub fn of_alert(alert: u8) -> Self {
        match AlertDescription::from(alert) {
            AlertDescription::BadCertificate => PeerFault::WrongName,
            AlertDescription::CertificateExpired => PeerFault::WrongTime,
            AlertDescription::UnknownCA | AlertDescription::DecryptError => {
                PeerFault::UnknownIssuer
            }
            AlertDescription::AccessDenied => PeerFault::WrongKey,
            AlertDescription::NoApplicationProtocol => PeerFault::NoProtocol,
            AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown => PeerFault::Unusable,
            _ => PeerFault::NoTls,
        }
    }
}

/// The error of a connection to a named peer where no authority is trusted.
pub(super) fn no_authority() -> io::Error {
    let error = Error::InvalidCertificate(CertificateError::UnknownIssuer);
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alert_of_a_certificate_tells_the_same_as_its_error() {
        for error in [
            CertificateError::NotValidForName,
            CertificateError::Expired,
            CertificateError::NotValidYet,
            CertificateError::UnknownIssuer,
            CertificateError::ApplicationVerificationFailure,
            CertificateError::Revoked,
            CertificateError::InvalidPurpose,
        ] {
            let alert = AlertDescription::from(error.clone());
            let told = io::Error::new(io::ErrorKind::InvalidData, Error::InvalidCertificate(error));
            assert_eq!(Some(PeerFault::of_alert(alert.into())), PeerFault::of(&told));
        }
        assert_eq!(PeerFault::of_alert(80), PeerFault::NoTls);
    }
}
