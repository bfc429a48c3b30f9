//! What someone changes between a plan and its undo.

use super::faults::FaultKind;
use super::world::World;
use crate::plan::{
    FileSource, IfChanged, LinePosition, PlanStep, SystemPlan, UndoJournal, UndoStep,
};

fn plan() -> SystemPlan {
    let config = PlanStep::WriteFile {
        path: "/etc/zoners/zoners.toml".into(),
        content: FileSource::Text("# ours\n".to_owned()),
        mode: 0o644,
        owner: None,
        immutable: false,
        if_changed: IfChanged::Keep,
    };
    let lines = PlanStep::AddLines {
        path: "/etc/dhcpcd.conf".into(),
        lines: "nohook resolv.conf\n".to_owned(),
        position: LinePosition::End,
    };
    SystemPlan {
        steps: vec![
            PlanStep::folder("/etc/zoners"),
            config,
            lines,
            PlanStep::write("/etc/resolv.conf", "search lan\nnameserver 127.0.0.1\n".to_owned()),
        ],
    }
}

fn world() -> World {
    let world = World::new();
    world.write("etc/dhcpcd.conf", "hostname\n");
    world.write("etc/resolv.conf", "search lan\nnameserver 192.0.2.1\n");
    world.install(&plan(), FaultKind::None).0.unwrap();
    world
}

#[test]
fn a_changed_file_stops_the_undo_and_the_difference_is_shown() {
    let world = world();
    world.write("etc/resolv.conf", "search lan\nnameserver 198.51.100.7\n");
    let changed = world.tree();
    let reason = world.uninstall(false, FaultKind::None).0.unwrap_err();
    assert!(reason.contains("/etc/resolv.conf has changed"), "{reason}");
    assert_eq!(world.tree(), changed, "nothing is undone");
    let undo = world.examine().unwrap();
    let difference = undo.conflicts().map(|conflict| match conflict {
        UndoStep::Conflict { difference, .. } => difference.join("|"),
        _ => String::new(),
    });
    assert!(difference.eq(["-nameserver 127.0.0.1|+nameserver 198.51.100.7"]));
    world.uninstall(true, FaultKind::None).0.unwrap();
    assert_eq!(world.read("/etc/resolv.conf"), "search lan\nnameserver 192.0.2.1\n");
}

#[test]
fn a_file_changed_back_or_removed_by_hand_is_no_conflict() {
    for gone in [false, true] {
        let world = world();
        match gone {
            true => std::fs::remove_file(world.at("etc/resolv.conf")).unwrap(),
            false => world.write("etc/resolv.conf", "search lan\nnameserver 192.0.2.1\n"),
        }
        world.uninstall(false, FaultKind::None).0.unwrap();
        assert_eq!(world.read("/etc/resolv.conf"), "search lan\nnameserver 192.0.2.1\n");
    }
}

#[test]
fn an_edited_configuration_stays_and_so_does_its_folder() {
    let world = world();
    world.write("etc/zoners/zoners.toml", "# edited\n");
    world.uninstall(false, FaultKind::None).0.unwrap();
    assert_eq!(world.read("/etc/zoners/zoners.toml"), "# edited\n");
    assert_eq!(world.read("/etc/resolv.conf"), "search lan\nnameserver 192.0.2.1\n");
    assert!(world.examine().is_none(), "the journal is gone");
}

#[test]
fn added_lines_are_taken_out_of_a_file_that_has_changed_otherwise() {
    let world = world();
    world.write("etc/dhcpcd.conf", "hostname\nnohook resolv.conf\nstatic\n");
    world.uninstall(false, FaultKind::None).0.unwrap();
    assert_eq!(world.read("/etc/dhcpcd.conf"), "hostname\nstatic\n");
}

/// The names in `/etc` given by a plan for a time.
fn names_for_a_time(world: &World) -> usize {
    let names = world.tree().into_keys().map(|path| path.display().to_string());
    names.filter(|name| name.contains("zoners-")).filter(|name| name.starts_with("etc/.")).count()
}

#[test]
fn a_former_file_that_a_program_has_written_to_meanwhile_comes_from_the_journal() {
    let world = world();
    let before = "search lan\nnameserver 192.0.2.1\n";
    assert_eq!(world.read("/etc/.resolv.conf.zoners-former"), before);
    // By a descriptor opened before the install.
    std::fs::write(world.at("etc/.resolv.conf.zoners-former"), "nameserver 198.51.100.7\n")
        .unwrap();
    world.uninstall(false, FaultKind::None).0.unwrap();
    assert_eq!((world.read("/etc/resolv.conf").as_str(), names_for_a_time(&world)), (before, 0));
}

#[test]
fn no_second_name_is_left_beside_a_file_that_stays() {
    let world = world();
    world.write("etc/dhcpcd.conf", "hostname\nnohook resolv.conf\nstatic\n");
    world.write("etc/resolv.conf", "nameserver 198.51.100.7\n");
    assert_eq!(names_for_a_time(&world), 2);
    world.uninstall(true, FaultKind::None).0.unwrap();
    assert_eq!(names_for_a_time(&world), 0);
    let world = self::world();
    world.write("etc/dhcpcd.conf", "static\n");
    world.uninstall(false, FaultKind::None).0.unwrap();
    assert_eq!(
        (world.read("/etc/dhcpcd.conf").as_str(), names_for_a_time(&world)),
        ("static\n", 0)
    );
}

#[test]
fn a_torn_last_line_of_the_journal_is_passed_over_and_a_damaged_line_is_not() {
    let world = world();
    let folder = UndoJournal::folder(&world.root).unwrap();
    let path = folder.join("journal.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    assert!(whole.starts_with("{\"journal\":1,"), "{whole}");
    std::fs::write(&path, format!("{whole}{{\"begin\":{{\"st")).unwrap();
    assert_eq!(world.examine().unwrap().steps.len(), 4);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    std::fs::write(&path, whole.replacen("{\"begin\"", "{\"bogin\"", 1)).unwrap();
    let reason = world.uninstall(false, FaultKind::None).0.unwrap_err();
    assert!(reason.contains("line 2"), "{reason}");
    std::fs::write(&path, whole.replacen("{\"journal\":1,", "{\"journal\":2,", 1)).unwrap();
    let reason = world.uninstall(true, FaultKind::None).0.unwrap_err();
    assert!(reason.contains("newer program"), "{reason}");
}

#[test]
fn only_one_process_holds_the_journal() {
    let world = world();
    let mut disk = crate::plan::Disk::default();
    let held = UndoJournal::open(&world.root, &mut disk).unwrap().unwrap();
    for ended in
        [world.uninstall(true, FaultKind::None).0, world.install(&plan(), FaultKind::None).0]
    {
        assert!(ended.unwrap_err().contains("another install or uninstall runs"));
    }
    drop(held);
    world.uninstall(false, FaultKind::None).0.unwrap();
}

#[test]
fn missing_folders_are_made_and_a_link_to_a_folder_is_one() {
    let world = World::new();
    world.write("var/usrlocal/other", "");
    std::fs::remove_dir_all(world.at("usr/local")).unwrap();
    world.link("usr/local", "../var/usrlocal");
    let before = world.tree();
    let page = PlanStep::write("/usr/local/share/man/man1/zoners.1", ".TH\n".to_owned());
    let plan = SystemPlan { steps: vec![page] }.with_folders();
    world.install(&plan, FaultKind::None).0.unwrap();
    assert_eq!(world.read("/var/usrlocal/share/man/man1/zoners.1"), ".TH\n");
    world.uninstall(false, FaultKind::None).0.unwrap();
    assert_eq!(world.tree(), before);
}
