//! A process killed before every change of the disk and around every command, and a disk that is full at every write.

use std::fs;
use std::path::Path;

use super::faults::FaultKind;
use super::world::{Seen, World};
use crate::plan::{
    FileSource, IfChanged, LinePosition, PlanStep, SystemCommand, SystemPlan, SystemService,
};
use crate::system::attributes;

pub(crate) fn service(name: &str) -> SystemService {
    let command = |verb| SystemCommand::of(&["service", verb, name]);
    SystemService {
        name: name.to_owned(),
        start: command("start"),
        restart: command("restart"),
        stop: command("stop"),
        is_running: command("status"),
        has_process: None,
    }
}

/// A plan with every kind of step.
fn plan() -> SystemPlan {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let write = |path: &str, content, if_changed| PlanStep::WriteFile {
        path: path.into(),
        content,
        mode: 0o755,
        owner: None,
        immutable: path.ends_with("locked.conf"),
        if_changed,
    };
    SystemPlan {
        steps: vec![
            write("/usr/local/bin/zoners", FileSource::CopyOf(program.into()), IfChanged::Restore),
            PlanStep::folder("/etc/zoners"),
            write("/etc/zoners/zoners.toml", FileSource::Text("# ours\n".into()), IfChanged::Keep),
            PlanStep::CreateUser {
                name: "zoners".to_owned(),
                add: vec![SystemCommand::of(&["useradd", "zoners"])],
                remove: vec![SystemCommand::of(&["userdel", "zoners"])],
                directory: None,
            },
            PlanStep::MakeFolder {
                path: "/var/lib/zoners".into(),
                mode: 0o700,
                with_content: true,
            },
            PlanStep::run_on_undo(&["reload"]),
            PlanStep::write("/etc/zoners.service", "unit\n".to_owned()),
            PlanStep::run(&["reload"]),
            PlanStep::StopService(service("other")),
            PlanStep::StartService(service("zoners")),
            PlanStep::Check { name: "answers".to_owned(), text: "it answers".to_owned() },
            PlanStep::AddLines {
                path: "/etc/dhcpcd.conf".into(),
                lines: "nohook resolv.conf\n".to_owned(),
                position: LinePosition::End,
            },
            PlanStep::AddLines {
                path: "/etc/new.conf".into(),
                lines: "new\n".to_owned(),
                position: LinePosition::Start,
            },
            PlanStep::RemoveFile { path: "/etc/old.conf".into() },
            PlanStep::link("/etc/name", "ours"),
            PlanStep::write("/etc/hard.conf", "shorter\n".to_owned()),
            write("/etc/locked.conf", FileSource::Text("ours\n".into()), IfChanged::Refuse),
            PlanStep::write("/etc/resolv.conf", "nameserver 127.0.0.1\n".to_owned()),
            PlanStep::Check { name: "asks-us".to_owned(), text: "the system asks us".to_owned() },
        ],
    }
}

/// A machine on which every step meets something: an older program, a file with two names, an immutable one, links.
fn world() -> World {
    let world = World::new();
    // Longer than what the journal itself takes.
    world.write("usr/local/bin/zoners", &"older program ".repeat(1_200));
    world.write("etc/dhcpcd.conf", "hostname");
    world.write("etc/old.conf", "old\n");
    world.write("etc/hard.conf", "a longer file with two names\n");
    world.write("etc/locked.conf", "theirs\n");
    world.write("run/resolver/stub", "nameserver 127.0.0.53\n");
    world.link("etc/resolv.conf", "../run/resolver/stub");
    world.link("etc/name", "theirs");
    fs::hard_link(world.at("etc/hard.conf"), world.at("etc/second.conf")).unwrap();
    let _ = attributes::set_extended(&world.at("etc/old.conf"), b"user.note", b"\xff\x00");
    // Only root may, on some file systems.
    let _ = attributes::set_flags(&world.at("etc/locked.conf"), attributes::immutable_flag());
    world.running.borrow_mut().insert("other".to_owned());
    world
}

/// Whatever happens, names are resolved: by the former resolver, or by ours while the service runs.
fn assert_resolves(world: &World, when: FaultKind) {
    let resolver = world.read("/etc/resolv.conf");
    let runs = world.running.borrow().contains("zoners");
    let well = resolver == "nameserver 127.0.0.53\n" || resolver.contains("127.0.0.1\n") && runs;
    assert!(well, "{when:?}: {resolver:?}, runs: {runs}");
}

#[test]
fn an_undo_after_an_install_leaves_everything_as_before() {
    let world = world();
    let (before, running) = (world.tree(), world.running.borrow().clone());
    world.install(&plan(), FaultKind::None).0.unwrap();
    assert_eq!(world.read("/etc/resolv.conf"), "nameserver 127.0.0.1\n");
    assert_eq!(world.read("/etc/dhcpcd.conf"), "hostname\nnohook resolv.conf\n");
    assert_eq!(world.read("/etc/second.conf"), "shorter\n", "both names of the file");
    assert!(world.read("/etc/passwd").contains("zoners:") && !world.at("etc/old.conf").exists());
    let flags =
        |tree: &std::collections::BTreeMap<_, Seen>| match &tree[Path::new("etc/locked.conf")] {
            Seen::Entry(state, ..) => state.attributes().unwrap().flags,
            Seen::Folder(..) => 0,
        };
    assert_eq!(
        flags(&world.tree()),
        flags(&before),
        "immutable as before, where the system lets it be"
    );
    world.write("var/lib/zoners/cache", "state of the daemon");
    world.uninstall(false, FaultKind::None).0.unwrap();
    assert_eq!(world.tree(), before);
    assert_eq!(*world.running.borrow(), running);
    world.uninstall(false, FaultKind::None).0.unwrap();
    assert_eq!(world.tree(), before, "a second undo has nothing to do");
}

