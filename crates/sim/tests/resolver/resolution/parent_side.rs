//! DS records belong to the parent side of the cut: no answer from below replaces them.

use crate::common::Lab;
use crate::common::signed::{ask, signed};
use zoners_dns::{OptRcode, Question, RRset, Rtype, Security, name, zonefile};
use zoners_sim::Said;
use zoners_sim::sign::{Denying, Signing};

const OPT_OUT: Denying = Denying::Nsec3 { iterations: 0, opt_out: true };

fn sets(text: &str) -> Vec<RRset> {
    zonefile::parse(text, &name::root()).unwrap()
}

/// A signed Internet in which the server of `plain.com.`, which is not signed, says something else.
fn odd_child(
    denying: Denying,
    altered: impl Fn(&Question, Said) -> Option<Said> + Send + Sync + 'static,
) -> Lab {
    let lab = signed(&Signing { denying, ..Signing::default() });
    lab.net.alter("203.0.114.9", altered);
    lab
}

/// `plain.com. DS` has no records, as `com.` proves.
async fn ds_is_denied_by_the_parent(lab: &Lab, text: &str, denying: Denying) {
    let denied = ask(lab, text, Rtype::DS).await.unwrap_or_else(|error| panic!("{error}"));
    let last = denied.answer.last().map_or(Rtype::CNAME, |set| set.rtype);
    assert_eq!((denied.rcode, last), (OptRcode::NOERROR, Rtype::CNAME), "{denied:?}");
    let secure = if denying == OPT_OUT { Security::Insecure } else { Security::Secure };
    if text == "plain.com" {
        assert_eq!((denied.answer.len(), denied.security), (0, secure), "{denied:?}");
    }
    let soa = denied.authority.iter().find(|set| set.rtype == Rtype::SOA);
    assert_eq!(soa.map(|soa| soa.owner.to_string()), Some("com".to_owned()), "{denied:?}");
}

#[tokio::test(start_paused = true)]
async fn an_alias_at_the_apex_of_the_child_does_not_answer_for_ds() {
    for denying in [Denying::Nsec, OPT_OUT] {
        let lab = odd_child(denying, |question, mut said| {
            if question.name == name::parse("plain.com").unwrap()
                && !matches!(question.rtype, Rtype::NS | Rtype::SOA)
            {
                said = Said::authoritative();
                said.answer = sets("plain.com. 300 CNAME www.example.com.");
            }
            Some(said)
        });
        assert!(lab.ask("plain.com", Rtype::A).await.contains("203.0.115.2"));
        ds_is_denied_by_the_parent(&lab, "plain.com", denying).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_denial_of_the_apex_of_the_child_does_not_answer_for_ds() {
    for rtype in [Rtype::A, Rtype::AAAA] {
        let lab = odd_child(Denying::Nsec, move |question, mut said| {
            let apex = question.name == name::parse("plain.com").unwrap();
            if apex && question.rtype == rtype {
                said.answer.clear();
                said.authority = sets("plain.com. 300 SOA ns.plain.com. h.plain.com. 1 2 3 4 300");
                said.rcode = OptRcode::NXDOMAIN;
            }
            Some(said)
        });
        assert_eq!(ask(&lab, "plain.com", rtype).await.unwrap().rcode, OptRcode::NXDOMAIN);
        ds_is_denied_by_the_parent(&lab, "plain.com", Denying::Nsec).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_alias_that_leads_to_an_apex_asks_its_parent_for_ds() {
    let lab = signed(&Signing::default());
    lab.net.change("plain.com", |zone| {
        sets("www.plain.com. 300 CNAME plain.com.").into_iter().for_each(|set| zone.add(set));
        zone.remove(&name::parse("www.plain.com").unwrap(), Rtype::A);
    });
    ds_is_denied_by_the_parent(&lab, "www.plain.com", Denying::Nsec).await;
    ds_is_denied_by_the_parent(&lab, "plain.com", Denying::Nsec).await;
    let www = ask(&lab, "www.example.com", Rtype::DS).await.unwrap();
    assert_eq!((www.rcode, www.security), (OptRcode::NOERROR, Security::Secure));
    let signed = ask(&lab, "example.com", Rtype::DS).await.unwrap();
    assert_eq!((signed.answer.len(), signed.security), (1, Security::Secure));
}

#[tokio::test(start_paused = true)]
async fn a_referral_in_answer_to_ds_is_a_denial_with_its_proof() {
    let lab = signed(&Signing::default());
    for server in ["192.5.6.1", "192.5.6.2", "2001:503::1"] {
        lab.net.alter(server, |question, mut said| {
            if question.rtype == Rtype::DS && said.answer.is_empty() {
                said.aa = false;
                said.authority.retain(|set| set.rtype != Rtype::SOA);
                said.authority.extend(sets("plain.com. 3600 NS ns1.plain.com."));
            }
            Some(said)
        });
    }
    let denied = ask(&lab, "plain.com", Rtype::DS).await.unwrap();
    assert_eq!((denied.rcode, denied.answer.len()), (OptRcode::NOERROR, 0));
    assert_eq!(denied.security, Security::Secure);
}

#[tokio::test(start_paused = true)]
async fn a_server_of_both_zones_that_mixes_them_up_is_passed_over() {
    let lab = signed(&Signing::default());
    let below = |question: &Question, mut said: Said| {
        if question.rtype == Rtype::DS && question.name == name::parse("plain.com").unwrap() {
            said = Said::authoritative();
            said.authority = sets("plain.com. 300 SOA ns.plain.com. h.plain.com. 1 2 3 4 300");
        }
        Some(said)
    };
    for server in ["192.5.6.1", "192.5.6.2"] {
        lab.net.alter(server, below);
    }
    ds_is_denied_by_the_parent(&lab, "plain.com", Denying::Nsec).await;
}

#[tokio::test(start_paused = true)]
async fn ds_below_a_dname_at_an_unsigned_apex_is_that_of_its_target() {
    for denying in [Denying::Nsec, OPT_OUT] {
        let lab = signed(&Signing { denying, ..Signing::default() });
        lab.net.change("plain.com", |zone| {
            zone.remove(&name::parse("www.plain.com").unwrap(), Rtype::A);
            sets("plain.com. 300 DNAME example.com.").into_iter().for_each(|set| zone.add(set));
        });
        for text in ["www.plain.com", "b.ent.plain.com"] {
            let denied = ask(&lab, text, Rtype::DS).await.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(denied.rcode, OptRcode::NOERROR, "{text}");
            assert_eq!(denied.answer.len(), 2, "the DNAME and what it makes");
        }
    }
}
