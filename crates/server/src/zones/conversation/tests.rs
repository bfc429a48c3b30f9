use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use zoners_dns::compose::{Response, compose};
use zoners_dns::message::TransferMessage;
use zoners_dns::{Name, Question, RRset, Random, Rtype, name, zonefile};
use zoners_sim::SimClock;
use zoners_zones::tsig::{TsigAlgorithm, TsigKey};
use zoners_zones::{AuthoritativeZone, ZoneVersion, file};

use super::*;
use crate::zones::{SavedCopy, ZonePlace};

fn apex() -> Name {
    name::parse("example.test").unwrap()
}

fn soa(serial: u32) -> String {
    format!("@ 3600 SOA ns host {serial} 3600 600 604800 60")
}

fn zone(serial: u32) -> Arc<AuthoritativeZone> {
    let text = format!("{}\nold A 192.0.2.1\n", soa(serial));
    Arc::new(file::load(&apex(), &text, 1 << 20).unwrap())
}

/// What a primary does with the requests of one type.
#[derive(Clone, Debug)]
enum Habit {
    /// Sends messages of these lines.
    Replies(Vec<Vec<String>>),
    /// Sends the SOA record, and then these lines again and again.
    Endless(Vec<String>),
    /// Sends the messages and breaks off in the middle of the last one.
    CutOff(Vec<Vec<String>>),
    /// Sends this much of a message, and then nothing.
    Silent(Vec<u8>),
    /// Sends an octet every ten seconds.
    Drips,
    /// Refuses.
    Refuses,
    /// Is not there.
    Absent,
}

/// A primary, with what it does when asked for SOA, IXFR and AXFR.
struct BadPrimary {
    habits: Vec<(Rtype, Habit)>,
    /// Signs with this key.
    key: Option<TsigKey>,
}

impl BadPrimary {
    fn new(serial: u32, habits: &[(Rtype, Habit)]) -> Self {
        let mut all = habits.to_vec();
        all.push((Rtype::SOA, Habit::Replies(vec![vec![soa(serial)]])));
        all.push((Rtype::IXFR, Habit::Refuses));
        BadPrimary { habits: all, key: None }
    }

    async fn connect(&self) -> io::Result<DuplexStream> {
        let (here, mut there) = duplex(1 << 20);
        let (habits, key) = (self.habits.clone(), self.key.clone());
        if matches!(habits.first(), Some((Rtype::SOA, Habit::Absent))) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        tokio::spawn(async move {
            let length = there.read_u16().await.unwrap();
            let mut request = vec![0; length.into()];
            there.read_exact(&mut request).await.unwrap();
            let parsed = TransferMessage::parse(&request).unwrap();
            let question = parsed.question.clone().unwrap();
            let mac = key.as_ref().map(|key| key.verify_request(&request, parsed.tsig.as_ref(), 0));
            let mac = mac.map(|mac| mac.unwrap_or_default());
            let habit = habits.iter().find(|(rtype, _)| *rtype == question.rtype).unwrap();
            let compose = |lines: &[String]| {
                let mut octets = message(&question, lines);
                octets[..2].copy_from_slice(&request[..2]);
                if let (Some(key), Some(mac)) = (&key, &mac) {
                    key.sign_reply(&mut octets, mac, 0);
                }
                octets
            };
            act(&habit.1, &mut there, compose).await;
        });
        Ok(here)
    }
}

async fn act(habit: &Habit, there: &mut DuplexStream, compose: impl Fn(&[String]) -> Vec<u8>) {
    match habit {
        Habit::Replies(messages) => {
            for lines in messages {
                let _ = write_message(there, &compose(lines)).await;
            }
        }
        Habit::CutOff(messages) => {
            for (number, lines) in messages.iter().enumerate() {
                let octets = compose(lines);
                let last = number + 1 == messages.len();
                let cut = if last { octets.len() / 2 } else { octets.len() };
                let _ = there.write_u16(octets.len() as u16).await;
                let _ = there.write_all(&octets[..cut]).await;
            }
        }
        Habit::Endless(lines) => {
            let mut next = compose(&[soa(2)]);
            while write_message(there, &next).await.is_ok() {
                next = compose(lines);
            }
        }
        Habit::Silent(octets) => {
            let _ = there.write_all(octets).await;
            std::future::pending::<()>().await;
        }
        Habit::Drips => {
            let octets = compose(&[soa(2)]);
            let _ = there.write_u16(octets.len() as u16).await;
            for octet in octets {
                tokio::time::sleep(Duration::from_secs(15)).await;
                let _ = there.write_u8(octet).await;
            }
        }
        Habit::Refuses => {
            let mut octets = compose(&[]);
            octets[3] |= Rcode::REFUSED.to_int();
            let _ = write_message(there, &octets).await;
        }
        Habit::Absent => {}
    }
}

fn message(question: &Question, lines: &[String]) -> Vec<u8> {
    let sets: Vec<RRset> =
        lines.iter().flat_map(|line| zonefile::parse(line, &apex()).unwrap()).collect();
    compose(&Response::plain(question, &sets))
}

fn lines(all: &[&str]) -> Vec<String> {
    all.iter().map(|line| (*line).to_owned()).collect()
}

