//! Lists of a configuration, compiled to a file of the state folder, or in memory without such a folder.

mod digests;
mod take_over;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use zoners_policy::{
    CompiledPolicy, DIGEST_OCTETS, ListEntry, ListSource, MemoryStorage, OpenError, PolicyCompiler,
    Storage,
};

use super::supply::book::ListBook;
use super::supply::file;
use super::supply::texts::{self, TextName, TextStore};
use crate::config::{Config, ListAction, ListOrigin, PolicyConfig, PolicyListConfig};
use crate::zones::TransferredZones;

pub(crate) use digests::{SourcesDigest, digest, has_news, work};
use digests::{digest_with, terms};

/// The compiled file.
const FILE: &str = "policy";
/// The compiled file while it is written.
const UNFINISHED_FILE: &str = "policy.new";
/// Runs of the sort; has no name once it is open.
const SCRATCH_FILE: &str = "policy.sort";
/// The user of the daemon alone may read the files.
const FILE_MODE: u32 = 0o600;

/// A compiled policy, and the versions of the lists behind.
#[derive(Debug)]
pub(crate) struct BuiltPolicy {
    pub(crate) compiled: CompiledPolicy,
    pub(crate) sources: SourcesDigest,
    /// The decisions on each list.
    pub(crate) book: ListBook,
    /// Oddities of lists in force.
    pub(crate) remarks: Vec<String>,
}

/// What a compilation needs.
pub(crate) struct PolicyBuild<'a> {
    pub(crate) config: &'a PolicyConfig,
    pub(crate) folder: Option<&'a Path>,
    pub(crate) store: &'a TextStore,
    /// The transferred zones, of which some are lists.
    pub(crate) zones: &'a TransferredZones,
    /// The random key of the hashes.
    pub(crate) key: [u64; 2],
    /// The wall clock, in Unix seconds.
    pub(crate) now_s: u64,
}

/// Opens the compiled file of a folder, if the file was compiled from these sources.
///
/// # Errors
/// The file is absent, torn, or was compiled from different sources.
pub(crate) fn open(folder: &Path, sources: SourcesDigest) -> Result<CompiledPolicy, OpenError> {
    let file = File::open(folder.join(FILE))?;
    CompiledPolicy::open(Arc::new(file), Some(sources))
}

/// A compiled policy of no list, for groups with rules of their own.
pub(crate) fn without_lists() -> Option<Arc<CompiledPolicy>> {
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    PolicyCompiler::new([0, 0], &scratch).finish(&*file, [0; DIGEST_OCTETS]).ok()?;
    CompiledPolicy::open(file, None).ok().map(Arc::new)
}

/// Whether a file of the state folder belongs to the policy.
pub(crate) fn is_own_file(name: &str) -> bool {
    [FILE, UNFINISHED_FILE, SCRATCH_FILE].contains(&name)
        || texts::is_text_file(name)
        || texts::is_draft(name)
}

/// The text of a list for a compilation.
struct ChosenText<'a> {
    list: &'a PolicyListConfig,
    id: String,
    digest: String,
    /// Whether the text is not in force yet.
    is_candidate: bool,
}

