//! The servers chosen by a person while our settings were in force, remembered over a restart and a boot.
//!
//! The file lies in the folder with the journal of the install, and so goes with an uninstall. The switch removes the
//! file once the settings are different ones: those of the network, or ours. `zoners install` removes the file too, and
//! so tells a running switch that the choice is withdrawn. Settings of a VPN need no file: their author is read anew.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::dns_switch::{DnsAuthor, DnsSetting};
use crate::plan::{SystemRoot, UndoJournal};

const FILE: &str = "dns-choice.json";

/// The choice as remembered on the disk.
#[derive(Debug, Default)]
pub struct RememberedChoice {
    stored: Option<Vec<String>>,
    /// A choice that could not be written, told once.
    failed: Option<Vec<String>>,
}

impl RememberedChoice {
    /// Reads the choice; none where no choice can be read.
    #[must_use]
    pub fn read(root: &SystemRoot) -> Self {
        let text = place(root).ok().and_then(|place| fs::read(place).ok());
        let stored = text.and_then(|text| serde_json::from_slice(&text).ok());
        RememberedChoice { stored, failed: None }
    }

    /// The choice as settings.
    #[must_use]
    pub fn setting(&self) -> Option<DnsSetting> {
        let servers = self.stored.clone()?;
        Some(DnsSetting::Foreign { servers, author: DnsAuthor::Unknown })
    }

    /// Whether the file was removed by a different process. The choice is forgotten then.
    pub fn is_withdrawn(&mut self, root: &SystemRoot) -> bool {
        let is_gone = |place: PathBuf| place.symlink_metadata().is_err();
        self.stored.is_some()
            && place(root).is_ok_and(is_gone)
            && std::mem::take(&mut self.stored).is_some()
    }

    /// Remembers the present choice, or forgets an earlier one. Without an install, nothing is remembered.
    ///
    /// # Errors
    /// The file cannot be written or removed: once for each choice.
    pub fn update(&mut self, root: &SystemRoot, choice: Option<&DnsSetting>) -> io::Result<()> {
        let choice = match choice {
            Some(DnsSetting::Foreign { servers, .. }) => Some(servers.clone()),
            _ => None,
        };
        if choice == self.stored || choice.is_some() && choice == self.failed {
            return Ok(());
        }
        let place = place(root)?;
        let ended = match &choice {
            None => forget_choice(root),
            Some(_) if !place.parent().is_some_and(|folder| folder.is_dir()) => return Ok(()),
            Some(servers) => {
                let text = serde_json::to_vec(servers)?;
                zoners_files::replace(&place, 0o600, |file| file.write_all(&text))
            }
        };
        match ended {
            Ok(()) => self.stored = choice,
            Err(_) => self.failed = choice,
        }
        ended
    }
}

/// Removes the file: the choice is withdrawn.
///
/// # Errors
/// The file cannot be removed.
pub fn forget_choice(root: &SystemRoot) -> io::Result<()> {
    match fs::remove_file(place(root)?) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn place(root: &SystemRoot) -> io::Result<PathBuf> {
    Ok(UndoJournal::folder(root)?.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_remembered_until_withdrawn_or_changed() {
        let folder = tempfile::tempdir().unwrap();
        let root = SystemRoot::new(folder.path()).unwrap();
        let chosen = |server: &str| DnsSetting::Foreign {
            servers: vec![server.to_owned()],
            author: DnsAuthor::Unknown,
        };
        let mut choice = RememberedChoice::read(&root);
        choice.update(&root, Some(&chosen("192.0.2.1"))).unwrap();
        assert_eq!(RememberedChoice::read(&root).setting(), None, "nothing is installed");
        fs::create_dir_all(folder.path().join("var/lib/zoners-install")).unwrap();
        choice.update(&root, Some(&chosen("192.0.2.1"))).unwrap();
        let mut choice = RememberedChoice::read(&root);
        assert_eq!(choice.setting(), Some(chosen("192.0.2.1")));
        assert!(!choice.is_withdrawn(&root));
        choice.update(&root, Some(&chosen("192.0.2.2"))).unwrap();
        assert_eq!(RememberedChoice::read(&root).setting(), Some(chosen("192.0.2.2")));
        forget_choice(&root).unwrap();
        assert!(choice.is_withdrawn(&root) && !choice.is_withdrawn(&root));
        choice.update(&root, Some(&chosen("192.0.2.1"))).unwrap();
        choice.update(&root, None).unwrap();
        assert_eq!(RememberedChoice::read(&root).setting(), None);
    }
}
