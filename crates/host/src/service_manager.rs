//! The service manager behind this process: sockets from the manager, readiness and signs of life for the manager.
//!
//! systemd passes sockets (`LISTEN_FDS`) and hears of readiness over a datagram socket (`NOTIFY_SOCKET`); managers of
//! other systems, like s6 and runit, may speak the same protocols. launchd of macOS speaks neither: a variable shows
//! that a process is a job of launchd.

pub mod descriptor_store;
pub mod restart_request;

use std::ffi::OsString;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::runtime::Handle;
use zoners_sandbox::{Need, Needs};

use descriptor_store::StoredSocket;

/// The sockets that a service manager passed to this process.
#[derive(Debug, Default)]
pub struct GivenSockets {
    /// Sockets for datagrams, bound by the manager (socket activation).
    pub udp: Vec<UdpSocket>,
    /// Listeners for connections, bound by the manager.
    pub tcp: Vec<TcpListener>,
    /// Sockets of an earlier process of this service, kept by the manager.
    pub stored: Vec<StoredSocket>,
}

/// Tells the manager: clients are served.
pub fn notify_ready() {
    notify(NotifyState::Ready);
}

/// Tells the manager: this process of the service, a successor, is the main process from now on. systemd believes that
/// the present main process alone.
pub fn notify_successor(process: u32) {
    notify(NotifyState::MainPid(process));
}

/// Tells the manager: the daemon is about to end.
pub fn notify_stopping() {
    notify(NotifyState::Stopping);
}

/// Tells the manager, if there is one; a failure is no reason to end.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("service manager: not notified: {error}");
    }
}

/// Needs of the notifications, for the sandbox: an abstract socket, if the manager listens at one.
#[must_use]
pub fn needs() -> Option<Needs> {
    let is_abstract = |path: &OsString| path.as_encoded_bytes().starts_with(b"@");
    let is_needed = std::env::var_os("NOTIFY_SOCKET").is_some_and(|path| is_abstract(&path));
    is_needed.then(|| Needs { of: "NOTIFY_SOCKET", all: vec![Need::AbstractSockets] })
}

/// Whether a service manager started this process: systemd, launchd, or a manager waiting for a
/// notification.
#[must_use]
pub fn has_started_this() -> bool {
    is_managed(|name| std::env::var(name).ok(), std::process::id())
}

fn is_managed(variable: impl Fn(&str) -> Option<String>, process: u32) -> bool {
    let own = process.to_string();
    // A terminal started by systemd hands variables on to programs started there.
    let is_own = variable("SYSTEMD_EXEC_PID").is_none_or(|of| of == own);
    // Programs started by people on macOS have a name of this kind, or 0.
    let job = variable("XPC_SERVICE_NAME").unwrap_or_default();
    let is_job = !job.is_empty() && job != "0" && !job.starts_with("application.");
    let given =
        variable("LISTEN_FDS").is_some() && variable("LISTEN_PID").is_none_or(|of| of == own);
    variable("NOTIFY_SOCKET").is_some()
        || variable("INVOCATION_ID").is_some() && is_own
        || given
        || is_job
}

/// The service of systemd to which a process belongs, by its control group (Linux); none for a service of a user's own
/// manager.
#[must_use]
pub fn service_of(process: u32) -> Option<String> {
    service_in(&std::fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?)
}

fn service_in(groups: &str) -> Option<String> {
    let path = groups.lines().filter_map(|line| line.split_once("/system.slice/")).next()?.1;
    path.split('/').rfind(|part| part.ends_with(".service")).map(str::to_owned)
}

/// Takes the sockets that the manager passed, if any (`LISTEN_FDS`). Call this before there are threads.
///
/// # Errors
/// A socket bound by the manager is neither a UDP socket nor a TCP listener.
pub fn sockets() -> io::Result<GivenSockets> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names = names.split(':').map(Some).chain(std::iter::repeat(None));
    let mut descriptors = ListenFd::from_env();
    let mut given = GivenSockets::default();
    for (at, name) in (0..descriptors.len()).zip(names) {
        match name.filter(|name| descriptor_store::kind_of(name).is_some()) {
            Some(name) => {
                let name = name.to_owned();
                given.stored.extend(
                    stored(&mut descriptors, at).map(|socket| StoredSocket { name, socket }),
                );
            }
            None => given.add(&mut descriptors, at)?,
        }
    }
    Ok(given)
}

