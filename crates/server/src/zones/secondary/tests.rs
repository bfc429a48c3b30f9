use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::message::TransferMessage;
use zoners_dns::{OptRcode, RRset, Rtype, name, zonefile};
use zoners_net::stream::write_message;
use zoners_sim::SimClock;

use super::*;

const LIMITS: TransferLimits =
    TransferLimits { max_zone_octets: 1 << 20, max_received_octets: 1 << 20 };

/// A primary in virtual time; serial 0 stands for a primary that is down.
#[derive(Clone, Default)]
struct Primary {
    serial: Arc<AtomicU32>,
    asked: Arc<AtomicU32>,
}

impl Primary {
    async fn connect(&self) -> io::Result<DuplexStream> {
        let serial = self.serial.load(Ordering::Relaxed);
        self.asked.fetch_add(1, Ordering::Relaxed);
        if serial == 0 {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (here, there) = duplex(1 << 16);
        tokio::spawn(serve(there, serial));
        Ok(here)
    }
}

/// Answers one request.
async fn serve(mut there: DuplexStream, serial: u32) {
    let length = there.read_u16().await.unwrap();
    let mut request = vec![0; length.into()];
    there.read_exact(&mut request).await.unwrap();
    let question = TransferMessage::parse(&request).unwrap().question.unwrap();
    let soa = format!("@ 3600 SOA ns host {serial} 3600 600 86400 60");
    let lines = match question.rtype {
        Rtype::SOA => vec![&*soa],
        Rtype::AXFR => vec![&*soa, "a A 192.0.2.1", &*soa],
        _ => vec![],
    };
    let sets = lines.iter().flat_map(|line| zonefile::parse(line, &question.name).unwrap());
    let sets: Vec<RRset> = sets.collect();
    let rcode = if sets.is_empty() { OptRcode::NOTIMP } else { OptRcode::NOERROR };
    let flags = ResponseFlags { aa: true, ..ResponseFlags::default() };
    let (authority, additional) = (&[], &[]);
    let reply = Response {
        question: &question,
        rcode,
        flags,
        answer: &sets,
        authority,
        additional,
        signatures: true,
    };
    let mut octets = compose(&reply);
    octets[..2].copy_from_slice(&request[..2]);
    let _ = write_message(&mut there, &octets).await;
}

struct SecondaryLab {
    primary: Primary,
    notified: Arc<Notify>,
    news: mpsc::Receiver<ZoneNews>,
}

/// A secondary at work in virtual time.
fn lab(folder: Option<PathBuf>, check: Option<ZoneCheck>) -> SecondaryLab {
    lab_of(ZonePlace::Memory, folder, check)
}

fn lab_of(place: ZonePlace, folder: Option<PathBuf>, check: Option<ZoneCheck>) -> SecondaryLab {
    let (primary, notified) = (Primary::default(), Arc::new(Notify::new()));
    let (news, received) = mpsc::channel(16);
    let apex = name::parse("example.test").unwrap();
    let spec = SecondarySpec {
        apex: apex.clone(),
        place,
        primaries: vec!["192.0.2.53:53".parse().unwrap()],
        key: None,
        file: None,
        limits: LIMITS,
        folder: folder.clone(),
        trust: None,
    };
    let clock = Arc::new(SimClock::new(None));
    let wall_seconds = zoners_dns::Clock::wall_seconds(&*clock);
    let saved = SavedCopy::of(folder.as_deref(), &apex);
    let copy = match place {
        ZonePlace::Memory => {
            let loaded = saved.load(&apex, 1 << 20, wall_seconds);
            loaded.map(|(zone, age)| (ZoneVersion::Loaded(zone), age))
        }
        ZonePlace::Disk => {
            let stored = saved.open(&apex, wall_seconds);
            stored.map(|(zone, age)| (ZoneVersion::Stored(zone), age))
        }
    };
    let of_secondary = primary.clone();
    let secondary = Secondary {
        spec,
        clock,
        random: Random::seeded(1),
        connect: async move |_| of_secondary.connect().await,
        notified: notified.clone(),
        news,
        check,
    };
    tokio::task::spawn_local(secondary.run(copy));
    SecondaryLab { primary, notified, news: received }
}

/// The next news within a time: a serial, "expired" or "nothing".
async fn next(lab: &mut SecondaryLab, seconds: u64) -> String {
    match tokio::time::timeout(Duration::from_secs(seconds), lab.news.recv()).await {
        Err(_) => "nothing".to_owned(),
        Ok(None) => "end".to_owned(),
        Ok(Some(ZoneNews::Expired(_))) => "expired".to_owned(),
        Ok(Some(ZoneNews::Changed { zone, .. })) => zone.soa().serial.to_string(),
    }
}

async fn in_local_set(work: impl Future<Output = ()>) {
    tokio::task::LocalSet::new().run_until(work).await;
}

#[tokio::test(start_paused = true)]
async fn a_zone_is_fetched_refreshed_and_expires() {
    in_local_set(async {
        let mut lab = lab(None, None);
        assert_eq!(next(&mut lab, 60).await, "nothing");
        assert!(lab.primary.asked.load(Ordering::Relaxed) >= 4, "tried again and again");
        lab.primary.serial.store(5, Ordering::Relaxed);
        assert_eq!(next(&mut lab, 100).await, "5");
        lab.primary.serial.store(6, Ordering::Relaxed);
        assert_eq!(next(&mut lab, 3000).await, "nothing", "refresh is an hour");
        assert_eq!(next(&mut lab, 700).await, "6");
        lab.primary.serial.store(0, Ordering::Relaxed);
        assert_eq!(next(&mut lab, 86_000).await, "nothing", "the copy counts for a day");
        assert_eq!(next(&mut lab, 500).await, "expired");
        lab.primary.serial.store(6, Ordering::Relaxed);
        assert_eq!(next(&mut lab, 4000).await, "6", "the same version counts again");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_notify_brings_the_new_version_at_once() {
    in_local_set(async {
        let mut lab = lab(None, None);
        lab.primary.serial.store(5, Ordering::Relaxed);
        assert_eq!(next(&mut lab, 100).await, "5");
        lab.primary.serial.store(6, Ordering::Relaxed);
        lab.notified.notify_one();
        assert_eq!(next(&mut lab, 6).await, "6");
        let before = lab.primary.asked.load(Ordering::Relaxed);
        for _ in 0..100 {
            lab.notified.notify_one();
            tokio::task::yield_now().await;
        }
        assert_eq!(next(&mut lab, 4).await, "nothing");
        assert!(lab.primary.asked.load(Ordering::Relaxed) <= before + 1, "no storm");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_version_that_fails_its_check_is_not_used() {
    in_local_set(async {
        let check: ZoneCheck = Arc::new(|zone| match zone.soa().serial {
            5 => Ok(()),
            serial => Err(format!("serial {serial} is forged")),
        });
        let mut lab = lab(None, Some(check));
        lab.primary.serial.store(5, Ordering::Relaxed);
        assert_eq!(next(&mut lab, 100).await, "5");
        lab.primary.serial.store(6, Ordering::Relaxed);
        assert_eq!(next(&mut lab, 86_000).await, "nothing");
        assert_eq!(next(&mut lab, 1000).await, "expired");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_on_disk_counts_after_a_restart() {
    for place in [ZonePlace::Memory, ZonePlace::Disk] {
        in_local_set(restart(place)).await;
    }
}

async fn restart(place: ZonePlace) {
    let folder = tempfile::tempdir().unwrap();
    let path = Some(folder.path().to_owned());
    let mut first = lab_of(place, path.clone(), None);
    first.primary.serial.store(5, Ordering::Relaxed);
    assert_eq!(next(&mut first, 100).await, "5");
    drop(first);
    let apex = name::parse("example.test").unwrap();
    let wall = zoners_dns::Clock::wall_seconds(&SimClock::new(None));
    let saved = SavedCopy::of(path.as_deref(), &apex).load(&apex, 1 << 20, wall).unwrap();
    assert_eq!(saved.0.soa().serial, 5);
    // The primary is down, and the copy at hand expires a day after it was found current.
    let mut second = lab_of(place, path, None);
    assert_eq!(next(&mut second, 86_000).await, "nothing");
    assert_eq!(next(&mut second, 1000).await, "expired");
}
