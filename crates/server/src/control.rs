//! The control socket: a request a line, a reply a line, both JSON objects.
//!
//! | request | reply |
//! |---|---|
//! | `{"do":"status"}` | `version`, `uptime_s`, `generation`, `clock_wrong_by_s`, `line` (`down`, `loss`, `broken` ways out), `waiting`, `workers`, `listen`, `cache`, `second_level` (null without one) |
//! | `{"do":"stats"}` | every counter by its name |
//! | `{"do":"lookup","name":…,"type":…}` | see [`crate::report::resolution`], with the trace |
//! | `{"do":"nta-add","name":…,"seconds":…}` | `validated`: false; the zone is taken as it comes |
//! | `{"do":"nta-remove","name":…}` | `validated`: true; `removed`: whether it was not |
//! | `{"do":"nta-list"}` | `zones`: `name` and `seconds` that are left |
//! | `{"do":"servers","zone":…}` | `servers`: see [`crate::report::standing`]; `zone`, `broken` paths |
//! | `{"do":"cache"}` | `entries`, `bytes`, `limit`, `evicted`; `queries` and how they were answered |
//! | `{"do":"cache-lookup","name":…}` | `entries`: see [`crate::report::entry`] |
//! | `{"do":"cache-dump","file":…}` | `octets` that were written to the file |
//! | `{"do":"cache-load","file":…}` | `taken`, `passed_over`: entries; `age_s` of the file |
//! | `{"do":"flush","name":…,"subtree":…}` | `removed`: entries that were forgotten; `second_level`: questions there, or `second_level_error` |
//!
//! What goes wrong is told as `{"error":…}`. Only the user that the daemon runs as, and root, are
//! heard; the file's mode keeps out those who are neither it nor of its group.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zoners_dns::{Question, name};
use zoners_resolver::Trace;

use crate::daemon::Overseer;
use crate::report;

/// Conversations at a time.
const CONVERSATIONS: usize = 16;
/// The longest request.
const LONGEST: u64 = 4096;
/// A conversation ends when nothing is asked, or no reply taken, for so long.
const IDLE: Duration = Duration::from_secs(10);
/// How long accepting rests when it failed.
const REST: Duration = Duration::from_millis(50);
/// The owner and the group may read and write.
const MODE: u32 = 0o660;

/// What can be asked for.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Request {
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
    CacheDump {
        file: PathBuf,
    },
    #[serde(rename = "cache-load")]
    CacheLoad {
        file: PathBuf,
    },
    Flush {
        name: String,
        #[serde(default)]
        subtree: bool,
    },
}

/// The socket's file, taken away when dropped.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Listens at `path`. A socket that a dead daemon left there is replaced; any other file is not
    /// touched.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let told =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(told)?;
        }
        let is_socket = std::fs::metadata(path).is_ok_and(|file| file.file_type().is_socket());
        if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
            let _ = std::fs::remove_file(path);
        }
        let listener = UnixListener::bind(path).map_err(told)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).map_err(told)?;
        Ok(Control { listener, path: path.to_owned() })
    }

    /// Serves conversations for as long as it is polled.
    pub(crate) async fn serve(&self, overseer: Arc<Overseer>) {
        let conversations = Arc::new(Semaphore::new(CONVERSATIONS));
        loop {
            let Ok(slot) = conversations.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = self.listener.accept().await else {
                // Descriptors ran out, most likely; give those in use time to close.
                tokio::time::sleep(REST).await;
                continue;
            };
            let overseer = overseer.clone();
            tokio::spawn(async move {
                let _slot = slot;
                if may_speak(&stream) {
                    let _ = converse(stream, &overseer).await;
                }
            });
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn may_speak(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

async fn converse(stream: UnixStream, overseer: &Arc<Overseer>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader.take(LONGEST)).lines();
    // What is asked for may take longer than to ask for it.
    while let Ok(line) = timeout(IDLE, lines.next_line()).await
        && let Some(line) = line?
    {
        let reply = match serde_json::from_str(&line) {
            Ok(request) => answer(request, overseer).await,
            Err(error) => json!({ "error": error.to_string() }),
        };
        let reply = format!("{reply}\n");
        timeout(IDLE, writer.write_all(reply.as_bytes())).await.map_err(io::Error::other)??;
        lines.get_mut().get_mut().set_limit(LONGEST);
    }
    Ok(())
}

async fn answer(request: Request, overseer: &Arc<Overseer>) -> Value {
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
        Request::CacheDump { file } => beside(overseer, move |own| own.dump(&file)).await,
        Request::CacheLoad { file } => beside(overseer, move |own| own.bring(&file)).await,
        Request::Flush { name, subtree } => match name::parse(&name) {
            Err(error) => json!({ "error": error }),
            Ok(name) => overseer.flush_all(&name, subtree).await,
        },
    }
}

/// Does what takes its time beside what else is asked for.
async fn beside(
    overseer: &Arc<Overseer>,
    work: impl FnOnce(&Overseer) -> Result<Value, String> + Send + 'static,
) -> Value {
    let overseer = overseer.clone();
    let done = tokio::task::spawn_blocking(move || work(&overseer)).await;
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

/// Where the control socket is unless the configuration says otherwise: in the folder that the
/// system gives a service, or a user, for the time of a run.
#[must_use]
pub fn default_path() -> PathBuf {
    let folder = ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"].iter().find_map(std::env::var_os);
    folder.map_or_else(|| PathBuf::from("/run/zoners"), PathBuf::from).join("zoners.sock")
}

/// Sends one request to a daemon and returns its reply.
///
/// # Errors
/// No daemon listens at `path`, or it says that something is wrong.
pub fn request(path: &Path, request: &Value) -> Result<Value, String> {
    use std::io::{BufRead, Write};
    let told = |error: io::Error| {
        format!("{}: {error}; is a daemon running, and may you speak to it?", path.display())
    };
    let mut stream = std::os::unix::net::UnixStream::connect(path).map_err(told)?;
    stream.write_all(format!("{request}\n").as_bytes()).map_err(told)?;
    let mut line = String::new();
    io::BufReader::new(stream).read_line(&mut line).map_err(told)?;
    let reply: Value =
        serde_json::from_str(&line).map_err(|_| told(io::ErrorKind::ConnectionAborted.into()))?;
    match reply.get("error").and_then(Value::as_str) {
        Some(error) => Err(error.to_owned()),
        None => Ok(reply),
    }
}
