//! Answers that are synthesised from proofs of other answers (RFC 8198).

use crate::common::signed::{anchored, ask, signed, status};
use crate::common::{Lab, question};
use zoners_dns::{Checking, OptRcode, RRset, Random, Rtype, Security};
use zoners_resolver::Lack;
use zoners_sim::sign::{Denying, Signing};
use zoners_sim::{Link, Manner, world};

const NSEC3: Denying = Denying::Nsec3 { iterations: 1, opt_out: false };
const OPT_OUT: Denying = Denying::Nsec3 { iterations: 0, opt_out: true };

#[tokio::test(start_paused = true)]
async fn what_proofs_of_others_answered_they_answer_when_they_have_expired() {
    for denying in [Denying::Nsec, NSEC3] {
        let lab = signed(&Signing { denying, ..Signing::default() });
        assert_eq!(status(&lab, "www.example.com", Rtype::TXT).await, Security::Secure);
        let other = question("www.example.com", Rtype::SRV);
        let now = lab.worker.shared().now();
        let told = lab.worker.synthesised(&other, now).unwrap();
        lab.clock.jump(std::time::Duration::from_secs(7200));
        assert_eq!(lab.worker.synthesised(&other, lab.worker.shared().now()), None);
        for server in ["203.0.114.1", "203.0.114.2"] {
            lab.net.link(server, Link::of(20).with(Manner::Dead));
        }
        let stale =
            lab.worker.resolve_for(None, &other, Checking::Enabled, Lack::Everything, None).await;
        let stale = stale.unwrap();
        assert!(stale.stale && stale.answer.is_empty() && stale.rcode == told.rcode);
    }
}

#[tokio::test(start_paused = true)]
async fn one_proof_answers_for_many_names() {
    for denying in [Denying::Nsec, NSEC3] {
        let lab = signed(&Signing { denying, ..Signing::default() });
        for text in ["gone.example.com", "any.wild.example.com", "www.example.com"] {
            ask(&lab, text, Rtype::A).await.unwrap();
            ask(&lab, text, Rtype::MX).await.unwrap();
        }
        lab.net.forget_sent();
        let made = |text: &str, rtype| {
            lab.worker.synthesised(&question(text, rtype), lab.worker.shared().now())
        };
        let nodata = made("www.example.com", Rtype::TXT).unwrap();
        assert_eq!((nodata.rcode, nodata.answer.len()), (OptRcode::NOERROR, 0));
        assert!(made("mail.example.com", Rtype::A).is_none(), "it exists");
        assert!(made("www.plain.com", Rtype::A).is_none(), "its zone is unsigned");
        // Which hash lies in which range is chance.
        if denying == Denying::Nsec {
            let other = made("other.wild.example.com", Rtype::A).unwrap();
            assert_eq!((other.security, other.answer[0].records.len()), (Security::Secure, 1));
            assert!(!other.authority.is_empty(), "with the proof that nothing closer exists");
            let gone = made("gonf.example.com", Rtype::AAAA).unwrap();
            assert_eq!(gone.rcode, OptRcode::NXDOMAIN);
            assert!(gone.authority.iter().any(|set| set.rtype == Rtype::NSEC));
        }
        assert!(lab.net.sent().is_empty());
    }
    let lab = signed(&Signing { denying: OPT_OUT, ..Signing::default() });
    ask(&lab, "gone.example.com", Rtype::A).await.unwrap();
    assert!(
        lab.worker
            .synthesised(&question("gonf.example.com", Rtype::A), lab.worker.shared().now())
            .is_none()
    );
}

/// A synthesised answer equals the answer of the zone, whatever was asked before.
#[tokio::test(start_paused = true)]
async fn what_is_synthesised_is_what_the_zone_says() {
    let text = "@ NS ns1\nns1 A 203.0.114.1\na A 192.0.2.1\nb.a TXT x\nd.c.a A 192.0.2.2\n\
                *.b A 192.0.2.3\nx.b TXT y\nc CNAME a\nd NS ns.d\nns.d A 192.0.2.4\ne.e.e A 192.0.2.5\n";
    let random = Random::seeded(7);
    let labels = ["a", "b", "c", "d", "e", "x", "ns", "*"];
    let name = || {
        let depth = 1 + random.below(4);
        let labels = (0..depth).map(|_| labels[random.below(8) as usize]);
        format!("{}.example.com", labels.collect::<Vec<_>>().join("."))
    };
    let rtypes = [Rtype::A, Rtype::TXT, Rtype::MX, Rtype::NS, Rtype::CNAME];
    let (mut made, mut rounds) = (0, 0);
    for denying in [Denying::Nsec, NSEC3] {
        for _ in 0..20 {
            let net = world::small(1);
            net.zone("example.com", &["203.0.114.1", "203.0.114.2"], text);
            let signing = Signing { denying, ..Signing::default() };
            let anchor = net.sign(&["example.com", "com", "."], &signing);
            let lab = Lab::with(net, anchored(&anchor));
            for _ in 0..6 {
                let _ = ask(&lab, &name(), rtypes[random.below(5) as usize]).await;
            }
            for _ in 0..200 {
                let asked = question(&name(), rtypes[random.below(5) as usize]);
                rounds += 1;
                let Some(answer) = lab.worker.synthesised(&asked, lab.worker.shared().now()) else {
                    continue;
                };
                made += 1;
                let mut truth = None;
                lab.net.change("example.com", |zone| truth = Some(zone.answer(&asked)));
                let truth = truth.unwrap();
                let told = |sets: &[RRset]| -> Vec<String> {
                    sets.iter()
                        .map(|set| {
                            format!("{} {} {:?}", set.owner, set.rtype, set.records.as_bytes())
                        })
                        .collect()
                };
                assert!(truth.aa, "{asked}: it lies below a delegation");
                assert_eq!(
                    (answer.rcode, told(&answer.answer)),
                    (truth.rcode, told(&truth.answer)),
                    "{asked} {denying:?}"
                );
            }
        }
    }
    assert!(made > 500, "{made} of {rounds}");
}
