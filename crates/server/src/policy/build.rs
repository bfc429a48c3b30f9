//! Lists of a configuration, compiled to a file of the state folder, or in memory without such a folder.

use std::fs::{self, File};
use std::hash::Hasher;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use siphasher::sip128::{Hasher128, SipHasher13};
use zoners_policy::{
    CompiledPolicy, DIGEST_OCTETS, ListEntry, ListForm, ListSource, MemoryStorage, NoListForm,
    OpenError, PolicyCompiler, Storage,
};

use crate::config::{Config, ListAction, PolicyConfig, PolicyListConfig};

/// The compiled file.
const FILE: &str = "policy";
/// The compiled file while it is written.
const UNFINISHED_FILE: &str = "policy.new";
/// Runs of the sort; has no name once it is open.
const SCRATCH_FILE: &str = "policy.sort";

/// A digest of everything that a compiled policy is made from: the lists of the configuration and the versions of the
/// files, by time, size and inode.
pub(crate) type SourcesDigest = [u8; DIGEST_OCTETS];

/// A compiled policy, and lists left out with the reasons.
#[derive(Debug)]
pub(crate) struct BuiltPolicy {
    pub(crate) compiled: CompiledPolicy,
    /// Faults of lists, and oddities.
    pub(crate) faults: Vec<String>,
    /// Lists that cannot be used.
    pub(crate) left_out: usize,
}

/// The digest of the files of now.
pub(crate) fn digest(config: &PolicyConfig) -> SourcesDigest {
    let mut octets = env!("CARGO_PKG_VERSION").as_bytes().to_vec();
    for list in &config.list {
        let PolicyListConfig { name, path, form, action, .. } = list;
        let version = fs::metadata(path)
            .ok()
            .map(|file| (file.len(), file.ino(), file.mtime(), file.mtime_nsec()));
        octets.extend(format!("{name:?} {path:?} {form:?} {action:?} {version:?}\n").as_bytes());
    }
    let half = |key| {
        let mut hasher = SipHasher13::new_with_keys(key, 0);
        hasher.write(&octets);
        hasher.finish128().as_bytes()
    };
    let halves = [half(0), half(1)];
    halves.as_flattened().try_into().unwrap_or([0; DIGEST_OCTETS])
}

/// Opens the compiled file of a folder, if the file was compiled from these sources.
///
/// # Errors
/// The file is absent, torn, or was compiled from different sources.
pub(crate) fn open(folder: &Path, sources: SourcesDigest) -> Result<CompiledPolicy, OpenError> {
    let file = File::open(folder.join(FILE))?;
    CompiledPolicy::open(Arc::new(file), Some(sources))
}

/// Compiles the lists. A list that cannot be used is left out, with the reason.
///
/// # Errors
/// The files of the folder cannot be written.
pub(crate) fn compile(
    config: &PolicyConfig,
    folder: Option<&Path>,
    key: [u64; 2],
) -> Result<BuiltPolicy, String> {
    let sources = digest(config);
    let shown = |error: io::Error| format!("the lists are not compiled: {error}");
    match folder {
        None => {
            let (scratch, out) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
            compile_into(config, key, sources, &scratch, out)
        }
        Some(folder) => {
            let scratch = create(&folder.join(SCRATCH_FILE)).map_err(shown)?;
            // The file lives as long as the descriptor.
            fs::remove_file(folder.join(SCRATCH_FILE)).map_err(shown)?;
            let out = Arc::new(create(&folder.join(UNFINISHED_FILE)).map_err(shown)?);
            let built = compile_into(config, key, sources, &scratch, out.clone())?;
            out.sync_all().map_err(shown)?;
            fs::rename(folder.join(UNFINISHED_FILE), folder.join(FILE)).map_err(shown)?;
            Ok(built)
        }
    }
}

/// Makes a new file. The file of a daemon that is about to end keeps its content.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().read(true).write(true).create_new(true).open(path)
}

fn compile_into(
    config: &PolicyConfig,
    key: [u64; 2],
    sources: SourcesDigest,
    scratch: &dyn Storage,
    out: Arc<dyn Storage>,
) -> Result<BuiltPolicy, String> {
    let (mut compiler, mut faults) = (PolicyCompiler::new(key, scratch), Vec::new());
    let mut left_out = 0;
    for list in &config.list {
        let about = |error: &dyn std::fmt::Display| {
            format!("list {}: {}: {error}", list.name, list.path.display())
        };
        let mut text = match open_list(list) {
            Ok(text) => text,
            Err(error) => {
                faults.push(about(&error));
                left_out += 1;
                continue;
            }
        };
        let allows = list.action == ListAction::Allow;
        let source = ListSource { name: list.name.clone(), form: list.form, allows };
        let entry = compiler.add_list(&source, &mut text).map_err(|error| about(&error))?;
        faults.extend(remark(entry).map(|remark| about(&remark)));
    }
    let finished = compiler.finish(&*out, sources);
    finished.map_err(|error| format!("the lists are not compiled: {error}"))?;
    let compiled = CompiledPolicy::open(out, Some(sources)).map_err(|error| error.to_string())?;
    Ok(BuiltPolicy { compiled, faults, left_out })
}

/// Lists of a configuration that cannot be used, each with key and line.
pub(crate) fn list_faults(config: &Config) -> Vec<String> {
    let lists = config.policy.list.iter().enumerate();
    let fault = |(number, list): (usize, &PolicyListConfig)| {
        let what = format!("{}: {}", list.path.display(), open_list(list).err()?);
        Some(config.source.remark(&format!("policy.list[{number}].path"), &what))
    };
    lists.filter_map(fault).collect()
}

/// Opens the file of a list whose form is known or can be recognised.
fn open_list(list: &PolicyListConfig) -> Result<File, String> {
    let shown = |error: io::Error| error.to_string();
    let file = File::open(&list.path).map_err(shown)?;
    if !file.metadata().map_err(shown)?.is_file() {
        return Err("it is no plain file".to_owned());
    }
    let mut beginning = Vec::new();
    (&file).take(ListForm::SNIFFED_OCTETS as u64).read_to_end(&mut beginning).map_err(shown)?;
    match (ListForm::sniff(&beginning), list.form) {
        (Err(NoListForm::NoRule), Some(_)) | (Ok(_), _) => {}
        (Err(fault), _) => return Err(fault.to_string()),
    }
    File::open(&list.path).map_err(shown)
}

/// What is odd about a list that was read.
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
