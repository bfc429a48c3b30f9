//! The servers set by hand when Zoners was installed: these are no change since, and the guard takes them over.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;

use crate::guard::ServersByHand;
use crate::plan::SystemRoot;

/// The folder of root that `zoners install` makes, and `uninstall` removes with the file.
pub const BEFORE_FOLDER: &str = "/var/db/zoners-system-dns";
const FILE: &str = "before.json";

/// The servers of the file; without a file, the servers of `now`, which are written. Without a folder nothing is
/// written.
///
/// # Errors
/// The file cannot be read or written.
pub(super) fn recorded_servers(root: &SystemRoot, now: ServersByHand) -> io::Result<ServersByHand> {
    let folder = root.locate(Path::new(BEFORE_FOLDER))?;
    let file = folder.join(FILE);
    match fs::read(&file) {
        Ok(text) => {
            let recorded: BTreeMap<String, Vec<IpAddr>> = serde_json::from_slice(&text)?;
            Ok(recorded)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if folder.is_dir() {
                let text = serde_json::to_vec(&now)?;
                zoners_files::replace(&file, 0o600, |file| file.write_all(&text))?;
            }
            Ok(now)
        }
        Err(error) => Err(error),
    }
}

/// Forgets the record: a person installs anew, and wants Zoners to be asked.
///
/// # Errors
/// The file cannot be removed.
pub fn forget_recorded_servers(root: &SystemRoot) -> io::Result<()> {
    let file = root.locate(Path::new(BEFORE_FOLDER))?.join(FILE);
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_record_counts_through_a_second_install() {
        let folder = tempfile::tempdir().unwrap();
        let root = SystemRoot::new(folder.path()).unwrap();
        let servers = |text: &str| ServersByHand::from([("A".into(), vec![text.parse().unwrap()])]);
        let (first, second) = (servers("9.9.9.9"), servers("127.0.0.1"));
        assert_eq!(recorded_servers(&root, second.clone()).unwrap(), second);
        fs::create_dir_all(root.locate(Path::new(BEFORE_FOLDER)).unwrap()).unwrap();
        assert_eq!(recorded_servers(&root, first.clone()).unwrap(), first);
        assert_eq!(recorded_servers(&root, second).unwrap(), first);
    }
}
