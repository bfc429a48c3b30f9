//! What outlives the daemon or reaches beyond it: the root's keys, the cache, what is shared.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use zoners_host::paths::state;
use zoners_store::shared::SharedCache;

use super::keeper::{self, Keeper};
use super::sandbox::not_kept;
use super::{Daemon, Overseer, rollover};
use crate::config::Config;

impl Daemon {
    /// The folder in which the root's keys are followed, if they are.
    pub(super) fn state(config: &Config) -> Option<PathBuf> {
        let wanted = config.dnssec.validate && config.dnssec.follow_rollovers;
        state::given(config.server.state.as_deref()).filter(|_| wanted)
    }

    /// Follows the root's keys, if the configuration wants it.
    pub(super) fn follow_keys(&self, overseer: &Arc<Overseer>) -> impl Future<Output = ()> + use<> {
        let (folder, signal) = (Daemon::state(&self.config), self.config.dnssec.signal_anchors);
        rollover::follow(overseer.clone(), folder, signal)
    }

    /// Trusts the root's keys that were seen, once the process is the user whose they are: root takes
    /// no other's word.
    pub(super) fn trust_what_was_seen(&mut self) {
        if let Some(tracked) =
            Daemon::state(&self.config).and_then(|folder| rollover::read(&folder))
        {
            let mut settings = (*self.settings).clone();
            rollover::apply(&mut settings, &tracked);
            self.settings = Arc::new(settings);
        }
    }

    /// Tells which files could be read by root and cannot be by the user that it has become.
    pub(super) fn tell_what_is_out_of_reach(&self) {
        let user = self.config.server.user.as_deref().unwrap_or_default();
        for (key, path) in self.config.files(self.file.as_deref()) {
            if let Err(error) = File::open(path) {
                let path = path.display();
                tracing::warn!("{key}: {path}: {error}: a reload will have to read it as {user}");
            }
        }
    }

    /// What keeps the cache in `folder`.
    pub(super) fn keeper(&self, folder: PathBuf) -> Option<Keeper> {
        Keeper::open(folder.clone(), &self.config, &self.shared, &self.settings)
            .inspect_err(|error| not_kept(&folder, error))
            .ok()
    }

    /// Shares what is learned with others, if the configuration says with whom.
    pub(super) fn share(&mut self) -> io::Result<Option<Arc<SharedCache>>> {
        let Some(terms) = self.terms.take() else { return Ok(None) };
        self.config.remarks().iter().for_each(|remark| tracing::warn!("{remark}"));
        let (clock, node) = (self.shared.clock.clone(), self.shared.random.bits());
        let proofs = keeper::fingerprints(&self.settings, &self.shared).proofs;
        let second_level = Arc::new(SharedCache::start(terms, clock, node, proofs)?);
        self.shared.share_with(second_level.clone());
        Ok(Some(second_level))
    }
}
