//! Reading a file back, piece by piece.

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use zoners_cache::{Cache, Taken};
use zoners_dns::Clock;
use zoners_files::open_own;

use super::header::{self, Header};
use super::{Boot, Terms, Times};
use crate::seal;

/// Octets of the longest piece: more than any that is written.
const LONGEST: usize = 128 * 1024;

/// Why a file, or the rest of it, is not used.
#[derive(Debug)]
pub enum Refusal {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is torn, changed, of another version or not ours.
    Foreign(&'static str),
    /// It is ours, but was written under other circumstances.
    Outdated(&'static str),
}

/// What came of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What was taken.
    pub entries: Taken,
    /// How long ago it was written.
    pub age: Duration,
    /// Whether what it says of authenticity counts.
    pub trusted: bool,
}

/// Takes the file at `path`, which must be ours alone to write, into `cache`; see [`read_from`].
///
/// # Errors
/// The file is not used, or not to its end. What was sealed before that is taken.
pub fn read(
    path: &Path,
    cache: &Cache,
    terms: &Terms<'_>,
    clock: &dyn Clock,
    boot: Boot,
    own: bool,
    proceed: impl Fn() -> bool,
) -> Result<Loaded, Refusal> {
    let file = open_own(path).map_err(Refusal::Unreadable)?;
    read_from(file, cache, terms, clock, boot, own, proceed)
}

/// Takes what `file` holds into `cache`, which serves meanwhile: what is learned in between is not
/// replaced. With `own`, only a file that was sealed by us and has the same sources will do; without,
/// an unsealed one will too, as whoever brings it vouches for its sources. `proceed` is asked before
/// each piece.
///
/// # Errors
/// The file is not used, or not to its end. What was sealed before that is taken.
pub fn read_from(
    file: impl Read,
    cache: &Cache,
    terms: &Terms<'_>,
    clock: &dyn Clock,
    boot: Boot,
    own: bool,
    proceed: impl Fn() -> bool,
) -> Result<Loaded, Refusal> {
    let mut file = BufReader::new(file);
    let mut head = [0; header::LENGTH];
    file.read_exact(&mut head).map_err(torn)?;
    let header = Header::read(&head, terms.seal).map_err(Refusal::Foreign)?;
    if own && !header.sealed {
        return Err(Refusal::Foreign("it is not sealed"));
    }
    if own && header.fingerprints.sources != terms.fingerprints.sources {
        return Err(Refusal::Outdated("the configuration asks others than it did then"));
    }
    let now = Times { reading: clock.read(), boot };
    let age = age(&header.times, &now).ok_or(Refusal::Outdated(
        "the wall clock was set back behind the time when it was written",
    ))?;
    let then = header.times.reading.now.after(age);
    let shift = now.reading.now.as_millis() as i64 - then.as_millis() as i64;
    let trusted = header.sealed && header.fingerprints.proofs == terms.fingerprints.proofs;
    let mut entries = Taken::default();
    for number in 0.. {
        let piece = piece(&mut file, &header, number, terms)?;
        if piece.is_empty() || cache.is_nearly_full() || !proceed() {
            break;
        }
        let taken = cache
            .import(&piece, shift, trusted, clock.now())
            .map_err(|_| Refusal::Foreign("what it holds are no entries"))?;
        entries.taken += taken.taken;
        entries.passed_over += taken.passed_over;
    }
    Ok(Loaded { entries, age, trusted })
}

/// How long before `now` it was `then`; `None` if nobody can tell, since the clock was set back.
fn age(then: &Times, now: &Times) -> Option<Duration> {
    let same_start = then.boot.0.is_some() && then.boot == now.boot;
    if same_start && now.reading.now >= then.reading.now {
        return Some(now.reading.now.since(then.reading.now));
    }
    let seconds = now.reading.wall_seconds.checked_sub(then.reading.wall_seconds)?;
    // Both were rounded down.
    Some(Duration::from_secs(seconds + 1))
}

/// The entries of the next piece.
fn piece(
    file: &mut impl Read,
    header: &Header,
    number: u64,
    terms: &Terms<'_>,
) -> Result<Vec<u8>, Refusal> {
    let (mut length, mut over) = ([0; 4], [0; seal::LENGTH]);
    file.read_exact(&mut length).map_err(torn)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        return Err(Refusal::Foreign("it was changed"));
    }
    let mut entries = vec![0; length];
    file.read_exact(&mut entries).map_err(torn)?;
    file.read_exact(&mut over).map_err(torn)?;
    match terms.seal_piece(&header.nonce, number, &entries, header.sealed) == over {
        true => Ok(entries),
        false => Err(Refusal::Foreign("it was changed")),
    }
}

fn torn(error: io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Refusal::Foreign("its end is missing"),
        _ => Refusal::Unreadable(error),
    }
}
