//! Replays the corpora of the fuzzers.

#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/canonical.rs"]
mod canonical;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/config.rs"]
mod config;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/control.rs"]
mod control;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/cost.rs"]
mod cost;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/denial.rs"]
mod denial;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/doh.rs"]
mod doh;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/entries.rs"]
mod entries;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/leases.rs"]
mod leases;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/message.rs"]
mod message;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/packet_path.rs"]
mod packet_path;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/pieces.rs"]
mod pieces;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/redis_values.rs"]
mod redis_values;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/reply_path.rs"]
mod reply_path;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/root_keys.rs"]
mod root_keys;
mod seeds;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/signatures.rs"]
mod signatures;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/snapshot.rs"]
mod snapshot;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/stream.rs"]
mod stream;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../../fuzz/src/zone_files.rs"]
mod zone_files;

use std::path::Path;

fn replay(target: &str, run: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 10, "the corpus is missing");
    for file in files {
        run(&std::fs::read(file.path()).unwrap());
    }
}

#[test]
fn packets_of_clients() {
    replay("packet_path", packet_path::run);
}

#[test]
fn replies_of_servers() {
    replay("reply_path", reply_path::run);
}

#[test]
fn messages() {
    replay("message", message::run);
}

#[test]
fn streams() {
    replay("stream", stream::run);
}

#[test]
fn canonical_rdata() {
    replay("canonical", canonical::run);
}

#[test]
fn signed_rrsets() {
    replay("signatures", signatures::run);
}

#[test]
fn costly_messages() {
    replay("cost", cost::run);
}

#[test]
fn denial_proofs() {
    replay("denial", denial::run);
}

#[test]
fn entries_of_caches() {
    replay("entries", entries::run);
}

#[test]
fn files_of_caches() {
    replay("snapshot", snapshot::run);
}

#[test]
fn values_in_redis() {
    replay("redis_values", redis_values::run);
}

#[test]
fn requests_of_dns_over_https() {
    replay("doh", doh::run);
}

#[test]
fn files_of_leases() {
    replay("leases", leases::run);
}

#[test]
fn zone_and_hosts_files() {
    replay("zone_files", zone_files::run);
}

#[test]
fn configurations() {
    replay("config", config::run);
}

#[test]
fn conversations_on_the_control_socket() {
    replay("control", control::run);
}

#[test]
fn files_of_root_keys() {
    replay("root_keys", root_keys::run);
}
