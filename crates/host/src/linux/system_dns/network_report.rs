//! Settings of networks that root alone can read, reported to the daemon in a file.

use std::io::{self, Write};
use std::path::Path;

use super::condition_file::FOLDER;
use crate::interfaces::interfaces;
use crate::linux::networks::{former_resolv_conf, hidden_reports, reported};
use crate::plan::{EntryState, FormerState, JournalName, PlanStep, SystemRoot, UndoJournal};
use crate::resolvers::RESOLV_CONF;

/// The report of now. Programs of the system are asked, which takes up to some seconds.
#[must_use]
pub fn network_report(root: &SystemRoot) -> Vec<u8> {
    let interfaces = interfaces().unwrap_or_default();
    let mut reports = hidden_reports(root.folder(), &interfaces);
    reports.extend(resolv_conf_before(root).map(|text| former_resolv_conf(&text)));
    reported::text(&reports, &interfaces)
}

/// Writes a report beside the condition, for every user to read.
///
/// # Errors
/// The file cannot be written.
pub fn write_network_report(root: &SystemRoot, report: &[u8]) -> io::Result<()> {
    let place = root.locate(&Path::new(FOLDER).join(reported::FILE))?;
    zoners_files::replace(&place, 0o644, |file| file.write_all(report))
}

/// The text of `/etc/resolv.conf` in whose place ours stands.
fn resolv_conf_before(root: &SystemRoot) -> Option<String> {
    let steps = UndoJournal::peek(&root.with_journal(JournalName::SystemDns)).ok()?;
    steps.into_iter().find_map(|begun| match (begun.step, begun.former) {
        (
            PlanStep::WriteFile { path, .. },
            FormerState::Path { state: EntryState::File { content, .. } },
        ) if path == Path::new(RESOLV_CONF) => {
            Some(String::from_utf8_lossy(&content.0).into_owned())
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::{FactSource, ProgramUse, assemble};
    use crate::plan::tests::world::World;
    use crate::plan::{Disk, NoCommands};
    use crate::system_dns::{plan, release, take};

    #[test]
    fn the_resolvers_from_before_are_reported_while_ours_is_asked() {
        let world = World::new();
        world.write("etc/resolv.conf", "nameserver 192.168.1.1\nsearch lan\n");
        std::fs::create_dir(world.at("run/zoners-dns")).unwrap();
        let resolvers_before = || {
            write_network_report(&world.root, &network_report(&world.root)).unwrap();
            let reports =
                crate::linux::networks::reports(world.root.folder(), ProgramUse::Forbidden, &[]);
            let facts = assemble(&[], reports);
            let before = facts.unassigned.into_iter();
            before.filter(|it| it.source == FactSource::FormerResolvConf).collect::<Vec<_>>()
        };
        assert_eq!(resolvers_before(), []);
        let steps = plan(&world.root).unwrap();
        take(&world.root, Disk::default(), &mut NoCommands, &steps).unwrap();
        let before = resolvers_before();
        assert_eq!(before.len(), 1);
        assert_eq!(before[0].resolvers[0].address, "192.168.1.1:53".parse().unwrap());
        assert_eq!(before[0].search_domains, ["lan"]);
        release(&world.root, Disk::default(), &mut NoCommands).unwrap();
        assert_eq!(resolvers_before(), []);
    }
}
