//! DNS settings of the BSDs: a file for the machine as a whole.

use std::path::Path;

use super::interfaces::index;
use crate::interfaces::Interface;
use crate::networks::{
    FactSource, HardwareNeighbour, LinkNeighbour, ProgramUse, SourceReport, system_resolvers,
};
use crate::reports::neighbour_tables::{self, NamedNeighbour};
use crate::reports::route;
use crate::{program, resolvers};

/// Folders of the sources: there is no sandbox.
pub(crate) const FOLDERS: &[&str] = &[];

/// Root reports nothing here: every user may ask scutil(8).
pub(crate) const REPORT_FOLDER: Option<&str> = None;

/// Folders whose entries change with the settings.
pub(crate) const WRITTEN_FOLDERS: &[&str] = &["/etc", "/etc/resolver"];

/// The resolvers of the system.
pub(crate) fn reports(_: &Path, _: ProgramUse, _: &[Interface]) -> Vec<SourceReport> {
    let source =
        if cfg!(target_os = "macos") { FactSource::Scutil } else { FactSource::ResolvConf };
    let all = resolvers::all().unwrap_or_default().into_iter();
    all.filter_map(|resolver| system_resolvers::report(resolver, source)).collect()
}

/// Adds routers, as route(8) tells: the routing socket takes `unsafe`.
pub(crate) fn add_gateways(interfaces: &mut [Interface]) {
    for family in ["-inet", "-inet6"] {
        let text = program::output("/sbin/route", &["-n", "get", family, "default"]);
        if let Some(route) = text.as_deref().and_then(route::far_route) {
            route.note_in(interfaces);
        }
    }
}

/// The neighbours with the numbers of their links.
pub(crate) fn neighbours() -> Vec<LinkNeighbour> {
    tables().into_iter().filter_map(|named| named.on_link(index)).collect()
}

/// The neighbours, of whatever link.
pub(crate) fn hardware_neighbours() -> Vec<HardwareNeighbour> {
    tables().into_iter().map(|named| named.neighbour).collect()
}

fn tables() -> Vec<NamedNeighbour> {
    let arp = program::output("/usr/sbin/arp", &["-an"]).unwrap_or_default();
    let ndp = program::output("/usr/sbin/ndp", &["-an"]).unwrap_or_default();
    [neighbour_tables::of_arp(&arp), neighbour_tables::of_ndp(&ndp)].concat()
}
