//! Writing a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zoners_cache::{Cache, Progress};
use zoners_dns::Random;

use super::header::Header;
use super::{Terms, Times};
use crate::Seal;

/// Who may read it: it says what was asked for.
const MODE: u32 = 0o600;

/// Writes `cache` to the file at `path`, no more than about `most` octets; says
/// how many they became. The file before stays as it is until the new one is whole.
///
/// # Errors
/// The file cannot be written there.
pub fn write(
    path: &Path,
    cache: &Cache,
    terms: &Terms<'_>,
    times: Times,
    random: &Random,
    most: u64,
) -> io::Result<u64> {
    let beside = path.with_extension("new");
    let written = write_beside(&beside, cache, terms, times, random, most)
        .and_then(|written| fs::rename(&beside, path).map(|()| written));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    written
}

fn write_beside(
    path: &Path,
    cache: &Cache,
    terms: &Terms<'_>,
    times: Times,
    random: &Random,
    most: u64,
) -> io::Result<u64> {
    let sealed = terms.seal.is_some();
    let nonce = (u128::from(random.bits()) << 64 | u128::from(random.bits())).to_be_bytes();
    let header = Header { sealed, nonce, times, fingerprints: terms.fingerprints };
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(path)?;
    let mut out = BufWriter::new(file);
    let nobody = Seal::of_nobody();
    let head = header.write(terms.seal.unwrap_or(&nobody));
    out.write_all(&head)?;
    let (mut written, mut number) = (head.len() as u64, 0);
    let mut put = |entries: &[u8]| {
        out.write_all(&(entries.len() as u32).to_be_bytes())?;
        out.write_all(entries)?;
        out.write_all(&terms.seal_piece(&nonce, number, entries, sealed))?;
        written += (4 + entries.len() + crate::seal::LENGTH) as u64;
        number += 1;
        io::Result::Ok(written)
    };
    let (mut progress, mut entries) = (Progress::default(), Vec::new());
    while cache.export(&mut progress, times.reading.now, &mut entries) {
        if !entries.is_empty() && put(&entries)? >= most {
            break;
        }
        entries.clear();
    }
    let written = put(&[])?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(written)
}
