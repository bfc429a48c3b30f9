//! The configuration file that a command works with: the named one, or the first at the usual places.

use std::env::var_os;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use zoners_server::Config;

use crate::Failure;

/// The file below a folder for configuration.
const FILE: &str = "zoners/zoners.toml";

/// Folders of the system, in this order.
#[cfg(any(target_os = "linux", target_os = "android"))]
const OF_SYSTEM: &[&str] = &["/etc"];
#[cfg(target_os = "macos")]
const OF_SYSTEM: &[&str] = &["/etc", "/opt/homebrew/etc", "/usr/local/etc"];
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
const OF_SYSTEM: &[&str] = &["/etc", "/usr/local/etc"];

/// Which configuration file counts.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ConfigFile {
    /// The configuration file. Without this option: /etc/zoners/zoners.toml or, if there is none,
    /// ~/.config/zoners/zoners.toml; without either file, every setting has its default, as with /dev/null.
    #[arg(id = "config", short, long, value_name = "FILE")]
    named: Option<PathBuf>,
}

impl ConfigFile {
    /// This file and no other.
    pub(crate) fn named(path: &Path) -> Self {
        ConfigFile { named: Some(path.to_owned()) }
    }

    /// Whether the caller named the file.
    pub(crate) fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// The file that counts; none where none is named and there is none at the usual places.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.named.clone().or_else(|| usual_places().into_iter().find(|path| is_there(path)))
    }

    /// The configuration, and the file with the configuration.
    ///
    /// # Errors
    /// The file is missing or wrong.
    pub(crate) fn load(&self) -> Result<(Config, Option<PathBuf>), Failure> {
        let Some(path) = self.path() else { return Ok((Config::default(), None)) };
        let config = Config::load(&path).map_err(|error| Failure::Usage(error.to_string()))?;
        Ok((config, Some(path)))
    }
}

/// In words: the file, or where there is none.
pub(crate) fn described(file: Option<&Path>) -> String {
    match file {
        Some(path) => path.display().to_string(),
        None => {
            let places: Vec<String> =
                usual_places().iter().map(|path| path.display().to_string()).collect();
            format!("built-in defaults, there is no {}", places.join(" or "))
        }
    }
}

/// Where the file may be, first to last: the system's, then the user's.
pub(crate) fn usual_places() -> Vec<PathBuf> {
    places_by(|name| var_os(name))
}

fn places_by(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let whole =
        |name: &str| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = whole("HOME");
    let users = whole("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    // The additional folder of macOS.
    let library = home.filter(|_| cfg!(target_os = "macos"));
    let library = library.map(|home| home.join("Library/Application Support"));
    let system = OF_SYSTEM.iter().map(PathBuf::from);
    system.chain(users).chain(library).map(|folder| folder.join(FILE)).collect()
}

/// A file that cannot be examined counts as present: reading gives the reason.
fn is_there(path: &Path) -> bool {
    let is_absent = |kind| matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory);
    path.metadata().map_or_else(|error| !is_absent(error.kind()), |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_file_comes_before_the_users() {
        let at = |variables: &[(&str, &str)]| {
            let value = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let places = places_by(value);
            let users = places.get(OF_SYSTEM.len()).map(|path| path.display().to_string());
            (places.first().map(|path| path.display().to_string()), users)
        };
        let system = || Some("/etc/zoners/zoners.toml".to_owned());
        assert_eq!(at(&[]), (system(), None));
        let users = Some("/home/a/.config/zoners/zoners.toml".to_owned());
        assert_eq!(at(&[("HOME", "/home/a")]), (system(), users.clone()));
        let relative = [("HOME", "/home/a"), ("XDG_CONFIG_HOME", "relative")];
        assert_eq!(at(&relative), (system(), users));
        let both = [("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/x")];
        assert_eq!(at(&both), (system(), Some("/x/zoners/zoners.toml".to_owned())));
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.toml");
        let failure = ConfigFile::named(&missing).load().unwrap_err();
        assert_eq!(failure.code(), 2);
        assert!(failure.message().is_some_and(|told| told.contains("missing.toml")));
        let empty = ConfigFile::named(Path::new("/dev/null")).load().unwrap();
        assert_eq!(empty.1.as_deref(), Some(Path::new("/dev/null")));
    }
}
