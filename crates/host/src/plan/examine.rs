//! The present state, compared with the former state and with the state made by a change.

use std::io;
use std::path::PathBuf;

use super::accounts;
use super::difference::difference;
use super::entry_state::{EntryState, FileAttributes};
use super::executor::PlanExecutor;
use super::extra_names::{beside, second_name};
use super::history::{PastChange, changes};
use super::journal_lines::{BegunStep, FormerState};
use super::octets::EntryOctets;
use super::root::SystemRoot;
use super::service_dns;
use super::step::{FileSource, IfChanged, PlanStep, StepKey, with_lines, without_lines};
use super::undo_plan::{OnConflict, UndoPlan, UndoStep};

/// Looks at everything changed by the steps. `earlier` are steps of plans that stay.
///
/// # Errors
/// An entry cannot be read.
pub(super) fn examine(
    executor: &mut PlanExecutor<'_>,
    earlier: &[BegunStep],
    steps: &[BegunStep],
    on_conflict: OnConflict,
) -> io::Result<UndoPlan> {
    let mut undo = Vec::new();
    for change in changes(earlier, steps).iter().rev() {
        undo.extend(examine_change(executor, change, on_conflict)?);
    }
    Ok(UndoPlan { steps: undo })
}

/// The step that undoes a change; none if everything is as before.
fn examine_change(
    executor: &mut PlanExecutor<'_>,
    change: &PastChange<'_>,
    on_conflict: OnConflict,
) -> io::Result<Option<UndoStep>> {
    let Some(last) = change.last() else { return Ok(None) };
    Ok(match (&last.step, change.former) {
        (PlanStep::Run { command, .. }, _) => Some(UndoStep::Run(command.clone())),
        (
            PlanStep::StartService(service) | PlanStep::StopService(service),
            FormerState::Service { running },
        ) => match running {
            true => (!executor.is_running(service)).then(|| UndoStep::Start(service.clone())),
            false => executor.has_process(service).then(|| UndoStep::Stop(service.clone())),
        },
        (
            PlanStep::SetDnsServers { service, servers: own },
            FormerState::DnsServers { servers },
        ) => {
            let now = service_dns::read(executor.commands, service)?;
            let is_ours = on_conflict == OnConflict::Restore || now.as_ref() == Some(own);
            let is_changed = now.as_ref().is_some_and(|now| now != servers);
            (is_ours && is_changed).then(|| {
                let (service, servers) = (service.clone(), servers.clone());
                UndoStep::SetDnsServers { service, servers }
            })
        }
        (
            PlanStep::CreateUser { name, remove, directory, .. },
            FormerState::User { existed: false, accounts },
        ) => {
            let (name, remove, accounts) = (name.clone(), remove.clone(), accounts.clone());
            let directory = directory.clone();
            let is_undone = match &directory {
                Some(directory) => !executor.succeeds(&directory.has_part),
                None => accounts::are_as_before(executor.root, &accounts)?,
            };
            (!is_undone).then_some(UndoStep::RemoveUser { name, remove, accounts, directory })
        }
        (step, FormerState::Path { state }) => {
            examine_path(executor.root, change, step, state, on_conflict)?
        }
        _ => None,
    })
}

fn examine_path(
    root: &SystemRoot,
    change: &PastChange<'_>,
    step: &PlanStep,
    former: &EntryState,
    on_conflict: OnConflict,
) -> io::Result<Option<UndoStep>> {
    let StepKey::Path(path) = &change.key else { return Ok(None) };
    let (path, place) = (path.clone(), root.locate(path)?);
    let current = EntryState::read(&place)?;
    let made = |begun: &&BegunStep| match &begun.former {
        FormerState::Path { state } => begun.step.has_made(state, &current),
        _ => false,
    };
    if let PlanStep::MakeFolder { with_content, .. } = step {
        let is_new = *former == EntryState::Absent && current == EntryState::Folder;
        let with_content = *with_content;
        return Ok(is_new.then_some(UndoStep::RemoveFolder { path, place, with_content }));
    }
    let second_name = change.is_first.then(|| second_name(&place));
    let is_there = |path: &PathBuf| path.symlink_metadata().is_ok();
    let is_left = is_there(&beside(&place)) || second_name.as_ref().is_some_and(is_there);
    if current.is_same(former) && !is_left {
        return Ok(None);
    }
    let is_ours = current.has_content_of(former)
        || current == EntryState::Absent
        || change.steps.iter().any(made)
        || is_half_written(change, &current);
    if is_ours {
        let former = former.clone();
        return Ok(Some(UndoStep::PutBack { path, place, current, former, second_name }));
    }
    if let PlanStep::AddLines { lines, .. } = step {
        let has_lines = current.content().is_some_and(|now| without_lines(now, lines).is_some());
        let lines = lines.clone();
        return Ok(match has_lines {
            true => Some(UndoStep::RemoveLines { path, place, current, lines, second_name }),
            false => is_left.then_some(UndoStep::Keep { path, place, second_name }),
        });
    }
    let if_changed = match step {
        PlanStep::WriteFile { if_changed, .. } => *if_changed,
        _ => IfChanged::Refuse,
    };
    Ok(Some(match (if_changed, on_conflict) {
        (IfChanged::Restore, _) | (IfChanged::Keep | IfChanged::Refuse, OnConflict::Restore) => {
            let former = former.clone();
            UndoStep::PutBack { path, place, current, former, second_name }
        }
        (IfChanged::Keep, _) | (_, OnConflict::Keep) => UndoStep::Keep { path, place, second_name },
        (IfChanged::Refuse, OnConflict::Refuse) => {
            let difference = difference(&made_by(step, former), &current);
            UndoStep::Conflict { path, difference }
        }
    }))
}

/// Whether a file written in place has octets of the former file and of the step alone, as a killed process
/// or a power cut leaves the file.
fn is_half_written(change: &PastChange<'_>, current: &EntryState) -> bool {
    let (Some(last), Some(now)) = (change.last(), current.content()) else { return false };
    let FormerState::Path { state } = &last.former else { return false };
    if !state.is_in_place() {
        return false;
    }
    let mut before = vec![state];
    if let FormerState::Path { state } = change.former {
        before.push(state);
    }
    let made = made_by(&last.step, state);
    let made = made.content().unwrap_or_default();
    before.into_iter().filter_map(EntryState::content).any(|before| {
        now.len() <= made.len().max(before.len())
            && now.iter().enumerate().all(|(at, octet)| {
                *octet == 0 || made.get(at) == Some(octet) || before.get(at) == Some(octet)
            })
    })
}

/// The entry made by a step, without attributes.
fn made_by(step: &PlanStep, former: &EntryState) -> EntryState {
    let attributes = FileAttributes::default();
    let file = |content| EntryState::File {
        content: EntryOctets(content),
        attributes: attributes.clone(),
        in_place: false,
    };
    match step {
        PlanStep::WriteFile { content: FileSource::Text(text), .. } => file(text.clone().into()),
        PlanStep::AddLines { lines, position, .. } => {
            file(with_lines(former.content().unwrap_or_default(), lines, *position))
        }
        PlanStep::Link { target, .. } => {
            let target = EntryOctets(target.as_os_str().as_encoded_bytes().to_vec());
            EntryState::Link { target, attributes }
        }
        _ => EntryState::Absent,
    }
}
