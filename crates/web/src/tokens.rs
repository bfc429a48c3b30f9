//! Tokens for programs. Only hashes are kept: 256 random bits cannot be guessed, so that a plain hash is enough.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use zoners_api::{MAX_TOKEN_SECONDS, TokenReport, TokenScope};

use crate::secrets::{hexadecimal, is_same, secret};

/// The most tokens.
const MAX_TOKENS: usize = 64;
/// Letters of the longest name of a token.
const MAX_NAME_LETTERS: usize = 64;
/// The beginning of a token, by which scanners of published code find secrets.
const PREFIX: &str = "zoners_";

/// The tokens of a daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBook {
    tokens: Vec<KeptToken>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptToken {
    #[serde(flatten)]
    about: TokenReport,
    /// SHA-256 of the token, in hexadecimal digits.
    hash: String,
}

impl TokenBook {
    /// Makes a token of random octets, and returns its text.
    ///
    /// # Errors
    /// The name or the life is not allowed, the name is taken, or there are too many tokens.
    pub fn create(
        &mut self,
        name: &str,
        scope: TokenScope,
        seconds: u32,
        random: [u8; 32],
        now_s: u64,
    ) -> Result<(String, TokenReport), String> {
        self.forget(now_s);
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.is_empty() || name.len() > MAX_NAME_LETTERS || !name.chars().all(is_letter) {
            return Err(format!("name: write 1 to {MAX_NAME_LETTERS} letters, digits, -, _ or ."));
        }
        if seconds == 0 || seconds > MAX_TOKEN_SECONDS {
            return Err(format!("expires: write 1 to {MAX_TOKEN_SECONDS} seconds (a year)"));
        }
        if self.tokens.iter().any(|token| token.about.name == name) {
            return Err(format!(
                "there is a token {name:?} already: revoke it, or choose another name"
            ));
        }
        if self.tokens.len() >= MAX_TOKENS {
            return Err(format!("there are {MAX_TOKENS} tokens already, the most there may be"));
        }
        let text = format!("{PREFIX}{}", secret(random));
        let expires_s = now_s + u64::from(seconds);
        let about = TokenReport { name: name.to_owned(), scope, created_s: now_s, expires_s };
        self.tokens.push(KeptToken { about: about.clone(), hash: hash(&text) });
        Ok((text, about))
    }

    /// The tokens that have not ended, by name.
    #[must_use]
    pub fn list(&self, now_s: u64) -> Vec<TokenReport> {
        let mut list: Vec<TokenReport> =
            self.living(now_s).map(|token| token.about.clone()).collect();
        list.sort_by(|one, other| one.name.cmp(&other.name));
        list
    }

    /// Ends a token; false if there is none of this name.
    pub fn revoke(&mut self, name: &str) -> bool {
        let before = self.tokens.len();
        self.tokens.retain(|token| token.about.name != name);
        self.tokens.len() < before
    }

    /// The scope of a token. Each hash is compared, so that the time says nothing of the tokens.
    #[must_use]
    pub fn scope_of(&self, text: &str, now_s: u64) -> Option<TokenScope> {
        let given = hash(text);
        let matching = self.living(now_s).filter(|token| is_same(&token.hash, &given));
        matching.map(|token| token.about.scope).fold(None, |_, scope| Some(scope))
    }

    fn living(&self, now_s: u64) -> impl Iterator<Item = &KeptToken> {
        self.tokens.iter().filter(move |token| token.about.expires_s > now_s)
    }

    fn forget(&mut self, now_s: u64) {
        self.tokens.retain(|token| token.about.expires_s > now_s);
    }
}

fn hash(text: &str) -> String {
    hexadecimal(digest(&SHA256, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn create(book: &mut TokenBook, name: &str, seconds: u32, octet: u8) -> Result<String, String> {
        book.create(name, TokenScope::Policy, seconds, [octet; 32], NOW).map(|(text, _)| text)
    }

    #[test]
    fn a_token_is_known_until_it_ends_or_is_revoked_and_the_book_has_no_secret() {
        let mut book = TokenBook::default();
        let text = create(&mut book, "grafana", 60, 0xab).unwrap();
        assert_eq!(text, format!("zoners_{}", "ab".repeat(32)));
        assert_eq!(book.scope_of(&text, NOW), Some(TokenScope::Policy));
        assert_eq!(book.scope_of(&text, NOW + 60), None, "ended");
        for wrong in ["", "zoners_", &text[..70], &text.to_uppercase()] {
            assert_eq!(book.scope_of(wrong, NOW), None, "{wrong}");
        }
        let kept = serde_json::to_string(&book).unwrap();
        assert!(!kept.contains(&"ab".repeat(32)), "{kept}");
        let mut book: TokenBook = serde_json::from_str(&kept).unwrap();
        assert_eq!(book.list(NOW).len(), 1);
        assert!(!book.revoke("other") && book.revoke("grafana"));
        assert_eq!(book.scope_of(&text, NOW), None);
    }

    #[test]
    fn names_lives_and_the_number_of_tokens_are_bounded() {
        let mut book = TokenBook::default();
        for name in ["", "a b", &"x".repeat(65)] {
            assert!(create(&mut book, name, 60, 1).is_err(), "{name}");
        }
        assert!(create(&mut book, "a", 0, 1).is_err());
        assert!(create(&mut book, "a", MAX_TOKEN_SECONDS + 1, 1).is_err());
        for number in 0..MAX_TOKENS {
            create(&mut book, &number.to_string(), 60, number as u8).unwrap();
        }
        assert!(create(&mut book, "7", 60, 200).unwrap_err().contains("already"));
        assert!(create(&mut book, "more", 60, 200).unwrap_err().contains("64 tokens"));
        let later = book.create("more", TokenScope::Read, 60, [200; 32], NOW + 60);
        assert!(later.is_ok(), "ended tokens leave room");
    }
}
