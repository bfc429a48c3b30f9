//! An uplink that is silent for seconds, as behind a satellite dish.

use std::ops::Range;
use std::time::Duration;

use crate::common::many::{ms, time};
use crate::common::{Lab, question};
use tokio::task::JoinSet;
use tokio::time::sleep;
use zoners_dns::{Counter, Rtype, name};
use zoners_sim::{Link, Manner, Sent, SimNetwork, Uplink, world};

/// Domains of the Internet; each server is 8 to 128 ms away.
const DOMAINS: usize = 40;

fn silent(silences: Vec<Range<Duration>>) -> SimNetwork {
    let net = world::populous(5, DOMAINS, 0.0, 0.0);
    net.behind(Uplink { silences, ..Uplink::default() });
    net
}

fn domain(number: usize) -> String {
    format!("www.d{number}.t{}", number % 4)
}

fn sent_in(lab: &Lab, time: Range<Duration>) -> Vec<Sent> {
    lab.net.sent().into_iter().filter(|sent| time.contains(&sent.at)).collect()
}

#[tokio::test(start_paused = true)]
async fn queries_are_paced_through_a_silence_and_all_go_on_at_its_end() {
    let (from, until) = (ms(20_000), ms(23_000));
    let lab = Lab::new(silent(vec![from..until]));
    for number in 0..DOMAINS / 2 {
        time(&lab, &domain(number)).await;
    }
    sleep(from + ms(100) - lab.net.now()).await;
    let mut asked = JoinSet::new();
    for number in DOMAINS / 2..DOMAINS {
        let (worker, question) = (lab.worker.clone(), question(&domain(number), Rtype::A));
        asked.spawn(async move { worker.resolve(&question, None).await.is_ok() });
    }
    assert!(asked.join_all().await.into_iter().all(|is_answered| is_answered));
    // A referral, an answer, and what is lost to the pace.
    let over = lab.net.now() - until;
    assert!(over <= ms(600), "{over:?} after the end of the silence");
    // The first query of each question and its hedge, and then one each 50 ms.
    let lost = sent_in(&lab, from..until).len();
    assert!((DOMAINS / 2..DOMAINS + 62).contains(&lost), "{lost} queries into the silence");
    assert!(lab.count(Counter::UpstreamPaced) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_dead_zone_beside_a_working_uplink_is_no_silence() {
    let net = silent(vec![]);
    for server in 1..4 {
        net.link(&format!("45.0.1.{server}"), Link::of(20).with(Manner::Dead));
    }
    let lab = Lab::new(net);
    for rtype in [Rtype::A, Rtype::AAAA, Rtype::HTTPS, Rtype::MX] {
        let dead = domain(1);
        let (dead, _) = tokio::join!(lab.resolve(&dead, rtype), async {
            for number in 2..DOMAINS {
                time(&lab, &domain(number)).await;
            }
        });
        assert!(dead.is_err());
    }
    assert_eq!(lab.count(Counter::UpstreamPaced), 0);
}

#[tokio::test(start_paused = true)]
async fn a_zone_without_cuts_is_shown_full_names_and_one_with_a_cut_is_not() {
    let net = world::small(1);
    let names: String =
        (0..6).map(|number| format!("www.site.t{number} A 203.0.113.1\n")).collect();
    net.zone("example.com", &["203.0.114.1"], &format!("@ NS ns1\nns1 A 203.0.114.1\n{names}"));
    let lab = Lab::frugal(net);
    let shortened = |lab: &Lab| {
        let in_zone = |sent: &Sent| name::depth(&sent.question.name) > 2;
        let short = |sent: &Sent| name::depth(&sent.question.name) < 5;
        lab.net.sent().iter().filter(|sent| in_zone(sent) && short(sent)).count()
    };
    let mut counts = vec![];
    for number in 0..6 {
        lab.net.forget_sent();
        time(&lab, &format!("www.site.t{number}.example.com")).await;
        counts.push(shortened(&lab));
    }
    assert_eq!(counts, [1, 1, 0, 0, 0, 0]);
    // A cut that is found ends this.
    lab.net.change("example.com", |zone| {
        let text = "t9 NS ns.t9\nns.t9 A 203.0.114.1\n";
        for set in zoners_dns::zonefile::parse(text, &zone.origin).unwrap() {
            zone.add(set);
        }
    });
    lab.net.zone("t9.example.com", &["203.0.114.1"], "www.site A 203.0.113.1\n");
    time(&lab, "www.site.t9.example.com").await;
    lab.net.forget_sent();
    let denied = lab.resolve("www.site.t8.example.com", Rtype::A).await;
    assert!(denied.is_ok() && shortened(&lab) > 0);
}
