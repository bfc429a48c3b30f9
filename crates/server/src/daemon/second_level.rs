//! The second level, which several nodes share.

use std::io;
use std::sync::Arc;

use zoners_store::shared::{SharedCache, SharedCacheConfig};

use super::generation::{Core, Generation};
use super::origin::fingerprints;

/// Shares answers on these terms from now on.
///
/// # Errors
/// The system gives no thread.
pub(super) fn share(
    terms: SharedCacheConfig,
    core: &Core,
    generation: &Generation,
) -> io::Result<Arc<SharedCache>> {
    let (clock, node) = (core.shared.clock.clone(), core.shared.random.bits());
    let proofs = fingerprints(&generation.settings, &core.shared).proofs();
    let second_level = Arc::new(SharedCache::start(terms, clock, node, proofs)?);
    core.shared.share_with(second_level.clone());
    Ok(second_level)
}
