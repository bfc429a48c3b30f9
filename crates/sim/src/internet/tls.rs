//! The replies of a server over TLS.

use std::time::Duration;

use zoners_dns::{Endpoint, ExchangeEvent, HttpFault, IdentityFault, NetworkError};

use super::Arrivals;
use crate::link::TlsManner;

/// Round trips of a handshake: TCP's, and that of TLS 1.3 (RFC 8446 section 2).
pub(super) const HANDSHAKE: u32 = 2;

/// The reply over a stream that was opened `since`; `trip` is the round trip. `said` are the replies in clear.
pub(super) fn react(
    manner: TlsManner,
    to: Endpoint,
    trip: Duration,
    since: Duration,
    said: impl FnOnce() -> Arrivals,
) -> Arrivals {
    let opening = (trip * HANDSHAKE).saturating_sub(since);
    let failed = |failure| vec![(opening, ExchangeEvent::Failed(failure))];
    match manner {
        TlsManner::Closed => vec![(trip, ExchangeEvent::Failed(NetworkError::Refused))],
        TlsManner::Silent => vec![],
        TlsManner::Resets => failed(NetworkError::Closed),
        TlsManner::NoTls => failed(NetworkError::Handshake),
        TlsManner::NotFound => {
            vec![(
                opening + trip,
                ExchangeEvent::Failed(NetworkError::Http(HttpFault::Status(404))),
            )]
        }
        TlsManner::WrongCertificate if to.identity.is_some() => {
            failed(NetworkError::Untrusted(IdentityFault::WrongName))
        }
        TlsManner::Good | TlsManner::WrongCertificate => {
            said().into_iter().map(|(later, event)| (opening + trip + later, event)).collect()
        }
    }
}
