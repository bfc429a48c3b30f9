//! The state folder, with one daemon at a time.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use zoners_files::{Lock, LockAttempt, ServiceUser, make_folder};
use zoners_host::paths::state;
use zoners_querylog::is_segment_name;

use super::{access_key_files, keeper, network_zones, networks, run_history, tracked_keys};
use crate::config::Config;
use crate::history::file;
use crate::policy::build;
use crate::policy::supply::book;
use crate::policy::{operator_rule_file, pause_file};
use crate::zones::saved_copy;

/// The lock file of the folder. The first line has the number of the process, each further line an address in service.
const FILE: &str = "lock";
/// The user of the daemon alone may look into the folder.
const FOLDER_MODE: u32 = 0o700;

/// A state folder in the hands of this daemon.
#[derive(Debug)]
pub(super) struct StateFolder {
    path: PathBuf,
    /// None where the file system knows no locks.
    lock: Option<Lock>,
    /// The addresses that were noted for other daemons.
    serves: Vec<SocketAddr>,
}

impl StateFolder {
    /// Takes the configured folder or the folder of a service manager. Without either, takes the folder of the user,
    /// or a folder below it where a daemon at other addresses has the first. None where no folder is wanted, or none
    /// can be had. The lock of an old daemon is `taken`, if it is the lock of the folder.
    ///
    /// # Errors
    /// A daemon at the same addresses is running already.
    pub(super) fn take(
        config: &Config,
        serves: &[SocketAddr],
        heir: Option<ServiceUser>,
        taken: Option<&File>,
    ) -> io::Result<Option<Self>> {
        if let Some(folder) = state::given(config.server.state.as_deref()) {
            return match hold(&folder, serves, heir, taken) {
                Err(error) => Ok(unusable(&folder, &error)),
                Ok(Ok(state)) => Ok(Some(state)),
                Ok(Err(other)) => Err(other.is_running(&folder)),
            };
        }
        let Some(first) = state::of_daemon(heir.is_some()).filter(|_| config.cache.persist) else {
            return Ok(None);
        };
        let below = serves.first().map(|address| first.join(address.to_string()));
        for folder in [Some(first), below].into_iter().flatten() {
            match hold(&folder, serves, heir, taken) {
                Err(error) => return Ok(unusable(&folder, &error)),
                Ok(Ok(state)) => return Ok(Some(state)),
                Ok(Err(other)) if other.serves_one_of(serves) => {
                    return Err(other.is_running(&folder));
                }
                Ok(Err(_)) => {}
            }
        }
        tracing::warn!(
            "cache: not kept across restarts: other daemons have the state folders \
             (server.state names a folder)"
        );
        Ok(None)
    }

    /// The folder for the cache, if the configuration wants the cache kept.
    pub(super) fn of_cache(&self, config: &Config) -> Option<PathBuf> {
        config.cache.persist.then(|| self.path.clone())
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The locked file, for a new daemon.
    pub(super) fn lock(&self) -> Option<BorrowedFd<'_>> {
        self.lock.as_ref().map(AsFd::as_fd)
    }

    /// Notes for other daemons the addresses in service from now on.
    pub(super) fn note(&mut self, serves: &[SocketAddr]) {
        serves.clone_into(&mut self.serves);
        self.note_again();
    }

    /// Notes the same addresses once more, since a new daemon has noted its own.
    pub(super) fn note_again(&mut self) {
        let Some(lock) = &mut self.lock else { return };
        let addresses = self.serves.iter().map(|address| format!("{address}\n"));
        let text = format!("{}\n{}", std::process::id(), addresses.collect::<String>());
        if let Err(error) = lock.note(&text) {
            tracing::debug!("state: {}: {error}", self.path.display());
        }
    }
}

/// Logs why the cache is not kept across restarts.
pub(super) fn log_not_kept(folder: &Path, error: &io::Error) {
    let shown = folder.display();
    tracing::warn!(
        "cache: not kept across restarts: {shown}: {error} (server.state names a folder)"
    );
}

