//! Errors of the operating system, as failures of the path to a server.

use std::io;

use zoners_dns::NetworkError;

use crate::descriptors::ran_out;
use crate::fragments;

/// The meaning of an error for the path to a server.
pub(crate) fn classify(error: &io::Error) -> NetworkError {
    use io::ErrorKind as Kind;
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
