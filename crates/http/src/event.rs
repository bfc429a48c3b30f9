//! What the service counts.

/// An event of the service, for counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpEvent {
    /// A request was answered, by a handler or with a refusal.
    Request,
    /// The request just counted was refused before a handler saw it: for host, origin, path, method or body.
    Refused,
    /// A connection was closed because it carried no HTTP, or the head of a request exceeded a limit.
    Malformed,
    /// A connection was closed because a request did not come in time, or a response was not taken in time.
    TimedOut,
    /// A connection was closed at once: the limit of all, or of the client, was reached.
    ConnectionRefused,
}
