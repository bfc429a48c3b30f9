//! The way to an answer, for clients of this machine that ask.

use crate::lab::{ServiceLab, asked, lab, lab_with, with_options};
use zoners_dns::{Rtype, Transport};
use zoners_server::Client;
use zoners_sim::Manner;

const ON: &str = "[history]\ntimeline-option = true\n";
/// The option 65053, empty.
const WISH: [u8; 4] = [0xFE, 0x1D, 0, 0];

/// The text of the option at the end of the reply.
fn timeline(reply: &[u8]) -> Option<String> {
    let at = reply.windows(2).rposition(|code| code == [0xFE, 0x1D])?;
    let length = u16::from_be_bytes([reply[at + 2], reply[at + 3]]);
    let text = &reply[at + 4..];
    assert_eq!(text.len(), usize::from(length), "the option ends the reply");
    Some(String::from_utf8(text.to_vec()).unwrap())
}

async fn reply(lab: &ServiceLab, name: &str, client: Client) -> Vec<u8> {
    let query = with_options(&asked(name, Rtype::A), &WISH);
    lab.service.answer(&query, client).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_miss_tells_each_server_and_a_hit_that_it_is_one() {
    let (lab, local) = (lab_with(ON), Client::local(Transport::Udp));
    let told = timeline(&reply(&lab, "www.example.com", local).await).unwrap();
    let parts: Vec<&str> = told.split(" | ").collect();
    assert!(parts[0].starts_with("answered in "), "{told}");
    assert!(parts[1].contains(" udp: a referral after "), "{told}");
    assert!(parts.last().unwrap().contains("example.com. A, "), "{told}");
    let told = timeline(&reply(&lab, "www.example.com", local).await);
    assert_eq!(told.as_deref(), Some("answered at once: cached"));
    let told = timeline(&reply(&lab, "localhost", local).await);
    assert_eq!(told.as_deref(), Some("answered at once: local"));
}

#[tokio::test(start_paused = true)]
async fn a_failure_tells_its_cause() {
    let lab = lab_with(ON);
    lab.link_all(["203.0.114.1", "203.0.114.2"], Manner::Dead);
    let told = reply(&lab, "www.example.com", Client::local(Transport::Tcp)).await;
    let told = timeline(&told).unwrap();
    assert!(told.starts_with("no answer after "), "{told}");
    assert!(told.contains(": no reply after "), "{told}");
}

#[tokio::test(start_paused = true)]
async fn no_other_client_is_told_and_none_without_the_key() {
    let lab_on = lab_with(&format!("[server]\nallow = [\"0.0.0.0/0\"]\n{ON}"));
    let stranger = Client::new("192.0.2.7".parse().unwrap(), Transport::Udp);
    for _ in 0..2 {
        assert_eq!(timeline(&reply(&lab_on, "www.example.com", stranger).await), None);
    }
    let lab_off = lab();
    for _ in 0..2 {
        let told = reply(&lab_off, "www.example.com", Client::local(Transport::Udp)).await;
        assert_eq!(timeline(&told), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_over_udp_stays_within_the_size_of_the_client() {
    let lab = lab_with(ON);
    let mut lengths = Vec::new();
    for size in (512..1232_u16).step_by(40) {
        // The first name has the longest way.
        let mut query = with_options(&asked(&format!("n{size}.wild.example.com"), Rtype::A), &WISH);
        // The class of OPT: type and class come before the TTL, the length and the option.
        let at = query.len() - WISH.len() - 8;
        query[at..at + 2].copy_from_slice(&size.to_be_bytes());
        let reply = lab.service.answer(&query, Client::local(Transport::Udp)).await.unwrap();
        assert!(reply.len() <= usize::from(size), "{} of {size}", reply.len());
        lengths.push(timeline(&reply).unwrap().len());
    }
    assert!(lengths.iter().max() > lengths.iter().min(), "{lengths:?}");
}
