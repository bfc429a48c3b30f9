use std::sync::Arc;

use zoners_dns::compose::{Response, compose};
use zoners_dns::message::TransferMessage;
use zoners_dns::{Name, Question, RRset, Rcode, Rtype, name, zonefile};

use super::{TransferFault, TransferLimits, TransferOutcome, TransferTarget, ZoneTransfer};
use crate::{AuthoritativeZone, Soa, ZoneBuilder, file};

const LIMITS: TransferLimits =
    TransferLimits { max_zone_octets: 1 << 20, max_received_octets: 1 << 20 };

fn apex() -> Name {
    name::parse("example.test").unwrap()
}

fn soa(serial: u32) -> String {
    format!("@ 3600 SOA ns host {serial} 3600 600 604800 60")
}

/// A message with one RRset for each line, so that the order stays.
fn message(lines: &[&str]) -> Vec<u8> {
    let sets: Vec<RRset> =
        lines.iter().flat_map(|line| zonefile::parse(line, &apex()).unwrap()).collect();
    compose(&Response::plain(&Question::new(apex(), Rtype::IXFR), &sets))
}

fn zone(serial: u32, records: &str) -> Arc<AuthoritativeZone> {
    Arc::new(file::load(&apex(), &format!("{}\n{records}", soa(serial)), 1 << 20).unwrap())
}

/// A zone in memory.
struct MemoryTarget {
    apex: Name,
    base: Option<Arc<AuthoritativeZone>>,
}

impl TransferTarget for MemoryTarget {
    type Draft = ZoneBuilder;

    fn apex(&self) -> &Name {
        &self.apex
    }

    fn known(&self) -> Option<Soa> {
        self.base.as_ref().map(|base| base.soa())
    }

    fn whole(&self) -> Result<ZoneBuilder, TransferFault> {
        Ok(ZoneBuilder::new(apex(), LIMITS.max_zone_octets))
    }

    fn changed(&self) -> Result<ZoneBuilder, TransferFault> {
        let base = self.base.as_ref().ok_or(TransferFault::Diverges)?;
        Ok(ZoneBuilder::of(base, LIMITS.max_zone_octets))
    }
}

fn target(base: Option<Arc<AuthoritativeZone>>) -> MemoryTarget {
    MemoryTarget { apex: apex(), base }
}

type Outcome = Result<Option<TransferOutcome<AuthoritativeZone>>, TransferFault>;

