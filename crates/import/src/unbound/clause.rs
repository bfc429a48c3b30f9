//! `forward-zone` and `stub-zone`.

use super::{Line, reasons, remark};
use crate::imported::{Form, Imported, Place, Remark, Setting};

/// A zone with its servers.
pub(super) struct Route {
    table: &'static str,
    place: Place,
    zone: Option<String>,
    servers: Vec<String>,
    over_tls: bool,
    over_tcp: bool,
}

impl Route {
    pub(super) fn new(table: &'static str, place: &Place) -> Self {
        let (place, servers) = (place.clone(), Vec::new());
        Route { table, place, zone: None, servers, over_tls: false, over_tcp: false }
    }

    pub(super) fn setting(&mut self, line: &Line, imported: &mut Imported) {
        let key = line.key.trim_start_matches("forward-").trim_start_matches("stub-");
        match key {
            "name" => self.zone = Some(line.value().to_owned()),
            "addr" | "host" => self.servers.push(line.value().to_owned()),
            "tls-upstream" | "ssl-upstream" => self.over_tls = line.value() == "yes",
            "tcp-upstream" => self.over_tcp = line.value() == "yes",
            _ => remark(imported, line, line.words(), reasons::of_route(key)),
        }
    }

    /// The zone as a setting. Unbound validates what a forwarder says, so the forwarder of all names is validated
    /// here too; other zones of forwarders are often private and unsigned.
    pub(super) fn finish(self, validates: bool, imported: &mut Imported) {
        let zone = self.zone.unwrap_or_default();
        let origin = format!("{}-zone {zone}", self.table);
        let servers: Vec<String> =
            self.servers.iter().map(|server| address(server, self.over_tls)).collect();
        for server in servers.iter().filter(|server| is_unnamed(server)) {
            let reason = "the certificate must have the address; Unbound checked no certificate";
            let (place, setting) = (self.place.clone(), format!("{origin}: {server}"));
            imported.remarks.push(Remark { place, setting, reason: reason.into() });
        }
        let validate = validates && zone == "." && self.table == "forward";
        let (table, tcp) = (self.table, self.over_tcp && !self.over_tls);
        let form = Form::Route { table, zone, servers, tcp, validate };
        imported.settings.push(Setting { place: self.place, origin, form });
    }
}

/// Whether a server over TLS has no name for the certificate.
fn is_unnamed(server: &str) -> bool {
    server.starts_with("tls://") && !server.contains('#')
}

/// `ADDRESS[@PORT][#NAME]` in the form of Zoners.
fn address(text: &str, over_tls: bool) -> String {
    let (text, name) = text.split_once('#').map_or((text, None), |(text, name)| (text, Some(name)));
    let (host, port) = text.split_once('@').map_or((text, None), |(host, port)| (host, Some(port)));
    // Unbound takes a name with the root at its end.
    let host = host.trim_end_matches('.');
    let usual = if over_tls { "853" } else { "53" };
    let server = match port.filter(|port| *port != usual) {
        Some(port) if host.contains(':') => format!("[{host}]:{port}"),
        Some(port) => format!("{host}:{port}"),
        // An address of IPv6 in a URI stands in brackets.
        None if over_tls && host.contains(':') => format!("[{host}]"),
        None => host.to_owned(),
    };
    match (over_tls, name) {
        (true, Some(name)) => format!("tls://{server}#{name}"),
        (true, None) => format!("tls://{server}"),
        (false, _) => server,
    }
}
