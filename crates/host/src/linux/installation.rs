//! Zoners as the resolver of this machine: the whole plan, from the program to the system's DNS settings.
//!
//! The service that takes the settings comes last, after the daemon has answered. [`InstallFacts::read`] reads,
//! [`InstallFacts::plan`] plans.

use std::io;
use std::path::{Path, PathBuf};

use super::system_dns::{DnsFacts, running_programs};
use crate::install_steps::{
    CONFIG, InstallInput, check_answers, check_asked, config, copy_program, pages,
};
use crate::plan::{PlanStep, SystemCommand, SystemPlan, SystemRoot};
use crate::service_units::{DaemonUnit, SERVICE_NAME, SWITCH_NAME, ServiceManagerKind};

/// The user of the service.
pub const USER: &str = "zoners";

/// Folders of packages: a program there is used in place.
const PACKAGED: [&str; 4] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
/// The place of a program without a package.
const PROGRAM: &str = "/usr/local/bin/zoners";
/// The way for NixOS.
const NIXOS: &str = "this is NixOS, where services and /etc are built: write to configuration.nix \
    `systemd.services.zoners = { wantedBy = [ \"multi-user.target\" ]; serviceConfig.ExecStart = \"…/zoners serve\"; };` \
    and `networking.nameservers = [ \"127.0.0.1\" ];`, then `nixos-rebuild switch`";
const STATE: &str = "/var/lib/zoners";

/// The program for new users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserTool {
    /// `useradd` of shadow.
    Useradd,
    /// `adduser` of busybox.
    Busybox,
}

/// What was read of a system.
#[derive(Clone, Debug)]
pub struct InstallFacts {
    /// The folder of an image, in which commands run after chroot(8); none for the running system.
    pub image: Option<PathBuf>,
    /// The service manager.
    pub manager: Option<ServiceManagerKind>,
    /// The program for new users.
    pub user_tool: Option<UserTool>,
    /// Whether there is a configuration.
    pub has_config: bool,
    /// Whether the system is NixOS, which builds `/etc` as a whole.
    pub is_nixos: bool,
    /// The DNS settings.
    pub dns: DnsFacts,
}

impl InstallFacts {
    /// Reads a system.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(root: &SystemRoot) -> io::Result<Self> {
        let has = |path: &str| root.follow(Path::new(path)).is_ok_and(|place| place.exists());
        let is_image = !root.is_running_system();
        let has_systemd = match is_image {
            true => has("/usr/lib/systemd/systemd") || has("/lib/systemd/systemd"),
            false => has("/run/systemd/system"),
        };
        let manager = match has_systemd {
            true => Some(ServiceManagerKind::Systemd),
            false if has("/sbin/openrc-run") => Some(ServiceManagerKind::OpenRc),
            false if has("/etc/runit") || has("/usr/bin/runsvdir") => {
                // The folder may be a link to a folder of the running system alone.
                let is_there = |path: &str| {
                    let place = root.locate(Path::new(path));
                    place.is_ok_and(|place| place.symlink_metadata().is_ok())
                };
                Some(ServiceManagerKind::runit(is_there))
            }
            false => None,
        };
        let user_tool = match has("/usr/sbin/useradd") {
            true => Some(UserTool::Useradd),
            false => has("/usr/sbin/adduser").then_some(UserTool::Busybox),
        };
        let dns = DnsFacts::read(root, running_programs(root))?;
        Ok(InstallFacts {
            image: is_image.then(|| root.folder().to_owned()),
            manager,
            user_tool,
            has_config: has(CONFIG),
            is_nixos: has("/etc/NIXOS"),
            dns,
        })
    }

    /// The plan.
    ///
    /// # Errors
    /// The machine has no known service manager, or no program for new users, or the DNS settings cannot be taken.
    pub fn plan(&self, input: InstallInput) -> Result<SystemPlan, String> {
        let manager =
            self.manager.ok_or("no service manager is known here: not systemd, OpenRC or runit")?;
        if self.is_nixos {
            return Err(NIXOS.to_owned());
        }
        if let Some(obstacle) = self.dns.obstacle() {
            return Err(obstacle);
        }
        let program = program_in_place(&input.program).unwrap_or_else(|| PROGRAM.into());
        let unit = DaemonUnit {
            program: program.display().to_string(),
            config: CONFIG.to_owned(),
            user: USER.to_owned(),
        };
        let mut steps = Vec::new();
        if program != input.program {
            steps.push(copy_program(&input.program, PROGRAM));
        }
        steps.extend(pages(input.pages));
        if !self.has_config {
            steps.push(config(input.config));
        }
        steps.push(self.user()?);
        steps.push(PlanStep::MakeFolder { path: STATE.into(), mode: 0o700, with_content: true });
        let is_running_system = self.image.is_none();
        steps.extend(manager.unit(&unit, is_running_system));
        if is_running_system {
            steps.push(PlanStep::StartService(manager.daemon_service(&unit)));
        }
        steps.extend(manager.enable(SERVICE_NAME));
        steps.extend(is_running_system.then(check_answers));
        steps.extend(manager.switch_unit(&unit.program, is_running_system));
        if is_running_system {
            steps.push(PlanStep::StartService(manager.service(SWITCH_NAME)));
        }
        steps.extend(manager.enable(SWITCH_NAME));
        steps.extend(is_running_system.then(check_asked));
        Ok(SystemPlan { steps }.with_folders())
    }

    fn user(&self) -> Result<PlanStep, String> {
        let command = |words: &[&str]| match &self.image {
            None => SystemCommand::of(words),
            Some(image) => {
                let image = image.display().to_string();
                SystemCommand::of(&[&["chroot", &image], words].concat())
            }
        };
        let (add, remove) = match self.user_tool.ok_or("neither useradd nor adduser is here")? {
            UserTool::Useradd => (
                vec![command(&[
                    "useradd",
                    "--system",
                    "--user-group",
                    "--no-create-home",
                    "--home-dir",
                    STATE,
                    "--shell",
                    "/usr/sbin/nologin",
                    USER,
                ])],
                vec![command(&["userdel", USER]), command(&["groupdel", USER])],
            ),
            UserTool::Busybox => (
                vec![
                    command(&["addgroup", "-S", USER]),
                    command(&[
                        "adduser",
                        "-S",
                        "-D",
                        "-H",
                        "-h",
                        STATE,
                        "-s",
                        "/sbin/nologin",
                        "-G",
                        USER,
                        USER,
                    ]),
                ],
                vec![command(&["deluser", USER]), command(&["delgroup", USER])],
            ),
        };
        Ok(PlanStep::CreateUser { name: USER.to_owned(), add, remove, directory: None })
    }
}

