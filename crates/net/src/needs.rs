//! The sandbox declaration of the sockets.

use zoners_dns::endpoint::TLS_PORT;
use zoners_sandbox::{Calls, Need, Needs};

/// The ports of servers, in clear and over TLS, unless a route names a different one.
const PORTS: [u16; 2] = [53, TLS_PORT];

/// The needs of serving clients, asking servers and reading interfaces; `from_own`: queries leave
/// from configured addresses.
#[must_use]
pub fn needs(from_own: bool) -> Needs {
    let mut all = vec![Need::Calls(Calls::Network)];
    all.extend(PORTS.map(Need::Connect));
    all.extend(from_own.then_some(Need::Bind));
    Needs { of: "resolver.source-addresses", all }
}
