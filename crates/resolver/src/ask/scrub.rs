//! The scrubber: out-of-bailiwick records are dropped before a reply is read further.
//!
//! The bailiwick is the zone of the asked servers, according to the zone cut: a
//! server of `example.` may give records of names within `example.` only. The remaining records
//! count only where [`crate::ask::classify`] looks for them: not the NS set in the authority
//! section of a positive answer, and of the additional section only addresses of servers, by the
//! configured rule.

use zoners_dns::{Message, Name, RRset, Rtype, name};

/// The result of scrubbing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// RRsets out of bailiwick.
    pub dropped: u64,
    /// Whether NS records of a different zone were dropped: a lame server refers away from the
    /// zone.
    pub refers_away: bool,
}

/// Drops RRsets that the servers of `zone` may not give.
pub(crate) fn scrub(message: &mut Message, zone: &Name) -> Scrubbed {
    let before = count(message);
    let within = |set: &RRset| name::is_within(&set.owner, zone);
    let away = |set: &RRset| set.rtype == Rtype::NS && !within(set);
    let refers_away = message.authority.iter().any(away);
    message.answer.retain(within);
    message.authority.retain(within);
    Scrubbed { dropped: (before - count(message)) as u64, refers_away }
}

fn count(message: &Message) -> usize {
    message.answer.len() + message.authority.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::compose::{Response, ResponseFlags, compose};
    use zoners_dns::{OptRcode, Question, zonefile};

    #[test]
    fn records_out_of_bailiwick_are_dropped() {
        let sets = |text| zonefile::parse(text, &name::root()).unwrap();
        let question = Question::new(name::parse("www.example.test").unwrap(), Rtype::A);
        let answer = sets("www.example.test. A 192.0.2.1\nwww.victim.test. A 192.0.2.66");
        let authority = sets(
            "example.test. NS ns.example.test.\nvictim.test. NS ns.evil.test.\ntest. NS ns.evil.test.",
        );
        let reply = Response {
            question: &question,
            rcode: OptRcode::NOERROR,
            flags: ResponseFlags::default(),
            answer: &answer,
            authority: &authority,
            additional: &[],
            signatures: true,
        };
        let mut message = Message::parse(&compose(&reply).into()).unwrap();
        let zone = name::parse("example.test").unwrap();
        assert_eq!(scrub(&mut message, &zone), Scrubbed { dropped: 3, refers_away: true });
        assert_eq!((message.answer.len(), message.authority.len()), (1, 1));
    }
}
