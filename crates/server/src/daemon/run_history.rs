//! The history of runs of the daemon in the state folder: a run without an end is noticed at the next start.
//!
//! A run of an earlier start of the machine without an end was cut off with the machine (a power cut, a reset). A run of
//! this start of the machine without an end is a crash, or was killed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use zoners_api::CrashReport;
use zoners_files::{read_own, replace};
use zoners_host::clock::boot_id;

/// The file: a line for each run, the latest last.
pub(super) const FILE: &str = "runs";
/// Runs in the file.
const MAX_RUNS: usize = 16;
/// Octets of the file.
const MAX_OCTETS: u64 = 16 * 1024;
const MODE: u32 = 0o600;

/// The runs up to this one, which is the last.
#[derive(Debug)]
pub(super) struct RunHistory {
    path: Option<PathBuf>,
    runs: Vec<DaemonRun>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct DaemonRun {
    /// Seconds since 1970.
    started_s: u64,
    process: u32,
    version: String,
    /// The start of the machine; `-` if unknown.
    boot: String,
    end: RunEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RunEnd {
    None,
    Clean,
    HandedOver,
    /// Noticed at this time, in seconds since 1970.
    Crash(u64),
    /// The machine stopped.
    PowerCut(u64),
}

impl RunHistory {
    /// The history in this folder with a run of this process, not yet written. `takes_over`: the previous daemon runs,
    /// and hands over to this one.
    pub(super) fn begin(folder: Option<&Path>, takes_over: bool) -> Self {
        let boot = boot_id().map(|boot| boot.iter().map(|octet| format!("{octet:02x}")).collect());
        let run = DaemonRun {
            started_s: now_s(),
            process: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            boot: boot.unwrap_or_else(|| "-".to_owned()),
            end: RunEnd::None,
        };
        RunHistory::begin_with(folder, takes_over, run)
    }

    fn begin_with(folder: Option<&Path>, takes_over: bool, run: DaemonRun) -> Self {
        let path = folder.map(|folder| folder.join(FILE));
        let (mut runs, fault) = path.as_deref().map(read).unwrap_or_default();
        if let Some(fault) = fault {
            tracing::warn!("serve: {fault}: an earlier crash may be unknown");
        }
        if let Some(last) = runs.last_mut().filter(|last| last.end == RunEnd::None) {
            last.end = match (takes_over, last.boot == run.boot) {
                (true, _) => RunEnd::HandedOver,
                (false, true) => RunEnd::Crash(run.started_s),
                (false, false) => RunEnd::PowerCut(run.started_s),
            };
        }
        runs.push(run);
        runs.drain(..runs.len().saturating_sub(MAX_RUNS));
        RunHistory { path, runs }
    }

    /// The latest crash, if the file has one.
    pub(super) fn last_crash(&self) -> Option<CrashReport> {
        let mut crashes = self.runs.iter().filter_map(|run| match run.end {
            RunEnd::Crash(at) => Some((run, at)),
            _ => None,
        });
        let (number, latest) = (crashes.clone().count(), crashes.next_back());
        latest.map(|(run, at)| CrashReport {
            at_unix_s: at,
            ago_s: 0,
            program: run.version.clone(),
            process: run.process,
            crashes: number as u64,
        })
    }

    /// Writes that this run has begun, and logs how the previous one ended.
    pub(super) fn note_begin(&self) {
        if let [.., DaemonRun { process, version, end, .. }, _] = self.runs.as_slice() {
            match end {
                RunEnd::Crash(_) => tracing::warn!(
                    "serve: the previous daemon (process {process}, version {version}) crashed or was killed"
                ),
                RunEnd::PowerCut(_) => tracing::info!(
                    "serve: the machine stopped while the previous daemon (process {process}) ran"
                ),
                RunEnd::None | RunEnd::Clean | RunEnd::HandedOver => {}
            }
        }
        self.write();
    }

    /// Writes the end of this run.
    pub(super) fn note_clean_end(mut self) {
        if let Some(run) = self.runs.last_mut() {
            run.end = RunEnd::Clean;
        }
        self.write();
    }

    fn write(&self) {
        let Some(path) = &self.path else { return };
        let lines: String = self.runs.iter().map(DaemonRun::line).collect();
        let written = replace(path, MODE, |file| file.write_all(lines.as_bytes()));
        if let Err(error) = written {
            tracing::debug!("serve: a crash would not be noticed: {}: {error}", path.display());
        }
    }
}

/// The runs in a file, and why a part of the file is none. An absent file has no runs.
fn read(path: &Path) -> (Vec<DaemonRun>, Option<String>) {
    let shown = path.display();
    let octets = match read_own(path, MAX_OCTETS) {
        Ok(octets) => octets,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (Vec::new(), None),
        Err(error) => return (Vec::new(), Some(format!("{shown}: {error}"))),
    };
    let text = String::from_utf8_lossy(&octets);
    let damaged = text.lines().position(|line| DaemonRun::read(line).is_none());
    let fault = damaged.map(|line| format!("{shown}:{}: no run of a daemon", line + 1));
    (text.lines().filter_map(DaemonRun::read).collect(), fault)
}

impl DaemonRun {
    fn line(&self) -> String {
        let DaemonRun { started_s, process, version, boot, end } = self;
        let end = match end {
            RunEnd::None => "runs".to_owned(),
            RunEnd::Clean => "clean".to_owned(),
            RunEnd::HandedOver => "handed-over".to_owned(),
            RunEnd::Crash(at) => format!("crash {at}"),
            RunEnd::PowerCut(at) => format!("power-cut {at}"),
        };
        format!("{started_s} {process} {version} {boot} {end}\n")
    }

    /// A run by its line; none if the line is damaged.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (started_s, process) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (version, boot) = (words.next()?.to_owned(), words.next()?.to_owned());
        let end = match words.next()? {
            "runs" => RunEnd::None,
            "clean" => RunEnd::Clean,
            "handed-over" => RunEnd::HandedOver,
            "crash" => RunEnd::Crash(words.next()?.parse().ok()?),
            "power-cut" => RunEnd::PowerCut(words.next()?.parse().ok()?),
            _ => return None,
        };
        Some(DaemonRun { started_s, process, version, boot, end })
    }
}

/// Seconds since 1970.
pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(started_s: u64, boot: &str) -> DaemonRun {
        let (version, boot) = ("0.1.0".to_owned(), boot.to_owned());
        DaemonRun { started_s, process: started_s as u32, version, boot, end: RunEnd::None }
    }

