//! An upstream query, before server selection.

use zoners_dns::Question;

/// A query as it goes to one server.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamQuery {
    pub(crate) question: Question,
    pub(crate) recursion_desired: bool,
    /// A hedge or a repetition, charged to the allowance for hedges.
    pub(crate) retry: bool,
}
