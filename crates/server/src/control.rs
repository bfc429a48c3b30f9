//! The control socket: a request a line, a reply a line, both JSON objects.
//!
//! | request | reply |
//! |---|---|
//! | `{"do":"status"}` | `version`, `process` (its number), `uptime_s`, `generation`, `clock_wrong_by_s`, `line` (`down`, `loss`, `broken` ways out), `network` (see [`crate::report::passage`]), `waiting`, `workers`, `listen`, `awaited` (addresses that are not there yet), `not_served` (addresses that are not to be had, and why), `serves` (prefixes of clients), `cache`, `second_level` (null without one), `sandbox` (each layer: `on` or `off`, and more of it) |
//! | `{"do":"stats"}` | every counter by its name |
//! | `{"do":"lookup","name":…,"type":…}` | see [`crate::report::resolution`], with the trace |
//! | `{"do":"nta-add","name":…,"seconds":…}` | `validated`: false; the zone is taken as it comes |
//! | `{"do":"nta-remove","name":…}` | `validated`: true; `removed`: whether it was not |
//! | `{"do":"nta-list"}` | `zones`: `name` and `seconds` that are left |
//! | `{"do":"servers","zone":…}` | `servers`: see [`crate::report::standing`]; `zone`, `broken` paths, `silent` zones: see [`crate::report::silent_zone`] |
//! | `{"do":"cache"}` | `entries`, `bytes`, `limit`, `evicted`; `queries` and how they were answered |
//! | `{"do":"cache-lookup","name":…}` | `entries`: see [`crate::report::entry`] |
//! | `{"do":"cache-dump"}` | `octets` that were written to the file that came with it |
//! | `{"do":"cache-load"}` | `taken`, `skipped`: entries; `age_s` of the file that came with it |
//! | `{"do":"flush","name":…,"subtree":…}` | `removed`: entries that were forgotten; `second_level`: questions there, or `second_level_error` |
//!
//! What goes wrong is told as `{"error":…}`. Only the user that the daemon runs as, and root, are
//! heard; the file's mode keeps out those who are neither it nor of its group. What changes something
//! is logged, with the user and the process that asked.
//!
//! A file is not named but handed over, as an open descriptor beside the request (`SCM_RIGHTS`,
//! unix(7)): so the daemon reads and writes what the one who asks may, and its sandbox needs no exception.

mod client;
mod conversation;
mod socket;

use std::fs::File;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use zoners_dns::{Question, name};
use zoners_resolver::Trace;

use crate::daemon::Overseer;
use crate::report;
pub use client::request;
pub(crate) use client::status;
use conversation::Peer;
pub(crate) use socket::{Control, folder};

/// What can be asked for.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the table above has them all")]
pub enum Request {
    Status {},
    Stats {},
    Lookup {
        name: String,
        r#type: String,
    },
    #[serde(rename = "nta-add")]
    NtaAdd {
        name: String,
        seconds: u32,
    },
    #[serde(rename = "nta-remove")]
    NtaRemove {
        name: String,
    },
    #[serde(rename = "nta-list")]
    NtaList {},
    Servers {
        zone: Option<String>,
    },
    Cache {},
    #[serde(rename = "cache-lookup")]
    CacheLookup {
        name: String,
    },
    #[serde(rename = "cache-dump")]
    CacheDump {},
    #[serde(rename = "cache-load")]
    CacheLoad {},
    Flush {
        name: String,
        #[serde(default)]
        subtree: bool,
    },
}

impl Request {
    /// What it changes or gives away, if anything, in the words of the command line.
    fn change(&self) -> Option<String> {
        match self {
            Request::NtaAdd { name, seconds } => Some(format!("nta add {name:?} --for {seconds}")),
            Request::NtaRemove { name } => Some(format!("nta remove {name:?}")),
            Request::CacheDump {} => Some("cache dump".to_owned()),
            Request::CacheLoad {} => Some("cache load".to_owned()),
            Request::Flush { name, subtree: false } => Some(format!("cache flush {name:?}")),
            Request::Flush { name, subtree: true } => {
                Some(format!("cache flush {name:?} --subtree"))
            }
            Request::Status {}
            | Request::Stats {}
            | Request::Lookup { .. }
            | Request::NtaList {}
            | Request::Servers { .. }
            | Request::Cache {}
            | Request::CacheLookup { .. } => None,
        }
    }
}

async fn answer(
    request: Request,
    file: Option<File>,
    peer: Peer,
    overseer: &Arc<Overseer>,
) -> Value {
    if let Some(change) = request.change() {
        let Peer { user, process } = peer;
        let process = process.map_or_else(String::new, |process| format!(" (process {process})"));
        tracing::info!("control: user {user}{process}: {change}");
    }
    match request {
        Request::Status {} => overseer.status(),
        Request::Stats {} => report::counters(|counter| overseer.count(counter)),
        Request::Lookup { name, r#type } => match question(&name, &r#type) {
            Err(error) => json!({ "error": error }),
            Ok(question) => {
                let trace = Arc::new(Trace::default());
                let resolution = overseer.service().look_up(&question, Some(trace.clone())).await;
                report::resolution(&question, &resolution, Some(&trace.steps()))
            }
        },
        Request::NtaAdd { name, seconds } => match name::parse(&name) {
            Err(error) => json!({ "error": error }),
            Ok(name) => overseer.distrust(&name, seconds),
        },
        Request::NtaRemove { name } => match name::parse(&name) {
            Err(error) => json!({ "error": error }),
            Ok(name) => overseer.trust(&name),
        },
        Request::NtaList {} => overseer.distrusted(),
        Request::Servers { zone } => match zone.as_deref().map(name::parse).transpose() {
            Err(error) => json!({ "error": error }),
            Ok(zone) => overseer.servers(zone.as_ref()),
        },
        Request::Cache {} => overseer.cache(),
        Request::CacheLookup { name } => match name::parse(&name) {
            Err(error) => json!({ "error": error }),
            Ok(name) => overseer.inspect(&name),
        },
        Request::CacheDump {} => with_file(overseer, file, Overseer::dump).await,
        Request::CacheLoad {} => with_file(overseer, file, Overseer::bring).await,
        Request::Flush { name, subtree } => match name::parse(&name) {
            Err(error) => json!({ "error": error }),
            Ok(name) => overseer.flush_all(&name, subtree).await,
        },
    }
}

/// Does something with the file that came along, which takes its time, beside what else is asked for.
async fn with_file(
    overseer: &Arc<Overseer>,
    file: Option<File>,
    work: impl FnOnce(&Overseer, File) -> Result<Value, String> + Send + 'static,
) -> Value {
    let plain = |file: &File| file.metadata().is_ok_and(|file| file.is_file());
    let Some(file) = file.filter(plain) else {
        return json!({ "error": "no plain file came with the request" });
    };
    let overseer = overseer.clone();
    let done = tokio::task::spawn_blocking(move || work(&overseer, file)).await;
    let done = done.unwrap_or_else(|error| Err(error.to_string()));
    done.unwrap_or_else(|error| json!({ "error": error }))
}

/// A question out of what a person wrote.
///
/// # Errors
/// The name or the type is none.
pub fn question(text: &str, rtype: &str) -> Result<Question, String> {
    let rtype = rtype.to_ascii_uppercase().parse().map_err(|_| {
        format!("`{rtype}` is no record type: write A, MX, HTTPS, TYPE65280 or the like")
    })?;
    Ok(Question::new(name::parse(text)?, rtype))
}
