//! The condition of the settings as a file: readable for every user, written by root alone, gone after a boot.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::dns_switch::SwitchCondition;
use crate::plan::SystemRoot;
use crate::system::paths;

pub(crate) const FOLDER: &str = paths::SWITCH_RUNTIME;
const FILE: &str = "condition.json";

/// The last condition in this boot; none without a running or killed service.
#[must_use]
pub fn read_condition(root: &SystemRoot) -> Option<SwitchCondition> {
    let text = fs::read(folder(root).ok()?.join(FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Writes the condition.
///
/// # Errors
/// The file cannot be written.
pub fn write_condition(root: &SystemRoot, condition: &SwitchCondition) -> io::Result<()> {
    let folder = folder(root)?;
    match DirBuilder::new().mode(0o755).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let text = serde_json::to_vec(condition)?;
    zoners_files::replace(&folder.join(FILE), 0o644, |file| file.write_all(&text))
}

/// Removes the file: the service ends.
///
/// # Errors
/// The file cannot be removed.
pub fn remove_condition(root: &SystemRoot) -> io::Result<()> {
    match fs::remove_dir_all(folder(root)?) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether the service has run in this boot, so that programs of the system may know our settings.
#[must_use]
pub fn has_run_in_this_boot(root: &SystemRoot) -> bool {
    folder(root).is_ok_and(|folder| folder.is_dir())
}

fn folder(root: &SystemRoot) -> io::Result<PathBuf> {
    root.locate(Path::new(FOLDER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns_switch::DnsAuthor;

    #[test]
    fn a_condition_is_read_as_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("var/run")).unwrap();
        fs::create_dir(folder.path().join("run")).unwrap();
        let root = SystemRoot::new(folder.path()).unwrap();
        assert!(read_condition(&root).is_none() && !has_run_in_this_boot(&root));
        for condition in [
            SwitchCondition::Ours,
            SwitchCondition::Failed { reason: "full".to_owned() },
            SwitchCondition::Left {
                author: DnsAuthor::Vpn("Tailscale".to_owned()),
                servers: vec!["100.100.100.100".to_owned()],
            },
            SwitchCondition::Contested { author: DnsAuthor::Unknown },
        ] {
            write_condition(&root, &condition).unwrap();
            assert_eq!(read_condition(&root), Some(condition));
        }
        assert!(has_run_in_this_boot(&root));
        remove_condition(&root).unwrap();
        remove_condition(&root).unwrap();
        assert!(read_condition(&root).is_none() && !has_run_in_this_boot(&root));
    }
}
