//! Problems of the certificate of the server, from files or from an ACME server.

use super::problem;
use crate::{AcmeReport, DaemonStatus, Problem, Severity};

/// A certificate that ends within this time should have been renewed.
const ENDS_SOON_S: i64 = 3 * 24 * 3600;
/// The same for a certificate by ACME, whose lifetime may be six days and some hours.
const ACME_ENDS_SOON_S: i64 = 36 * 3600;

pub(super) fn problems(status: &DaemonStatus) -> Vec<Problem> {
    let order = status.acme.as_deref().and_then(|acme| order(acme, status.certificate.is_none()));
    order.into_iter().chain(ending(status)).collect()
}

/// No certificate yet, or no renewal.
fn order(acme: &AcmeReport, is_missing: bool) -> Option<Problem> {
    let names = acme.names.join(", ");
    let advice = match acme.next_order_in_s {
        Some(left_s) => format!(
            "Each name must lead to this machine, and {} must reach it. The next order is in {} min.",
            acme.directory,
            left_s.div_ceil(60)
        ),
        None if acme.ordering => "An order is under way.".to_owned(),
        None => "No order is made until the daemon starts anew without this fault.".to_owned(),
    };
    match (&acme.last_failure, is_missing) {
        (Some(why), true) => {
            let text = format!("There is no certificate for {names}: {why}.");
            Some(problem(Severity::Error, text, advice))
        }
        (Some(why), false) => {
            let failures = acme.failures;
            let text = format!("The certificate was not renewed, {failures} times: {why}.");
            Some(problem(Severity::Notice, text, advice))
        }
        (None, true) => {
            let text = format!("There is no certificate for {names} yet.");
            Some(problem(Severity::Notice, text, advice))
        }
        (None, false) => None,
    }
}

/// A certificate that ends soon, or has ended.
fn ending(status: &DaemonStatus) -> Option<Problem> {
    let left_s = status.certificate.as_ref()?.expires_in_s;
    let (soon_s, advice) = match &status.acme {
        Some(_) => {
            (ACME_ENDS_SOON_S, "It should have been renewed: look at the orders (acme) in the log.")
        }
        None => {
            (ENDS_SOON_S, "Renew it; Zoners takes the new files (server.certificate) by itself.")
        }
    };
    match left_s {
        ..0 => Some(problem(
            Severity::Error,
            "The certificate has expired: no client over TLS accepts it.",
            advice,
        )),
        left_s if left_s < soon_s => Some(problem(
            Severity::Warning,
            format!("The certificate expires in {} h.", left_s / 3600),
            advice,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CertificateState;

    fn told(failure: Option<&str>, expires_in_s: Option<i64>) -> Vec<(Severity, String)> {
        let acme = AcmeReport {
            names: vec!["dns.example.org".into()],
            next_order_in_s: Some(840),
            failures: 2,
            last_failure: failure.map(str::to_owned),
            ..AcmeReport::default()
        };
        let certificate = expires_in_s
            .map(|expires_in_s| CertificateState { expires_in_s, ..CertificateState::default() });
        let status =
            DaemonStatus { acme: Some(Box::new(acme)), certificate, ..DaemonStatus::default() };
        let told = problems(&status).into_iter();
        told.map(|problem| (problem.severity, format!("{} {}", problem.text, problem.advice)))
            .collect()
    }

    #[test]
    fn an_order_that_fails_is_an_error_only_without_a_certificate() {
        let (severity, text) = told(Some("too many orders"), None).remove(0);
        assert_eq!(severity, Severity::Error);
        assert!(text.starts_with("There is no certificate for dns.example.org: too many orders."));
        assert!(text.ends_with("The next order is in 14 min."), "{text}");
        assert_eq!(told(None, None)[0].0, Severity::Notice);
        let (severity, text) = told(Some("too many orders"), Some(50 * 3600)).remove(0);
        assert_eq!(severity, Severity::Notice);
        assert!(text.starts_with("The certificate was not renewed, 2 times: too many"), "{text}");
        assert!(told(None, Some(50 * 3600)).is_empty());
    }

    #[test]
    fn a_certificate_of_six_days_is_told_later_than_others() {
        assert!(told(None, Some(ACME_ENDS_SOON_S)).is_empty());
        assert_eq!(told(None, Some(ACME_ENDS_SOON_S - 1))[0].0, Severity::Warning);
        assert_eq!(told(None, Some(-1))[0].0, Severity::Error);
    }
}
