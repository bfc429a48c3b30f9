//! The answers to the challenges of an order, while the order lasts.

use std::sync::Arc;

use parking_lot::Mutex;
use zoners_tls::AlpnChallenges;

use crate::MAX_NAMES;

/// Characters of a token, at most. Let's Encrypt sends 43.
const MAX_TOKEN: usize = 128;

/// The answers of this machine; clones share the state.
#[derive(Clone, Debug, Default)]
pub struct ChallengeAnswers {
    /// In handshakes.
    pub tls: AlpnChallenges,
    /// In pages.
    pub http: HttpChallenges,
}

impl ChallengeAnswers {
    /// Answers nothing any more.
    pub fn clear(&self) {
        self.tls.clear();
        self.http.0.lock().clear();
    }
}

/// Pages by token (RFC 8555 section 8.3); clones share the state.
#[derive(Clone, Debug, Default)]
pub struct HttpChallenges(Arc<Mutex<Vec<(String, String)>>>);

impl HttpChallenges {
    /// The folder of the pages.
    pub const PATH: &str = "/.well-known/acme-challenge/";

    /// Answers a challenge from now on. False if the token is none: anything but base64url could be another path (RFC
    /// 8555 section 8.3).
    #[must_use]
    pub fn add(&self, token: &str, page: &str) -> bool {
        let is_allowed = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        if token.is_empty() || token.len() > MAX_TOKEN || !token.bytes().all(is_allowed) {
            return false;
        }
        let mut open = self.0.lock();
        open.retain(|(known, _)| known != token);
        open.push((token.to_owned(), page.to_owned()));
        let surplus = open.len().saturating_sub(MAX_NAMES);
        open.drain(..surplus);
        true
    }

    /// The page at a path, if a challenge is open there.
    #[must_use]
    pub fn page(&self, path: &str) -> Option<String> {
        let token = path.strip_prefix(Self::PATH)?;
        let open = self.0.lock();
        open.iter().find(|(known, _)| known == token).map(|(_, page)| page.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_the_order_are_there_and_nothing_else() {
        let answers = ChallengeAnswers::default();
        let page = |token: &str| answers.http.page(&format!("{}{token}", HttpChallenges::PATH));
        assert!(answers.http.add("a-_9", "a-_9.key"));
        assert_eq!(page("a-_9").as_deref(), Some("a-_9.key"));
        assert_eq!(page("b"), None);
        assert_eq!(answers.http.page("/a-_9"), None);
        for wrong in ["", "../secret", "a/b", "a b", &"x".repeat(MAX_TOKEN + 1)] {
            assert!(!answers.http.add(wrong, "page"), "{wrong}");
        }
        assert!(answers.http.add(&"x".repeat(MAX_TOKEN), "page"));
        answers.clear();
        assert_eq!(page("a-_9"), None);
    }

    #[test]
    fn the_oldest_page_goes_at_the_limit() {
        let http = HttpChallenges::default();
        for number in 0..=MAX_NAMES {
            assert!(http.add(&format!("t{number}"), "page"));
        }
        assert_eq!(http.0.lock().len(), MAX_NAMES);
        assert_eq!(http.page(&format!("{}t0", HttpChallenges::PATH)), None);
    }
}
