//! What a service manager such as systemd gives us and wants to hear: sockets, readiness, a sign
//! of life.

use std::io;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::runtime::Handle;
use zoners_sandbox::{Need, Needs};

use super::bind::Listeners;

/// Tells the manager, if one started us; nothing is lost where none did.
pub(super) fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("the service manager was not told: {error}");
    }
}

/// What telling it needs, for the sandbox: an abstract socket, if it listens at one.
pub(super) fn needs() -> Option<Needs> {
    let abstract_one = |path: &std::ffi::OsString| path.as_encoded_bytes().starts_with(b"@");
    let is_there = std::env::var_os("NOTIFY_SOCKET").is_some_and(|path| abstract_one(&path));
    is_there.then(|| Needs { of: "NOTIFY_SOCKET", all: vec![Need::AbstractSockets] })
}

/// Whether a service manager started this process: systemd, launchd, or another that waits for its word.
pub(super) fn has_started_this() -> bool {
    is_managed(|name| std::env::var(name).ok(), std::process::id())
}

fn is_managed(variable: impl Fn(&str) -> Option<String>, process: u32) -> bool {
    let own = process.to_string();
    // A terminal that systemd has started hands its variables on to what is started there.
    let is_own = variable("SYSTEMD_EXEC_PID").is_none_or(|of| of == own);
    // Programs that people start have such a name, or 0.
    let job = variable("XPC_SERVICE_NAME").unwrap_or_default();
    let is_job = !job.is_empty() && job != "0" && !job.starts_with("application.");
    let given =
        variable("LISTEN_FDS").is_some() && variable("LISTEN_PID").is_none_or(|of| of == own);
    variable("NOTIFY_SOCKET").is_some()
        || variable("INVOCATION_ID").is_some() && is_own
        || given
        || is_job
}

/// The sockets that the manager bound for us (socket activation), if it did. Call it before there
/// are threads.
///
/// # Errors
/// One of them is no datagram socket and no listener.
pub(super) fn sockets() -> io::Result<Option<Listeners>> {
    let mut given = ListenFd::from_env();
    let mut listeners = Listeners::default();
    for at in 0..given.len() {
        match given.take_udp_socket(at) {
            Ok(Some(socket)) => {
                socket.set_nonblocking(true)?;
                listeners.udp.push(socket);
            }
            Ok(None) => {}
            Err(_) => {
                let told =
                    |error| io::Error::other(format!("a socket of the service manager: {error}"));
                if let Some(listener) = given.take_tcp_listener(at).map_err(told)? {
                    listener.set_nonblocking(true)?;
                    listeners.tcp.push(listener);
                }
            }
        }
    }
    let none = listeners.udp.is_empty() && listeners.tcp.is_empty();
    Ok((!none).then_some(listeners))
}

/// Gives the manager a sign of life as often as it wants one, as long as every worker does
/// something that it is asked to; for as long as it is polled.
pub(super) async fn sign_of_life(workers: Vec<Handle>) {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    // Twice as often as it must be (sd_watchdog_enabled(3)).
    let mut tick = tokio::time::interval(patience / 2);
    loop {
        tick.tick().await;
        if all_alive(&workers, patience / 4).await {
            tell(NotifyState::Watchdog);
        } else {
            tracing::error!("a worker does not react; the service manager will see to it");
        }
    }
}

async fn all_alive(workers: &[Handle], patience: Duration) -> bool {
    for worker in workers {
        let task = worker.spawn(async {});
        if !matches!(tokio::time::timeout(patience, task).await, Ok(Ok(()))) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_at_a_terminal_is_told_from_a_manager() {
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

    #[tokio::test]
    async fn a_worker_that_hangs_is_noticed() {
        let worker = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handle = worker.handle().clone();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            worker.block_on(std::future::pending::<()>());
        });
        assert!(all_alive(std::slice::from_ref(&handle), Duration::from_secs(60)).await);
        // It waits in a way that nothing else of it runs meanwhile.
        handle.spawn(async move {
            let _ = ended.recv();
        });
        assert!(!all_alive(&[handle], Duration::from_millis(1)).await);
        drop((end, thread));
    }
}
