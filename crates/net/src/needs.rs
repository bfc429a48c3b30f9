//! The sandbox declaration of the sockets.

use zoners_sandbox::{Calls, Need, Needs};

/// The port of servers, unless a route names a different one.
const PORT: u16 = 53;

/// The needs of serving clients, asking servers and reading interfaces; `from_own`: queries leave
/// from configured addresses.
#[must_use]
pub fn needs(from_own: bool) -> Needs {
    let mut all = vec![Need::Calls(Calls::Network), Need::Connect(PORT)];
    all.extend(from_own.then_some(Need::Bind));
    Needs { of: "resolver.source-addresses", all }
}