/// The daemon with a state folder, as noted in the lock file.
struct FolderOwner {
    process: String,
    serves: Vec<SocketAddr>,
}

impl FolderOwner {
    fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let process = lines.next().unwrap_or_default().to_owned();
        FolderOwner { process, serves: lines.filter_map(|line| line.parse().ok()).collect() }
    }

    /// Whether the daemon serves one of these addresses; port 0 is any port.
    fn serves_one_of(&self, addresses: &[SocketAddr]) -> bool {
        let fixed = |address: &&SocketAddr| address.port() != 0;
        addresses.iter().filter(fixed).any(|address| self.serves.contains(address))
    }

    fn is_running(&self, folder: &Path) -> io::Error {
        let (process, folder) = (&self.process, folder.display());
        let text = format!("already running, process {process}: it keeps its state in {folder}");
        io::Error::new(io::ErrorKind::AddrInUse, text)
    }
}

/// Makes the folder, for the user after the change of user, and locks it; or returns the daemon with the lock.
fn hold(
    folder: &Path,
    serves: &[SocketAddr],
    heir: Option<ServiceUser>,
    taken: Option<&File>,
) -> io::Result<Result<StateFolder, FolderOwner>> {
    match heir {
        Some(heir) => {
            heir.make_folder(folder, FOLDER_MODE)?;
            heir.take_over(folder, is_own_file)?;
        }
        None => make_folder(folder)?,
    }
    let path = folder.join(FILE);
    let attempt = match taken.and_then(|taken| Lock::adopt(&path, taken)) {
        Some(lock) => Ok(LockAttempt::Held(lock)),
        None => Lock::take(&path),
    };
    let lock = match attempt {
        Ok(LockAttempt::Held(lock)) => Some(lock),
        Ok(LockAttempt::HeldElsewhere(text)) => return Ok(Err(FolderOwner::read(&text))),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => None,
        Err(error) => return Err(error),
    };
    if let (Some(lock), Some(heir)) = (&lock, heir) {
        lock.give_to(heir)?;
    }
    let mut state = StateFolder { path: folder.to_owned(), lock, serves: Vec::new() };
    state.note(serves);
    Ok(Ok(state))
}

/// Whether a daemon keeps a file of this name in its folder.
fn is_own_file(name: &str) -> bool {
    let known = [
        FILE,
        keeper::FILE,
        keeper::ASIDE,
        keeper::SECRET,
        pause_file::FILE,
        operator_rule_file::FILE,
        run_history::FILE,
        tracked_keys::FILE,
        networks::SECRET,
        networks::STRATEGIES,
        network_zones::FILE,
        book::FILE,
        access_key_files::TOKENS,
        access_key_files::PASSWORD,
    ];
    let beside = |known: &&str| name.starts_with(&format!(".{known}.")) && name.ends_with(".new");
    let is_zone = name.trim_start_matches('.').starts_with(saved_copy::PREFIX);
    let mut known = known.into_iter().chain(file::FILES).chain(zoners_acme::FILES);
    let is_single = known.clone().any(|known| known == name) || known.any(|known| beside(&known));
    is_single || is_zone || build::is_own_file(name) || is_segment_name(name)
}

