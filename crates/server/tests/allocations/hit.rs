//! A hit allocates nothing.

use crate::lab::{asked, lab, packet, with_options};
use zoners_dns::{Counter, Rtype, Transport};
use zoners_server::Client;
use zoners_server::pipeline::Handled;

#[tokio::test(start_paused = true)]
async fn a_hit_allocates_nothing() {
    let lab = lab();
    let client = Client::new([192, 168, 1, 1].into(), Transport::Udp);
    let question = asked("wWw.example.com", Rtype::A);
    let packets = [
        packet(&question, false),
        packet(&question, true),
        with_options(&question, &[&[0, 10, 0, 8][..], b"12345678"].concat()),
        // Too large for a datagram, so the reply is cut.
        packet(&asked("big.example.com", Rtype::TXT), true),
        // The denial of the name.
        packet(&asked("gone.example.com", Rtype::A), false),
        // No DNS query.
        vec![0; 12],
    ];
    for packet in &packets {
        // Resolved, put together, finished.
        for _ in 0..3 {
            lab.service.answer(packet, client).await;
        }
    }
    let mut reply = Vec::with_capacity(4096);
    let hits = lab.count(Counter::ClientCached);
    let allocated = allocation_counter::measure(|| {
        for packet in &packets {
            let handled = lab.service.handle(packet, client, lab.service.clock(), &mut reply);
            assert!(matches!(handled, Handled::Reply(_)) && !reply.is_empty());
        }
    });
    assert_eq!(lab.count(Counter::ClientCached), hits + 5);
    assert_eq!(allocated.count_total, 0);
}
