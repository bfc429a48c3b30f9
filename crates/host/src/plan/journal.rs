//! The journal: the state before each step, on the disk before the step begins.
//!
//! One file of JSON lines in a folder of root: the head, then `begin` and `done` of each step. A step without `done`
//! may have happened, in part or not at all. A last line in part belongs to a step before the beginning. Former
//! content of more than [`MAX_INLINE`] octets lies in files beside. The folder is apart from the state of the daemon:
//! a user with write access to the journal would decide on files of root.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use zoners_files::{check_folder, open_own};

use super::disk::Disk;
use super::entry_state::EntryState;
use super::journal_lines::{BegunStep, FILE, FORMAT, FormerState, JournalLine, read};
use super::octets::EntryOctets;
use super::root::{JournalName, SystemRoot};
use super::step::PlanStep;
use crate::system::paths::SERVICE_STATE;

/// The end of the folder's name, after that of the daemon's state: `/var/lib/zoners-install`.
fn suffix(name: JournalName) -> &'static str {
    match name {
        JournalName::Installation => "-install",
        JournalName::SystemDns => "-dns",
    }
}

/// Former content of up to so many octets stands in the journal itself.
const MAX_INLINE: usize = 16_384;
/// Only root enters the folder: former files may be secret.
const FOLDER_MODE: u32 = 0o700;

/// The open journal, locked against a second `install` or `uninstall`.
#[derive(Debug)]
pub struct UndoJournal {
    folder: PathBuf,
    file: File,
    /// EntryOctets of the whole lines.
    length: u64,
    steps: Vec<BegunStep>,
}

impl Drop for UndoJournal {
    /// Unlocks at once: a program that is just being started may have a copy of the descriptor for a moment.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl UndoJournal {
    /// The folder of the journal in a system.
    ///
    /// # Errors
    /// A folder on the way cannot be read.
    pub fn folder(root: &SystemRoot) -> io::Result<PathBuf> {
        root.locate(Path::new(&format!("{SERVICE_STATE}{}", suffix(root.journal()))))
    }

