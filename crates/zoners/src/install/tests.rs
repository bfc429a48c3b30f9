//! The pages of an install and of its undo, in a folder that stands for a machine.

use std::fs;

use zoners_host::service_units::{SWITCH_NAME, ServiceManagerKind};

use super::*;

/// Compares a page without colours and without the folders of this run.
fn holds(name: &str, lines: &[String]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let program = std::env::current_exe().and_then(fs::canonicalize).unwrap();
    let text = anstream::adapter::strip_str(&lines.join("\n")).to_string();
    let text = text.replace(&program.display().to_string(), "PROGRAM");
    // The number of pages is that of the commands.
    let uncounted = |line: &str| match line.contains(" pages") {
        true => line.replace(|letter: char| letter.is_ascii_digit(), ""),
        false => line.to_owned(),
    };
    let text = text.lines().map(uncounted).collect::<Vec<_>>().join("\n");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// An image of a machine with systemd-resolved.
fn image() -> (tempfile::TempDir, SystemRoot) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("usr/lib/systemd/systemd", ""),
        ("usr/sbin/useradd", ""),
        ("etc/passwd", "zoners:x:999:999::/:/bin/false\n"),
        ("etc/systemd/system/sysinit.target.wants/systemd-resolved.service", ""),
        ("run/systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\n"),
        ("usr/local/bin/other", ""),
        ("var/lib/other", ""),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let resolv_conf = folder.path().join("etc/resolv.conf");
    std::os::unix::fs::symlink("../run/systemd/resolve/stub-resolv.conf", resolv_conf).unwrap();
    let root = SystemRoot::new(folder.path()).unwrap();
    (folder, root)
}

#[test]
fn an_image_is_installed_to_and_left_as_before() {
    let (folder, root) = image();
    let target = TargetSystem::Linux.read(&root).unwrap();
    let mut commands = RealCommands;
    let mut executor = PlanExecutor { root: &root, disk: Disk::default(), commands: &mut commands };
    let mut shown = vec![target.sentence.clone()];
    shown.extend(show::plan(&mut executor, &target.plan).unwrap());
    shown.extend(show::switch(&target, SWITCH_NAME));
    holds("install_plan", &shown);
    let mut checks = InstallChecks::new(false);
    executor.carry_out(&target.plan, &mut checks, &mut |_, _| {}).unwrap();
    let at = |path: &str| folder.path().join(path);
    assert!(at("etc/systemd/system/zoners-system-dns.service").is_file());
    assert!(at("usr/local/share/man/man1/zoners-install.1").is_file());
    let undo = executor.examine_undo(OnConflict::Refuse).unwrap().unwrap();
    holds("uninstall_plan", &show::undo(&undo));
    executor.undo_all(false, &mut |_, _| {}).unwrap();
    assert!(!at("etc/systemd/resolved.conf.d").exists() && !at("usr/local/share").exists());
    assert!(!at("etc/zoners").exists() && at("usr/local/bin/other").exists());
}

#[test]
fn a_change_since_the_install_is_shown_and_stops_the_undo() {
    let (folder, root) = image();
    let plan = TargetSystem::Linux.read(&root).unwrap().plan;
    let mut commands = RealCommands;
    let mut executor = PlanExecutor { root: &root, disk: Disk::default(), commands: &mut commands };
    executor.carry_out(&plan, &mut InstallChecks::new(false), &mut |_, _| {}).unwrap();
    let unit = folder.path().join("etc/systemd/system/zoners.service");
    let text = fs::read_to_string(&unit).unwrap();
    fs::write(&unit, text.replace("OOMScoreAdjust=-500", "OOMScoreAdjust=0")).unwrap();
    let undo = executor.examine_undo(OnConflict::Refuse).unwrap().unwrap();
    holds("uninstall_conflicts", &show::conflicts(&undo));
    assert!(matches!(refuse_conflicts(&undo), Err(Failure::Failed(_))));
}

/// As after `kill -9` of the service: nothing has released the settings.
#[test]
fn the_settings_are_released_before_anything_is_undone() {
    let (folder, root) = image();
    let at = |path: &str| folder.path().join(path);
    let install = TargetSystem::Linux.read(&root).unwrap().plan;
    let mut commands = RealCommands;
    let mut executor = PlanExecutor { root: &root, disk: Disk::default(), commands: &mut commands };
    executor.carry_out(&install, &mut InstallChecks::new(false), &mut |_, _| {}).unwrap();
    let settings = zoners_host::system_dns::plan(&root).unwrap();
    zoners_host::system_dns::take(&root, Disk::default(), &mut RealCommands, &settings).unwrap();
    assert!(at("run/systemd/resolved.conf.d/zoners.conf").is_file());
    let undo = executor.examine_undo(OnConflict::Refuse).unwrap().unwrap();
    release_first(&root, &undo, false).unwrap();
    assert!(!at("run/systemd/resolved.conf.d").exists() && !at("var/lib/zoners-dns").exists());
    assert!(at("etc/systemd/system/zoners-system-dns.service").is_file(), "nothing is undone yet");
}

#[test]
fn only_systemd_starts_the_daemon_as_its_user() {
    let config = |manager| machine::config(linux::started_user(Some(manager)));
    assert!(!config(ServiceManagerKind::Systemd).contains("user"));
    for manager in [ServiceManagerKind::OpenRc, ServiceManagerKind::Runit("/var/service")] {
        assert!(config(manager).ends_with("[server]\nuser = \"zoners\"\n"));
    }
}

/// The plan for a Mac, made on any system: jobs are started on the Mac alone.
#[test]
fn a_mac_is_planned_on_any_system_and_left_as_before() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["Library/LaunchDaemons", "Library/Application Support", "usr/local", "var/db"] {
        fs::create_dir_all(folder.path().join(path)).unwrap();
    }
    // The journal of every system is found on the system of the test.
    fs::create_dir_all(folder.path().join("var/lib")).unwrap();
    let root = SystemRoot::new(folder.path()).unwrap();
    let target = TargetSystem::Macos.read(&root).unwrap();
    let mut commands = RealCommands;
    let mut executor = PlanExecutor { root: &root, disk: Disk::default(), commands: &mut commands };
    let mut shown = vec![target.sentence.clone()];
    shown.extend(show::plan(&mut executor, &target.plan).unwrap());
    shown.extend(show::switch(&target, TargetSystem::Macos.switch_name()));
    holds("install_plan_macos", &shown);
    executor.carry_out(&target.plan, &mut InstallChecks::new(false), &mut |_, _| {}).unwrap();
    let at = |path: &str| folder.path().join(path);
    assert!(at("Library/LaunchDaemons/org.zoners.system-dns.plist").is_file());
    let undo = executor.examine_undo(OnConflict::Refuse).unwrap().unwrap();
    holds("uninstall_plan_macos", &show::undo(&undo));
    executor.undo_all(false, &mut |_, _| {}).unwrap();
    assert!(!at("Library/Application Support/Zoners").exists() && !at("etc").exists());
}
