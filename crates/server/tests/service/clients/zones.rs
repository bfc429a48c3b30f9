//! Zones of which we have a copy.

use std::io::Write;

use zoners_dns::{Counter, Message, OptRcode, Rtype, Transport};

use crate::lab::{ServiceLab, lab_with};

const HOME: &str = "\
$TTL 3600
@ SOA ns hostmaster 7 3600 600 604800 300
@ NS ns
ns A 192.168.1.2
nas 60 A 192.168.1.3
www CNAME nas
out CNAME www.example.com.
*.dev A 192.168.1.4
a.ent A 192.168.1.5
sub NS ns.sub
ns.sub A 203.0.114.9
moved DNAME example.com.
";

/// A lab with the zone `home.test`; the server of `sub.home.test` is a simulated one.
fn lab(zone: &str) -> ServiceLab {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(zone.as_bytes()).unwrap();
    let path = file.path().display();
    let lab = lab_with(&format!("[[zone]]\nzone = \"home.test\"\nfile = \"{path}\"\n"));
    lab.net.zone("sub.home.test", &["203.0.114.9"], "@ NS ns\nns A 203.0.114.9\nx A 203.0.115.9\n");
    lab
}

async fn ask(lab: &ServiceLab, name: &str, rtype: Rtype) -> Message {
    lab.ask(name, rtype, Transport::Udp).await
}

fn lines(message: &Message) -> Vec<String> {
    message.answer.iter().map(ToString::to_string).collect()
}

#[tokio::test(start_paused = true)]
async fn a_zone_answers_with_aa_and_denies_with_its_soa() {
    let lab = lab(HOME);
    let nas = ask(&lab, "www.home.test", Rtype::A).await;
    assert_eq!(
        lines(&nas),
        ["www.home.test. 3600 IN CNAME nas.home.test.", "nas.home.test. 60 IN A 192.168.1.3"]
    );
    assert!(nas.header.aa() && nas.header.ra());
    let gone = ask(&lab, "no.home.test", Rtype::A).await;
    assert_eq!((gone.rcode, gone.header.aa()), (OptRcode::NXDOMAIN, true));
    assert_eq!(gone.authority[0].rtype, Rtype::SOA);
    assert_eq!(ask(&lab, "ent.home.test", Rtype::A).await.rcode, OptRcode::NOERROR);
    assert_eq!(ask(&lab, "x.dev.home.test", Rtype::A).await.answer.len(), 1);
    assert!(lab.net.sent().is_empty(), "the zone is ours");
    assert_eq!(lab.count(Counter::ClientLocal), 4);
}

#[tokio::test(start_paused = true)]
async fn what_a_zone_cannot_answer_goes_on_by_recursion() {
    let lab = lab(HOME);
    let out = ask(&lab, "out.home.test", Rtype::A).await;
    assert_eq!(
        lines(&out),
        ["out.home.test. 3600 IN CNAME www.example.com.", "www.example.com. 300 IN A 203.0.115.2"]
    );
    let sub = ask(&lab, "x.sub.home.test", Rtype::A).await;
    assert_eq!(lines(&sub), ["x.sub.home.test. 3600 IN A 203.0.115.9"]);
    let moved = ask(&lab, "www.moved.home.test", Rtype::A).await;
    assert_eq!(moved.answer.len(), 3, "{:?}", lines(&moved));
    assert!(lab.count(Counter::UpstreamZoneCopies) >= 3);
    let asked = lab.net.sent().into_iter().map(|sent| sent.question.name.to_string());
    let leaked: Vec<String> =
        asked.filter(|name| name.ends_with("home.test") && !name.contains("sub")).collect();
    assert_eq!(leaked, Vec::<String>::new(), "names of the zone stay here");
}

#[tokio::test(start_paused = true)]
async fn special_use_names_within_a_zone_belong_to_the_zone() {
    // `test` is answered with NXDOMAIN by default, and the zone lies below.
    let lab = lab(HOME);
    assert_eq!(ask(&lab, "nas.home.test", Rtype::A).await.rcode, OptRcode::NOERROR);
    assert_eq!(ask(&lab, "other.test", Rtype::A).await.rcode, OptRcode::NXDOMAIN);
    assert_eq!(ask(&lab, "x.sub.home.test", Rtype::A).await.rcode, OptRcode::NOERROR);
}
