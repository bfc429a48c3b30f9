//! The DNS settings of macOS, kept: what the service beside the daemon does there.
//!
//! [`MacDns`] gives observations to the [`Guard`] and carries out the guard's actions, by one of two means:
//!
//! - our entry in the dynamic store ([`dynamic_store`](crate::dynamic_store)), which leaves nothing behind;
//! - where the system does not honour the entry ([`EntryProof`]), servers set for each network service (`networksetup`),
//!   with a journal of the former servers: a later service is covered, and every service gets its servers back.
//!
//! The programs of the system are a trait, [`MacPrograms`]: the tests of every system run this code, in virtual time.

mod before;
mod condition;
mod entry_proof;
mod services;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

pub use before::{BEFORE_FOLDER, forget_recorded_servers};

use crate::daemon_health::DaemonProbe;
use crate::dns_switch::SwitchCondition;
use crate::dynamic_store::{enter, remove};
use crate::guard::{Guard, GuardAction, GuardEvent, StoreView};
use crate::plan::{CommandRunner, SystemRoot, dns_journal};
use crate::resolvers::SystemResolver;
use before::recorded_servers;
use entry_proof::EntryProof;

/// The change of the settings, in words.
pub const IN_WORDS: &str = "an entry of its own in the dynamic store of macOS (scutil: State:/Network/Service/org.zoners/DNS) names 127.0.0.1; \
    where macOS does not honour the entry, `networksetup -setdnsservers SERVICE 127.0.0.1` for each network service";

/// The reason where questions of this machine's programs do not arrive, whatever is set.
const BYPASSED: &str =
    "macOS asks other servers all the same: a profile with encrypted DNS, or iCloud Private Relay";

/// The pause between two looks at the resolvers, and between two looks at the whole store while the resolvers stay the
/// same. A look takes one program and three programs.
const LOOK_PAUSE: Duration = Duration::from_secs(2);
const WHOLE_LOOK_PAUSE: Duration = Duration::from_secs(6);

/// The programs of a Mac: networksetup(8) as a command, and scutil(8).
pub trait MacPrograms: CommandRunner {
    /// The resolvers of the system (`scutil --dns`); none if the program does not answer.
    fn resolvers(&mut self) -> Option<Vec<SystemResolver>>;

    /// The output of scutil(8) for these commands; none if the program does not answer.
    fn ask_store(&mut self, commands: &str) -> Option<String>;

    /// Has the lasting scutil(8), which holds temporary entries, carry out commands.
    ///
    /// # Errors
    /// The program cannot be started, or has ended.
    fn tell_store(&mut self, commands: &str) -> io::Result<()>;
}

/// The means by which the system is made to ask our server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SettingMeans {
    /// Our entry in the dynamic store.
    StoreEntry,
    /// Servers set for each network service.
    ServiceServers,
}

/// The DNS settings of this Mac.
#[derive(Debug)]
pub struct MacDns<P: MacPrograms> {
    root: SystemRoot,
    programs: P,
    guard: Guard,
    means: SettingMeans,
    proof: EntryProof,
    resolvers: Vec<SystemResolver>,
    looked_at: Option<Duration>,
    /// The last look at the whole store; none if the next look must be a whole one.
    whole_look_at: Option<Duration>,
    view: StoreView,
    /// Neither means is honoured.
    is_bypassed: bool,
    /// The reason why the last action failed.
    failure: Option<String>,
}

impl<P: MacPrograms> MacDns<P> {
    /// Puts back what a killed process or a power cut has left, and reads the settings. At the first start after an
    /// install, servers set by hand are recorded: these are no change since.
    ///
    /// # Errors
    /// The settings cannot be put back or read, for this reason.
    pub fn start(root: SystemRoot, mut programs: P) -> Result<Self, String> {
        services::release(&root, &mut programs)?;
        let view = StoreView::read(|words| programs.ask_store(words), Vec::new());
        let now = view.ok_or("scutil does not answer")?.by_hand;
        let before = recorded_servers(&root, now).map_err(|error| error.to_string())?;
        Ok(MacDns {
            root,
            programs,
            guard: Guard::new(own_servers(), before),
            means: SettingMeans::StoreEntry,
            proof: EntryProof::default(),
            resolvers: Vec::new(),
            looked_at: None,
            whole_look_at: None,
            view: StoreView::default(),
            is_bypassed: false,
            failure: None,
        })
    }

    /// Takes note of a question to the daemon at `now`, looks at the settings, and does what the guard decides.
    /// `has_slept`: the machine slept since the last call.
    pub fn observe(&mut self, now: Duration, probe: DaemonProbe, has_slept: bool) {
        if has_slept {
            self.tell(now, GuardEvent::Woke);
            self.looked_at = None;
            self.whole_look_at = None;
        }
        self.tell(now, GuardEvent::Probed(probe));
        if let Some(view) = self.look(now) {
            self.view = view.clone();
            self.tell(now, GuardEvent::Store(view));
        }
        self.sweep_own_servers();
        let is_ours = self.condition() == SwitchCondition::Ours;
        self.proof.note_setting(now, is_ours);
    }

