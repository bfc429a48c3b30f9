//! Links into the dashboard, and the sessions behind them.

use std::time::Duration;

use tokio::time::Instant;

use crate::secrets::{SessionSecret, is_same};

/// A link ends by itself after this time.
pub(crate) const LINK_TIME: Duration = Duration::from_secs(60);
/// Links that wait for their use; a further link ends the oldest.
const MAX_LINKS: usize = 8;
/// A session ends after this time without a request. An open page makes requests.
pub(crate) const SESSION_TIME: Duration = Duration::from_secs(12 * 3600);
/// Sessions; a further session ends the session of the oldest request.
const MAX_SESSIONS: usize = 16;

/// Links and sessions.
#[derive(Debug, Default)]
pub(crate) struct DashboardAccess {
    /// Secrets with the begin, oldest first.
    links: Vec<(SessionSecret, Instant)>,
    /// Secrets with the last use, oldest first.
    sessions: Vec<(SessionSecret, Instant)>,
}

impl DashboardAccess {
    /// Adds a link.
    pub(crate) fn add_link(&mut self, link: SessionSecret, now: Instant) {
        self.forget(now);
        if self.links.len() >= MAX_LINKS {
            self.links.remove(0);
        }
        self.links.push((link, now));
    }

    /// Turns a link into a session; false if there is no such link any more.
    pub(crate) fn enter(&mut self, link: &str, session: SessionSecret, now: Instant) -> bool {
        self.forget(now);
        let Some(at) = self.links.iter().position(|(known, _)| is_same(known, link)) else {
            return false;
        };
        self.links.remove(at);
        self.add_session(session, now);
        true
    }

    /// Adds a session.
    pub(crate) fn add_session(&mut self, session: SessionSecret, now: Instant) {
        self.forget(now);
        if self.sessions.len() >= MAX_SESSIONS {
            self.sessions.remove(0);
        }
        self.sessions.push((session, now));
    }

    /// Ends every session.
    pub(crate) fn end_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Whether a session is under way; if so, it has been used now.
    pub(crate) fn admits(&mut self, session: &str, now: Instant) -> bool {
        self.forget(now);
        let Some(at) = self.sessions.iter().position(|(known, _)| is_same(known, session)) else {
            return false;
        };
        let (known, _) = self.sessions.remove(at);
        self.sessions.push((known, now));
        true
    }

    /// Ends a session.
    pub(crate) fn leave(&mut self, session: &str) {
        self.sessions.retain(|(known, _)| !is_same(known, session));
    }

    fn forget(&mut self, now: Instant) {
        self.links.retain(|(_, begun)| now.duration_since(*begun) < LINK_TIME);
        self.sessions.retain(|(_, used)| now.duration_since(*used) < SESSION_TIME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: usize) -> String {
        format!("{number:064}")
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_works_once_and_for_a_minute() {
        let (mut access, now) = (DashboardAccess::default(), Instant::now());
        access.add_link(text(1), now);
        access.add_link(text(2), now);
        assert!(!access.enter(&text(3), text(9), now), "a wrong link");
        assert!(access.enter(&text(1), text(9), now));
        assert!(!access.enter(&text(1), text(8), now), "used");
        assert!(!access.enter(&text(2), text(8), now + LINK_TIME), "too late");
        assert!(access.admits(&text(9), now));
        assert!(!access.admits(&text(8), now) && !access.admits("", now));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_lasts_while_it_is_used() {
        let (mut access, mut now) = (DashboardAccess::default(), Instant::now());
        access.add_link(text(1), now);
        assert!(access.enter(&text(1), text(9), now));
        for _ in 0..5 {
            now += SESSION_TIME / 2;
            assert!(access.admits(&text(9), now));
        }
        assert!(!access.admits(&text(9), now + SESSION_TIME));
        access.add_link(text(2), now);
        assert!(access.enter(&text(2), text(8), now));
        access.leave(&text(8));
        assert!(!access.admits(&text(8), now));
    }

    #[tokio::test(start_paused = true)]
    async fn links_and_sessions_are_bounded() {
        let (mut access, now) = (DashboardAccess::default(), Instant::now());
        for number in 0..=MAX_LINKS {
            access.add_link(text(number), now);
        }
        assert_eq!(access.links.len(), MAX_LINKS);
        assert!(!access.enter(&text(0), text(9), now), "the oldest has ended");
        for number in 0..=MAX_SESSIONS {
            access.add_link(text(number), now);
            assert!(access.enter(&text(number), text(100 + number), now));
        }
        assert_eq!(access.sessions.len(), MAX_SESSIONS);
        assert!(!access.admits(&text(100), now) && access.admits(&text(101), now));
    }
}