    /// Opens the journal; none if there is none.
    ///
    /// # Errors
    /// The journal cannot be read, is damaged or is in use, or another user may write it.
    pub fn open(root: &SystemRoot, disk: &mut Disk) -> io::Result<Option<Self>> {
        let folder = Self::folder(root)?;
        let path = folder.join(FILE);
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        if root.is_running_system() {
            check_folder(&folder)?;
            open_own(&path)?;
        }
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let mut file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "another install or uninstall runs",
                ));
            }
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
                return Err(error);
            }
            _ => {}
        }
        let (steps, length) = read(&fs::read(&path)?, &folder)?;
        if file.metadata()?.len() != length {
            disk.cut(&file, length)?;
        }
        file.seek(SeekFrom::End(0))?;
        let mut journal = UndoJournal { folder, file, length, steps };
        if length == 0 {
            journal.begin_file(disk)?;
        }
        Ok(Some(journal))
    }

    /// Opens the journal, or begins one.
    ///
    /// # Errors
    /// As [`UndoJournal::open`]; or the journal cannot be made.
    pub fn open_or_create(root: &SystemRoot, disk: &mut Disk) -> io::Result<Self> {
        if let Some(journal) = Self::open(root, disk)? {
            return Ok(journal);
        }
        let folder = Self::folder(root)?;
        if !folder.is_dir() {
            disk.make_folder(&folder, FOLDER_MODE)?;
            disk.sync_folder_of(&folder)?;
        }
        disk.create(&folder.join(FILE))?;
        let opened = Self::open(root, disk)?;
        opened.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The steps in the journal as they are now, without a lock: for a look alone. None without a journal.
    ///
    /// # Errors
    /// The journal cannot be read, or is damaged.
    pub fn peek(root: &SystemRoot) -> io::Result<Vec<BegunStep>> {
        let folder = Self::folder(root)?;
        match fs::read(folder.join(FILE)) {
            Ok(text) => Ok(read(&text, &folder)?.0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn begin_file(&mut self, disk: &mut Disk) -> io::Result<()> {
        let program = env!("CARGO_PKG_VERSION").to_owned();
        self.append(disk, &JournalLine::Head { journal: FORMAT, program })?;
        disk.sync_folder_of(&self.folder.join(FILE))
    }

    /// The steps, first to last.
    #[must_use]
    pub fn steps(&self) -> &[BegunStep] {
        &self.steps
    }

    /// Where the journal stands, for [`UndoJournal::cut_to`].
    pub(super) fn mark(&self) -> (usize, u64) {
        (self.steps.len(), self.length)
    }

    /// Writes the state before a step; on the disk once this returns.
    ///
    /// # Errors
    /// The journal cannot be written: the step must not begin.
    pub(super) fn begin(
        &mut self,
        disk: &mut Disk,
        step: &PlanStep,
        former: FormerState,
    ) -> io::Result<()> {
        let (written, stored) = self.store(disk, &former)?;
        self.append(
            disk,
            &JournalLine::Begin { begin: Box::new(step.clone()), former: written, stored },
        )?;
        self.steps.push(BegunStep { step: step.clone(), former, done: false });
        Ok(())
    }

    /// Notes the end of the last step.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub(super) fn done(&mut self, disk: &mut Disk) -> io::Result<()> {
        let Some(last) = self.steps.len().checked_sub(1) else { return Ok(()) };
        self.append(disk, &JournalLine::Done { done: last })?;
        if let Some(step) = self.steps.get_mut(last) {
            step.done = true;
        }
        Ok(())
    }

    /// Forgets the steps since a mark, which are undone.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub(super) fn cut_to(&mut self, disk: &mut Disk, mark: (usize, u64)) -> io::Result<()> {
        disk.cut(&self.file, mark.1)?;
        self.file.seek(SeekFrom::End(0))?;
        disk.sync(&self.file)?;
        self.steps.truncate(mark.0);
        self.length = mark.1;
        Ok(())
    }

    /// Removes the journal after the undo: the file first, which ends the undo.
    ///
    /// # Errors
    /// The file system refuses.
    pub(super) fn remove(self, root: &SystemRoot, disk: &mut Disk) -> io::Result<()> {
        disk.remove(&self.folder.join(FILE))?;
        disk.sync_folder_of(&self.folder.join(FILE))?;
        Self::remove_leftovers(root, disk)
    }

    /// Removes a folder without a journal, left by a killed process.
    ///
    /// # Errors
    /// The file system refuses.
    pub(super) fn remove_leftovers(root: &SystemRoot, disk: &mut Disk) -> io::Result<()> {
        let folder = Self::folder(root)?;
        if !folder.symlink_metadata().is_ok_and(|entry| entry.is_dir()) {
            return Ok(());
        }
        disk.remove_tree(&folder)?;
        disk.sync_folder_of(&folder)
    }

    /// Removes a journal without steps, after a beginning that failed.
    ///
    /// # Errors
    /// The file system refuses.
    pub(super) fn remove_if_empty(root: &SystemRoot, disk: &mut Disk) -> io::Result<()> {
        let path = Self::folder(root)?.join(FILE);
        match fs::read(&path) {
            Ok(text) if !read(&text, &path)?.0.is_empty() => Ok(()),
            _ => Self::remove_leftovers(root, disk),
        }
    }

    fn append(&mut self, disk: &mut Disk, line: &JournalLine) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let written = disk.write(&mut self.file, &text).and_then(|()| disk.sync(&self.file));
        match written {
            Ok(()) => self.length += text.len() as u64,
            // A line in part would spoil the next one.
            Err(_) => {
                disk.cut(&self.file, self.length)?;
                self.file.seek(SeekFrom::End(0))?;
            }
        }
        written
    }

    /// Long content goes to a file beside.
    fn store(
        &self,
        disk: &mut Disk,
        former: &FormerState,
    ) -> io::Result<(FormerState, Option<String>)> {
        let FormerState::Path { state: EntryState::File { content, attributes, in_place } } =
            former
        else {
            return Ok((former.clone(), None));
        };
        if content.0.len() <= MAX_INLINE {
            return Ok((former.clone(), None));
        }
        let name = format!("former-{}", self.steps.len());
        let path = self.folder.join(&name);
        if path.symlink_metadata().is_ok() {
            disk.remove(&path)?;
        }
        let mut file = disk.create(&path)?;
        disk.write(&mut file, &content.0)?;
        disk.sync(&file)?;
        disk.sync_folder_of(&path)?;
        let state = EntryState::File {
            content: EntryOctets::default(),
            attributes: attributes.clone(),
            in_place: *in_place,
        };
        Ok((FormerState::Path { state }, Some(name)))
    }
}
