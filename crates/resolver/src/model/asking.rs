//! A query of our own, before it is addressed to a server.

use zoners_dns::Question;

/// A query as it goes to one server.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamQuery {
    pub(crate) question: Question,
    pub(crate) recursion_desired: bool,
    /// It goes beside another query.
    pub(crate) retry: bool,
}
