//! Tokens and the password of the dashboard, kept in the state folder.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zoners_api::{TokenReport, TokenScope};
use zoners_dns::Random;
use zoners_files::open_secret;
use zoners_web::{AccessKeys, PasswordHash, TokenBook};

use crate::kept_file::KeptFile;

/// The hashes of the tokens.
pub(super) const TOKENS: &str = "dashboard.tokens";
/// The hash of the password.
pub(super) const PASSWORD: &str = "dashboard.password";
/// Octets of the largest file: 64 tokens of 300 octets.
const MAX_OCTETS: u64 = 64 * 1024;

/// The keys, and the folder in which they are kept.
#[derive(Debug)]
pub(super) struct AccessKeyFiles {
    /// None if keys end with the daemon.
    files: Option<KeyFiles>,
    keys: Arc<AccessKeys>,
    /// One change at a time.
    changing: Mutex<()>,
}

/// The files of a state folder.
#[derive(Debug)]
struct KeyFiles {
    tokens: KeptFile,
    password: KeptFile,
}

impl AccessKeyFiles {
    /// The keys of an earlier daemon in a folder; without a folder, keys end with the daemon.
    pub(super) fn open(folder: Option<&Path>) -> Self {
        let (files, tokens, password) = match folder {
            None => (None, None, None),
            Some(folder) => {
                let (tokens_file, tokens) = open(folder, TOKENS);
                let (password_file, password) = open::<Option<PasswordHash>>(folder, PASSWORD);
                let files = KeyFiles { tokens: tokens_file, password: password_file };
                (Some(files), tokens, password.flatten())
            }
        };
        let keys = Arc::new(AccessKeys::new(tokens.unwrap_or_default(), password));
        AccessKeyFiles { files, keys, changing: Mutex::default() }
    }

    /// The keys.
    pub(super) fn keys(&self) -> &Arc<AccessKeys> {
        &self.keys
    }

    /// Makes a token.
    ///
    /// # Errors
    /// The token is not allowed, or cannot be kept.
    pub(super) fn create_token(
        &self,
        name: &str,
        scope: TokenScope,
        seconds: u32,
        random: [u8; 32],
        now_s: u64,
    ) -> Result<(String, TokenReport), String> {
        let _turn = self.changing.lock();
        let mut tokens = self.keys.tokens();
        let created = tokens.create(name, scope, seconds, random, now_s)?;
        self.keep_tokens(&tokens)?;
        self.keys.set_tokens(tokens);
        tracing::info!("dashboard: token {name} of scope {} for {seconds} s", scope.name());
        Ok(created)
    }

    /// Ends a token.
    ///
    /// # Errors
    /// There is none of this name, or the change cannot be kept.
    pub(super) fn revoke_token(&self, name: &str) -> Result<(), String> {
        let _turn = self.changing.lock();
        let mut tokens = self.keys.tokens();
        if !tokens.revoke(name) {
            return Err(format!("there is no token {name:?}"));
        }
        self.keep_tokens(&tokens)?;
        self.keys.set_tokens(tokens);
        tracing::info!("dashboard: token {name} revoked");
        Ok(())
    }

    /// Sets the password, or removes it; the path of the file. Takes some 30 ms.
    ///
    /// # Errors
    /// The password is not allowed, or cannot be kept.
    pub(super) fn set_password(
        &self,
        password: Option<&str>,
        random: &Random,
    ) -> Result<Option<PathBuf>, String> {
        let _turn = self.changing.lock();
        let hash = password.map(|password| PasswordHash::new(password, random.octets()));
        let hash = hash.transpose()?;
        let file = self.files.as_ref().map(|files| &files.password);
        file.map_or(Ok(()), |file| keep(file, &hash))?;
        let done = if hash.is_some() { "set" } else { "removed" };
        self.keys.set_password(hash);
        tracing::info!("dashboard: password {done}");
        Ok(file.map(|file| file.path().to_owned()))
    }

    fn keep_tokens(&self, tokens: &TokenBook) -> Result<(), String> {
        self.files.as_ref().map_or(Ok(()), |files| keep(&files.tokens, tokens))
    }
}

/// A file with the content; none without a file. A file with access for other users is not used.
fn open<T: DeserializeOwned>(folder: &Path, file: &str) -> (KeptFile, Option<T>) {
    let read = |path: &Path| {
        let mut octets = Vec::new();
        open_secret(path)?.take(MAX_OCTETS).read_to_end(&mut octets)?;
        Ok(serde_json::from_slice(&octets)?)
    };
    KeptFile::open(folder.join(file), "dashboard", read)
}

fn keep(file: &KeptFile, content: &impl Serialize) -> Result<(), String> {
    let keep = || {
        let octets = serde_json::to_vec(content)?;
        file.replace(|out| out.write_all(&octets))
    };
    keep().map_err(|error| format!("{} cannot be kept: {error}", file.path().display()))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn create(files: &AccessKeyFiles, name: &str) -> Result<String, String> {
        files.create_token(name, TokenScope::Read, 60, [7; 32], NOW).map(|(text, _)| text)
    }

    #[test]
    fn tokens_and_password_outlast_a_restart_and_are_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, random) = (Some(folder.path()), Random::seeded(1));
        let files = AccessKeyFiles::open(path);
        let token = create(&files, "grafana").unwrap();
        files.set_password(Some("correct horse"), &random).unwrap();
        for file in [TOKENS, PASSWORD] {
            let path = folder.path().join(file);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains(&token) && !text.contains("horse"), "{text}");
        }
        let next = AccessKeyFiles::open(path);
        assert_eq!(next.keys().tokens().scope_of(&token, NOW), Some(TokenScope::Read));
        assert!(next.keys().password().unwrap().is("correct horse"));
        next.revoke_token("grafana").unwrap();
        assert!(next.revoke_token("grafana").is_err());
        next.set_password(None, &random).unwrap();
        let last = AccessKeyFiles::open(path);
        assert_eq!(last.keys().tokens().list(NOW), []);
        assert_eq!(last.keys().password(), None);
    }

    #[test]
    fn a_file_that_other_users_could_read_is_neither_used_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        create(&AccessKeyFiles::open(Some(folder.path())), "grafana").unwrap();
        let path = folder.path().join(TOKENS);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let before = std::fs::read(&path).unwrap();
        let files = AccessKeyFiles::open(Some(folder.path()));
        let told = create(&files, "prometheus").unwrap_err();
        assert!(told.contains(&format!("{}: others may read it", path.display())), "{told}");
        assert_eq!(files.keys().tokens().list(NOW), []);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_damaged_password_is_neither_used_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (path, random) = (folder.path().join(PASSWORD), Random::seeded(1));
        AccessKeyFiles::open(Some(folder.path()))
            .set_password(Some("correct horse"), &random)
            .unwrap();
        std::fs::write(&path, "{\"memory_kib\":").unwrap();
        let files = AccessKeyFiles::open(Some(folder.path()));
        assert_eq!(files.keys().password(), None);
        for password in [Some("battery staple"), None] {
            let told = files.set_password(password, &random).unwrap_err();
            assert!(
                told.contains("the file could not be read at the start, and is not overwritten"),
                "{told}"
            );
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"{\"memory_kib\":");
    }

    #[test]
    fn what_cannot_be_kept_is_not_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let files = AccessKeyFiles::open(Some(&folder.path().join("gone")));
        assert!(create(&files, "grafana").unwrap_err().contains("cannot be kept"));
        assert!(files.set_password(Some("correct horse"), &Random::seeded(1)).is_err());
        assert_eq!(files.keys().tokens().list(NOW), []);
        assert_eq!(files.keys().password(), None);
    }
}
