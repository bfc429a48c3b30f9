//! Zoners as the resolver of a Mac: the whole plan, from the program to the jobs of launchd.
//!
//! [`MacInstallFacts::read`] reads, [`MacInstallFacts::plan`] plans; both run on every system, in the folder of an
//! image. The DNS settings themselves are no part of the plan: the second job keeps them
//! ([`mac_dns`](crate::mac_dns)).

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::install_steps::{
    CONFIG, InstallInput, check_answers, check_asked, config, copy_program, pages,
};
use crate::launchd::{DATA_FOLDER, LOG_FOLDER, LaunchdJob, STATE_FOLDER};
use crate::mac_dns::BEFORE_FOLDER;
use crate::plan::{
    AccountDirectory, CommandRunner, PlanStep, SystemCommand, SystemPlan, SystemRoot,
};
use crate::reports::{dscl, launchctl};

/// The user of the daemon.
pub const USER: &str = "_zoners";
/// The program. `/usr/local/bin` may belong to a person (Homebrew), who would be root by a changed program.
const PROGRAM: &str = "/Library/Application Support/Zoners/zoners";
/// The link to the program for people.
const LINK: &str = "/usr/local/bin/zoners";
/// Numbers for the user and the group, first to last: below 500, where macOS hides users from the login window, and
/// apart from Apple's own (up to 304, and groups from 395 to 404) and those of Nix (301 to 382).
const NUMBERS: [std::ops::Range<i64>; 2] = [440..500, 240..260];

/// What was read of a system.
#[derive(Clone, Debug)]
pub struct MacInstallFacts {
    /// Whether this is the running system, with jobs to start.
    pub is_running_system: bool,
    /// Whether there is a configuration.
    pub has_config: bool,
    /// The number for the user and the group.
    pub number: i64,
    /// The names of jobs that a person has disabled for good.
    pub disabled: BTreeSet<&'static str>,
}

impl MacInstallFacts {
    /// Reads a system. Programs are asked on the running system alone.
    ///
    /// # Errors
    /// A program cannot be run, or no number is free.
    pub fn read(root: &SystemRoot, commands: &mut dyn CommandRunner) -> io::Result<Self> {
        let is_running_system = root.is_running_system();
        let mut ask = |words: &[&str]| match is_running_system {
            true => commands.run(&SystemCommand::of(words)).map(|end| end.output),
            false => Ok(String::new()),
        };
        let users = ask(&["dscl", ".", "-list", "/Users", "UniqueID"])?;
        let groups = ask(&["dscl", ".", "-list", "/Groups", "PrimaryGroupID"])?;
        let disabled = ask(&["launchctl", "print-disabled", "system"])?;
        let labels = jobs().into_iter().map(|job| job.label);
        Ok(MacInstallFacts {
            is_running_system,
            has_config: root.follow(Path::new(CONFIG))?.exists(),
            number: free_number(&users, &groups).ok_or_else(|| {
                io::Error::other("there is no free number for the user _zoners below 500")
            })?,
            disabled: labels.filter(|label| launchctl::is_disabled(&disabled, label)).collect(),
        })
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self, input: InstallInput) -> SystemPlan {
        let mut steps = vec![
            folder(DATA_FOLDER, 0o755, false),
            copy_program(&input.program, PROGRAM),
            PlanStep::link(LINK, PROGRAM),
        ];
        steps.extend(pages(input.pages));
        if !self.has_config {
            steps.push(config(input.config));
        }
        if self.is_running_system {
            steps.push(user(self.number));
        }
        steps.push(folder(STATE_FOLDER, 0o700, true));
        steps.push(folder(LOG_FOLDER, 0o755, true));
        steps.push(folder(BEFORE_FOLDER, 0o700, true));
        for (job, check) in jobs().into_iter().zip([check_answers(), check_asked()]) {
            if self.is_running_system {
                steps.push(PlanStep::write(&job.start_path(), job.property_list()));
                steps.extend(self.enable(&job));
                steps.push(PlanStep::StartService(job.service()));
            }
            steps.push(PlanStep::write(&job.path(), job.property_list()));
            steps.extend(self.is_running_system.then_some(check));
        }
        SystemPlan { steps }.with_folders()
    }

