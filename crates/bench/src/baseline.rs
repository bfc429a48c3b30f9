//! Saved runs, with which later runs are compared.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use zoners_files::{make_folder, replace};

use crate::nameservers::Nameserver;
use crate::ramp::Ramp;
use crate::sample::{Phase, Sample};

/// Version of the format of a [`SavedRun`]; a record of a different version is refused.
const FORMAT: u32 = 1;
/// Permissions of a baseline: its names may come from a browser's history.
const MODE: u32 = 0o600;
/// The longest name of a baseline.
const LONGEST_NAME: usize = 64;

/// A run as saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedRun {
    /// Version of the format; see [`SavedRun::new`].
    pub format: u32,
    /// The machine, network and version of the run.
    pub environment: Environment,
    /// The names of the list, in the order to which samples refer.
    pub names: Vec<String>,
    /// The origin of the names.
    pub source: String,
    /// Tells lists of names apart; see [`crate::NameList::fingerprint`].
    pub fingerprint: u64,
    /// The record types asked for each name.
    pub types: Vec<u16>,
    /// The targets, in the order to which samples refer.
    pub targets: Vec<String>,
    /// The load, in words for a person.
    pub load: String,
    /// The timeout in milliseconds, after which a question had failed.
    pub timeout_ms: u64,
    /// For each target, whether its cache could be flushed.
    pub forgetful: Vec<bool>,
    /// For each target, the nameservers that it asked, where the trace shows them.
    pub nameservers: Vec<Vec<Nameserver>>,
    /// For each target, the result of a ramp, if the run was a ramp.
    pub ramps: Vec<Ramp>,
    /// The provider of each name; empty where unknown.
    pub providers: Vec<String>,
    /// Whether the run ended before every question was asked.
    pub cut_short: bool,
    /// The measurements.
    pub samples: Vec<Sample>,
}

/// Circumstances that may explain a difference between two runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Seconds since 1970.
    pub time: u64,
    /// Of Zoners.
    pub version: String,
    /// Tells configurations apart.
    pub configuration: String,
    /// The machine: name, processor and system.
    pub machine: String,
    /// The network: the outgoing interface and its address families.
    pub network: String,
    /// The round trip to the first router, in milliseconds, where the router answers.
    pub gateway_ms: Option<f64>,
}

impl Environment {
    /// The time of the run, as `2026-11-24 06:42 UTC`.
    #[must_use]
    pub fn when(&self) -> String {
        // Beyond the year 9999 there is nothing to be formatted.
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(self.time.min(250_000_000_000));
        let text = humantime::format_rfc3339_seconds(time).to_string();
        let minutes = text.split_at_checked(16).map_or(text.as_str(), |(minutes, _)| minutes);
        format!("{} UTC", minutes.replace('T', " "))
    }
}

/// Differences between the environments of two runs, a line each for a person.
#[must_use]
pub fn differences(now: &SavedRun, before: &SavedRun) -> Vec<String> {
    let (own, earlier) = (&now.environment, &before.environment);
    let gateway = |environment: &Environment| {
        let millis = environment.gateway_ms.map(|millis| format!("{millis:.1} ms"));
        millis.unwrap_or_else(|| "not heard".into())
    };
    let told = [
        ("asked", before.targets.join(", "), now.targets.join(", ")),
        ("how", before.load.clone(), now.load.clone()),
        ("Zoners", earlier.version.clone(), own.version.clone()),
        ("configuration", earlier.configuration.clone(), own.configuration.clone()),
        ("machine", earlier.machine.clone(), own.machine.clone()),
        ("network", earlier.network.clone(), own.network.clone()),
        ("first router", gateway(earlier), gateway(own)),
    ];
    let differs = |(what, then, now): (&str, String, String)| {
        (then != now).then(|| format!("{what} then: {then}; now: {now}"))
    };
    told.into_iter().filter_map(differs).collect()
}

/// Why a baseline cannot be used.
#[derive(Debug)]
pub enum BaselineError {
    /// The text is no valid name of a baseline.
    Name(String),
    /// There is no baseline of this name; the second field lists the saved names.
    Missing(String, Vec<String>),
    /// The file was written by a different version, or is torn.
    Foreign(PathBuf, String),
    /// The baseline has different questions and cannot be compared.
    Other(String),
    /// The system refuses.
    Io(PathBuf, io::Error),
}