    #[test]
    fn a_run_without_an_end_is_a_crash_unless_the_machine_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let begin = |started_s, boot: &str, takes_over| {
            let history =
                RunHistory::begin_with(Some(folder.path()), takes_over, run(started_s, boot));
            history.note_begin();
            history
        };
        assert_eq!(begin(1, "a", false).last_crash(), None);
        assert_eq!(begin(2, "b", false).last_crash(), None, "a power cut");
        let handed = begin(3, "b", true);
        assert_eq!(handed.last_crash(), None, "a hand-over");
        handed.note_clean_end();
        assert_eq!(begin(4, "b", false).last_crash(), None, "a clean end");
        let crash = begin(5, "b", false).last_crash().unwrap();
        assert_eq!((crash.at_unix_s, crash.process, crash.crashes), (5, 4, 1));
        let ends: Vec<RunEnd> = begin(6, "c", true).runs.iter().map(|run| run.end).collect();
        let (cut, crash) = (RunEnd::PowerCut(2), RunEnd::Crash(5));
        let handed = RunEnd::HandedOver;
        assert_eq!(ends, [cut, handed, RunEnd::Clean, crash, handed, RunEnd::None]);
    }

    #[test]
    fn the_file_stays_small_and_damage_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let begin = |at| RunHistory::begin_with(Some(folder.path()), false, run(at, "a"));
        for at in 0..100 {
            begin(at).note_begin();
        }
        let history = begin(100);
        assert_eq!(history.runs.len(), MAX_RUNS);
        assert_eq!(history.last_crash().unwrap().crashes, MAX_RUNS as u64 - 1);
        let path = folder.path().join(FILE);
        assert_eq!(read(&path).1, None);
        std::fs::write(&path, b"7 7 0.1.0 a runs\n1 2 3\n\xff\xfe\n7 7 0.1.0 a runs\n").unwrap();
        let fault = format!("{}:2: no run of a daemon", path.display());
        assert_eq!(read(&path).1, Some(fault));
        assert_eq!(begin(8).last_crash().unwrap().process, 7);
        std::fs::write(&path, vec![b'1'; MAX_OCTETS as usize + 1]).unwrap();
        assert!(read(&path).1.is_some_and(|fault| fault.ends_with(": it is too long")));
        assert_eq!(begin(9).last_crash(), None);
    }
}
