//! Writing a file.

use std::io::{self, Write};
use std::path::Path;

use zoners_cache::{Cache, Progress};
use zoners_dns::Random;
use zoners_files::replace;

use super::header::Header;
use super::{Terms, Times};
use crate::{Seal, seal};

/// Who may read it: it says what was asked for.
const MODE: u32 = 0o600;

/// Writes `cache` to the file at `path`, no more than about `most` octets; says how many they became.
/// The file before stays as it is until the new one is whole.
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
    replace(path, MODE, |out| write_to(out, cache, terms, times, random, most))
}

/// The same, to a file that is open.
///
/// # Errors
/// It cannot be written.
pub fn write_to(
    out: &mut impl Write,
    cache: &Cache,
    terms: &Terms<'_>,
    times: Times,
    random: &Random,
    most: u64,
) -> io::Result<u64> {
    let sealed = terms.seal.is_some();
    let nonce = (u128::from(random.bits()) << 64 | u128::from(random.bits())).to_be_bytes();
    let header = Header { sealed, nonce, times, fingerprints: terms.fingerprints };
    let nobody = Seal::of_nobody();
    let head = header.write(terms.seal.unwrap_or(&nobody));
    out.write_all(&head)?;
    let (mut written, mut number) = (head.len() as u64, 0);
    let mut put = |entries: &[u8]| {
        out.write_all(&(entries.len() as u32).to_be_bytes())?;
        out.write_all(entries)?;
        out.write_all(&terms.seal_piece(&nonce, number, entries, sealed))?;
        written += (4 + entries.len() + seal::LENGTH) as u64;
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
    put(&[])
}
