//! The copies of lists, in files of the state folder; in memory without such a folder.
//!
//! The name of a copy has the list and a digest of the content. A copy never changes: a new version is a new copy, and
//! copies without a version in the book are removed.

use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher;
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use siphasher::sip128::{Hasher128, SipHasher13};
use zoners_files::{Draft, open_own};
use zoners_policy::{ListForm, NoListForm};

/// The beginning of the names of copies.
const PREFIX: &str = "list-";
/// The name of drafts.
const DRAFT: &str = "list";
const MODE: u32 = 0o600;

/// The copies of lists.
#[derive(Debug)]
pub(crate) struct TextStore {
    place: StorePlace,
    /// New copies, which no book may have yet.
    unclaimed: Mutex<Vec<String>>,
}

#[derive(Debug)]
enum StorePlace {
    /// Files of a folder.
    Folder(PathBuf),
    /// In memory.
    Memory(Mutex<BTreeMap<String, Arc<[u8]>>>),
}

/// The name of a copy: the identifier of the list, and the digest of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TextName<'a> {
    pub(crate) list: &'a str,
    pub(crate) digest: &'a str,
}

impl TextStore {
    /// The store of a state folder, or in memory.
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        let place = match folder {
            Some(folder) => StorePlace::Folder(folder.to_owned()),
            None => StorePlace::Memory(Mutex::default()),
        };
        TextStore { place, unclaimed: Mutex::default() }
    }

    /// Begins a copy of a list, whose text must look like a list of the form, or of any form.
    ///
    /// # Errors
    /// The file cannot be created.
    pub(crate) fn begin(&self, form: Option<ListForm>) -> io::Result<TextWriter<'_>> {
        let out = match &self.place {
            StorePlace::Folder(folder) => TextOutput::File(Draft::begin(folder, DRAFT, MODE)?),
            StorePlace::Memory(_) => TextOutput::Memory(Vec::new()),
        };
        let hasher = SipHasher13::new();
        Ok(TextWriter { store: self, form, out, hasher, beginning: Vec::new(), is_checked: false })
    }

    /// Opens a copy.
    ///
    /// # Errors
    /// The copy is gone.
    pub(crate) fn open(&self, name: TextName<'_>) -> io::Result<Box<dyn Read + '_>> {
        match &self.place {
            StorePlace::Folder(folder) => Ok(Box::new(open_own(&folder.join(file_name(name)))?)),
            StorePlace::Memory(texts) => {
                let text = texts.lock().get(&file_name(name)).cloned();
                Ok(Box::new(Cursor::new(text.ok_or(io::ErrorKind::NotFound)?)))
            }
        }
    }

    /// Removes every copy that is not among `used`, except new copies until a call has named them.
    pub(crate) fn sweep(&self, used: &[TextName<'_>]) {
        let mut used: Vec<String> = used.iter().map(|name| file_name(*name)).collect();
        {
            let mut unclaimed = self.unclaimed.lock();
            unclaimed.retain(|name| !used.contains(name));
            used.extend(unclaimed.iter().cloned());
        }
        match &self.place {
            StorePlace::Memory(texts) => texts.lock().retain(|name, _| used.contains(name)),
            StorePlace::Folder(folder) => {
                for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if is_text_file(&name) && !used.contains(&name) {
                        let _ = fs::remove_file(entry.path());
                    }
                }
            }
        }
    }
}

/// Whether a file of the state folder is a copy of a list.
pub(crate) fn is_text_file(name: &str) -> bool {
    let is_hex =
        |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    let parts = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(list, digest)| is_hex(list) && is_hex(digest))
}

/// Whether a file of the state folder is a draft of a copy, left by a killed process.
pub(crate) fn is_draft(name: &str) -> bool {
    name.starts_with(&format!(".{DRAFT}.")) && name.ends_with(".new")
}

fn file_name(name: TextName<'_>) -> String {
    format!("{PREFIX}{}-{}", name.list, name.digest)
}

/// A copy being written.
#[derive(Debug)]
pub(crate) struct TextWriter<'a> {
    store: &'a TextStore,
    form: Option<ListForm>,
    out: TextOutput,
    hasher: SipHasher13,
    /// The first octets, by which the form is recognised.
    beginning: Vec<u8>,
    is_checked: bool,
}

#[derive(Debug)]
enum TextOutput {
    File(Draft),
    Memory(Vec<u8>),
}

