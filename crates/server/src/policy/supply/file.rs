//! A list taken over from a file of this machine.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use zoners_policy::ListForm;

use super::texts::{TextStore, looks_like_list};

/// The version of a file, by size, time and inode, and the terms of a copy: with other terms, a refused file may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct FileStamp {
    octets: u64,
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
    terms: CopyTerms,
}

/// The terms of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct CopyTerms {
    /// The form; none for any form.
    pub(crate) form: Option<ListForm>,
    pub(crate) max_octets: u64,
}

impl FileStamp {
    /// The version of the file at `path`, if there is one.
    pub(crate) fn of(path: &Path, terms: CopyTerms) -> Option<Self> {
        let about = fs::metadata(path).ok()?;
        let [seconds, nanoseconds] = [about.mtime(), about.mtime_nsec()];
        Some(FileStamp { octets: about.len(), inode: about.ino(), seconds, nanoseconds, terms })
    }
}

/// Copies the file of the list `list` into the store; the digest of the copy.
///
/// # Errors
/// The file cannot be read, changes meanwhile, is longer than `max_octets`, or looks like no list; the text says why.
pub(crate) fn copy(
    path: &Path,
    list: &str,
    terms: CopyTerms,
    store: &TextStore,
) -> Result<String, String> {
    let CopyTerms { form, max_octets } = terms;
    let shown = |error: io::Error| error.to_string();
    let (file, about) = open(path, max_octets)?;
    let mut text = store.begin(form).map_err(shown)?;
    let copied = io::copy(&mut (&file).take(max_octets + 1), &mut text).map_err(shown)?;
    if copied > max_octets {
        return Err(too_large(max_octets));
    }
    // A file that is written in place may be torn; the next look takes the rest.
    if changed_since(&file, &about) {
        return Err("it was written while it was read".to_owned());
    }
    text.finish(list).map_err(shown)
}

/// Why the file cannot be used as a list, if so, as far as its beginning tells.
pub(crate) fn fault(path: &Path, terms: CopyTerms) -> Option<String> {
    let CopyTerms { form, max_octets } = terms;
    let look = || {
        let (file, _) = open(path, max_octets)?;
        let mut beginning = Vec::new();
        let read = file.take(ListForm::SNIFFED_OCTETS as u64).read_to_end(&mut beginning);
        read.map_err(|error| error.to_string())?;
        looks_like_list(&beginning, form)
    };
    look().err()
}

/// Opens a plain file of at most `max_octets`.
fn open(path: &Path, max_octets: u64) -> Result<(File, Metadata), String> {
    let shown = |error: io::Error| error.to_string();
    // A named pipe is not waited for.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(shown)?;
    let about = file.metadata().map_err(shown)?;
    if !about.is_file() {
        return Err("it is no plain file".to_owned());
    }
    if about.len() > max_octets {
        return Err(too_large(max_octets));
    }
    Ok((file, about))
}

fn too_large(max_octets: u64) -> String {
    format!("it has more than {max_octets} octets (max-size)")
}

fn changed_since(file: &File, before: &Metadata) -> bool {
    let version = |about: &Metadata| (about.len(), about.mtime(), about.mtime_nsec());
    file.metadata().is_ok_and(|now| version(&now) != version(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_copied_and_what_is_no_list_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let store = TextStore::new(None);
        let copied = |max_octets| copy(&path, "ab", CopyTerms { form: None, max_octets }, &store);
        assert!(copied(100).unwrap_err().contains("No such file"));
        fs::write(&path, "0.0.0.0 a.example\n").unwrap();
        let first = copied(18).unwrap();
        assert_eq!(copied(18).unwrap(), first);
        assert!(copied(17).unwrap_err().contains("more than 17 octets"));
        fs::write(&path, "<html></html>").unwrap();
        assert!(copied(100).unwrap_err().contains("web page"));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(copied(100).unwrap_err().contains("no plain file"));
    }

    #[test]
    fn a_named_pipe_is_not_waited_for_and_a_huge_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, sparse) = (folder.path().join("pipe"), folder.path().join("sparse"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        File::create(&sparse).unwrap().set_len(10 << 30).unwrap();
        let store = TextStore::new(None);
        let terms = CopyTerms { form: None, max_octets: 1 << 26 };
        let told = |path: &Path| copy(path, "ab", terms, &store).unwrap_err();
        assert_eq!(told(&pipe), "it is no plain file");
        assert!(told(&sparse).contains("more than 67108864 octets"));
    }

    #[test]
    fn a_stamp_tells_versions_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let stamp = |max_octets| FileStamp::of(&path, CopyTerms { form: None, max_octets });
        assert_eq!(stamp(1), None);
        fs::write(&path, "one").unwrap();
        let first = stamp(1);
        assert_eq!(stamp(1), first);
        assert_ne!(stamp(2), first, "a larger file may be used now");
        fs::write(&path, "three").unwrap();
        assert_ne!(stamp(1), first);
    }
}
