//! The keys of a dashboard: tokens of programs, and the password.

use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use zoners_api::TokenScope;

use crate::password::PasswordHash;
use crate::tokens::TokenBook;

/// Tokens and password. The daemon changes both; the dashboard looks at each request.
#[derive(Debug, Default)]
pub struct AccessKeys {
    tokens: Mutex<TokenBook>,
    password: Mutex<Option<PasswordHash>>,
}

impl AccessKeys {
    /// Keys of an earlier daemon.
    #[must_use]
    pub fn new(tokens: TokenBook, password: Option<PasswordHash>) -> Self {
        AccessKeys { tokens: Mutex::new(tokens), password: Mutex::new(password) }
    }

    /// The tokens.
    #[must_use]
    pub fn tokens(&self) -> TokenBook {
        self.tokens.lock().clone()
    }

    /// Replaces the tokens.
    pub fn set_tokens(&self, tokens: TokenBook) {
        *self.tokens.lock() = tokens;
    }

    /// The hash of the password, if a password is set.
    #[must_use]
    pub fn password(&self) -> Option<PasswordHash> {
        self.password.lock().clone()
    }

    /// Replaces the password.
    pub fn set_password(&self, password: Option<PasswordHash>) {
        *self.password.lock() = password;
    }

    /// What the bearer of a token may ask; none if there is no such token.
    pub(crate) fn scope_of(&self, token: &str) -> Option<TokenScope> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        // Before 1970 the clock is wrong, and no token has ended.
        self.tokens.lock().scope_of(token, now.map_or(0, |now| now.as_secs()))
    }
}