#[test]
fn a_second_install_changes_nothing_and_the_first_former_state_counts() {
    let world = world();
    let before = world.tree();
    world.install(&plan(), FaultKind::None).0.unwrap();
    let installed = world.tree();
    world.install(&plan(), FaultKind::None).0.unwrap();
    assert_eq!(world.tree(), installed);
    // A later version writes other content, over a file that was replaced meanwhile.
    let mut later = plan();
    later.steps.push(PlanStep::write("/etc/old.conf", "new content\n".to_owned()));
    later.steps.retain(|step| !step.to_string().contains("/etc/resolv.conf"));
    later.steps.push(PlanStep::write("/etc/resolv.conf", "nameserver 127.0.0.2\n".to_owned()));
    world.write("etc/resolv.conf", "nameserver 192.0.2.1\n");
    world.install(&later, FaultKind::None).0.unwrap();
    world.uninstall(false, FaultKind::None).0.unwrap();
    assert_eq!(world.tree(), before);
}

#[test]
fn an_install_killed_at_any_moment_is_repaired_by_uninstall() {
    let mut moment = 0;
    loop {
        let world = world();
        let before = world.tree();
        let kind = FaultKind::Death(moment);
        let (ended, changes) = world.install(&plan(), kind);
        if ended.is_ok() {
            assert!(moment >= changes && moment > 100, "{moment} of {changes}");
            return;
        }
        assert_resolves(&world, kind);
        world.uninstall(false, FaultKind::None).0.unwrap();
        assert_eq!(world.tree(), before, "killed at {moment}");
        assert!(world.running.borrow().iter().eq(["other"]), "killed at {moment}");
        moment += 1;
    }
}

#[test]
fn an_install_killed_at_any_moment_is_completed_by_another_install() {
    let complete = world();
    complete.install(&plan(), FaultKind::None).0.unwrap();
    let names = |world: &World| world.tree().into_keys().collect::<Vec<_>>();
    let mut moment = 0;
    loop {
        let world = world();
        let before = world.tree();
        let killed = world.install(&plan(), FaultKind::Death(moment)).0.is_err();
        world.install(&plan(), FaultKind::None).0.unwrap();
        assert_eq!(world.read("/etc/resolv.conf"), "nameserver 127.0.0.1\n");
        world.uninstall(false, FaultKind::None).0.unwrap();
        assert_eq!(world.tree(), before, "killed at {moment}");
        if !killed {
            assert!(!names(&complete).is_empty() && moment > 100);
            return;
        }
        moment += 1;
    }
}

#[test]
fn an_undo_killed_at_any_moment_is_completed_by_another_undo() {
    let mut moment = 0;
    loop {
        let world = world();
        let before = world.tree();
        world.install(&plan(), FaultKind::None).0.unwrap();
        let kind = FaultKind::Death(moment);
        let killed = world.uninstall(false, kind).0.is_err();
        assert_resolves(&world, kind);
        world.uninstall(false, FaultKind::None).0.unwrap();
        assert_eq!(world.tree(), before, "killed at {moment}");
        if !killed {
            assert!(moment > 40);
            return;
        }
        moment += 1;
    }
}

#[test]
fn a_full_disk_at_any_write_leaves_everything_as_before() {
    let plan = plan();
    for full in [FaultKind::FullOnce, FaultKind::FullFrom] {
        let (mut moment, mut failed) = (0, 0);
        loop {
            let world = world();
            let before = world.tree();
            let kind = full(moment);
            let (ended, changes) = world.install(&plan, kind);
            assert_resolves(&world, kind);
            if let Err(failure) = ended {
                assert!(failure.contains("undone: Ok"), "{kind:?}: {failure}");
                assert_eq!(world.tree(), before, "{kind:?}");
                assert!(world.running.borrow().iter().eq(["other"]), "{kind:?}");
                failed += 1;
            } else if moment >= changes {
                assert!(failed > 30, "{failed}");
                break;
            }
            moment += 1;
        }
    }
}

#[test]
fn an_undo_needs_no_room_on_the_disk() {
    let mut moment = 0;
    loop {
        let world = world();
        let before = world.tree();
        world.install(&plan(), FaultKind::None).0.unwrap();
        let (ended, changes) = world.uninstall(false, FaultKind::FullFrom(moment));
        ended.unwrap();
        assert_eq!(world.tree(), before, "full from {moment}");
        if moment >= changes {
            return;
        }
        moment += 1;
    }
}

#[test]
fn a_failed_check_undoes_this_plan_and_no_earlier_one() {
    let world = world();
    let before = world.tree();
    for check in ["answers", "asks-us"] {
        let failure = world.install_checked(&plan(), FaultKind::None, Some(check)).0.unwrap_err();
        assert!(failure.contains("no answer") && failure.contains("undone: Ok"), "{failure}");
        assert_eq!(world.tree(), before, "{check}");
    }
    world.install(&plan(), FaultKind::None).0.unwrap();
    // The journal has another time, and the same content.
    let installed = || {
        let mut tree = world.tree();
        tree.retain(|path, _| !path.starts_with("var/lib/zoners-install"));
        (tree, world.read("/var/lib/zoners-install/journal.jsonl"))
    };
    let before_later = installed();
    let mut later = plan();
    later.steps.insert(0, PlanStep::write("/etc/later.conf", "later\n".to_owned()));
    world.install_checked(&later, FaultKind::None, Some("asks-us")).0.unwrap_err();
    assert_eq!(installed(), before_later, "the earlier plan stays, and so does its journal");
    world.uninstall(false, FaultKind::None).0.unwrap();
    assert_eq!(world.tree(), before);
}
