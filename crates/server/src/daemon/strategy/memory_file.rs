//! The memory of networks, in a file of the state folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use zoners_files::replace;
use zoners_networks::NetworkMemory;

use crate::daemon::networks::STRATEGIES;

/// A longer file is not ours.
const MAX_OCTETS: u64 = 64 * 1024;

/// The file, and its last content.
pub(super) struct MemoryFile {
    path: Option<PathBuf>,
    written: NetworkMemory,
}

impl MemoryFile {
    /// The file in `folder`; without a folder, nothing is kept.
    pub(super) fn new(folder: Option<&Path>) -> Self {
        let path = folder.map(|folder| folder.join(STRATEGIES));
        MemoryFile { path, written: NetworkMemory::default() }
    }

    /// The content; nothing where the file is missing or damaged, which costs a few probes.
    pub(super) fn read(&self) -> NetworkMemory {
        let Some(path) = &self.path else { return NetworkMemory::default() };
        let is_short = fs::metadata(path).is_ok_and(|file| file.len() <= MAX_OCTETS);
        let text = is_short.then(|| fs::read(path).ok()).flatten().unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Writes the memory, if there is news.
    pub(super) fn write(&mut self, memory: &NetworkMemory) {
        if *memory == self.written {
            return;
        }
        self.written.clone_from(memory);
        let (Some(path), Ok(text)) = (&self.path, serde_json::to_vec(memory)) else { return };
        if let Err(error) = replace(path, 0o600, |out| out.write_all(&text)) {
            tracing::warn!("network: {}: {error}: this network is not remembered", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::Moment;
    use zoners_networks::{
        NetworkEvidence, PathCondition, Strategy, StrategyMachine, StrategyTerms,
    };

    #[test]
    fn the_memory_is_there_after_a_restart_and_a_damaged_file_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let mut machine = StrategyMachine::new(StrategyTerms::default());
        let now = Moment::from_millis(1);
        machine.enter(Some("cafe".to_owned()), now);
        machine.observe(NetworkEvidence::Path(PathCondition::UdpBlocked), now);
        let mut file = MemoryFile::new(Some(folder.path()));
        assert_eq!(file.read(), NetworkMemory::default());
        file.write(machine.memory());
        let later = MemoryFile::new(Some(folder.path()));
        assert_eq!(later.read().recall("cafe"), Some(Strategy::RecurseOverTcp));
        for damaged in ["", "{", "[]", "{\"networks\":[{\"id\":1}]}"] {
            fs::write(folder.path().join(STRATEGIES), damaged).unwrap();
            assert_eq!(later.read(), NetworkMemory::default(), "{damaged}");
        }
    }
}
