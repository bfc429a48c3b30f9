//! The border between a node and what others have learned.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use crate::{Name, Question};

/// Something that takes its time.
pub type BoxedFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What others know of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondLevelEntries {
    /// Entries of a cache, as they leave one.
    pub entries: Vec<u8>,
    /// Milliseconds by which our clock is ahead of the one that they count by.
    pub shift: i64,
    /// Whether what they say of authenticity counts.
    pub trusted: bool,
}

/// A memory that several nodes share. Nobody waits for it: whoever asks does so beside other work, and
/// what is told to it is told in passing.
pub trait SecondLevel: fmt::Debug + Send + Sync + 'static {
    /// Looks for what is known of a question; nothing if nothing is, or it cannot be had.
    fn look_up(&self, question: &Question) -> BoxedFuture<Option<SecondLevelEntries>>;

    /// Waits while another node works a question out whose answer [`SecondLevel::look_up`] will find;
    /// `None` where nodes do not wait for each other.
    fn wait_for_other_node(&self, question: &Question) -> Option<BoxedFuture<()>>;

    /// Takes what was learned of a question, to be kept for `ttl`.
    fn store(&self, question: &Question, entries: Vec<u8>, ttl: Duration);

    /// Forgets what is known of a name, and with `subtree` of all names below it; how many questions
    /// those were, or why it cannot.
    fn forget(&self, name: &Name, subtree: bool) -> BoxedFuture<Result<usize, String>>;
}
