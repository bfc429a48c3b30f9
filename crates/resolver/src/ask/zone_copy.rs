//! The copy of a zone is asked in place of the servers of the zone: without a packet, and with the same distrust.

use zoners_dns::{CopyReply, Counter, Delegation, Message, Network, Question};

use crate::ask::classify::classify;
use crate::ask::scrub::scrub;
use crate::env::environment::Env;
use crate::model::answer::{Cause, Unresolved};
use crate::model::step::Step;
use crate::model::trace::Hop;
use crate::model::verdict::Verdict;

/// The reply of the copy of a zone; `None` if the servers are to be asked.
pub(crate) fn reply_of_copy<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    asked: &Question,
    step: &Step,
) -> Option<Result<Box<Verdict>, Unresolved>> {
    let copies = env.settings().zone_copies.as_ref()?;
    let octets = match copies.reply(&cut.zone, asked)? {
        CopyReply::Message(octets) => octets,
        CopyReply::Unavailable(why) => return Some(Err(Unresolved::new(Cause::NoAddress, why))),
    };
    let zone = cut.zone.fmt_with_dot();
    step.trace(|| Hop::Note(format!("{zone}: {asked} is answered by the copy of the zone")));
    let mut message = Message::parse(&octets).ok()?;
    let scrubbed = scrub(&mut message, &cut.zone);
    let verdict = classify(cut, asked, &message, scrubbed, env.settings(), env.shared().now());
    env.count(Counter::UpstreamZoneCopies);
    match verdict {
        Ok(verdict) => Some(Ok(Box::new(verdict))),
        // The zone itself is faulty: its servers say the same.
        Err(fault) if cut.servers.is_empty() => {
            let text = format!("the copy of {zone} gives no useful reply to {asked}: {fault}");
            Some(Err(Unresolved::new(Cause::Unusable, text)))
        }
        Err(_) => None,
    }
}
