//! Loading a file, piece by piece.

use std::io::{BufReader, Read};
use std::path::Path;
use std::time::Duration;

use zoners_cache::{Cache, ImportStats};
use zoners_dns::Clock;
use zoners_files::open_own;

use super::header::Header;
use super::refusal::Refusal;
use super::{Boot, SnapshotOptions, Times};
use crate::seal;

/// Octets of the longest piece; written pieces are shorter.
const MAX_PIECE_OCTETS: usize = 128 * 1024;

/// The result of loading a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The entries that were imported.
    pub entries: ImportStats,
    /// The age of the file.
    pub age: Duration,
    /// Whether the DNSSEC status of the entries counts.
    pub trusted: bool,
}

/// Loads the file at `path`, which no other user may be able to write, into `cache`; see [`read_from`].
///
/// # Errors
/// The file is not used, or not to its end. Sealed pieces before the fault are kept.
pub fn read(
    path: &Path,
    cache: &Cache,
    options: &SnapshotOptions<'_>,
    clock: &dyn Clock,
    boot: Boot,
    own: bool,
    proceed: impl Fn() -> bool,
) -> Result<Loaded, Refusal> {
    let file = open_own(path).map_err(Refusal::Unreadable)?;
    read_from(file, cache, options, clock, boot, own, proceed)
}

/// Imports the entries of `file` into `cache`, which serves meanwhile: newer entries are not replaced.
/// With `own`, the file must be sealed with our secret and have the same sources. Without `own`, an
/// unsealed file is accepted too, since the operator vouches for its sources. `proceed` is called
/// before each piece; loading ends when `proceed` returns false.
///
/// # Errors
/// The file is not used, or not to its end. Sealed pieces before the fault are kept.
pub fn read_from(
    file: impl Read,
    cache: &Cache,
    options: &SnapshotOptions<'_>,
    clock: &dyn Clock,
    boot: Boot,
    own: bool,
    proceed: impl Fn() -> bool,
) -> Result<Loaded, Refusal> {
    let mut file = BufReader::new(file);
    let header = Header::read(&mut file, options.seal)?;
    if own && !header.sealed {
        return Err(Refusal::Foreign("not sealed"));
    }
    if own && header.fingerprints.sources != options.fingerprints.sources {
        return Err(Refusal::Outdated("the configured sources have changed since"));
    }
    let now = Times { reading: clock.read(), boot };
    let age = age(&header.times, &now)
        .ok_or(Refusal::Outdated("the wall clock was set back to before the file was written"))?;
    let then = header.times.reading.now.after(age);
    let shift = now.reading.now.as_millis() as i64 - then.as_millis() as i64;
    let trusted = header.sealed && options.fingerprints.prove_all_of(&header.fingerprints);
    let mut entries = ImportStats::default();
    for number in 0.. {
        let piece = piece(&mut file, &header, number, options)?;
        if piece.is_empty() || cache.is_nearly_full() || !proceed() {
            break;
        }
        let taken = cache
            .import(&piece, shift, trusted, clock.now())
            .map_err(|_| Refusal::Foreign("malformed entries"))?;
        entries.imported += taken.imported;
        entries.skipped += taken.skipped;
    }
    Ok(Loaded { entries, age, trusted })
}

/// The time from `then` to `now`; `None` if the wall clock was set back in between.
fn age(then: &Times, now: &Times) -> Option<Duration> {
    let same_start = then.boot.0.is_some() && then.boot == now.boot;
    if same_start && now.reading.now >= then.reading.now {
        return Some(now.reading.now.since(then.reading.now));
    }
    let seconds = now.reading.wall_seconds.checked_sub(then.reading.wall_seconds)?;
    // Both readings were rounded down.
    Some(Duration::from_secs(seconds + 1))
}

/// The entries of the next piece.
fn piece(
    file: &mut impl Read,
    header: &Header,
    number: u64,
    options: &SnapshotOptions<'_>,
) -> Result<Vec<u8>, Refusal> {
    let (mut length, mut over) = ([0; 4], [0; seal::LENGTH]);
    file.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_PIECE_OCTETS {
        return Err(Refusal::Foreign("seal invalid: changed"));
    }
    let mut entries = vec![0; length];
    file.read_exact(&mut entries)?;
    file.read_exact(&mut over)?;
    match options.seal_piece(&header.nonce, number, &entries, header.sealed) == over {
        true => Ok(entries),
        false => Err(Refusal::Foreign("seal invalid: changed")),
    }
}
