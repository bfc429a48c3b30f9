//! Tokens and the password of the dashboard, kept in the state folder.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zoners_api::{TokenReport, TokenScope};
use zoners_dns::Random;
use zoners_files::{open_secret, replace};
use zoners_web::{AccessKeys, PasswordHash, SALT_OCTETS, TokenBook};

/// The hashes of the tokens.
pub(super) const TOKENS: &str = "dashboard.tokens";
/// The hash of the password.
pub(super) const PASSWORD: &str = "dashboard.password";
/// Octets of the largest file: 64 tokens of 300 octets.
const MAX_OCTETS: u64 = 64 * 1024;
const MODE: u32 = 0o600;

/// The keys, and the folder in which they are kept.
#[derive(Debug)]
pub(super) struct AccessKeyFiles {
    folder: Option<PathBuf>,
    keys: Arc<AccessKeys>,
    /// One change at a time.
    changing: Mutex<()>,
}

impl AccessKeyFiles {
    /// The keys of an earlier daemon in a folder; without a folder, keys end with the daemon.
    pub(super) fn open(folder: Option<&Path>) -> Self {
        let tokens: TokenBook = folder.and_then(|folder| read(folder, TOKENS)).unwrap_or_default();
        let password: Option<PasswordHash> = folder.and_then(|folder| read(folder, PASSWORD));
        let keys = Arc::new(AccessKeys::new(tokens, password));
        AccessKeyFiles { folder: folder.map(Path::to_owned), keys, changing: Mutex::default() }
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
        self.keep(TOKENS, &tokens)?;
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
        self.keep(TOKENS, &tokens)?;
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
        let mut salt = [0; SALT_OCTETS];
        for part in salt.chunks_exact_mut(8) {
            part.copy_from_slice(&random.bits().to_be_bytes());
        }
        let hash = password.map(|password| PasswordHash::new(password, salt)).transpose()?;
        self.keep(PASSWORD, &hash)?;
        let done = if hash.is_some() { "set" } else { "removed" };
        self.keys.set_password(hash);
        tracing::info!("dashboard: password {done}");
        Ok(self.folder.as_ref().map(|folder| folder.join(PASSWORD)))
    }

    fn keep(&self, file: &str, content: &impl Serialize) -> Result<(), String> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let octets = serde_json::to_vec(content).map_err(|error| error.to_string())?;
        let written = replace(&folder.join(file), MODE, |out| out.write_all(&octets));
        written.map_err(|error| format!("{file} cannot be kept: {error}"))
    }
}

/// The content of a file; none without a file. A file that other users may have read is not used, and told in the log.
fn read<T: DeserializeOwned>(folder: &Path, file: &str) -> Option<T> {
    let path = folder.join(file);
    let octets = open_secret(&path).and_then(|file| {
        let mut octets = Vec::new();
        file.take(MAX_OCTETS).read_to_end(&mut octets)?;
        Ok(octets)
    });
    let content =
        octets.and_then(|octets| serde_json::from_slice(&octets).map_err(io::Error::from));
    match content {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::error!("dashboard: {} is not used: {error}", path.display());
            None
        }
    }
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
    fn a_file_that_other_users_could_read_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        create(&AccessKeyFiles::open(Some(folder.path())), "grafana").unwrap();
        let path = folder.path().join(TOKENS);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(AccessKeyFiles::open(Some(folder.path())).keys().tokens().list(NOW), []);
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