/// Feeds the messages; the outcome, or the fault.
fn feed(mut transfer: ZoneTransfer<'_, MemoryTarget>, messages: &[Vec<u8>]) -> Outcome {
    for octets in messages {
        let parsed = TransferMessage::parse(octets).unwrap();
        if let Some(outcome) = transfer.take(octets, parsed)? {
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

/// The records of the received zone, or a word.
fn seen(result: Outcome) -> String {
    match result {
        Ok(None) => "more".to_owned(),
        Ok(Some(TransferOutcome::Current)) => "current".to_owned(),
        Ok(Some(TransferOutcome::Changed(received))) => {
            let sets =
                received.version.rrsets().map(|set| format!("{} {}", set.owner, set.records.len()));
            let differences = received.differences;
            let names = sets.collect::<Vec<_>>().join(", ").replace(".example.test", "");
            let serial = received.version.soa().serial;
            format!("{serial} {names}; {differences:?} {}", received.foreign)
        }
        Err(fault) => fault.to_string(),
    }
}

fn whole(known: Option<u32>, messages: &[Vec<u8>]) -> String {
    let target = target(known.map(|serial| zone(serial, "")));
    seen(feed(ZoneTransfer::whole(&target, 0, LIMITS), messages))
}

fn differences(base: &Arc<AuthoritativeZone>, messages: &[Vec<u8>]) -> String {
    let target = target(Some(base.clone()));
    seen(feed(ZoneTransfer::differences(&target, 0, LIMITS), messages))
}

#[test]
fn a_whole_zone_ends_with_the_soa_that_it_began_with() {
    let soa = soa(5);
    let lines = [&*soa, "@ NS ns", "a A 192.0.2.1", "a A 192.0.2.2", "b TXT x", &soa];
    let expected = "5 example.test 1, example.test 1, a 2, b 1; None 0";
    assert_eq!(whole(None, &[message(&lines)]), expected);
    let each: Vec<Vec<u8>> = lines.iter().map(|line| message(&[line])).collect();
    assert_eq!(whole(None, &each), expected, "a record a message");
    assert_eq!(whole(None, &each[..5]), "more", "cut off");
    assert_eq!(whole(Some(4), &[message(&lines)]), expected);
    assert_eq!(whole(Some(5), &[message(&lines)]), "current");
    let older = "the primary has serial 5, which is older than 6";
    assert_eq!(whole(Some(6), &[message(&lines)]), older);
    assert_eq!(whole(None, &[message(&[&soa, &soa])]), "5 example.test 1; None 0");
    let other = super::tests::soa(6);
    let changed = [&*soa, "a A 192.0.2.1", &other];
    assert!(whole(None, &[message(&changed)]).contains("another SOA"));
}

#[test]
fn records_of_other_zones_are_dropped() {
    let soa = soa(5);
    let lines =
        [&*soa, "a A 192.0.2.1", "www.bank.test. A 192.0.2.66", "example. A 192.0.2.66", &soa];
    assert_eq!(whole(None, &[message(&lines)]), "5 example.test 1, a 1; None 2");
}

#[test]
fn faults_end_a_transfer() {
    let soa = soa(5);
    assert!(
        whole(None, &[message(&["a A 192.0.2.1", &soa])]).contains("does not begin with the SOA")
    );
    assert!(whole(None, &[message(&[])]).contains("without a record"));
    let after = message(&[&soa, "a A 192.0.2.1", &soa, "b A 192.0.2.1"]);
    assert!(whole(None, &[after]).contains("after the end"));
    let refused = {
        let mut octets = message(&[]);
        octets[3] |= Rcode::REFUSED.to_int();
        octets
    };
    assert!(whole(None, &[refused]).contains("refuses"));
    let mut other_id = message(&[&soa]);
    other_id[1] = 7;
    assert!(whole(None, &[other_id]).contains("no reply"));
    let endless: Vec<Vec<u8>> = (0..100_000u32)
        .map(|n| match n {
            0 => message(&[&soa]),
            _ => message(&[&format!("a{} A 192.0.2.1", n % 7)]),
        })
        .collect();
    assert!(whole(None, &endless).contains("longer than 1048576 octets"));
    let many: Vec<Vec<u8>> = (0..10_000u32)
        .map(|n| match n {
            0 => message(&[&soa]),
            _ => message(&[&format!("a{n} A 192.0.2.1")]),
        })
        .collect();
    assert!(whole(None, &many).contains("of memory"));
}

#[test]
fn differences_are_applied_one_after_the_other() {
    let base = zone(1, "a A 192.0.2.1\nb TXT old\n");
    let (one, two, three) = (soa(1), soa(2), soa(3));
    let lines = [
        &*three,
        &one,
        "b TXT old",
        &two,
        "b TXT new",
        "c A 192.0.2.3",
        &two,
        "a A 192.0.2.1",
        &three,
        "d A 192.0.2.4",
        &three,
    ];
    let expected = "3 example.test 1, b 1, c 1, d 1; Some(9) 0";
    assert_eq!(differences(&base, &[message(&lines)]), expected);
    let each: Vec<Vec<u8>> = lines.iter().map(|line| message(&[line])).collect();
    assert_eq!(differences(&base, &each), expected);
    for end in 1..each.len() {
        assert_eq!(differences(&base, &each[..end]), "more", "cut off after {end}");
    }
    // Condensed (RFC 1995 section 3): one difference from the first version to the last.
    let condensed = [&*three, &one, "b TXT old", "a A 192.0.2.1", &three, "d A 192.0.2.4", &three];
    let expected = "3 example.test 1, d 1; Some(5) 0";
    assert_eq!(differences(&base, &[message(&condensed)]), expected);
}

#[test]
fn a_reply_to_ixfr_may_be_the_whole_zone_or_nothing_new() {
    let base = zone(1, "a A 192.0.2.1\n");
    let (one, two) = (soa(1), soa(2));
    assert_eq!(differences(&base, &[message(&[&one])]), "current");
    assert_eq!(differences(&base, &[message(&[&two])]), "more", "it goes on in the next message");
    let lines = [&*two, "b A 192.0.2.2", &two];
    assert_eq!(differences(&base, &[message(&lines)]), "2 example.test 1, b 1; None 0");
    assert_eq!(differences(&base, &[message(&[&two, &two])]), "2 example.test 1; None 0");
}

#[test]
fn differences_that_do_not_fit_make_the_whole_zone_necessary() {
    let base = zone(1, "a A 192.0.2.1\n");
    let (one, two, three) = (soa(1), soa(2), soa(3));
    for lines in [
        // Something else is to be removed than is there.
        vec![&*three, &*one, "x A 192.0.2.1", &*three, &*three],
        // The differences begin with another version.
        vec![&*three, &*two, "a A 192.0.2.1", &*three, &*three],
        // The second difference does not continue the first.
        vec![&*three, &*one, &*two, "b A 192.0.2.2", &*one],
    ] {
        let target = target(Some(base.clone()));
        let transfer = ZoneTransfer::differences(&target, 0, LIMITS);
        let fault = feed(transfer, &[message(&lines)]).unwrap_err();
        assert!(fault.needs_whole_zone(), "{lines:?}: {fault}");
    }
}
