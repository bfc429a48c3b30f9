//! The troubles of a laptop.

use std::time::Duration;

use tokio::time::sleep;
use zoners_dns::Random;
use zoners_resolver::Event;
use zoners_sim::Middlebox;

use crate::laptop::Laptop;
use crate::person::Person;

const SECOND: Duration = Duration::from_secs(1);

/// A trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The machine and its timers sleep for hours.
    Sleep,
    /// A different network, a little farther from everything, after some seconds offline.
    Roaming,
    /// No reply arrives for half a minute, without any sign from the system.
    Outage,
    /// An obstruction of three seconds in front of the dish, again and again.
    Obstructions,
    /// A cafe with a portal answering for every server; then back.
    Portal,
    /// A network that drops DNS to foreign servers; then back.
    Blocked,
    /// The wall clock shows a year long gone, as after a battery ran empty, and is set right later.
    WrongClock,
    /// A changed configuration is read.
    Reload,
    /// Other versions of the policy list come into force while clients ask.
    ListUpdates,
    /// The dashboard reads no events.
    FrozenDashboard,
    /// The cache cannot be written for a while.
    FullDisk,
    /// The process ends and a new process starts with the contents of the disk.
    Restart,
}

impl Trouble {
    const ALL: [Trouble; 12] = [
        Trouble::Sleep,
        Trouble::Roaming,
        Trouble::Outage,
        Trouble::Obstructions,
        Trouble::Portal,
        Trouble::Blocked,
        Trouble::WrongClock,
        Trouble::Reload,
        Trouble::ListUpdates,
        Trouble::FrozenDashboard,
        Trouble::FullDisk,
        Trouble::Restart,
    ];

    /// The troubles in random order.
    pub(crate) fn in_disorder(random: &Random) -> Vec<Trouble> {
        let mut left = Trouble::ALL.to_vec();
        let mut drawn = Vec::new();
        while !left.is_empty() {
            drawn.push(left.swap_remove(random.below(left.len() as u64) as usize));
        }
        drawn
    }

    /// Whether questions without a cache entry may fail during the trouble.
    pub(crate) fn lets_questions_fail(self) -> bool {
        matches!(
            self,
            Trouble::Roaming
                | Trouble::Outage
                | Trouble::Obstructions
                | Trouble::Portal
                | Trouble::Blocked
                | Trouble::WrongClock
        )
    }

    /// Whether the network forges answers during the trouble.
    pub(crate) fn lies(self) -> bool {
        self == Trouble::Portal
    }

    /// Begins, and ends.
    pub(crate) async fn befall(self, laptop: &mut Laptop, person: &mut Person) {
        match self {
            Trouble::Sleep => {
                laptop.clock.jump(SECOND * 3 * 3600);
                laptop.tell(Event::Woke);
                person.opens_a_page(laptop).await;
            }
            Trouble::Roaming => {
                laptop.without_a_line(SECOND * 4);
                person.opens_a_page(laptop).await;
                sleep(SECOND * 4).await;
                laptop.net.delay_all(Duration::from_millis(5), Duration::from_millis(5));
                laptop.tell(Event::NetworkChanged);
                person.opens_a_page(laptop).await;
            }
            Trouble::Outage => {
                laptop.without_a_line(SECOND * 30);
                asking_for(SECOND * 30, laptop, person).await;
            }
            Trouble::Obstructions => {
                for _ in 0..5 {
                    laptop.without_a_line(SECOND * 3);
                    asking_for(SECOND * 12, laptop, person).await;
                }
            }
            Trouble::Portal => elsewhere(Middlebox::PORTAL, laptop, person).await,
            Trouble::Blocked => elsewhere(Middlebox::Drops, laptop, person).await,
            Trouble::WrongClock => {
                laptop.clock.set_wall(-20 * 365 * 86_400);
                laptop.tell(Event::ClockJumped);
                asking_for(SECOND * 60, laptop, person).await;
                laptop.clock.set_wall(0);
                laptop.tell(Event::ClockJumped);
            }
            Trouble::Reload => laptop.reload(),
            Trouble::ListUpdates => {
                for _ in 0..5 {
                    let under_way = person.asks(laptop);
                    laptop.updates_lists();
                    person.opens_a_page(laptop).await;
                    person.reads_page(under_way).await;
                }
            }
            Trouble::FrozenDashboard => asking_for(SECOND * 60, laptop, person).await,
            Trouble::FullDisk => {
                laptop.cannot_write();
                person.opens_a_page(laptop).await;
                laptop.writes();
            }
            Trouble::Restart => {
                laptop.writes();
                laptop.restart();
            }
        }
    }
}

/// Half a minute behind a box, and back.
async fn elsewhere(middlebox: Middlebox, laptop: &Laptop, person: &mut Person) {
    laptop.net.interpose(middlebox);
    laptop.tell(Event::NetworkChanged);
    asking_for(SECOND * 30, laptop, person).await;
    laptop.net.interpose(None);
    laptop.tell(Event::NetworkChanged);
}

/// A user who asks without pause for `span`.
async fn asking_for(span: Duration, laptop: &Laptop, person: &mut Person) {
    let until = tokio::time::Instant::now() + span;
    while tokio::time::Instant::now() < until {
        person.opens_a_page(laptop).await;
        sleep(SECOND * 2).await;
    }
}
