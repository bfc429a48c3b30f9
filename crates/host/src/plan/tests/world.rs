//! A folder that stands for a machine, with a model of its commands.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::faults::{FaultKind, Faults};
use crate::plan::{
    CommandEnd, CommandRunner, DiskChange, EntryState, OnConflict, PlanChecks, PlanExecutor,
    SystemCommand, SystemPlan, SystemRoot, UndoPlan,
};
use crate::system::attributes;

/// An entry as the comparison sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Mode and owner: the times of a folder change with its entries.
    Folder(u32, u32),
    /// All but the last access; the number of names, and the inode.
    Entry(EntryState, u64, u64),
}

/// RunningServices services by name, which outlive the process that started them.
type RunningServices = Rc<RefCell<BTreeSet<String>>>;

/// A machine.
pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) root: SystemRoot,
    pub(crate) running: RunningServices,
}

/// The commands of the machine.
struct ModelCommands {
    root: PathBuf,
    running: RunningServices,
    faults: Faults,
}

/// Checks that succeed, but for one.
pub(crate) struct ModelChecks(pub(crate) Option<&'static str>);

impl PlanChecks for ModelChecks {
    fn check(&mut self, name: &str) -> Result<(), String> {
        if self.0 == Some(name) { Err("no answer".to_owned()) } else { Ok(()) }
    }
}

impl World {
    /// A machine with the folders and accounts of every Linux.
    pub(crate) fn new() -> Self {
        // In memory where possible: hundreds of machines are made and removed.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let root = SystemRoot::new(folder.path()).unwrap();
        let world = World { folder, root, running: Rc::default() };
        for folder in ["var/lib", "usr/local/bin", "etc", "run"] {
            fs::create_dir_all(world.at(folder)).unwrap();
        }
        world.write("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        world.write("etc/group", "root:x:0:\n");
        world.write("etc/shadow", "root:*:19000::::::\n");
        world.write("etc/passwd-", "root:x:0:0::/:/bin/sh\n");
        world
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    /// Writes a file with a time of its own, as the file was there for long.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 123_456_789);
        fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
    }

    pub(crate) fn link(&self, path: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.at(path)).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        let place = self.root.follow(Path::new(path)).unwrap();
        fs::read_to_string(place).unwrap_or_default()
    }

    /// All entries.
    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, Seen> {
        let (mut tree, mut folders) = (BTreeMap::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let about = path.symlink_metadata().unwrap();
                let seen = match EntryState::read(&path).unwrap() {
                    EntryState::Folder => {
                        folders.push(path.clone());
                        Seen::Folder(about.mode(), about.uid())
                    }
                    state => {
                        let inode = if is_account_table(&path) { 0 } else { about.ino() };
                        Seen::Entry(without_access(state), about.nlink(), inode)
                    }
                };
                tree.insert(path.strip_prefix(self.folder.path()).unwrap().to_owned(), seen);
            }
        }
        tree
    }

    fn commands(&self, faults: &Faults) -> ModelCommands {
        ModelCommands {
            root: self.folder.path().to_owned(),
            running: self.running.clone(),
            faults: faults.clone(),
        }
    }

    /// Carries out a plan in a process of its own; the number of changes beside the end.
    pub(crate) fn install(
        &self,
        plan: &SystemPlan,
        kind: FaultKind,
    ) -> (Result<(), String>, usize) {
        self.install_checked(plan, kind, None)
    }

    /// As [`World::install`], with a check that fails.
    pub(crate) fn install_checked(
        &self,
        plan: &SystemPlan,
        kind: FaultKind,
        failing: Option<&'static str>,
    ) -> (Result<(), String>, usize) {
        let faults = Faults::new(kind);
        let mut commands = self.commands(&faults);
        let mut executor =
            PlanExecutor { root: &self.root, disk: faults.disk(), commands: &mut commands };
        let ended = executor.carry_out(plan, &mut ModelChecks(failing), &mut |_, _| {});
        let ended = ended.map_err(|failure| format!("{failure:?}"));
        (ended, faults.count())
    }

    /// Takes the DNS settings in a process of its own.
    #[cfg(target_os = "linux")]
    pub(crate) fn take(&self, plan: &SystemPlan, kind: FaultKind) -> (Result<(), String>, usize) {
        let faults = Faults::new(kind);
        let mut commands = self.commands(&faults);
        let ended = crate::system_dns::take(&self.root, faults.disk(), &mut commands, plan);
        (ended, faults.count())
    }

    /// Releases the DNS settings in a process of its own.
    #[cfg(target_os = "linux")]
    pub(crate) fn release(&self, kind: FaultKind) -> (Result<(), String>, usize) {
        let faults = Faults::new(kind);
        let mut commands = self.commands(&faults);
        let ended = crate::system_dns::release(&self.root, faults.disk(), &mut commands);
        (ended.map(|_| ()), faults.count())
    }

    /// Undoes everything in a process of its own.
    pub(crate) fn uninstall(&self, force: bool, kind: FaultKind) -> (Result<(), String>, usize) {
        let faults = Faults::new(kind);
        let mut commands = self.commands(&faults);
        let mut executor =
            PlanExecutor { root: &self.root, disk: faults.disk(), commands: &mut commands };
        let ended = executor.undo_all(force, &mut |_, _| {});
        (ended, faults.count())
    }

    /// The undo, looked at alone.
    pub(crate) fn examine(&self) -> Option<UndoPlan> {
        let faults = Faults::new(FaultKind::None);
        let mut commands = self.commands(&faults);
        let mut executor =
            PlanExecutor { root: &self.root, disk: faults.disk(), commands: &mut commands };
        executor.examine_undo(OnConflict::Refuse).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // An immutable file would stay for good.
        for path in self.tree().keys() {
            let path = self.folder.path().join(path);
            if path.symlink_metadata().is_ok_and(|entry| entry.is_file()) {
                let is_plain = attributes::flags(&path).unwrap_or(0) == 0;
                let _ = is_plain || attributes::set_flags(&path, 0).is_ok();
            }
        }
    }
}

