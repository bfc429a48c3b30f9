//! The zones in force.

use std::collections::HashSet;

use arc_swap::{ArcSwap, ArcSwapOption};
use zoners_dns::{
    CopyReply, Name, NameSlice, OptRcode, Question, Rtype, Security, ZoneCopies, name,
};
use zoners_resolver::Answer;
use zoners_zones::{AuthoritativeZone, ReplyKind, ZoneCopy, ZoneTable};

/// The zones in force, shared by all workers of a generation.
#[derive(Debug)]
pub(crate) struct ZoneShelf {
    table: ArcSwap<ZoneTable>,
    /// Zones that are policy lists: clients get no answer of these, since the rules are the operator's affair.
    withheld: HashSet<Name>,
    /// The root zone, which is asked in place of the root servers; clients get no answer of it by itself.
    root: ArcSwapOption<AuthoritativeZone>,
}

/// A zone on the shelf, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShelfEntry {
    pub(crate) apex: Name,
    /// The serial and the number of names, or of records for a zone on the disk; or why there is no copy.
    pub(crate) state: Result<(u32, u64), String>,
}

impl ZoneShelf {
    /// A shelf of these zones, of which those of `withheld` are refused to clients.
    pub(crate) fn new(table: ZoneTable, withheld: HashSet<Name>) -> Self {
        let (table, root) = (ArcSwap::from_pointee(table), ArcSwapOption::empty());
        ZoneShelf { table, withheld, root }
    }

    /// The zones, the local root first.
    pub(crate) fn entries(&self) -> Vec<ShelfEntry> {
        let root = self.root.load_full();
        let root = root.map(|zone| entry(&name::root(), &ZoneCopy::Loaded(zone)));
        let table = self.table.load();
        root.into_iter().chain(table.all().map(|(apex, copy)| entry(apex, copy))).collect()
    }

    /// Puts a copy in the place of the former one, if the zone is on the shelf.
    pub(crate) fn put(&self, apex: &Name, copy: &ZoneCopy) {
        if apex.is_root() {
            self.root.store(match copy {
                ZoneCopy::Loaded(zone) => Some(zone.clone()),
                // The root servers are asked.
                ZoneCopy::Stored(_) | ZoneCopy::Unavailable(_) => None,
            });
            return;
        }
        self.table.rcu(|table| {
            let mut table = ZoneTable::clone(table);
            if table.get(apex).is_some() {
                table.put(apex.clone(), copy.clone());
            }
            table
        });
    }

    /// The answer, if a zone has the whole answer. `None` where recursion goes on: for a delegation, for an alias that leaves
    /// the zone, and for the type ANY, which has a rule of its own.
    pub(crate) fn answer(&self, asked: &NameSlice, rtype: Rtype) -> Option<Answer> {
        if rtype == Rtype::ANY {
            return None;
        }
        let table = self.table.load();
        let (apex, copy) = table.find(asked, rtype)?;
        if self.withheld.contains(apex) {
            return Some(refused());
        }
        let ZoneCopy::Loaded(zone) = copy else { return None };
        let reply = zone.reply(&name::owned(asked), rtype);
        (reply.kind == ReplyKind::Answer).then(|| Answer {
            rcode: reply.rcode,
            answer: reply.answer,
            authority: reply.authority,
            additional: Vec::new(),
            security: Security::Unchecked,
            stale: false,
            hearsay: false,
        })
    }
}

fn refused() -> Answer {
    Answer {
        rcode: OptRcode::REFUSED,
        answer: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        security: Security::Unchecked,
        stale: false,
        hearsay: false,
    }
}

fn entry(apex: &Name, copy: &ZoneCopy) -> ShelfEntry {
    let state = match copy {
        ZoneCopy::Loaded(zone) => Ok((zone.soa().serial, zone.names() as u64)),
        ZoneCopy::Stored(zone) => Ok((zone.soa().serial, zone.record_count())),
        ZoneCopy::Unavailable(why) => Err(why.to_string()),
    };
    ShelfEntry { apex: apex.clone(), state }
}

impl ZoneCopies for ZoneShelf {
    fn reply(&self, zone: &Name, question: &Question) -> Option<CopyReply> {
        if zone.is_root() {
            let root = self.root.load();
            let reply = root.as_ref()?.reply(&question.name, question.rtype);
            return Some(CopyReply::Message(reply.message(question).into()));
        }
        if self.withheld.contains(zone) {
            let why = format!("the zone {} is a policy list", zone.fmt_with_dot());
            return Some(CopyReply::Unavailable(why));
        }
        Some(match self.table.load().get(zone)? {
            ZoneCopy::Loaded(zone) => {
                let reply = zone.reply(&question.name, question.rtype);
                CopyReply::Message(reply.message(question).into())
            }
            // Zones on the disk are withheld.
            ZoneCopy::Stored(_) => CopyReply::Unavailable("the zone lies on the disk".into()),
            ZoneCopy::Unavailable(why) => {
                CopyReply::Unavailable(format!("the zone {}: {why}", zone.fmt_with_dot()))
            }
        })
    }
}
