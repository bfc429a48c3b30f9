//! Certificates from an ACME server (RFC 8555), such as Let's Encrypt.
//!
//! [`AcmeTerms`] say what is wanted. [`AcmeSchedule`] says when the next order is due: a state machine without clock and
//! without network. [`obtain`] makes an order, while the daemon answers the challenges of [`ChallengeAnswers`].
//! [`AcmeFiles`] keep the account and the certificate, so that a start needs no network.
//!
//! Nothing that an ACME server sends is trusted: its replies have bounds ([`AcmeHttp`]), its texts are cleaned before
//! anyone reads them, and a certificate counts only if it has every name that was asked for.

mod answers;
mod fault;
mod files;
mod http_client;
mod names;
mod order;
mod schedule;
mod terms;

pub use answers::{ChallengeAnswers, HttpChallenges};
pub use fault::{AcmeFault, FaultKind};
pub use files::{AcmeFiles, FILES, KeptOrders};
pub use http_client::{AcmeHttp, MAX_REPLY, MAX_REQUESTS, MAX_RETRY_AFTER_S};
pub use names::{CertifiedName, MAX_NAMES};
pub use order::{MAX_ORDER, obtain};
pub use schedule::{AcmeSchedule, MAX_ORDERS_AN_HOUR};
pub use terms::{AcmeTerms, ChallengeKind};
