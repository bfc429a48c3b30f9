//! Local data: names answered here, without a query: records of the configuration and of a hosts file, zones,
//! names of leases, and special-use names, in this order.

pub mod hosts;
pub mod leases;
mod records;
mod special_use;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use arc_swap::ArcSwap;
use zoners_dns::{
    Clock, Delegation, Name, NameSlice, OptRcode, RRset, Records as Rdata, Rtype, Security,
    ZoneCopies, name, zonefile,
};
use zoners_resolver::Answer;
use zoners_zones::ZoneCopy;

use crate::clock::SystemClock;
use crate::config::{Config, ConfigError, LocalRoot};
use crate::control::folder;
use crate::zones::{self, ShelfEntry, ZoneShelf};
use leases::LeaseNames;
use records::{Builder, LocalRecords};
use special_use::SpecialZones;

/// Faulty lines of a hosts file that are reported; the rest are counted.
const MOST_TOLD: usize = 10;
/// Faulty records of the configuration that are reported.
const MOST_WRONG: usize = 20;
/// The TTL, in seconds, of denials and of the apex of an empty zone.
const TTL: u32 = 10_800;

/// The local data.
#[derive(Debug)]
pub struct Local {
    records: LocalRecords,
    /// The zones with a copy here, if there are any.
    zones: Option<Arc<ZoneShelf>>,
    /// Replaced while the rest stays, as leases change with each device.
    leases: ArcSwap<LeaseNames>,
    special: SpecialZones,
    remarks: Vec<String>,
    /// Names without a PTR record, since their address has enough.
    left_out: usize,
}

impl Local {
    /// Reads the local data of the configuration. Names of special-use zones below one of `routes`
    /// are left to the route. A missing hosts file, or faulty lines, are skipped with a remark.
    ///
    /// # Errors
    /// Records of the configuration are wrong, the hosts file is there and cannot be read, or a zone cannot be loaded.
    pub fn new(config: &Config, routes: &[Delegation]) -> Result<Self, ConfigError> {
        let (mut builder, mut error) = (Builder::default(), ConfigError::default());
        error.take(add_records(config, "local.records", &config.local.records, &mut builder));
        let hosts = config.local.hosts.as_deref();
        let remarks = hosts.map(|path| add_hosts(config, path, &mut builder)).transpose();
        let remarks = error.take(remarks).flatten().unwrap_or_default();
        let table = error.take(zones::load(config)).unwrap_or_default();
        let leases = LeaseNames::read(&config.network, SystemClock.wall_seconds());
        let of_leases = leases.remarks().iter();
        let of_leases = of_leases.map(|what| config.source.remark("network.leases", what));
        let remarks: Vec<String> = remarks.into_iter().chain(of_leases).collect();
        error.remark(remarks.clone());
        error.outcome()?;
        let mut special =
            SpecialZones::new(&config.local.special_use, &config.policy.canaries(), routes);
        if let Some(domain) = config.lease_domain() {
            special.add_leases(domain);
        }
        let left_out = builder.left_out();
        let records = builder.build(|name| special.covers(name.for_slice()));
        let is_wanted = !table.is_empty() || config.resolver.local_root != LocalRoot::Off;
        let withheld = config.policy.list.iter().filter_map(|list| list.zone.clone()).collect();
        let zones = is_wanted.then(|| Arc::new(ZoneShelf::new(table, withheld)));
        let leases = ArcSwap::from_pointee(leases);
        Ok(Local { records, zones, leases, special, remarks, left_out })
    }

    /// Remarks on skipped data, for the operator.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The zones with a copy here for the resolver, if there are any.
    pub(crate) fn zone_copies(&self) -> Option<Arc<dyn ZoneCopies>> {
        self.zones.clone().map(|zones| zones as _)
    }

    /// The zones with a copy here, for reports.
    pub(crate) fn zones(&self) -> Vec<ShelfEntry> {
        self.zones.iter().flat_map(|zones| zones.entries()).collect()
    }

    /// Puts the copy of a zone into force.
    pub(crate) fn put_zone(&self, apex: &Name, copy: &ZoneCopy) {
        self.zones.iter().for_each(|zones| zones.put(apex, copy));
    }

    /// How many names have records.
    #[must_use]
    pub fn names(&self) -> usize {
        self.records.len()
    }

    /// How many names of a hosts file are not told in reverse, as their address has enough.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The names of leases.
    #[must_use]
    pub fn leases(&self) -> Arc<LeaseNames> {
        self.leases.load_full()
    }

    /// Serves these names of leases in place of the ones before.
    pub(crate) fn put_leases(&self, leases: LeaseNames) {
        self.leases.store(Arc::new(leases));
    }

    /// The addresses of a local name.
    pub(crate) fn addresses(&self, name: &Name) -> Vec<IpAddr> {
        let answers = [Rtype::A, Rtype::AAAA].map(|rtype| self.answer(name.for_slice(), rtype));
        let sets = answers.iter().flatten().flat_map(|answer| &answer.answer);
        sets.flat_map(RRset::addresses).collect()
    }

    /// The answer, if the name is local.
    pub(super) fn answer(&self, name: &NameSlice, rtype: Rtype) -> Option<Answer> {
        let zones = || self.zones.as_ref()?.answer(name, rtype);
        self.records.answer(name, rtype).or_else(zones).or_else(|| {
            // Most names are neither of a lease nor special.
            self.special.may_cover(name).then(|| self.answer_near(name, rtype)).flatten()
        })
    }

