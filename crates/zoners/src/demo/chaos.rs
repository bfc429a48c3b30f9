//! Faults that come and go in the Internet of the demonstration, told on the screen.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use zoners_resolver::{Event, Shared};
use zoners_sim::{Middlebox, SimNetwork, Uplink};

use crate::output::println;

/// The time between two faults, in which all is well.
const CALM: Duration = Duration::from_secs(15);
/// The time for which a fault lasts.
const LASTS: Duration = Duration::from_secs(15);

/// A fault of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing arrives.
    Silence,
    /// Three of ten packets are lost in each direction.
    Loss,
    /// Every server is 300 ms farther away.
    Distance,
    /// Each packet takes up to 200 ms more, in no order.
    Jitter,
    /// An obstruction of two seconds in front of a dish, every five seconds.
    Obstructions,
    /// A captive portal answers in the name of every server.
    Portal,
    /// No packet to port 53 comes through.
    Blocked,
}

impl Fault {
    const ALL: [Fault; 7] = [
        Fault::Silence,
        Fault::Distance,
        Fault::Portal,
        Fault::Loss,
        Fault::Blocked,
        Fault::Jitter,
        Fault::Obstructions,
    ];

    fn words(self) -> &'static str {
        match self {
            Fault::Silence => "the line is dead",
            Fault::Loss => "three of ten packets are lost each way",
            Fault::Distance => "every server is 300 ms farther away",
            Fault::Jitter => "packets take up to 200 ms more, in no order",
            Fault::Obstructions => "a tree is before the dish for two of every five seconds",
            Fault::Portal => "a café: a portal answers for every server",
            Fault::Blocked => "this network lets no DNS through",
        }
    }

    /// The uplink during the fault; the fault begins `now` and lasts for [`LASTS`].
    fn uplink(self, now: Duration) -> Uplink {
        let (all_is_well, second) = (Uplink::default(), Duration::from_secs);
        match self {
            Fault::Silence => Uplink { silences: vec![now..now + LASTS], ..all_is_well },
            Fault::Loss => Uplink { loss: 0.3, ..all_is_well },
            Fault::Distance => Uplink { access: vec![Duration::from_millis(300)], ..all_is_well },
            Fault::Jitter => Uplink { jitter: Duration::from_millis(200), ..all_is_well },
            Fault::Obstructions => {
                let begins = (0..LASTS.as_secs()).step_by(5).map(|after| now + second(after));
                let silences = begins.map(|begin| begin..begin + second(2)).collect();
                Uplink { silences, ..all_is_well }
            }
            Fault::Portal | Fault::Blocked => all_is_well,
        }
    }

    fn middlebox(self) -> Option<Middlebox> {
        match self {
            Fault::Portal => Some(Middlebox::PORTAL),
            Fault::Blocked => Some(Middlebox::Drops),
            _ => None,
        }
    }

    fn begin(self, network: &SimNetwork, shared: &Shared) {
        network.behind(self.uplink(network.now()));
        if let Some(middlebox) = self.middlebox() {
            network.interpose(middlebox);
            shared.notify(Event::NetworkChanged);
        }
    }

    fn end(self, network: &SimNetwork, shared: &Shared) {
        network.behind(Uplink::default());
        // The system tells of another network, and of nothing else.
        if self.middlebox().is_some() {
            network.interpose(None);
            shared.notify(Event::NetworkChanged);
        }
    }
}

/// Starts a thread that brings one fault after the other into the network until the program ends.
pub(super) fn begin(network: SimNetwork, shared: Arc<Shared>) {
    let thread = std::thread::Builder::new().name("chaos".into());
    let spawned = thread.spawn(move || {
        for fault in Fault::ALL.iter().cycle() {
            sleep(CALM);
            println!("chaos: {}, for {} s", fault.words(), LASTS.as_secs());
            fault.begin(&network, &shared);
            sleep(LASTS);
            fault.end(&network, &shared);
            println!("chaos: over, all is well for {} s", CALM.as_secs());
        }
    });
    if let Err(error) = spawned {
        println!("chaos: there are no faults: no thread: {error}");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on must say so")]

    use tokio::time::{Instant, advance, timeout};
    use zoners_dns::query::{QueryOptions, query};
    use zoners_dns::{
        Endpoint, Exchange, ExchangeEvent, Message, Network, Question, Random, Rtype, name,
    };

    use super::*;

    /// What comes of a question to the root: the time, and whether the reply is a referral.
    async fn asked(network: &SimNetwork) -> Option<(Duration, bool)> {
        let options = QueryOptions { id: 1, recursion_desired: false, edns: true };
        let question = Question::new(name::parse("www.fast.demo").unwrap(), Rtype::A);
        let root = Endpoint::udp([198, 51, 100, 1].into());
        let began = Instant::now();
        let room = network.room(root).unwrap();
        let mut exchange = network.exchange(root, query(&question, options), Some(room));
        match timeout(Duration::from_secs(2), exchange.receive()).await {
            Ok(ExchangeEvent::Message(reply)) => {
                let reply = Message::parse(&reply).unwrap();
                Some((began.elapsed(), reply.answer.is_empty()))
            }
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_fault_is_felt_and_ends() {
        for fault in Fault::ALL {
            let (service, network, _) = super::super::service(1, Random::seeded(1)).unwrap();
            let shared = service.worker().shared().clone();
            let usual = asked(&network).await.unwrap();
            assert_eq!(usual, (Duration::from_millis(12), true));
            fault.begin(&network, &shared);
            let mut felt = Vec::new();
            for _ in 0..20 {
                felt.push(asked(&network).await != Some(usual));
            }
            assert!(felt.contains(&true), "{fault:?} is not felt");
            advance(LASTS).await;
            fault.end(&network, &shared);
            assert_eq!(asked(&network).await, Some(usual), "{fault:?} does not end");
        }
    }
}
