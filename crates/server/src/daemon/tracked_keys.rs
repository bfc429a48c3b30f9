//! The tracked keys of the root zone (RFC 5011): kept in the state folder, and added to the trust anchors of the
//! configuration.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zoners_dnssec::dnskey::Dnskey;
use zoners_dnssec::rollover::{KeyState, TrackedKey};
use zoners_files::{check_folder, read_own, replace};
use zoners_host::paths::state;
use zoners_resolver::Settings;

use crate::config::Config;
use crate::root_keys;

/// The file in the state folder. Any user may read the file: there is no secret in it.
pub(super) const FILE: &str = "root-keys.json";
const MODE: u32 = 0o644;
/// Octets of the longest file that is read: more than the tracked keys take.
const MAX_FILE_OCTETS: u64 = 64 * 1024;

/// The folder of the tracked keys, if the configuration wants keys tracked.
pub(super) fn folder(config: &Config) -> Option<PathBuf> {
    let wanted = config.dnssec.validate && config.dnssec.follow_rollovers;
    state::given(config.server.state.as_deref()).filter(|_| wanted)
}

/// Adds the trusted keys to the trust anchors, and removes the revoked keys.
pub(super) fn apply(settings: &mut Settings, tracked: &[TrackedKey]) {
    let Some(root) = settings.anchors.iter_mut().find(|anchor| anchor.zone.is_root()) else {
        return;
    };
    let revoked = |key: &Dnskey| {
        tracked.iter().any(|old| old.state == KeyState::Revoked && old.key.key == key.key)
    };
    let trusted = tracked.iter().filter(|tracked| tracked.is_trusted());
    let mut anchor = root.clone();
    anchor.keys.extend(trusted.map(|tracked| tracked.key.clone()));
    anchor.keys.retain(|key| !revoked(key));
    anchor.ds.retain(|ds| {
        let vouches = |old: &&TrackedKey| ds.matches_key(&anchor.zone, &old.key);
        !tracked.iter().filter(|old| old.state == KeyState::Revoked).any(|old| vouches(&old))
    });
    // Without any key no answer could be proven: then the configuration counts.
    if !anchor.keys.is_empty() || !anchor.ds.is_empty() {
        *root = anchor;
    }
}

/// Reads the tracked keys. A missing file is no fault; a file is logged and not used if torn, too long or perhaps
/// written by a different user.
pub(super) fn read(folder: &Path) -> Option<Vec<TrackedKey>> {
    let path = folder.join(FILE);
    let read = check_folder(folder).and_then(|()| read_own(&path, MAX_FILE_OCTETS));
    if read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return None;
    }
    let parsed =
        read.map_err(|error| error.to_string()).and_then(|octets| root_keys::parse(&octets));
    parsed
        .inspect_err(|error| {
            tracing::error!("trust anchor: {} is not used: {error}", path.display())
        })
        .ok()
}

/// Writes the tracked keys; the file is whole at any time.
pub(super) fn write(folder: &Path, tracked: &[TrackedKey]) -> io::Result<()> {
    let text = root_keys::format(tracked);
    check_folder(folder)?;
    replace(&folder.join(FILE), MODE, |out| out.write_all(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::fs;

    fn tracked(standing: KeyState) -> TrackedKey {
        let rdata = Bytes::from_static(&[1, 1, 3, 15, 9, 9, 9]);
        TrackedKey { key: Dnskey::read(&rdata).unwrap(), state: standing, since: 1_700_000_000 }
    }

    #[test]
    fn a_whole_file_is_read_and_a_torn_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), None, "nothing yet");
        let keys = vec![tracked(KeyState::Valid), tracked(KeyState::Revoked)];
        write(folder.path(), &keys).unwrap();
        assert_eq!(read(folder.path()), Some(keys.clone()));
        // A write torn by a power cut leaves the old file in place.
        fs::write(folder.path().join(format!("{FILE}.new")), "[{\"stan").unwrap();
        assert_eq!(read(folder.path()), Some(keys));
        let whole = fs::read_to_string(folder.path().join(FILE)).unwrap();
        for torn in ["", "[{}]", &whole[..whole.len() / 2], &whole.replace("01", "xx")] {
            fs::write(folder.path().join(FILE), torn).unwrap();
            assert_eq!(read(folder.path()), None, "{torn}");
        }
        fs::write(folder.path().join(FILE), " ".repeat(70_000)).unwrap();
        assert_eq!(read(folder.path()), None, "too long");
    }

    #[test]
    fn keys_that_other_users_may_have_written_are_not_trusted() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join(FILE), folder.path().join("planted"));
        write(folder.path(), &[tracked(KeyState::Valid)]).unwrap();
        let mode = |path: &Path, mode: u32| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        for open in [0o666, 0o664, 0o646] {
            mode(&path, open);
            assert_eq!(read(folder.path()), None, "{open:o}");
        }
        mode(&path, 0o644);
        assert!(read(folder.path()).is_some());
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert_eq!(read(folder.path()), None, "a link");
        // The new file replaces the link, and the target of the link stays as before.
        let before = fs::read(&elsewhere).unwrap();
        write(folder.path(), &[tracked(KeyState::Revoked)]).unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), before);
        assert_eq!(read(folder.path()).map(|keys| keys.len()), Some(1));
        mode(folder.path(), 0o777);
        assert_eq!(read(folder.path()), None, "anyone may swap what is in it");
        assert!(write(folder.path(), &[]).is_err());
        mode(folder.path(), 0o700);
    }

    #[test]
    fn trusted_keys_are_anchors_and_revoked_keys_are_not() {
        let config = crate::Config::default();
        let mut settings = config.settings().unwrap();
        let ds = settings.anchors[0].ds.len();
        apply(&mut settings, &[tracked(KeyState::Pending)]);
        assert_eq!((settings.anchors[0].ds.len(), settings.anchors[0].keys.len()), (ds, 0));
        apply(&mut settings, &[tracked(KeyState::Missing)]);
        assert_eq!(settings.anchors[0].keys.len(), 1);
        apply(&mut settings, &[tracked(KeyState::Revoked)]);
        assert_eq!((settings.anchors[0].ds.len(), settings.anchors[0].keys.len()), (ds, 0));
    }
}