    /// Steps for a job that a person has disabled. A job without such a word needs none, and an undo could not take the
    /// word back.
    fn enable(&self, job: &LaunchdJob) -> Vec<PlanStep> {
        let target = job.target();
        match self.disabled.contains(job.label) {
            true => vec![
                PlanStep::run_on_undo(&["launchctl", "disable", &target]),
                PlanStep::run(&["launchctl", "enable", &target]),
            ],
            false => Vec::new(),
        }
    }
}

fn jobs() -> [LaunchdJob; 2] {
    let program = Path::new(PROGRAM);
    [LaunchdJob::daemon(program, CONFIG), LaunchdJob::switch(program)]
}

/// A number that is free for the user and the group. A half-made group of ours keeps its number.
fn free_number(users: &str, groups: &str) -> Option<i64> {
    let (users, groups) = (dscl::records(users), dscl::records(groups));
    let own = groups.iter().chain(&users).find(|(name, _)| name == USER);
    if let Some((_, number)) = own {
        return Some(*number);
    }
    let taken: BTreeSet<i64> = users.iter().chain(&groups).map(|(_, number)| *number).collect();
    NUMBERS.into_iter().flatten().find(|number| !taken.contains(number))
}

/// The user and the group, which the directory of macOS has, and no file of `/etc`. The group is made first and removed
/// last, so that the group is there as long as any part is there.
fn user(number: i64) -> PlanStep {
    let (user, group, number) =
        (format!("/Users/{USER}"), format!("/Groups/{USER}"), number.to_string());
    let create = |record: &str, words: &[&str]| {
        SystemCommand::of(&[&["dscl", ".", "-create", record], words].concat())
    };
    let delete = |record: &str| SystemCommand::of(&["dscl", ".", "-delete", record]);
    PlanStep::CreateUser {
        name: USER.to_owned(),
        add: vec![
            create(&group, &["PrimaryGroupID", &number]),
            create(&group, &["RealName", "Zoners"]),
            create(&group, &["Password", "*"]),
            create(&user, &["UniqueID", &number]),
            create(&user, &["PrimaryGroupID", &number]),
            create(&user, &["RealName", "Zoners"]),
            create(&user, &["Password", "*"]),
            create(&user, &["NFSHomeDirectory", "/var/empty"]),
            create(&user, &["UserShell", "/usr/bin/false"]),
            create(&user, &["IsHidden", "1"]),
        ],
        remove: vec![delete(&user), delete(&group)],
        directory: Some(AccountDirectory {
            has_user: SystemCommand::of(&["dscl", ".", "-read", &user, "IsHidden"]),
            has_part: SystemCommand::of(&["dscl", ".", "-read", &group, "PrimaryGroupID"]),
        }),
    }
}

