//! The interface to the second level, the cache that several nodes share.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use crate::{Name, Question};

/// A future on the heap.
pub type BoxedFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The entries that other nodes stored for a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondLevelEntries {
    /// Cache entries in the format of an export.
    pub entries: Vec<u8>,
    /// Milliseconds by which the clock of this node is ahead of the clock of the entries.
    pub shift: i64,
    /// Whether the security status of the entries counts.
    pub trusted: bool,
}

/// A cache that several nodes share. Look-ups run beside other work, and stores do not wait for
/// completion.
pub trait SecondLevel: fmt::Debug + Send + Sync + 'static {
    /// Looks up the entries of a question. `None` if there are no entries, or the second level does
    /// not respond.
    fn look_up(&self, question: &Question) -> BoxedFuture<Option<SecondLevelEntries>>;

    /// Waits while another node resolves the question, after which [`SecondLevel::look_up`] will
    /// find the answer. `None` if nodes do not wait for each other.
    fn wait_for_other_node(&self, question: &Question) -> Option<BoxedFuture<()>>;

    /// Stores the entries of an answer for `ttl`.
    fn store(&self, question: &Question, entries: Vec<u8>, ttl: Duration);

    /// Looks up what another node has stored of the trials of encryption at a server (RFC 9539). Without a secret that
    /// the nodes share there is nothing, since nobody is believed.
    fn look_up_trial(&self, _server: SocketAddr) -> BoxedFuture<Option<SecondLevelEntries>> {
        Box::pin(std::future::ready(None))
    }

    /// Stores what the trials of encryption at a server have shown, for `ttl`.
    fn store_trial(&self, _server: SocketAddr, _trial: Vec<u8>, _ttl: Duration) {}

    /// Removes the entries of a name, and with `subtree` of all names below. Returns the number of
    /// questions, or the reason for a failure.
    fn forget(&self, name: &Name, subtree: bool) -> BoxedFuture<Result<usize, String>>;
}
