//! DNS settings of the BSDs: a file for the machine as a whole.

use std::path::Path;

use crate::interfaces::Interface;
use crate::networks::{
    DnsSettings, FactSource, HardwareNeighbour, LinkNaming, LinkNeighbour, ProgramUse, SourceReport,
};
use crate::reports::neighbour_tables;
use crate::{program, resolvers};

/// Folders of the sources: there is no sandbox.
pub(crate) const FOLDERS: &[&str] = &[];

/// Root reports nothing here: every user may ask scutil(8).
pub(crate) const REPORT_FOLDER: Option<&str> = None;

/// Folders whose entries change with the settings.
pub(crate) const WRITTEN_FOLDERS: &[&str] = &["/etc", "/etc/resolver"];

/// The resolvers of the system; a resolver of an interface is of that link.
pub(crate) fn reports(_: &Path, _: ProgramUse, _: &[Interface]) -> Vec<SourceReport> {
    let report = |resolver: resolvers::SystemResolver| {
        let source =
            if cfg!(target_os = "macos") { FactSource::Scutil } else { FactSource::ResolvConf };
        let mut settings = DnsSettings {
            resolvers: resolver.servers.into_iter().map(Into::into).collect(),
            ..DnsSettings::of(source)
        };
        settings.add_domains(resolver.search.iter().map(String::as_str));
        if !resolver.domain.is_empty() {
            settings.takes_other_names = Some(false);
            settings.add_domains([format!("~{}", resolver.domain).as_str()]);
        }
        let link = resolver.interface.map_or(LinkNaming::Machine, LinkNaming::Name);
        SourceReport { link, settings }
    };
    let all = resolvers::all().unwrap_or_default().into_iter();
    all.filter(|resolver| !resolver.is_multicast).map(report).collect()
}

/// The system tells hardware addresses by a routing socket alone, which takes `unsafe`.
pub(crate) fn neighbours() -> Vec<LinkNeighbour> {
    Vec::new()
}

/// The neighbours, as `arp` and `ndp` tell.
pub(crate) fn hardware_neighbours() -> Vec<HardwareNeighbour> {
    let arp = program::output("/usr/sbin/arp", &["-an"]).unwrap_or_default();
    let ndp = program::output("/usr/sbin/ndp", &["-an"]).unwrap_or_default();
    [neighbour_tables::of_arp(&arp), neighbour_tables::of_ndp(&ndp)].concat()
}
