//! The content of the cache: shown, dumped, loaded and forgotten.

use std::fs::File;

use zoners_api::{AdminError, CacheDump, CacheEntries, CacheFill, CacheFlush, CacheLoad};
use zoners_cache::ImportStats;
use zoners_dns::{Counter, Network};

use super::Overseer;
use super::requests::{beside, parse};
use crate::daemon::keeper;
use crate::daemon::origin::fingerprints;
use crate::report::{self, text};

/// The memory in use, and the queries answered from it.
pub(super) fn fill<N: Network>(overseer: &Overseer<N>) -> CacheFill {
    let service = overseer.service();
    let cache = &service.worker().shared().cache;
    let stats = cache.stats();
    CacheFill {
        entries: stats.entries as u64,
        used_bytes: stats.bytes as u64,
        limit_bytes: cache.limit() as u64,
        evicted: stats.evicted,
        queries: overseer.count(Counter::ClientQueries),
        cached: overseer.count(Counter::ClientCached),
        recursed: overseer.count(Counter::ClientRecursed),
        stale: overseer.count(Counter::ClientStale),
    }
}

/// The entries at a name.
pub(super) fn entries<N: Network>(
    overseer: &Overseer<N>,
    name: &str,
) -> Result<CacheEntries, AdminError> {
    let (name, service) = (parse(name)?, overseer.service());
    let shared = service.worker().shared();
    let (entries, more) = shared.cache.inspect(&name, shared.now());
    let entries = entries.iter().map(report::cache_entry).collect();
    Ok(CacheEntries { name: text(&name), entries, more: more as u64 })
}

/// Writes the cache into a file.
pub(super) async fn dump<N: Network>(
    overseer: &Overseer<N>,
    file: File,
) -> Result<CacheDump, AdminError> {
    let service = overseer.service();
    let dump = move || {
        let (worker, shared) = (service.worker(), service.worker().shared());
        let origin = fingerprints(worker.settings(), shared);
        keeper::dump(file, shared, origin).map_err(|error| error.to_string())
    };
    let written_bytes = beside(dump).await?;
    Ok(CacheDump { written_bytes })
}

/// Takes the entries of a dump.
pub(super) async fn load<N: Network>(
    overseer: &Overseer<N>,
    file: File,
) -> Result<CacheLoad, AdminError> {
    let service = overseer.service();
    let load = move || {
        let (worker, shared) = (service.worker(), service.worker().shared());
        let origin = fingerprints(worker.settings(), shared);
        keeper::bring(file, shared, origin)
    };
    let loaded = beside(load).await?;
    let ImportStats { imported, skipped } = loaded.entries;
    let (imported, skipped) = (imported as u64, skipped as u64);
    Ok(CacheLoad { imported, skipped, age_s: loaded.age.as_secs() })
}

/// Forgets a name, here, in the second level and on the disk.
///
/// # Errors
/// The name is none, or the file of the cache cannot be removed.
pub(super) async fn flush<N: Network>(
    overseer: &Overseer<N>,
    name: &str,
    subtree: bool,
) -> Result<CacheFlush, AdminError> {
    let (name, service) = (parse(name)?, overseer.service());
    let shared = service.worker().shared();
    // The second level first, so that no entry returns in between.
    let there = match shared.second_level() {
        None => None,
        Some(second_level) => Some(second_level.forget(&name, subtree).await),
    };
    let (second_level, second_level_error) = match there {
        None => (None, None),
        Some(Ok(questions)) => (Some(questions as u64), None),
        Some(Err(why)) => (None, Some(why)),
    };
    let flushed = service.memories().map(|memory| memory.cache.flush(&name, subtree) as u64);
    let removed = flushed.sum();
    // The file last, so that no write has what was flushed.
    erase_file(overseer)?;
    Ok(CacheFlush { removed, second_level, second_level_error })
}

/// Erases the file of the cache, in which names and verdicts stand that memory has forgotten.
///
/// # Errors
/// The file cannot be removed.
pub(super) fn erase_file<N: Network>(overseer: &Overseer<N>) -> Result<(), AdminError> {
    let erased = overseer.about.cache_file.as_ref().map_or(Ok(()), |file| file.erase());
    erased.map_err(|error| {
        AdminError::failed(format!("forgotten in memory, but not on the disk: {error}"))
    })
}