    /// The answer, if the name is of a lease or special.
    fn answer_near(&self, name: &NameSlice, rtype: Rtype) -> Option<Answer> {
        let leases = self.leases.load();
        let has_below = |name: &Name| self.records.has_below(name) || leases.has_below(name);
        let answer = leases.answer(name, rtype);
        let answer = answer.or_else(|| self.special.answer(name, rtype, has_below))?;
        Some(if leases.are_served() { lasting_briefly(answer) } else { answer })
    }
}

/// Records of a group of clients.
#[derive(Debug)]
pub(crate) struct GroupRecords(LocalRecords);

impl GroupRecords {
    /// Reads records of the configuration, which stand at `path`; none without items.
    ///
    /// # Errors
    /// Records are wrong.
    pub(crate) fn read(
        config: &Config,
        path: &str,
        items: &[String],
    ) -> Result<Option<Self>, ConfigError> {
        let mut builder = Builder::default();
        add_records(config, path, items, &mut builder)?;
        let records = builder.build(|_| false);
        Ok((records.len() > 0).then_some(GroupRecords(records)))
    }

    /// The answer, if the name is of the group.
    pub(crate) fn answer(&self, name: &NameSlice, rtype: Rtype) -> Option<Answer> {
        self.0.answer(name, rtype)
    }
}

/// Adds records of the configuration, which stand at `path`. Each faulty item is reported.
fn add_records(
    config: &Config,
    path: &str,
    items: &[String],
    builder: &mut Builder,
) -> Result<(), ConfigError> {
    let mut items = items.to_vec();
    let mut faults = Vec::new();
    for _ in 0..MOST_WRONG {
        let wrong = match zonefile::parse(&items.join("\n"), &name::root()) {
            Err(wrong) => wrong,
            Ok(sets) => {
                sets.into_iter().for_each(|set| builder.add_set(set));
                break;
            }
        };
        let mut line = 0;
        let at = items.iter().position(|item| {
            line += 1 + item.matches('\n').count();
            line >= wrong.line
        });
        let at = at.unwrap_or_default();
        let what =
            format!("{}; write it as zone files do: \"nas.lan. 300 A 192.168.1.2\"", wrong.what);
        faults.push((at, config.source.fault(&format!("{path}[{at}]"), &what)));
        let Some(item) = items.get_mut(at) else { break };
        *item = "\n".repeat(item.matches('\n').count());
    }
    faults.sort_unstable();
    let mut error = ConfigError::default();
    faults.into_iter().for_each(|(_, fault)| error.add(fault));
    error.outcome()
}

/// Adds the records of a hosts file; returns remarks.
fn add_hosts(
    config: &Config,
    path: &Path,
    builder: &mut Builder,
) -> Result<Vec<String>, ConfigError> {
    let shown = path.display();
    let text = match read_plain(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // The sandbox grants only folders that exist at the start.
            let when = match folder(path).is_dir() {
                true => "once it is there",
                false => "after a restart once it is there, as its folder is not there either",
            };
            let what = format!("{shown}: {error}; its names are served {when}");
            return Ok(vec![config.source.remark("local.hosts", &what)]);
        }
        Err(error) => return Err(config.wrong("local.hosts", &format!("{shown}: {error}"))),
    };
    let (mut remarks, mut more) = (Vec::new(), 0_usize);
    let take = |address, names| hosts::add(address, names, builder);
    hosts::read(&text, take, |odd| match remarks.len() < MOST_TOLD {
        true => remarks.push(format!("{shown}:{}: {}; it is passed over", odd.line, odd.why)),
        false => more += 1,
    });
    if more > 0 {
        remarks.push(format!("{shown}: {more} more things are passed over"));
    }
    Ok(remarks)
}

/// Reads a regular file, and no pipe that might never end.
fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    match fs::metadata(path)?.is_file() {
        true => fs::read(path),
        false => Err(io::Error::other("it is no plain file")),
    }
}

fn answer_of(rcode: OptRcode, answer: Vec<RRset>, authority: Vec<RRset>) -> Answer {
    Answer {
        rcode,
        answer,
        authority,
        additional: vec![],
        security: Security::Unchecked,
        stale: false,
        hearsay: false,
    }
}

/// The SOA record of an empty zone (RFC 6303 section 3). Its primary server is the apex, which has
/// no address, so that no client sends updates.
fn soa(zone: &Name) -> Vec<RRset> {
    vec![soa_with_ttl(zone, TTL)]
}

/// An SOA record by which clients keep a denial for `ttl` seconds (RFC 2308 section 5).
fn soa_with_ttl(zone: &Name, ttl: u32) -> RRset {
    const RNAME: &[u8] = b"\x06nobody\x07invalid\0";
    let times = [1_u32, 3600, 1200, 604_800, ttl];
    let times: Vec<u8> = times.iter().flat_map(|time| time.to_be_bytes()).collect();
    let rdata = [zone.as_slice(), RNAME, &times].concat();
    RRset::new(zone.clone(), Rtype::SOA, ttl, Rdata::from_iter([rdata]))
}

/// The answer with a denial that clients keep as briefly as a lease: a device may come at any time.
fn lasting_briefly(answer: Answer) -> Answer {
    let denial = answer.authority.iter().filter(|set| set.rtype == Rtype::SOA);
    let authority = denial.map(|set| soa_with_ttl(&set.owner, leases::TTL)).collect();
    Answer { authority, ..answer }
}

/// The NS record of the zone.
fn ns(zone: &Name) -> Vec<RRset> {
    vec![RRset::naming(zone.clone(), Rtype::NS, TTL, zone)]
}

#[cfg(test)]
mod tests;