/// The socket at this place, of any kind that a daemon stores.
fn stored(descriptors: &mut ListenFd, at: usize) -> Option<OwnedFd> {
    if let Ok(Some(socket)) = descriptors.take_udp_socket(at) {
        return Some(socket.into());
    }
    if let Ok(Some(listener)) = descriptors.take_tcp_listener(at) {
        return Some(listener.into());
    }
    descriptors.take_unix_listener(at).ok().flatten().map(OwnedFd::from)
}

impl GivenSockets {
    /// Adds the socket at this place, bound by the manager.
    fn add(&mut self, descriptors: &mut ListenFd, at: usize) -> io::Result<()> {
        if let Ok(socket) = descriptors.take_udp_socket(at) {
            socket.iter().try_for_each(|socket| socket.set_nonblocking(true))?;
            self.udp.extend(socket);
            return Ok(());
        }
        let explain = |error| io::Error::other(format!("a socket of the service manager: {error}"));
        let listener = descriptors.take_tcp_listener(at).map_err(explain)?;
        listener.iter().try_for_each(|listener| listener.set_nonblocking(true))?;
        self.tcp.extend(listener);
        Ok(())
    }
}

/// Gives the manager a sign of life as often as wanted (`WATCHDOG_USEC`), as long as every worker runs tasks; for as
/// long as this is polled.
pub async fn signs_of_life(workers: Vec<Handle>) {
    let Some(timeout) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    // Twice as often as the manager demands (sd_watchdog_enabled(3)).
    let mut tick = tokio::time::interval(timeout / 2);
    loop {
        tick.tick().await;
        if are_alive(&workers, timeout / 4).await {
            notify(NotifyState::Watchdog);
        } else {
            tracing::error!(
                "watchdog: a worker does not respond: no sign of life for the service manager"
            );
        }
    }
}

/// Whether each worker runs a task within `timeout`.
async fn are_alive(workers: &[Handle], timeout: Duration) -> bool {
    for worker in workers {
        let task = worker.spawn(async {});
        if !matches!(tokio::time::timeout(timeout, task).await, Ok(Ok(()))) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_differs_from_a_person_at_a_terminal() {
        let managed = |variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
            is_managed(|name| find(name).map(|(_, value)| (*value).to_owned()), 77)
        };
        assert!(!managed(&[]));
        assert!(managed(&[("NOTIFY_SOCKET", "/run/systemd/notify")]));
        assert!(managed(&[("INVOCATION_ID", "0123")]));
        assert!(managed(&[("INVOCATION_ID", "0123"), ("SYSTEMD_EXEC_PID", "77")]));
        assert!(!managed(&[("INVOCATION_ID", "0123"), ("SYSTEMD_EXEC_PID", "76")]));
        assert!(managed(&[("LISTEN_FDS", "2"), ("LISTEN_PID", "77")]));
        assert!(!managed(&[("LISTEN_FDS", "2"), ("LISTEN_PID", "76")]));
        assert!(managed(&[("XPC_SERVICE_NAME", "org.example.zoners")]));
        assert!(!managed(&[("XPC_SERVICE_NAME", "0")]));
        assert!(!managed(&[("XPC_SERVICE_NAME", "application.com.apple.Terminal.7")]));
    }

    #[test]
    fn a_control_group_names_the_service() {
        let service = |groups: &str| service_in(groups);
        let found = service("0::/system.slice/zoners.service\n");
        assert_eq!(found.as_deref(), Some("zoners.service"));
        let old = service("1:name=systemd:/system.slice/dns.service\n0::/system.slice/dns.service");
        assert_eq!(old.as_deref(), Some("dns.service"));
        assert_eq!(service("0::/user.slice/user-0.slice/user@0.service/app.slice/x.service"), None);
        assert_eq!(service("0::/init.scope"), None);
    }

    #[tokio::test]
    async fn a_worker_that_hangs_is_noticed() {
        let worker = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handle = worker.handle().clone();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            worker.block_on(std::future::pending::<()>());
        });
        assert!(are_alive(std::slice::from_ref(&handle), Duration::from_secs(60)).await);
        // A task blocks the runtime, so no other task runs.
        handle.spawn(async move {
            let _ = ended.recv();
        });
        assert!(!are_alive(&[handle], Duration::from_millis(1)).await);
        drop((end, thread));
    }
}
