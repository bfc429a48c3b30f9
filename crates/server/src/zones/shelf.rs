//! The zones in force.

use arc_swap::ArcSwap;
use zoners_dns::{CopyReply, Name, NameSlice, Question, Rtype, Security, ZoneCopies, name};
use zoners_resolver::Answer;
use zoners_zones::{ReplyKind, ZoneCopy, ZoneTable};

/// The zones in force, shared by all workers of a generation.
#[derive(Debug)]
pub(crate) struct ZoneShelf {
    table: ArcSwap<ZoneTable>,
}

impl ZoneShelf {
    /// A shelf of these zones.
    pub(crate) fn new(table: ZoneTable) -> Self {
        ZoneShelf { table: ArcSwap::from_pointee(table) }
    }

    /// Puts a copy in the place of the former one, if the zone is on the shelf.
    pub(crate) fn put(&self, apex: &Name, copy: &ZoneCopy) {
        self.table.rcu(|table| {
            let mut table = ZoneTable::clone(table);
            if table.get(apex).is_some() {
                table.put(apex.clone(), copy.clone());
            }
            table
        });
    }

    /// The answer of a zone that has all of it. `None` where recursion goes on: for a delegation, for an alias that leaves
    /// the zone, and for the type ANY, which has a rule of its own.
    pub(crate) fn answer(&self, asked: &NameSlice, rtype: Rtype) -> Option<Answer> {
        if rtype == Rtype::ANY {
            return None;
        }
        let table = self.table.load();
        let ZoneCopy::Loaded(zone) = table.find(asked, rtype)? else { return None };
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

impl ZoneCopies for ZoneShelf {
    fn reply(&self, zone: &Name, question: &Question) -> Option<CopyReply> {
        Some(match self.table.load().get(zone)? {
            ZoneCopy::Loaded(zone) => {
                let reply = zone.reply(&question.name, question.rtype);
                CopyReply::Message(reply.message(question).into())
            }
            ZoneCopy::Unavailable(why) => {
                CopyReply::Unavailable(format!("the zone {}: {why}", zone.fmt_with_dot()))
            }
        })
    }
}
