//! What sockets need of the system, for the sandbox.

use zoners_sandbox::{Calls, Need, Needs};

/// The port that servers are asked on, unless a route names another.
const PORT: u16 = 53;

/// What serving clients, asking servers and knowing one's own interfaces needs; `from_own`: queries leave from given addresses.
#[must_use]
pub fn needs(from_own: bool) -> Needs {
    let mut all = vec![Need::Calls(Calls::Network), Need::Connect(PORT)];
    all.extend(from_own.then_some(Need::Bind));
    Needs { of: "resolver.source-addresses", all }
}
