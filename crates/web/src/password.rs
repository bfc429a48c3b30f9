//! The password of the dashboard, kept as a hash (Argon2id, RFC 9106).

use argon2::{Algorithm, Argon2, Params, Version};

use crate::secrets::{hexadecimal, is_same, octets};

/// Memory of a hash in KiB, as OWASP recommends for services with little memory. Another 19 MiB for each guess make
/// guessing dear for an attacker with the file.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Threads.
const LANES: u32 = 1;
/// Octets of the salt (RFC 9106 section 3.1).
pub const SALT_OCTETS: usize = 16;
const HASH_OCTETS: usize = 32;
/// Letters of the shortest password.
const MIN_PASSWORD_LETTERS: usize = 10;
/// Octets of the longest password.
const MAX_PASSWORD_OCTETS: usize = 512;

/// The hash of a password, with the parameters: later releases may have others.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    /// In hexadecimal digits, as the hash.
    salt: String,
    hash: String,
}

impl PasswordHash {
    /// The hash of a password. Takes some 30 ms and 19 MiB.
    ///
    /// # Errors
    /// The password is too short or too long; the text says what is allowed.
    pub fn new(password: &str, salt: [u8; SALT_OCTETS]) -> Result<Self, String> {
        if password.chars().count() < MIN_PASSWORD_LETTERS {
            return Err(format!("the password must have {MIN_PASSWORD_LETTERS} letters or more"));
        }
        if password.len() > MAX_PASSWORD_OCTETS {
            return Err(format!("the password must have {MAX_PASSWORD_OCTETS} octets or fewer"));
        }
        let (memory_kib, passes, lanes) = (MEMORY_KIB, PASSES, LANES);
        let salt = hexadecimal(&salt);
        let empty = PasswordHash { memory_kib, passes, lanes, salt, hash: String::new() };
        let hash = empty.hash_of(password).ok_or("the password cannot be hashed")?;
        Ok(PasswordHash { hash, ..empty })
    }

    /// Whether this is the password. Takes as long for a wrong password.
    #[must_use]
    pub fn is(&self, password: &str) -> bool {
        password.len() <= MAX_PASSWORD_OCTETS
            && self.hash_of(password).is_some_and(|hash| is_same(&self.hash, &hash))
    }

    fn hash_of(&self, password: &str) -> Option<String> {
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH_OCTETS)).ok()?;
        let mut hash = [0; HASH_OCTETS];
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        hasher.hash_password_into(password.as_bytes(), &octets(&self.salt)?, &mut hash).ok()?;
        Some(hexadecimal(&hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_and_no_other_is() {
        let hash = PasswordHash::new("correct horse", [7; SALT_OCTETS]).unwrap();
        assert!(hash.is("correct horse"));
        for wrong in ["", "correct horsf", "correct horse ", &"x".repeat(MAX_PASSWORD_OCTETS + 1)] {
            assert!(!hash.is(wrong), "{wrong}");
        }
        let other_salt = PasswordHash::new("correct horse", [8; SALT_OCTETS]).unwrap();
        assert_ne!(hash.hash, other_salt.hash);
        let damaged = PasswordHash { salt: "7".into(), ..hash.clone() };
        assert!(!damaged.is("correct horse"));
        let other_parameters = PasswordHash { passes: 3, ..hash };
        assert!(!other_parameters.is("correct horse"));
    }

    #[test]
    fn a_password_has_a_shortest_and_a_longest() {
        let of = |password: &str| PasswordHash::new(password, [0; SALT_OCTETS]).map(drop);
        assert!(of("ninenine9").unwrap_err().contains("10 letters"));
        assert!(of(&"x".repeat(513)).unwrap_err().contains("512 octets"));
        assert_eq!(of("äöüäöüäöüä"), Ok(()));
    }
}
