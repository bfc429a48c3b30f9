//! The household of the demonstration: a few devices with questions, so that no page of the dashboard is empty.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread::sleep;
use std::time::Duration;

use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{Question, Rtype, name};

/// The first questions, which come in a burst, as from a household in the morning.
const FIRST_QUESTIONS: usize = 60;
/// The time between two of the first questions.
const FIRST_PAUSE: Duration = Duration::from_millis(30);
/// The time between two later questions.
const PAUSE: Duration = Duration::from_millis(900);

/// A device, by the last octet of the address, and a name for which the device asks.
const QUESTIONS: [(u8, &str, Rtype); 24] = [
    (2, "www.fast.demo", Rtype::A),
    (2, "www.fast.demo", Rtype::AAAA),
    (2, "www.fast.demo", Rtype::HTTPS),
    (3, "www.shop.demo", Rtype::A),
    (3, "images.wild.fast.demo", Rtype::A),
    (9, "www.tiktok.com", Rtype::A),
    (4, "x.old.moved.demo", Rtype::A),
    (2, "www.fast.demo", Rtype::A),
    (3, "www.shop.demo", Rtype::A),
    (9, "www.fast.demo", Rtype::A),
    (4, "www.slow.demo", Rtype::A),
    (2, "ads.tracker.demo", Rtype::A),
    (3, "gone.fast.demo", Rtype::A),
    (4, "www.antique.demo", Rtype::A),
    (9, "www.youtube.com", Rtype::A),
    (2, "www.lame.demo", Rtype::A),
    (3, "www.halfdead.demo", Rtype::A),
    (2, "www.fast.demo", Rtype::HTTPS),
    (4, "www.lossy.demo", Rtype::A),
    (9, "www.shop.demo", Rtype::A),
    (2, "ads.tracker.demo", Rtype::A),
    (3, "www.tampered.demo", Rtype::A),
    (4, "www.dead.demo", Rtype::A),
    (2, "news.wild.fast.demo", Rtype::A),
];

/// Asks the server at `server` until the program ends, on a thread of its own. Without sockets nothing is asked.
pub(super) fn begin(server: SocketAddr) {
    let household = std::thread::Builder::new().name("household".into());
    // The demonstration works without its traffic.
    let _ = household.spawn(move || {
        for (asked, (device, name, rtype)) in QUESTIONS.iter().cycle().enumerate() {
            ask(server, *device, name, *rtype, asked);
            sleep(if asked < FIRST_QUESTIONS { FIRST_PAUSE } else { PAUSE });
        }
    });
}

/// Sends a question; the reply is of no interest.
fn ask(server: SocketAddr, device: u8, asked: &str, rtype: Rtype, number: usize) {
    let Ok(asked) = name::parse(asked) else { return };
    let options = QueryOptions { id: number as u16, recursion_desired: true, edns: true };
    let octets = query(&Question::new(asked, rtype), options);
    // macOS has one address of this machine alone.
    let own = |device| UdpSocket::bind((Ipv4Addr::new(127, 0, 0, device), 0));
    if let Ok(socket) = own(device).or_else(|_| own(1)) {
        let _ = socket.send_to(&octets, server);
    }
}