fn folder(path: &str, mode: u32, with_content: bool) -> PlanStep {
    PlanStep::MakeFolder { path: path.into(), mode, with_content }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::faults::FaultKind;
    use crate::plan::tests::world::World;

    fn plan(facts: &MacInstallFacts) -> SystemPlan {
        facts.plan(InstallInput {
            program: concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into(),
            config: "[server]\nuser = \"_zoners\"\n".to_owned(),
            pages: vec![("/usr/local/share/man/man1/zoners.1".to_owned(), ".TH\n".to_owned())],
        })
    }

    fn facts(world: &World) -> MacInstallFacts {
        let facts = MacInstallFacts::read(&world.root, &mut crate::plan::NoCommands).unwrap();
        MacInstallFacts { is_running_system: true, ..facts }
    }

    #[test]
    fn a_mac_returns_as_it_was_after_install_and_uninstall() {
        for moment in (0..400).step_by(17) {
            let world = World::new();
            let before = world.tree();
            let _ = world.install(&plan(&facts(&world)), FaultKind::Death(moment));
            world.install(&plan(&facts(&world)), FaultKind::None).0.unwrap();
            for label in ["org.zoners.daemon", "org.zoners.system-dns", "/Users/_zoners"] {
                assert!(world.running.borrow().contains(label), "killed at {moment}: {label}");
            }
            world.install(&plan(&facts(&world)), FaultKind::None).0.unwrap();
            world.uninstall(false, FaultKind::Death(moment / 2)).0.unwrap_or_default();
            world.uninstall(false, FaultKind::None).0.unwrap();
            assert_eq!(world.tree(), before, "killed at {moment}");
            assert!(world.running.borrow().is_empty(), "{:?}", world.running);
        }
    }

    #[test]
    fn the_settings_change_only_after_the_daemon_has_answered() {
        let world = World::new();
        let shown: Vec<String> =
            plan(&facts(&world)).steps.iter().map(ToString::to_string).collect();
        let at = |part: &str| shown.iter().position(|step| step.contains(part)).unwrap();
        let order = [
            at("Zoners/zoners"),
            at("dscl . -create /Groups/_zoners PrimaryGroupID 440"),
            at("bootstrap system '/Library/Application Support/Zoners/org.zoners.daemon.plist'"),
            at("write /Library/LaunchDaemons/org.zoners.daemon.plist"),
            at("127.0.0.1 answers"),
            at(
                "bootstrap system '/Library/Application Support/Zoners/org.zoners.system-dns.plist'",
            ),
            at("write /Library/LaunchDaemons/org.zoners.system-dns.plist"),
            at("arrives there"),
        ];
        assert!(order.is_sorted() && order[7] + 1 == shown.len(), "{shown:#?}");
    }

    /// A boot starts each job with a property list in /Library/LaunchDaemons.
    #[test]
    fn an_uninstall_stops_the_jobs_of_a_boot_after_a_power_cut() {
        for moment in (0..400).step_by(7) {
            let world = World::new();
            let before = world.tree();
            let _ = world.install(&plan(&facts(&world)), FaultKind::Death(moment));
            for job in jobs() {
                world.running.borrow_mut().remove(job.label);
                if world.at(job.path().trim_start_matches('/')).exists() {
                    world.running.borrow_mut().insert(job.label.to_owned());
                }
            }
            world.uninstall(false, FaultKind::None).0.unwrap();
            assert_eq!(world.tree(), before, "cut at {moment}");
            assert!(world.running.borrow().is_empty(), "cut at {moment}: {:?}", world.running);
        }
    }

    #[test]
    fn a_job_that_a_person_has_disabled_is_enabled_and_disabled_again() {
        let world = World::new();
        let label = "org.zoners.daemon";
        let facts = MacInstallFacts { disabled: [label].into(), ..facts(&world) };
        let shown: Vec<String> = plan(&facts).steps.iter().map(ToString::to_string).collect();
        let enable = format!("launchctl enable system/{label}");
        let at = shown.iter().position(|step| *step == enable).unwrap();
        assert!(
            shown[at - 1].starts_with("launchctl disable"),
            "before, so that it is undone last"
        );
        assert_eq!(shown.iter().filter(|step| step.starts_with("launchctl enable")).count(), 1);
    }

    #[test]
    fn the_number_is_free_for_user_and_group() {
        assert_eq!(free_number("", ""), Some(440));
        let users = "root 0\n_other 440\n_more 442\n";
        assert_eq!(free_number(users, "wheel 0\nstaff 20\n_third 441\n"), Some(443));
        assert_eq!(free_number(users, "_zoners 441\n"), Some(441), "a half-made group");
        let all: String = (0..500).map(|number| format!("u{number} {number}\n")).collect();
        assert_eq!(free_number(&all, ""), None);
    }
}
