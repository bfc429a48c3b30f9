//! Landlock: accessible files, TCP ports and processes (landlock(7)).

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope,
};

use crate::Need;

/// The newest Landlock ABI that this code uses.
const ABI: ABI = ABI::V6;

/// Denies access to files, ports and processes needed by no part of the daemon.
pub(super) fn restrict(wanted: &[&Need]) -> Result<String, String> {
    let status = enforce(wanted).map_err(|error| error.to_string())?;
    let abi = match status.landlock {
        LandlockStatus::NotImplemented => return Err("the kernel has none".to_owned()),
        LandlockStatus::NotEnabled => return Err("the kernel was started without".to_owned()),
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
    };
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("the kernel holds nobody to it".to_owned());
    }
    let mut held = vec!["files"];
    held.extend(
        (abi >= ABI::V4 && !wanted.contains(&&Need::ConnectAnywhere)).then_some("TCP ports"),
    );
    held.extend((abi >= ABI::V6).then_some("signals"));
    Ok(format!("version {}: {}", abi as u32, held.join(", ")))
}

fn enforce(wanted: &[&Need]) -> Result<RestrictionStatus, RulesetError> {
    let mut scopes = Scope::from_all(ABI);
    if wanted.contains(&&Need::AbstractSockets) {
        scopes.remove(Scope::AbstractUnixSocket);
    }
    let mut ports = AccessNet::from_all(ABI);
    if wanted.contains(&&Need::ConnectAnywhere) {
        ports.remove(AccessNet::ConnectTcp);
    }
    let ruleset =
        Ruleset::default().handle_access(AccessFs::from_all(ABI))?.handle_access(ports)?;
    let ruleset = ruleset.scope(scopes)?.create()?;
    wanted.iter().try_fold(ruleset, grant)?.restrict_self()
}

fn grant(ruleset: RulesetCreated, need: &&Need) -> Result<RulesetCreated, RulesetError> {
    let read = AccessFs::ReadFile;
    let list = read | AccessFs::ReadDir;
    let remove = AccessFs::RemoveFile;
    let write = list | remove | AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::Truncate;
    let (folder, access): (_, BitFlags<AccessFs>) = match need {
        Need::Read(folder) => (folder, read.into()),
        Need::List(folder) => (folder, list),
        Need::Write(folder) => (folder, write),
        Need::Remove(folder) => (folder, remove.into()),
        Need::Connect(port) => return ruleset.add_rule(NetPort::new(*port, AccessNet::ConnectTcp)),
        Need::Bind => return ruleset.add_rule(NetPort::new(0, AccessNet::BindTcp)),
        Need::Listen(port) => return ruleset.add_rule(NetPort::new(*port, AccessNet::BindTcp)),
        Need::ConnectAnywhere | Need::PrivilegedPorts | Need::AbstractSockets | Need::Calls(_) => {
            return Ok(ruleset);
        }
    };
    match PathFd::new(folder) {
        Ok(folder) => ruleset.add_rule(PathBeneath::new(folder, access)),
        // A missing folder needs no rule.
        Err(_) => Ok(ruleset),
    }
}
