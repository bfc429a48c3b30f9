//! Reports settings of networks to the daemon, which has no privilege: at each change, beside the work of the switch.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;
use zoners_host::network::NetworkChanges;
use zoners_host::networks::SettingsStamp;
use zoners_host::plan::SystemRoot;
use zoners_host::system_dns::{network_report, write_network_report};

/// Looks after a change, since managers write settings after links and addresses.
const LOOKS: u32 = 12;
/// The pause between these looks.
const LOOK_PAUSE: Duration = Duration::from_millis(400);
/// The pause between two looks at the times of folders.
const CALM_PAUSE: Duration = Duration::from_secs(1);

/// Reports until cancelled. A program that hangs delays the report alone.
pub(super) async fn report(root: SystemRoot) {
    let log = |error: &std::io::Error| tracing::info!("network: changes go unnoticed: {error}");
    let mut changes = NetworkChanges::watch().inspect_err(log).ok();
    let (mut written, mut looks) = (Vec::new(), LOOKS);
    loop {
        let stamp = SettingsStamp::now();
        let place = root.clone();
        let report = spawn_blocking(move || network_report(&place)).await.unwrap_or_default();
        if report != written {
            match write_network_report(&root, &report) {
                Ok(()) => written = report,
                Err(error) => {
                    tracing::warn!("network: the settings are not reported: {error}");
                }
            }
        }
        looks = wait(&mut changes, &stamp, looks).await;
    }
}

/// Ends when it is time to look again; returns the looks that are left.
async fn wait(changes: &mut Option<NetworkChanges>, stamp: &SettingsStamp, looks: u32) -> u32 {
    loop {
        let pause = if looks > 0 { LOOK_PAUSE } else { CALM_PAUSE };
        tokio::select! {
            biased;
            () = change(changes) => return LOOKS,
            () = sleep(pause) => {}
        }
        if let Some(left) = looks.checked_sub(1) {
            return left;
        }
        if SettingsStamp::now() != *stamp {
            // Settings of another program may follow.
            return 2;
        }
    }
}

/// Ends after a change of links, addresses or routes.
async fn change(changes: &mut Option<NetworkChanges>) {
    match changes {
        Some(changes) => {
            changes.next().await;
        }
        None => std::future::pending().await,
    }
}
