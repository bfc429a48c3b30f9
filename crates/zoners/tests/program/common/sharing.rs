//! Daemons sharing a Redis.

use std::fs;

use super::authority::Authority;
use super::redis::Redis;
use super::waiting::until;
use super::{Daemon, zoners};

pub(crate) const SECRET: &str = "secret = \"only the nodes know it\"\n";

/// A daemon with the authority as upstream and a shared cache as in `redis`.
pub(crate) fn node(authority: &Authority, redis: &str) -> Daemon {
    let folder = tempfile::tempdir().unwrap();
    let control = folder.keep().join("control");
    let (control, stub) = (control.display(), authority.stub());
    Daemon::start(&format!("control = \"{control}\"\n[cache.redis]\n{redis}\n{stub}"))
}

/// A node connected to Redis.
pub(crate) fn connected(authority: &Authority, redis: &str) -> Daemon {
    let node = node(authority, redis);
    until("it is heard", || {
        let output = zoners(&["cache", "flush", "nothing", "--control", &control(&node)]);
        output.status.success()
    });
    node
}

pub(crate) fn at(redis: &Redis) -> String {
    format!("url = \"{}\"\n{SECRET}", redis.url())
}

/// Where a daemon is spoken to.
pub(crate) fn control(daemon: &Daemon) -> String {
    let text = fs::read_to_string(daemon.folder.path().join("zoners.toml")).unwrap();
    let line = text.lines().find(|line| line.starts_with("control = ")).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}

pub(crate) fn count(daemon: &Daemon, counter: &str) -> u64 {
    let output = zoners(&["stats", "--json", "--control", &control(daemon)]);
    let stats: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    stats["counters"][counter].as_u64().unwrap()
}
