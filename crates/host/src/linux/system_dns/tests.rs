//! Every owner: found by a table of facts, and left as before after every death.

mod machines;
mod odd_files;

use std::collections::BTreeSet;

use super::{DnsFacts, ResolvconfProgram};
use crate::plan::tests::faults::FaultKind;
use crate::plan::tests::world::{Seen, World};
use crate::plan::{Disk, NoCommands};
use machines::{MACHINES, prepared};

#[test]
fn the_owner_is_found() {
    for machine in &MACHINES {
        let world = machine.build();
        assert_eq!(machine.facts(&world).owner(), machine.owner, "{}", machine.name);
    }
    let world = World::new();
    world.write("usr/bin/resolvectl", "");
    world.link("usr/bin/resolvconf", "resolvectl");
    let facts = DnsFacts::read(&world.root, BTreeSet::new()).unwrap();
    assert_eq!(facts.resolvconf, Some(ResolvconfProgram::Resolvectl));
}

/// Whether the settings name our server.
fn asks_us(world: &World) -> bool {
    let asks = |path: &str| world.read(path).contains("127.0.0.1\n");
    asks("/etc/resolv.conf")
        || asks("/run/systemd/resolved.conf.d/zoners.conf")
        || asks("/etc/resolvconf.conf")
        || world.running.borrow().contains("lo.zoners")
}

#[test]
fn every_owner_asks_us_after_the_plan_and_nobody_after_the_undo() {
    for machine in &MACHINES {
        let (world, name) = (machine.build(), machine.name);
        let before = world.tree();
        let plan = machine.plan(&world);
        world.install(&plan, FaultKind::None).0.unwrap();
        assert!(asks_us(&world), "{name}");
        // The owner is found again, and a second plan finds everything done.
        assert_eq!(machine.facts(&world).owner(), machine.owner, "{name}");
        let after = world.tree();
        world.install(&machine.plan(&world), FaultKind::None).0.unwrap();
        assert_eq!(world.tree(), after, "{name}");
        world.uninstall(false, FaultKind::None).0.unwrap();
        assert_eq!(world.tree(), before, "{name}");
        assert!(!asks_us(&world) && world.running.borrow().is_empty(), "{name}");
    }
}

#[test]
fn a_death_at_any_moment_is_repaired_for_every_owner() {
    for machine in &MACHINES {
        for moment in 0.. {
            let (world, name) = (machine.build(), machine.name);
            let before = world.tree();
            let plan = machine.plan(&world);
            let killed = world.install(&plan, FaultKind::Death(moment)).0.is_err();
            let runs = world.running.borrow().contains("zoners");
            assert!(runs || !asks_us(&world), "{name}: nobody answers after a death at {moment}");
            world.uninstall(false, FaultKind::None).0.unwrap();
            assert_eq!(world.tree(), before, "{name}: killed at {moment}");
            assert!(world.running.borrow().is_empty(), "{name}: killed at {moment}");
            if !killed {
                assert!(moment > 20, "{name}");
                break;
            }
        }
    }
}

/// As a power cut and a boot leave a machine: all of `/run` is gone.
fn boot(world: &World) {
    std::fs::remove_dir_all(world.at("run")).unwrap();
    std::fs::create_dir(world.at("run")).unwrap();
    world.running.borrow_mut().clear();
}

fn without_run(world: &World) -> Vec<(std::path::PathBuf, Seen)> {
    world.tree().into_iter().filter(|(path, _)| !path.starts_with("run")).collect()
}

#[test]
fn a_death_at_any_moment_of_take_or_release_is_repaired_by_release() {
    for machine in &MACHINES {
        let name = machine.name;
        for moment in 0.. {
            let (world, plan) = prepared(machine);
            let before = world.tree();
            let killed = world.take(&plan, FaultKind::Death(moment)).0.is_err();
            world.release(FaultKind::None).0.unwrap();
            assert_eq!(world.tree(), before, "{name}: take killed at {moment}");
            world.take(&plan, FaultKind::None).0.unwrap();
            // Twice is as good as once.
            world.take(&plan, FaultKind::None).0.unwrap();
            assert!(asks_us(&world), "{name}");
            let release_killed = world.release(FaultKind::Death(moment)).0.is_err();
            world.release(FaultKind::None).0.unwrap();
            assert_eq!(world.tree(), before, "{name}: release killed at {moment}");
            assert!(world.running.borrow().is_empty(), "{name}: killed at {moment}");
            if !killed && !release_killed {
                break;
            }
        }
    }
}

#[test]
fn a_power_cut_at_any_moment_leaves_nothing_that_a_boot_does_not_repair() {
    for machine in &MACHINES {
        for moment in 0.. {
            let (world, plan) = prepared(machine);
            let before = without_run(&world);
            let killed = world.take(&plan, FaultKind::Death(moment)).0.is_err();
            boot(&world);
            // Before the programs of the system have started.
            super::release(&world.root, Disk::default(), &mut NoCommands).unwrap();
            assert_eq!(without_run(&world), before, "{}: cut at {moment}", machine.name);
            if !killed {
                break;
            }
        }
    }
}

#[test]
fn a_full_disk_stops_take_and_not_release() {
    for machine in &MACHINES {
        for moment in 0.. {
            let (world, plan) = prepared(machine);
            let before = world.tree();
            let (ended, changes) = world.take(&plan, FaultKind::FullFrom(moment));
            if ended.is_err() {
                assert_eq!(world.tree(), before, "{}: full from {moment}", machine.name);
            }
            world.take(&plan, FaultKind::None).0.unwrap();
            world.release(FaultKind::FullFrom(moment)).0.unwrap();
            assert_eq!(world.tree(), before, "{}: full from {moment}", machine.name);
            if moment >= changes {
                break;
            }
        }
    }
}

#[test]
fn what_someone_else_has_written_stays_at_the_release() {
    for machine in &MACHINES {
        let (world, plan) = prepared(machine);
        world.take(&plan, FaultKind::None).0.unwrap();
        let is_changed =
            plan.steps.iter().any(|step| step.to_string().contains("/etc/resolv.conf"));
        let theirs = "# Generated by NetworkManager\nnameserver 198.51.100.7\n";
        if is_changed {
            let _ = std::fs::remove_file(world.at("etc/resolv.conf"));
            world.write("etc/resolv.conf", theirs);
        }
        world.release(FaultKind::None).0.unwrap();
        assert!(!is_changed || world.read("/etc/resolv.conf") == theirs, "{}", machine.name);
        assert!(!asks_us(&world) && !super::is_taken(&world.root).unwrap(), "{}", machine.name);
    }
}

#[test]
fn links_of_an_image_tell_what_it_starts() {
    let world = World::new();
    world.write("etc/systemd/system/multi-user.target.wants/NetworkManager.service", "");
    let programs = super::running_programs(&world.root);
    assert_eq!(programs.into_iter().collect::<Vec<_>>(), ["NetworkManager"]);
}
