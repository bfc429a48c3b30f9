//! Plans, progress and undos as lines for people.

use zoners_host::plan::{
    Direction, FileSource, PlanExecutor, PlanStep, StepEnd, SystemPlan, UndoPlan, UndoStep,
};

use super::failed;
use super::machine::InstallTarget;
use crate::Failure;
use crate::print::{BOLD, DIM, GREEN, RED, YELLOW, clean};

/// Files with more lines are shown by the number of lines.
const MAX_LINES: usize = 14;
/// Pages for people, shown in one line.
const PAGES: &str = "/usr/local/share";

/// The first step of an undo where the DNS settings are taken.
pub(super) const RELEASE: &str = "First, the DNS settings are put back: zoners system-dns release";

/// The steps with something to do.
///
/// # Errors
/// An entry cannot be read.
pub(super) fn plan(
    executor: &mut PlanExecutor<'_>,
    plan: &SystemPlan,
) -> Result<Vec<String>, Failure> {
    let (mut lines, mut pages) = (vec![format!("{BOLD}The plan:{BOLD:#}")], 0);
    for step in &plan.steps {
        let is_undo = matches!(step, PlanStep::Run { direction: Direction::Backward, .. });
        if is_undo || executor.is_already_so(step).map_err(failed)? {
            continue;
        }
        match is_page(step) {
            true => pages += usize::from(matches!(step, PlanStep::WriteFile { .. })),
            false => lines.extend(self::step(step)),
        }
    }
    if pages > 0 {
        let text = format!("  write {pages} manual pages, completions and examples below {PAGES}");
        lines.insert(1, text);
    }
    Ok(lines)
}

/// The steps by which the installed service makes this machine ask Zoners.
pub(super) fn switch(target: &InstallTarget, service: &str) -> Vec<String> {
    let title =
        format!("While Zoners answers, the service {service} does this; else, it undoes this:");
    let is_undo =
        |step: &&PlanStep| matches!(step, PlanStep::Run { direction: Direction::Backward, .. });
    let steps = target.switch_steps.iter().filter(|step| !is_undo(step)).flat_map(step);
    let words = target.switch_words.iter().map(|words| format!("  {words}"));
    [format!("{BOLD}{title}{BOLD:#}")].into_iter().chain(steps).chain(words).collect()
}

/// A step with the content of a short file.
fn step(step: &PlanStep) -> Vec<String> {
    let mut lines = vec![format!("  {}", clean(&step.to_string()))];
    let text = match step {
        PlanStep::WriteFile { content: FileSource::Text(text), .. } => text,
        PlanStep::AddLines { lines, .. } => lines,
        _ => return lines,
    };
    match text.lines().count() {
        count if count > MAX_LINES => lines.push(format!("      {DIM}({count} lines){DIM:#}")),
        _ => lines.extend(text.lines().map(|line| format!("      {DIM}{}{DIM:#}", clean(line)))),
    }
    lines
}

/// The line of a step after the end; none for a step without a change.
pub(super) fn progress(step: &PlanStep, end: StepEnd) -> Option<String> {
    let is_shown = end == StepEnd::Done && !is_page(step);
    is_shown.then(|| format!("{GREEN}done{GREEN:#}  {}", clean(&step.to_string())))
}

/// The steps of an undo.
pub(super) fn undo(plan: &UndoPlan) -> Vec<String> {
    let mut lines = vec![format!("{BOLD}To be undone:{BOLD:#}")];
    let mut pages = 0;
    for step in &plan.steps {
        match step {
            UndoStep::Conflict { .. } => {}
            step if is_undone_page(step) => pages += 1,
            step => lines.push(format!("  {}", clean(&step.to_string()))),
        }
    }
    if pages > 0 {
        lines.push(format!("  remove {pages} pages and folders below {PAGES}"));
    }
    lines
}

/// The line of an undone step; none for a page.
pub(super) fn undone(step: &UndoStep, remark: Option<&str>) -> Option<String> {
    if remark.is_none() && is_undone_page(step) {
        return None;
    }
    let step = clean(&step.to_string());
    Some(match remark {
        None => format!("{GREEN}done{GREEN:#}  {step}"),
        Some(remark) => format!("{YELLOW}left{YELLOW:#}  {step}: {}", clean(remark)),
    })
}

/// The changed entries with their changes.
pub(super) fn conflicts(plan: &UndoPlan) -> Vec<String> {
    let mut lines = Vec::new();
    for step in plan.conflicts() {
        let UndoStep::Conflict { difference, .. } = step else { continue };
        lines.push(format!("{step}:"));
        for line in difference {
            let colour = if line.starts_with('-') { RED } else { GREEN };
            lines.push(format!("  {colour}{line}{colour:#}"));
        }
    }
    lines
}

fn is_page(step: &PlanStep) -> bool {
    match step {
        PlanStep::WriteFile { path, .. } | PlanStep::MakeFolder { path, .. } => {
            path.starts_with(PAGES)
        }
        _ => false,
    }
}

fn is_undone_page(step: &UndoStep) -> bool {
    match step {
        UndoStep::PutBack { path, .. } | UndoStep::RemoveFolder { path, .. } => {
            path.starts_with(PAGES)
        }
        _ => false,
    }
}
