//! The networks of the machine, as the daemon knows them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use zoners_dns::Random;
use zoners_host::networks::{
    AdvertisedOptions, NetworkFacts, NetworkId, NetworkSecret, ProgramUse, folders, report_folder,
};
use zoners_host::privileges::is_root;
use zoners_sandbox::{Calls, Need, Needs};

use super::secret_file;

/// The resolvers of the machine.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The file of the secret by which networks are identified.
pub(super) const SECRET: &str = "network.key";
/// The file of the strategies of networks.
pub(super) const STRATEGIES: &str = "network.strategies";
/// Octets.
const SECRET_LENGTH: usize = 16;

/// The present networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KnownNetworks {
    pub(super) facts: Arc<NetworkFacts>,
    pub(super) id: Option<NetworkId>,
}

/// Looks at the networks.
#[derive(Debug)]
pub(super) struct NetworkObserver {
    secret: NetworkSecret,
    /// The state folder.
    folder: Option<PathBuf>,
    /// The options that routers have advertised.
    advertised: AdvertisedOptions,
}

impl NetworkObserver {
    /// The secret lies in the state folder, if there is one.
    pub(super) fn new(folder: Option<&Path>, random: &Random) -> Self {
        let kept = folder.and_then(|folder| {
            let path = folder.join(SECRET);
            let kept = secret_file::read_or_make(&path, SECRET_LENGTH, random);
            kept.inspect_err(|error| tracing::debug!("network: {}: {error}", path.display())).ok()
        });
        let octets = kept.unwrap_or_else(|| secret_file::new(SECRET_LENGTH, random));
        let mut secret = [0; SECRET_LENGTH];
        secret.iter_mut().zip(octets).for_each(|(to, octet)| *to = octet);
        let advertised = AdvertisedOptions::default();
        NetworkObserver { secret: secret.into(), folder: folder.map(Path::to_owned), advertised }
    }

    /// The folder for what is remembered of networks.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Takes note of the options that routers have advertised.
    pub(super) fn note_advertised(&mut self, advertised: AdvertisedOptions) {
        self.advertised = advertised;
    }

    /// The present networks, as files and the kernel tell: a daemon in its sandbox starts no program.
    pub(super) fn look(&self) -> KnownNetworks {
        let facts = NetworkFacts::read(ProgramUse::Forbidden);
        let facts = facts.with_advertised(&self.advertised, Instant::now());
        let id = facts.id(&self.secret);
        KnownNetworks { facts: Arc::new(facts), id }
    }
}

/// The folders in which the managers of the network write.
pub(super) fn needs() -> Needs {
    let folders = folders().into_iter().map(Need::List);
    // A right to a file ends when the file is replaced, as resolv.conf is by DHCP clients, and a right to a folder when
    // the folder is made anew. So an ordinary user, from which secrets are hidden anyway, may read the folder above;
    // root may read what is there now.
    let replaced = [Some(Path::new(RESOLV_CONF)), report_folder()];
    let right = |path: &Path| {
        if is_root() { Some(path.to_owned()) } else { path.parent().map(Path::to_owned) }
    };
    let readable = replaced.into_iter().flatten().filter_map(right).map(Need::Read);
    let all = folders.chain(readable).chain([Need::Calls(Calls::Files)]).collect();
    Needs { of: "network", all }
}