/// The place of the program, if a package or an earlier install has chosen the place.
fn program_in_place(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    let is_packaged = PACKAGED.iter().any(|packaged| folder == Path::new(packaged));
    (is_packaged || program == Path::new(PROGRAM)).then(|| program.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::faults::FaultKind;
    use crate::plan::tests::world::World;

    fn input() -> InstallInput {
        InstallInput {
            program: concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into(),
            config: "# ours\n".to_owned(),
            pages: vec![("/usr/local/share/man/man1/zoners.1".to_owned(), ".TH\n".to_owned())],
        }
    }

    fn machine() -> World {
        let world = World::new();
        world.write("usr/lib/systemd/systemd", "");
        world.write("usr/sbin/useradd", "");
        world.write("etc/systemd/system/x", "");
        world.write("etc/resolv.conf", "nameserver 192.0.2.1\n");
        world
    }

    fn plan(world: &World, is_running_system: bool) -> SystemPlan {
        let mut facts = InstallFacts::read(&world.root).unwrap();
        facts.dns.is_running_system = is_running_system;
        facts.image = facts.image.filter(|_| !is_running_system);
        facts.plan(input()).unwrap()
    }

    #[test]
    fn the_settings_change_only_between_the_two_checks() {
        let world = machine();
        let shown: Vec<String> = plan(&world, true).steps.iter().map(ToString::to_string).collect();
        let at = |part: &str| shown.iter().position(|step| step.contains(part)).unwrap();
        let order = [
            at("/usr/local/bin/zoners"),
            at("/etc/zoners/zoners.toml"),
            at("useradd --system"),
            at("write /etc/systemd/system/zoners.service"),
            at("systemctl start zoners"),
            // A boot after a power cut starts no service without a start in the journal.
            at("multi-user.target.wants/zoners.service"),
            at("127.0.0.1 answers"),
            at("systemctl start zoners-system-dns"),
            at("multi-user.target.wants/zoners-system-dns.service"),
            at("arrives there"),
        ];
        assert!(order.is_sorted() && order[9] + 1 == shown.len(), "{shown:#?}");
        let image: Vec<String> =
            plan(&world, false).steps.iter().map(ToString::to_string).collect();
        let is_live = |step: &String| step.starts_with("systemctl") || step.starts_with("check");
        assert!(!image.iter().any(is_live), "an image has no services and no answers: {image:#?}");
    }

    #[test]
    fn a_machine_returns_as_it_was_after_install_and_uninstall() {
        for moment in (0..400).step_by(23) {
            let world = machine();
            let before = world.tree();
            let _ = world.install(&plan(&world, true), FaultKind::Death(moment));
            // A configuration that is there is not written again.
            world.install(&plan(&world, true), FaultKind::None).0.unwrap();
            let installed = world.tree();
            world.install(&plan(&world, true), FaultKind::None).0.unwrap();
            assert_eq!(world.tree(), installed);
            assert!(world.running.borrow().contains("zoners"));
            world.uninstall(false, FaultKind::None).0.unwrap();
            assert_eq!(world.tree(), before, "killed at {moment}");
        }
    }

    #[test]
    fn an_uninstall_stops_the_services_of_a_boot_after_a_power_cut() {
        for moment in (0..400).step_by(7) {
            let world = machine();
            let (before, running) = (world.tree(), world.running.borrow().clone());
            let _ = world.install(&plan(&world, true), FaultKind::Death(moment));
            world.running.borrow_mut().retain(|name| running.contains(name));
            for name in [SERVICE_NAME, SWITCH_NAME] {
                let link = format!("etc/systemd/system/multi-user.target.wants/{name}.service");
                if world.at(&link).exists() {
                    world.running.borrow_mut().insert(name.to_owned());
                }
            }
            world.uninstall(false, FaultKind::None).0.unwrap();
            assert_eq!(world.tree(), before, "cut at {moment}");
            assert_eq!(*world.running.borrow(), running, "cut at {moment}");
        }
    }

    #[test]
    fn a_system_that_is_built_as_a_whole_is_refused_with_a_way_out() {
        let world = machine();
        world.write("etc/NIXOS", "");
        let facts = InstallFacts::read(&world.root).unwrap();
        let reason = facts.plan(input()).unwrap_err();
        assert!(reason.contains("networking.nameservers = [ \"127.0.0.1\" ];"), "{reason}");
    }

    #[test]
    fn a_program_of_a_package_stays_where_it_is() {
        for (program, expected) in [
            ("/usr/bin/zoners", Some("/usr/bin/zoners")),
            ("/usr/local/bin/zoners", Some("/usr/local/bin/zoners")),
            ("/home/a/target/release/zoners", None),
        ] {
            assert_eq!(program_in_place(Path::new(program)).as_deref(), expected.map(Path::new));
        }
    }
}