impl fmt::Display for BaselineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BaselineError::Name(name) => write!(
                f,
                "{name:?} is no name for a baseline: up to {LONGEST_NAME} letters, digits, `-`, `_` \
                 and `.`, the first no `.`"
            ),
            BaselineError::Missing(name, there) if there.is_empty() => {
                write!(f, "there is no baseline {name:?}, nor any other; --save NAME makes one")
            }
            BaselineError::Missing(name, there) => {
                write!(f, "there is no baseline {name:?}; there are: {}", there.join(", "))
            }
            BaselineError::Foreign(path, why) => write!(
                f,
                "{}: not a baseline of this version ({why}); measure anew, and --save it",
                path.display()
            ),
            BaselineError::Other(why) => f.write_str(why),
            BaselineError::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl SavedRun {
    /// A run without further details.
    #[must_use]
    pub fn new(environment: Environment, samples: Vec<Sample>) -> Self {
        SavedRun {
            format: FORMAT,
            environment,
            names: Vec::new(),
            source: String::new(),
            fingerprint: 0,
            types: Vec::new(),
            targets: Vec::new(),
            load: String::new(),
            timeout_ms: 0,
            forgetful: Vec::new(),
            nameservers: Vec::new(),
            ramps: Vec::new(),
            providers: Vec::new(),
            cut_short: false,
            samples,
        }
    }

    /// The samples in which `target` was asked for a name the first time.
    pub fn first_asks(&self, target: u16) -> impl Iterator<Item = &Sample> {
        let cold = move |sample: &&Sample| sample.target == target && sample.phase == Phase::Cold;
        self.samples.iter().filter(cold)
    }

    /// The least time for which a failure counts.
    #[must_use]
    pub fn penalty(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// Checks that this run and an earlier run asked the same questions.
    ///
    /// # Errors
    /// The questions differ; the error says in which way, and the remedy.
    pub fn comparable(&self, before: &SavedRun) -> Result<(), BaselineError> {
        let other = |why: String| Err(BaselineError::Other(why));
        if self.fingerprint != before.fingerprint {
            return other(format!(
                "the baseline is of another list: {} names of {}, now {} of {}; measure the same names, \
                 or --save a new baseline",
                before.names.len(),
                before.source,
                self.names.len(),
                self.source
            ));
        }
        if self.types != before.types {
            return other(
                "the baseline is of other types of records; ask with the same --types".into(),
            );
        }
        if self.targets.len() != before.targets.len() {
            return other(format!(
                "the baseline asked {} servers and this run {}; ask as many",
                before.targets.len(),
                self.targets.len()
            ));
        }
        Ok(())
    }
}

/// The folder of the baselines.
#[derive(Clone, Debug)]
pub struct Store(PathBuf);

impl Store {
    /// The baselines in `folder`, which is made when the first is saved.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Store(folder.into())
    }

    /// Saves a run in place of an earlier run of the same name, completely or not at all.
    ///
    /// # Errors
    /// The name is none, or the system refuses.
    pub fn save(&self, name: &str, record: &SavedRun) -> Result<PathBuf, BaselineError> {
        let path = self.path(name)?;
        let write = || {
            make_folder(&self.0)?;
            replace(&path, MODE, |out| Ok(serde_json::to_writer(out, record)?))
        };
        write().map_err(|error| BaselineError::Io(path.clone(), error))?;
        Ok(path)
    }

    /// Checks that a run can be saved under a name.
    ///
    /// # Errors
    /// The name is invalid.
    pub fn check(&self, name: &str) -> Result<(), BaselineError> {
        self.path(name).map(drop)
    }

    /// Loads the run of a name.
    ///
    /// # Errors
    /// There is no such run, its version differs, or the system refuses.
    pub fn load(&self, name: &str) -> Result<SavedRun, BaselineError> {
        let path = self.path(name)?;
        let octets = match fs::read(&path) {
            Ok(octets) => octets,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BaselineError::Missing(name.into(), self.list()?));
            }
            Err(error) => return Err(BaselineError::Io(path, error)),
        };
        let record: SavedRun = serde_json::from_slice(&octets)
            .map_err(|error| BaselineError::Foreign(path.clone(), error.to_string()))?;
        match record.format {
            FORMAT => Ok(record),
            other => Err(BaselineError::Foreign(path, format!("format {other}, not {FORMAT}"))),
        }
    }

    /// The names of the saved runs, sorted.
    ///
    /// # Errors
    /// The system refuses.
    pub fn list(&self) -> Result<Vec<String>, BaselineError> {
        let refused = |error| BaselineError::Io(self.0.clone(), error);
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(refused(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(refused)?.file_name();
            names.extend(
                file.to_str().and_then(|file| file.strip_suffix(".json")).map(str::to_owned),
            );
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Forgets a baseline.
    ///
    /// # Errors
    /// There is no such run, or the system refuses.
    pub fn remove(&self, name: &str) -> Result<(), BaselineError> {
        let path = self.path(name)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(BaselineError::Missing(name.into(), self.list()?))
            }
            Err(error) => Err(BaselineError::Io(path, error)),
        }
    }

    fn path(&self, name: &str) -> Result<PathBuf, BaselineError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let good = (1..=LONGEST_NAME).contains(&name.len())
            && name.chars().all(plain)
            && !name.starts_with('.');
        if good {
            Ok(self.0.join(format!("{name}.json")))
        } else {
            Err(BaselineError::Name(name.into()))
        }
    }
}

#[cfg(test)]
mod tests;
