//! Errors of the operating system, as failures of the path to a server.

use std::io;

use zoners_dns::{IdentityFault, NetworkError};
use zoners_tls::client::PeerFault;

use crate::descriptors::ran_out;
use crate::fragments;

/// The meaning of an error for the path to a server.
pub(crate) fn classify(error: &io::Error) -> NetworkError {
    use io::ErrorKind as Kind;
    if let Some(fault) = PeerFault::of(error) {
        return of_peer(fault);
    }
    match error.kind() {
        Kind::ConnectionRefused => NetworkError::Refused,
        Kind::ConnectionReset
        | Kind::UnexpectedEof
        | Kind::BrokenPipe
        | Kind::ConnectionAborted => NetworkError::Closed,
        Kind::AddrInUse | Kind::OutOfMemory => NetworkError::NoSocket,
        _ if ran_out(error) => NetworkError::NoSocket,
        // Our own interface has too small an MTU for the query: no fault of the server.
        _ if fragments::is_too_large(error) => NetworkError::NoSocket,
        _ => NetworkError::Unreachable,
    }
}

/// The meaning of a failed handshake.
pub(crate) fn of_peer(fault: PeerFault) -> NetworkError {
    NetworkError::Untrusted(match fault {
        PeerFault::WrongName => IdentityFault::WrongName,
        PeerFault::WrongTime => IdentityFault::WrongTime,
        PeerFault::UnknownIssuer => IdentityFault::UnknownIssuer,
        PeerFault::WrongKey => IdentityFault::WrongKey,
        PeerFault::Unusable => IdentityFault::Unusable,
        PeerFault::NoTls | PeerFault::NoProtocol => return NetworkError::Handshake,
    })
}