impl TextWriter<'_> {
    /// Keeps the copy of the list `list`; its digest.
    ///
    /// # Errors
    /// The text looks like no list, or cannot be written.
    pub(crate) fn finish(mut self, list: &str) -> io::Result<String> {
        self.check()?;
        let digest = self.hasher.finish128();
        let digest = format!("{:016x}{:016x}", digest.h1, digest.h2);
        let name = file_name(TextName { list, digest: &digest });
        self.store.unclaimed.lock().push(name.clone());
        match (&self.store.place, self.out) {
            (StorePlace::Folder(folder), TextOutput::File(draft)) => {
                draft.commit(&folder.join(name))?
            }
            (StorePlace::Memory(texts), TextOutput::Memory(text)) => {
                texts.lock().insert(name, text.into());
            }
            // A writer is of the kind of its store.
            (StorePlace::Folder(_), TextOutput::Memory(_))
            | (StorePlace::Memory(_), TextOutput::File(_)) => {
                return Err(io::ErrorKind::Other.into());
            }
        }
        Ok(digest)
    }

    /// Checks the beginning of the text, once.
    fn check(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_checked, true) {
            return Ok(());
        }
        let beginning = std::mem::take(&mut self.beginning);
        looks_like_list(&beginning, self.form).map_err(io::Error::other)
    }
}

/// Whether a text with this beginning may be a list of the form, or of any form; else the reason.
pub(super) fn looks_like_list(beginning: &[u8], form: Option<ListForm>) -> Result<(), String> {
    match (ListForm::sniff(beginning), form) {
        (Ok(_), _) | (Err(NoListForm::NoRule), Some(_)) => Ok(()),
        (Err(fault), _) => Err(fault.to_string()),
    }
}

impl Write for TextWriter<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if !self.is_checked {
            let room = ListForm::SNIFFED_OCTETS.saturating_sub(self.beginning.len());
            self.beginning.extend(octets.iter().take(room));
            if self.beginning.len() >= ListForm::SNIFFED_OCTETS {
                self.check()?;
            }
        }
        self.hasher.write(octets);
        match &mut self.out {
            TextOutput::File(draft) => draft.write_all(octets)?,
            TextOutput::Memory(text) => text.extend_from_slice(octets),
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn write(store: &TextStore, form: Option<ListForm>, text: &[u8]) -> io::Result<String> {
        let mut writer = store.begin(form)?;
        // In pieces, as downloads come.
        text.chunks(1000).try_for_each(|piece| writer.write_all(piece))?;
        writer.finish("ab")
    }

    fn read(store: &TextStore, digest: &str) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        store.open(TextName { list: "ab", digest }).ok()?.read_to_end(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn a_copy_is_found_by_its_digest_until_it_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        for store in [TextStore::new(Some(folder.path())), TextStore::new(None)] {
            let first = write(&store, None, b"0.0.0.0 a.example\n").unwrap();
            let second = write(&store, None, b"0.0.0.0 b.example\n").unwrap();
            assert_ne!(first, second);
            assert_eq!(read(&store, &first).unwrap(), b"0.0.0.0 a.example\n");
            assert_eq!(write(&store, None, b"0.0.0.0 a.example\n").unwrap(), first);
            let name = |digest| TextName { list: "ab", digest };
            store.sweep(&[name(&second)]);
            assert!(read(&store, &first).is_some(), "nobody has named the copy yet");
            store.sweep(&[name(&first), name(&second)]);
            store.sweep(&[name(&second)]);
            assert_eq!(read(&store, &first), None);
            assert_eq!(read(&store, &second).unwrap(), b"0.0.0.0 b.example\n");
        }
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 1);
        let name = files[0].file_name().into_string().unwrap();
        assert!(is_text_file(&name) && !is_draft(&name), "{name}");
        assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_text_that_looks_like_no_list_is_not_kept() {
        let store = TextStore::new(None);
        let page = b"<!DOCTYPE html><html><body>Not found</body></html>\n".as_slice();
        let told = |form, text| write(&store, form, text).unwrap_err().to_string();
        assert!(told(None, page).contains("web page"));
        assert!(told(Some(ListForm::Hosts), page).contains("web page"));
        assert!(told(None, b"nothing at all").contains("no line"));
        assert!(told(None, b"").contains("no line"));
        assert!(write(&store, Some(ListForm::Hosts), b"# nothing yet\n").is_ok());
        // A page longer than the beginning that is looked at.
        let long = [page, &vec![b'x'; 200_000]].concat();
        let mut writer = store.begin(None).unwrap();
        let written = long.chunks(1000).try_for_each(|piece| writer.write_all(piece));
        assert!(written.is_err(), "the download ends early");
    }

    #[test]
    fn a_draft_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = TextStore::new(Some(folder.path()));
        let mut writer = store.begin(None).unwrap();
        writer.write_all(b"0.0.0.0 a.ex").unwrap();
        let drafts: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
        assert!(is_draft(&drafts[0].file_name().to_string_lossy()));
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn foreign_files_of_the_folder_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["list-", "list-ab", "list-ab-", "list-xy-12", "lists", "policy", "list-ab-cd.txt"]
        {
            assert!(!is_text_file(name), "{name}");
            fs::write(folder.path().join(name), "").unwrap();
        }
        TextStore::new(Some(folder.path())).sweep(&[]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 7);
    }
}