impl PolicyBuild<'_> {
    /// Takes over changed files and zones, and compiles the newest text of each list; a text that the guard holds back gives way
    /// to the text in force, by a second compilation. A list without any text is left out.
    ///
    /// # Errors
    /// The files of the folder cannot be written.
    pub(crate) fn run(&self, mut book: ListBook) -> Result<BuiltPolicy, String> {
        book.configure(&self.config.list);
        book.records_mut().for_each(|record| record.forget_lost_copies(self.store));
        self.take_over(&mut book);
        loop {
            let chosen = self.choose(&book);
            let (compiled, sources) = self.compile(&chosen)?;
            // A judged text is no candidate again: the second compilation is the last.
            if self.judge(&mut book, &chosen, compiled.lists()) {
                self.keep()?;
                let remarks = remarks(&chosen, compiled.lists());
                return Ok(BuiltPolicy { compiled, sources, book, remarks });
            }
        }
    }

    fn choose<'a>(&'a self, book: &ListBook) -> Vec<ChosenText<'a>> {
        let lists = self.config.list.iter();
        let chosen = lists.filter_map(|list| {
            let record = book.of(list)?;
            let digest = record.wanted(self.now_s)?.to_owned();
            let is_candidate = record.candidate(self.now_s).is_some();
            Some(ChosenText { list, id: record.id.clone(), digest, is_candidate })
        });
        chosen.collect()
    }

    /// Compiles these texts into the unfinished file.
    fn compile(
        &self,
        chosen: &[ChosenText<'_>],
    ) -> Result<(CompiledPolicy, SourcesDigest), String> {
        let Some(folder) = self.folder else {
            let out = Arc::new(MemoryStorage::default());
            return self.compile_into(chosen, &MemoryStorage::default(), out);
        };
        let scratch = create(&folder.join(SCRATCH_FILE)).map_err(not_compiled)?;
        // The file lives as long as the descriptor.
        fs::remove_file(folder.join(SCRATCH_FILE)).map_err(not_compiled)?;
        let out = Arc::new(create(&folder.join(UNFINISHED_FILE)).map_err(not_compiled)?);
        let compiled = self.compile_into(chosen, &scratch, out.clone())?;
        out.sync_all().map_err(not_compiled)?;
        Ok(compiled)
    }

    fn compile_into(
        &self,
        chosen: &[ChosenText<'_>],
        scratch: &dyn Storage,
        out: Arc<dyn Storage>,
    ) -> Result<(CompiledPolicy, SourcesDigest), String> {
        let mut compiler = PolicyCompiler::new(self.key, scratch);
        for ChosenText { list, id, digest, .. } in chosen {
            let about = |error: &dyn fmt::Display| format!("list {}: {error}", list.name);
            let name = TextName { list: id, digest };
            let mut text = self.store.open(name).map_err(|error| about(&error))?;
            let allows = list.action == ListAction::Allow;
            let source = ListSource { name: list.name.clone(), form: list.form(), allows };
            compiler.add_list(&source, &mut text).map_err(|error| about(&error))?;
        }
        let sources = digest_with(self.config, |list| {
            let chosen = chosen.iter().find(|chosen| chosen.list.name == list.name);
            chosen.map(|chosen| &*chosen.digest)
        });
        compiler.finish(&*out, sources).map_err(not_compiled)?;
        let compiled = CompiledPolicy::open(out, Some(sources));
        Ok((compiled.map_err(|error| error.to_string())?, sources))
    }

    /// Lets the guards decide on texts beside those in force; false if a text is not taken.
    fn judge(&self, book: &mut ListBook, chosen: &[ChosenText<'_>], lists: &[ListEntry]) -> bool {
        let mut are_taken = true;
        for ChosenText { list, id, digest, is_candidate } in chosen {
            let (Some(record), Some(entry)) =
                (book.record(id), lists.iter().find(|entry| entry.name == list.name))
            else {
                continue;
            };
            are_taken &= match is_candidate {
                true => record.judge(digest, entry.rules, &list.origin(), self.now_s),
                false => {
                    record.guard.recount(entry.rules);
                    true
                }
            };
        }
        are_taken
    }

    /// Puts the unfinished file in the place of the compiled one.
    fn keep(&self) -> Result<(), String> {
        let Some(folder) = self.folder else { return Ok(()) };
        fs::rename(folder.join(UNFINISHED_FILE), folder.join(FILE)).map_err(not_compiled)
    }
}

fn not_compiled(error: impl fmt::Display) -> String {
    format!("the lists are not compiled: {error}")
}

/// Makes a new file. The file of an ending daemon keeps its content.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().read(true).write(true).create_new(true).mode(FILE_MODE).open(path)
}

/// Lists of a configuration that cannot be used, each with key and line.
pub(crate) fn list_faults(config: &Config) -> Vec<String> {
    let lists = config.policy.list.iter().enumerate();
    let fault = |(number, list): (usize, &PolicyListConfig)| {
        let ListOrigin::File(path) = list.origin() else { return None };
        let fault = file::fault(&path, terms(list))?;
        let what = format!("{}: {fault}", path.display());
        Some(config.source.remark(&format!("policy.list[{number}].path"), &what))
    };
    lists.filter_map(fault).collect()
}

/// Oddities of the compiled lists.
fn remarks(chosen: &[ChosenText<'_>], lists: &[ListEntry]) -> Vec<String> {
    let about = |chosen: &ChosenText<'_>| {
        let list = chosen.list;
        let entry = lists.iter().find(|entry| entry.name == list.name)?;
        Some(format!("list {}: {}: {}", list.name, list.origin(), remark(entry)?))
    };
    chosen.iter().filter_map(about).collect()
}

fn remark(list: &ListEntry) -> Option<String> {
    if list.rules == 0 && list.octets > 0 {
        return Some("it has no rules".to_owned());
    }
    let (reason, count, line) = list.skipped.iter().max_by_key(|skipped| skipped.1)?;
    let mostly_lost = u64::from(list.lost) * 20 > u64::from(list.rules) + u64::from(list.lost);
    let lost = list.lost;
    mostly_lost.then(|| {
        format!(
            "{lost} lines are not understood, most as {reason} ({count}, the first is line {line})"
        )
    })
}

#[cfg(test)]
mod tests;