/// useradd(8) writes tables anew, and so does the undo.
fn is_account_table(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        ["passwd", "group", "shadow", "gshadow"].contains(&name.trim_end_matches('-'))
    })
}

fn without_access(mut state: EntryState) -> EntryState {
    if let EntryState::File { attributes, .. } | EntryState::Link { attributes, .. } = &mut state {
        attributes.accessed = (0, 0);
    }
    state
}

impl CommandRunner for ModelCommands {
    fn run(&mut self, command: &SystemCommand) -> io::Result<CommandEnd> {
        self.faults.before(DiskChange::Other, 0)?;
        let words: Vec<&str> = command.0.iter().map(String::as_str).collect();
        let mut success = true;
        match words[..] {
            ["service" | "systemctl", "start" | "restart", name] => {
                self.running.borrow_mut().insert(name.to_owned());
            }
            ["service" | "systemctl", "stop", name] => {
                self.running.borrow_mut().remove(name);
            }
            ["service", "status", name] | ["systemctl", "--quiet", "is-active", name] => {
                success = self.running.borrow().contains(name)
            }
            ["sh", "-c", script] if script.starts_with("systemctl is-active ") => {
                let name = script.split(' ').nth(2).unwrap_or_default();
                success = self.running.borrow().contains(name);
            }
            ["sh", "-c", script] if script.contains("resolvconf -a lo.zoners") => {
                self.running.borrow_mut().insert("lo.zoners".to_owned());
            }
            ["resolvconf", "-d", record] => {
                self.running.borrow_mut().remove(record);
            }
            ["dscl", ".", "-create", record, ..] => {
                self.running.borrow_mut().insert(record.to_owned());
            }
            ["dscl", ".", "-delete", record] => {
                success = self.running.borrow_mut().remove(record);
            }
            ["dscl", ".", "-read", record, ..] => success = self.running.borrow().contains(record),
            ["launchctl", "print", target] => {
                let label = target.trim_start_matches("system/");
                success = self.running.borrow().contains(label);
            }
            ["launchctl", "bootstrap", "system", path] => {
                let label = Path::new(path).file_stem().unwrap().to_string_lossy();
                success = self.running.borrow_mut().insert(label.into_owned());
            }
            ["sh", "-c", script] if script.contains("launchctl bootout system/") => {
                let (_, rest) = script.split_once("bootout system/").unwrap();
                let label = rest.split(';').next().unwrap().to_owned();
                match script.contains("bootstrap") {
                    true => drop(self.running.borrow_mut().insert(label)),
                    false => drop(self.running.borrow_mut().remove(&label)),
                }
            }
            ["useradd", .., name] => self.add_user(name)?,
            ["userdel", name] => self.remove_user(name)?,
            _ => {}
        }
        // Death after the command, before its end is known.
        self.faults.before(DiskChange::Other, 0)?;
        Ok(CommandEnd { success, ..CommandEnd::default() })
    }
}

impl ModelCommands {
    /// As shadow's useradd: a copy of each table, the table, and a lock that stays.
    fn add_user(&self, name: &str) -> io::Result<()> {
        self.faults.before(DiskChange::Other, 0)?;
        fs::write(self.root.join("etc/.pwd.lock"), "")?;
        self.table("passwd", |text| format!("{text}{name}:x:999:999::/:/bin/false\n"))?;
        self.table("group", |text| format!("{text}{name}:x:999:\n"))?;
        self.table("shadow", |text| format!("{text}{name}:!:20000::::::\n"))
    }

    fn remove_user(&self, name: &str) -> io::Result<()> {
        let without = |text: &str| {
            let lines = text.lines().filter(|line| !line.starts_with(&format!("{name}:")));
            lines.map(|line| format!("{line}\n")).collect()
        };
        ["passwd", "shadow", "group"].into_iter().try_for_each(|table| self.table(table, without))
    }

    fn table(&self, name: &str, change: impl Fn(&str) -> String) -> io::Result<()> {
        let path = self.root.join("etc").join(name);
        let text = fs::read_to_string(&path).unwrap_or_default();
        if !text.is_empty() {
            self.faults.before(DiskChange::Other, 0)?;
            fs::write(self.root.join("etc").join(format!("{name}-")), &text)?;
        }
        // Locked, written beside, and renamed.
        let [lock, beside] =
            [".lock", "+"].map(|ending| self.root.join("etc").join(format!("{name}{ending}")));
        self.faults.before(DiskChange::Other, 0)?;
        fs::write(&lock, "77")?;
        self.faults.before(DiskChange::Other, 0)?;
        fs::write(&beside, change(&text))?;
        self.faults.before(DiskChange::Other, 0)?;
        fs::rename(&beside, path)?;
        self.faults.before(DiskChange::Other, 0)?;
        fs::remove_file(&lock)
    }
}
