//! Files that cannot be changed as on most machines: immutable, mounted, read-only, links, a stub turned off.

use std::collections::BTreeSet;

use super::super::{DnsFacts, nameservers};
use super::asks_us;
use super::machines::{MACHINES, machine, prepared};
use crate::plan::SystemPlan;
use crate::plan::tests::faults::FaultKind;
use crate::plan::tests::world::World;
use crate::system::attributes;

#[test]
fn no_machine_of_the_table_has_an_obstacle() {
    for machine in &MACHINES {
        let world = machine.build();
        assert_eq!(machine.facts(&world).obstacle(), None, "{}", machine.name);
    }
}

#[test]
fn without_a_stub_programs_ask_our_server_and_no_other() {
    for name in ["resolved without a stub, networkd", "resolved with a stub over TCP alone"] {
        let (world, plan) = prepared(machine(name));
        world.take(&plan, FaultKind::None).0.unwrap();
        let text = world.read("/etc/resolv.conf");
        let servers: Vec<&str> = nameservers(&text).collect();
        assert_eq!((servers, text.contains("search lan\n")), (vec!["127.0.0.1"], true), "{name}");
        assert!(world.at("run/systemd/resolved.conf.d/zoners.conf").is_file(), "{name}");
    }
}

#[test]
fn an_immutable_file_is_immutable_with_our_server_and_after_the_release() {
    let machine = machine("a file by hand");
    let (world, _) = prepared(machine);
    let place = world.at("etc/resolv.conf");
    // Only root may, on some file systems.
    if attributes::set_flags(&place, attributes::immutable_flag()).is_err() {
        return;
    }
    let before = world.tree();
    let plan = SystemPlan { steps: machine.facts(&world).plan() };
    world.take(&plan, FaultKind::None).0.unwrap();
    assert!(asks_us(&world));
    assert_eq!(attributes::flags(&place).unwrap(), attributes::immutable_flag());
    world.release(FaultKind::None).0.unwrap();
    assert_eq!(world.tree(), before);
}

/// A second name stands for a mount: both cannot be reached by a rename.
#[test]
fn a_file_under_a_mount_is_written_in_place() {
    let machine = machine("a file by hand");
    let (world, _) = prepared(machine);
    std::fs::hard_link(world.at("etc/resolv.conf"), world.at("etc/outside")).unwrap();
    let before = world.tree();
    let plan = SystemPlan { steps: machine.facts(&world).plan() };
    world.take(&plan, FaultKind::None).0.unwrap();
    assert_eq!(world.read("/etc/outside"), world.read("/etc/resolv.conf"));
    world.release(FaultKind::None).0.unwrap();
    assert_eq!(world.tree(), before);
}

#[test]
fn an_obstacle_is_told_with_a_way_out() {
    let on = |name: &str, change: &dyn Fn(&World, &mut DnsFacts)| {
        let machine = machine(name);
        let world = machine.build();
        let mut facts = machine.facts(&world);
        change(&world, &mut facts);
        facts.obstacle()
    };
    let read_only = |_: &World, facts: &mut DnsFacts| facts.is_etc_read_only = true;
    let mounted = |_: &World, facts: &mut DnsFacts| facts.is_resolv_conf_read_only = true;
    let stopped = |_: &World, facts: &mut DnsFacts| {
        facts.programs.clear();
        facts.resolv_conf_text.clear();
        facts.is_resolved_enabled = true;
    };
    let linked = |path: &'static str| {
        move |_: &World, facts: &mut DnsFacts| {
            facts.linked_configs = vec![(path, "/etc/static/x".into())];
        }
    };
    let in_store = |world: &World, facts: &mut DnsFacts| {
        std::fs::remove_file(world.at("etc/resolv.conf")).unwrap();
        world.link("etc/resolv.conf", "/etc/static/resolv.conf");
        *facts = DnsFacts::read(&world.root, BTreeSet::new()).unwrap();
    };
    for (obstacle, words) in [
        (on("a file by hand", &read_only), "mount -o remount,rw /"),
        (on("dhcpcd", &read_only), "mount -o remount,rw /"),
        (on("a file by hand", &mounted), "docker run --dns 127.0.0.1"),
        (on("a file by hand", &in_store), "networking.nameservers = [ \"127.0.0.1\" ];"),
        (on("resolved, stub", &stopped), "systemctl start systemd-resolved"),
        (on("dhcpcd", &linked("/etc/dhcpcd.enter-hook")), "resolv.conf\"`"),
        (on("openresolv", &linked("/etc/resolvconf.conf")), "`name_servers=127.0.0.1`"),
    ] {
        let obstacle = obstacle.unwrap_or_default();
        assert!(obstacle.contains(words), "{words}: {obstacle:?}");
    }
    // The change is made in /run alone.
    assert_eq!(on("resolved, stub", &read_only), None);
    assert_eq!(on("Debian's resolvconf", &read_only), None);
    assert_eq!(on("openresolv", &linked("/etc/dhcpcd.enter-hook")), None);
}
