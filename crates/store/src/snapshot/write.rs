//! Writing a file.

use std::io::{self, Write};
use std::path::Path;

use zoners_cache::{Cache, ExportCursor};
use zoners_dns::Random;
use zoners_files::replace;

use super::header::Header;
use super::{SnapshotOptions, Times};
use crate::{Seal, seal};

/// Permissions: the file shows the names that clients asked for.
const MODE: u32 = 0o600;

/// Writes `cache` to the file at `path`, at most about `max_octets`; returns the octets written. The
/// previous file stays in place until the new file is complete.
///
/// # Errors
/// The file cannot be written.
pub fn write(
    path: &Path,
    cache: &Cache,
    options: &SnapshotOptions<'_>,
    times: Times,
    random: &Random,
    max_octets: u64,
) -> io::Result<u64> {
    replace(path, MODE, |out| write_to(out, cache, options, times, random, max_octets))
}

/// Writes `cache` to an open file; see [`write()`].
///
/// # Errors
/// The file cannot be written.
pub fn write_to(
    out: &mut impl Write,
    cache: &Cache,
    options: &SnapshotOptions<'_>,
    times: Times,
    random: &Random,
    max_octets: u64,
) -> io::Result<u64> {
    let sealed = options.seal.is_some();
    let nonce = random.octets();
    let header = Header { sealed, nonce, times, fingerprints: options.fingerprints.clone() };
    let nobody = Seal::without_secret();
    let head = header.write(options.seal.unwrap_or(&nobody));
    out.write_all(&head)?;
    let (mut written, mut number) = (head.len() as u64, 0);
    let mut put = |entries: &[u8]| {
        out.write_all(&(entries.len() as u32).to_be_bytes())?;
        out.write_all(entries)?;
        out.write_all(&options.seal_piece(&nonce, number, entries, sealed))?;
        written += (4 + entries.len() + seal::LENGTH) as u64;
        number += 1;
        io::Result::Ok(written)
    };
    let (mut progress, mut entries) = (ExportCursor::default(), Vec::new());
    while cache.export(&mut progress, times.reading.now, &mut entries) {
        if !entries.is_empty() && put(&entries)? >= max_octets {
            break;
        }
        entries.clear();
    }
    put(&[])
}