    /// The servers that this machine asks, and the reason.
    #[must_use]
    pub fn condition(&self) -> SwitchCondition {
        match &self.failure {
            Some(reason) => SwitchCondition::Failed { reason: reason.clone() },
            None => match condition::of(self.guard.condition(), &self.view) {
                SwitchCondition::Ours if self.is_bypassed => {
                    SwitchCondition::Failed { reason: BYPASSED.to_owned() }
                }
                condition => condition,
            },
        }
    }

    /// The time until the next observation.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.guard.interval()
    }

    /// Whether the caller shall ask by the resolver of the system, and tell the outcome ([`MacDns::note_proof`]).
    #[must_use]
    pub fn wants_proof(&self, now: Duration) -> bool {
        self.proof.is_due(now)
    }

    /// Takes note of a question by the resolver of the system: whether the question arrived at the daemon.
    pub fn note_proof(&mut self, now: Duration, has_arrived: bool) {
        if !self.proof.note(now, has_arrived) {
            return;
        }
        match self.means {
            SettingMeans::StoreEntry => {
                tracing::warn!(
                    "system DNS: macOS does not honour the entry in the dynamic store: setting the servers of services"
                );
                let _ = self.programs.tell_store(&remove());
                self.means = SettingMeans::ServiceServers;
                self.proof = EntryProof::default();
            }
            // What is of no use must not stay: the entry alone leaves nothing behind.
            SettingMeans::ServiceServers => {
                self.act(&GuardAction::Remove);
                self.means = SettingMeans::StoreEntry;
                self.is_bypassed = true;
            }
        }
        self.act(&GuardAction::Enter(own_servers()));
    }

    /// Puts back the former settings.
    ///
    /// # Errors
    /// The system refuses, for this reason; a further call goes on from there.
    pub fn release(&mut self) -> Result<(), String> {
        let told = self.programs.tell_store(&remove());
        let released = services::release(&self.root, &mut self.programs);
        told.map_err(|error| format!("scutil: {error}")).and(released)
    }

    fn tell(&mut self, now: Duration, event: GuardEvent) {
        for action in self.guard.observe(now, event) {
            self.act(&action);
        }
    }

    /// Carries out an action. A failure is told; the guard sees in the store what came of the action, and tries again.
    fn act(&mut self, action: &GuardAction) {
        let ended = match (action, self.means) {
            (GuardAction::Enter(servers), SettingMeans::StoreEntry) => self
                .programs
                .tell_store(&enter(servers))
                .map_err(|error| format!("scutil: {error}")),
            (GuardAction::Enter(_), SettingMeans::ServiceServers) => {
                let left = self.guard.open_choices(&self.view);
                services::take(&self.root, &mut self.programs, &own_texts(), &left)
            }
            (GuardAction::Remove, _) => self.release(),
            // The daemon has no use for these yet.
            (GuardAction::Report(_) | GuardAction::NetworkServers(_), _) => return,
        };
        self.whole_look_at = None;
        if let Err(reason) = &ended {
            tracing::warn!("system DNS: {reason}");
        }
        self.failure = ended.err();
    }

    /// The store, if a look is due and something may have changed.
    fn look(&mut self, now: Duration) -> Option<StoreView> {
        let is_due = |last: Option<Duration>, pause| {
            last.is_none_or(|last| now.saturating_sub(last) >= pause)
        };
        let is_whole = is_due(self.whole_look_at, WHOLE_LOOK_PAUSE);
        if !is_whole && !is_due(self.looked_at, LOOK_PAUSE) {
            return None;
        }
        let resolvers = self.programs.resolvers()?;
        self.looked_at = Some(now);
        if !is_whole && resolvers == self.resolvers {
            return None;
        }
        let mut view = StoreView::read(|words| self.programs.ask_store(words), resolvers.clone())?;
        if self.means == SettingMeans::ServiceServers {
            let left = self.guard.open_choices(&view);
            let is_ours = services::are_set(&mut self.programs, &own_texts(), &left).ok()?;
            view.own = is_ours.then(own_servers);
        }
        self.whole_look_at = Some(now);
        self.resolvers = resolvers;
        Some(view)
    }

    /// Removes our servers where a VPN has restored our servers after our release.
    fn sweep_own_servers(&mut self) {
        let is_kept = self.means == SettingMeans::StoreEntry || self.guard.is_entered();
        let is_restored = self.view.by_hand.values().any(|servers| *servers == own_servers());
        if is_kept || !is_restored || self.whole_look_at.is_none() {
            return;
        }
        if let Err(reason) = services::sweep(&self.root, &mut self.programs, &own_texts()) {
            tracing::warn!("system DNS: {reason}");
        }
        self.whole_look_at = None;
    }
}

/// Puts back the former servers of each service, where no keeper runs. Our entry in the dynamic store has ended with the
/// keeper.
///
/// # Errors
/// The system refuses, for this reason; a further call goes on from there.
pub fn release(root: &SystemRoot, commands: &mut dyn CommandRunner) -> Result<(), String> {
    services::release(root, commands)
}

/// Whether a journal has former servers of services.
///
/// # Errors
/// A folder cannot be read.
pub fn is_taken(root: &SystemRoot) -> io::Result<bool> {
    dns_journal::is_taken(root)
}

/// The servers of this machine.
fn own_servers() -> Vec<IpAddr> {
    vec![Ipv4Addr::LOCALHOST.into()]
}

fn own_texts() -> Vec<String> {
    own_servers().iter().map(ToString::to_string).collect()
}