async fn converse_with(
    primary: &BadPrimary,
    base: Option<u32>,
    key: Option<TsigKey>,
) -> Result<TransferOutcome<FinishedZone>, ConversationFailure> {
    let limits = TransferLimits { max_zone_octets: 1 << 20, max_received_octets: 1 << 20 };
    let base = base.map(|serial| ZoneVersion::Loaded(zone(serial)));
    let (place, saved) = (ZonePlace::Memory, SavedCopy::of(None, &apex()));
    let target = ZoneTarget { apex: apex(), place, base, saved, max_octets: 1 << 20 };
    let task = TransferTask { target, key, limits };
    let (clock, random) = (SimClock::new(Some(0)), Random::seeded(1));
    converse(&task, &clock, &random, async || primary.connect().await).await
}

/// The serial of the new version, or a word.
async fn seen(primary: &BadPrimary, base: Option<u32>) -> String {
    match converse_with(primary, base, None).await {
        Ok(TransferOutcome::Current) => "current".to_owned(),
        Ok(TransferOutcome::Changed(received)) => {
            let FinishedZone::Memory(zone) = received.version else { panic!("on the disk") };
            format!("serial {}, {} foreign", zone.soa().serial, received.foreign)
        }
        Err(failure) => failure.to_string(),
    }
}

fn whole(serial: u32) -> Vec<String> {
    lines(&[&soa(serial), "a A 192.0.2.1", &soa(serial)])
}

#[tokio::test(start_paused = true)]
async fn a_new_version_is_transferred_and_the_same_is_not() {
    let primary = BadPrimary::new(2, &[(Rtype::AXFR, Habit::Replies(vec![whole(2)]))]);
    assert_eq!(seen(&primary, None).await, "serial 2, 0 foreign");
    assert_eq!(seen(&primary, Some(1)).await, "serial 2, 0 foreign", "by AXFR, as IXFR is refused");
    assert_eq!(seen(&primary, Some(2)).await, "current");
    let differences =
        lines(&[&soa(2), &soa(1), "old A 192.0.2.1", &soa(2), "new A 192.0.2.1", &soa(2)]);
    let primary = BadPrimary::new(2, &[(Rtype::IXFR, Habit::Replies(vec![differences]))]);
    assert_eq!(seen(&primary, Some(1)).await, "serial 2, 0 foreign");
}

#[tokio::test(start_paused = true)]
async fn an_older_serial_is_refused() {
    let primary = BadPrimary::new(2, &[(Rtype::AXFR, Habit::Replies(vec![whole(2)]))]);
    let told = seen(&primary, Some(3)).await;
    assert!(told.contains("has serial 2, which is older than 3"), "{told}");
    // The primary says one serial and sends another.
    let primary = BadPrimary::new(9, &[(Rtype::AXFR, Habit::Replies(vec![whole(2)]))]);
    assert!(seen(&primary, Some(3)).await.contains("older than 3"));
}

#[tokio::test(start_paused = true)]
async fn records_out_of_the_zone_are_dropped() {
    let all = lines(&[&soa(2), "www.bank.test. A 192.0.2.66", "a A 192.0.2.1", &soa(2)]);
    let primary = BadPrimary::new(2, &[(Rtype::AXFR, Habit::Replies(vec![all]))]);
    assert_eq!(seen(&primary, None).await, "serial 2, 1 foreign");
}

#[tokio::test(start_paused = true)]
async fn a_primary_that_breaks_off_drips_or_never_ends_is_given_up() {
    let first = lines(&[&soa(2), "a A 192.0.2.1"]);
    let with = |habit: Habit| BadPrimary::new(2, &[(Rtype::AXFR, habit)]);
    let cut = with(Habit::CutOff(vec![first.clone(), whole(2)]));
    assert!(seen(&cut, None).await.contains("closed too early"));
    let ended = with(Habit::Replies(vec![first.clone()]));
    assert!(seen(&ended, None).await.contains("closed too early"));
    assert_eq!(seen(&with(Habit::Silent(vec![])), None).await, "no reply for 20 s");
    assert_eq!(seen(&with(Habit::Silent(vec![0, 90, 1])), None).await, "no reply for 20 s");
    assert_eq!(seen(&with(Habit::Drips), None).await, "no reply for 20 s");
    let endless = with(Habit::Endless(lines(&["a A 192.0.2.1"])));
    assert!(seen(&endless, None).await.contains("longer than 1048576 octets"));
    let garbage = with(Habit::Silent(vec![0, 5, 1, 2, 3, 4, 5]));
    assert!(seen(&garbage, None).await.contains("malformed message"));
    let absent = BadPrimary::new(2, &[(Rtype::SOA, Habit::Absent)]);
    assert!(seen(&absent, None).await.contains("refused"));
    let refusing = BadPrimary::new(2, &[(Rtype::SOA, Habit::Refuses)]);
    assert!(seen(&refusing, None).await.contains("refuses"));
}

#[tokio::test(start_paused = true)]
async fn a_signed_zone_transfer_needs_the_right_key_on_both_sides() {
    let key =
        |secret: &[u8]| TsigKey::new(&name::parse("k").unwrap(), TsigAlgorithm::HmacSha256, secret);
    let mut primary = BadPrimary::new(2, &[(Rtype::AXFR, Habit::Replies(vec![whole(2)]))]);
    let unsigned = converse_with(&primary, None, Some(key(b"one"))).await.unwrap_err();
    assert!(unsigned.to_string().contains("not signed"), "{unsigned}");
    primary.key = Some(key(b"one"));
    assert!(converse_with(&primary, None, Some(key(b"one"))).await.is_ok());
    let wrong = converse_with(&primary, None, Some(key(b"two"))).await.unwrap_err();
    assert!(wrong.to_string().contains("does not fit"), "{wrong}");
}