fn unusable(folder: &Path, error: &io::Error) -> Option<StateFolder> {
    log_not_kept(folder, error);
    None
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zoners_api::{QueryOutcome, TokenScope};
    use zoners_dns::{Random, Transport, name};
    use zoners_files::Draft;
    use zoners_policy::OperatorRules;
    use zoners_querylog::{LogRow, LogWriter, Retention};

    use super::*;
    use crate::policy::operator_rule_file::OperatorRuleFile;
    use crate::policy::pause_file::PauseFile;
    use crate::policy::supply::book::ListBook;
    use crate::policy::supply::texts::TextStore;
    use crate::zones::saved_copy::SavedCopy;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_folder_has_one_daemon_whose_process_and_addresses_other_daemons_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let own = addresses(&["127.0.0.1:53", "[::1]:53"]);
        let mut state = hold(&path, &own, None, None).unwrap().ok().unwrap();
        let other = || hold(&path, &own, None, None).unwrap().err().unwrap();
        assert_eq!(other().process, std::process::id().to_string());
        assert_eq!(other().serves, own);
        assert!(other().serves_one_of(&addresses(&["192.0.2.1:53", "[::1]:53"])));
        assert!(!other().serves_one_of(&addresses(&["127.0.0.1:5300"])));
        std::fs::write(path.join(FILE), "1\n127.0.0.1:5300\n").unwrap();
        assert_eq!(other().process, "1", "a new daemon");
        state.note_again();
        assert_eq!(
            (other().process, other().serves),
            (std::process::id().to_string(), own.clone())
        );
        state.note(&addresses(&["127.0.0.1:0"]));
        assert!(!other().serves_one_of(&addresses(&["127.0.0.1:0"])), "another port");
        drop(state);
        assert!(hold(&path, &own, None, None).unwrap().is_ok());
    }

    /// Has each part of the daemon write into the folder.
    fn write_everything(folder: &Path) {
        let (random, apex) = (Random::seeded(1), name::parse("home.example").unwrap());
        PauseFile::open(folder).0.write(&[]).unwrap();
        OperatorRuleFile::open(folder).0.write(&OperatorRules::default()).unwrap();
        let keys = access_key_files::AccessKeyFiles::open(Some(folder));
        keys.create_token("grafana", TokenScope::Read, 60, random.octets(), 1).unwrap();
        keys.set_password(Some("correct horse"), &random).unwrap();
        let list = "[[policy.list]]\nname = \"ads\"\npath = \"/srv/ads\"\n";
        let mut book = ListBook::read(None);
        book.configure(&Config::parse(list, "zoners.toml").unwrap().policy.list);
        book.write(Some(folder));
        let texts = TextStore::new(Some(folder));
        let mut text = texts.begin(None).unwrap();
        text.write_all(b"0.0.0.0 ads.example\n").unwrap();
        text.finish("0123abcd").unwrap();
        SavedCopy::of(Some(folder), &apex).note_current(1);
        run_history::RunHistory::begin(Some(folder), false).note_begin();
        let acme = zoners_acme::AcmeFiles::of(folder);
        acme.keep_certificate("").unwrap();
        acme.keep_orders(&[1]).unwrap();
        tracked_keys::write(folder, &[]).unwrap();
        network_zones::note(folder, &[apex]).unwrap();
        networks::NetworkObserver::new(Some(folder), &random);
        let retention = Retention { age_s: u64::MAX, octets: u64::MAX };
        let mut log = LogWriter::open(folder, retention).unwrap();
        let row = LogRow {
            received_s: 1,
            client: None,
            transport: Transport::Udp,
            question: None,
            outcome: QueryOutcome::Dropped,
            rcode: None,
            ede: None,
            took_ms: 0,
        };
        log.add(&row).unwrap();
        log.write().unwrap();
    }

    #[test]
    fn every_file_that_the_daemon_writes_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let _state = hold(&path, &[], None, None).unwrap().ok().unwrap();
        write_everything(&path);
        let files = std::fs::read_dir(&path).unwrap();
        let names: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(names.len(), 15, "{names:?}");
        for name in names {
            assert!(is_own_file(&name), "{name}");
            // A copy of a list has drafts of another name, and a segment and the lock have none.
            if name.starts_with("list-") || is_segment_name(&name) || name == FILE {
                continue;
            }
            let before: Vec<_> =
                std::fs::read_dir(&path).unwrap().map(|it| it.unwrap().path()).collect();
            let _draft = Draft::begin(&path, &name, 0o600).unwrap();
            let mut drafts = std::fs::read_dir(&path).unwrap().map(|it| it.unwrap());
            let draft = drafts.find(|file| !before.contains(&file.path())).unwrap();
            let draft = draft.file_name().into_string().unwrap();
            assert!(is_own_file(&draft), "{draft}");
        }
        assert!(!is_own_file("notes.txt") && !is_own_file(".notes.txt.0.new"));
    }
}
