//! Six hours or a day of a laptop: a user asks without pause, a dashboard is open, and the machine sleeps, roams, goes
//! offline, reloads, gets other policy lists, has a full disk, and restarts. Each question gets a reply in time, no answer
//! is wrong, each query has its event, and a minute after each trouble the service is as before.
//!
//! Later features add their troubles to [`trouble::Trouble`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod checks;
mod dashboard;
mod laptop;
mod lists;
mod person;
mod trouble;

use std::time::Duration;

use laptop::Laptop;
use person::Person;
use tokio::time::{Instant, sleep};
use trouble::Trouble;
use zoners_dns::Random;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const MINUTE: Duration = Duration::from_secs(60);
/// Minutes between troubles; each is over before the next.
const EVERY: u32 = 6;

/// The growth of the heap allowed in the second half: the tables of servers, zones and clients fill
/// slowly. A leak of one allocation for each question would be ten times as much.
const GROWTH: usize = 512 * 1024;

#[tokio::test(start_paused = true)]
async fn six_hours_of_a_laptop() {
    hours_of_a_laptop(6).await;
}

/// Takes four times as long as six hours do: `benchmarks/README.md` has the command and the figures.
#[tokio::test(start_paused = true)]
#[ignore = "takes minutes"]
async fn a_day_of_a_laptop() {
    hours_of_a_laptop(24).await;
}

async fn hours_of_a_laptop(hours: u32) {
    let length = hours * 60;
    // Memory is first measured at the half, when every name has been cached once.
    let warm_after = length / 2;
    let _profiler = dhat::Profiler::builder().testing().build();
    let random = Random::seeded(19);
    let (mut laptop, mut person) = (Laptop::new(19), Person::new(&random));
    let (mut troubles, mut warm) = (Vec::new(), None);
    for minute in 0..length {
        if minute % EVERY == EVERY / 2 {
            if troubles.is_empty() {
                troubles = Trouble::in_disorder(&random);
            }
            let trouble = troubles.pop().unwrap();
            person.is_told_of(trouble);
            trouble.befall(&mut laptop, &mut person).await;
            person.hears_that_it_is_over();
        }
        let until = Instant::now() + MINUTE;
        while Instant::now() < until {
            person.opens_a_page(&laptop).await;
            laptop.dashboard.reads();
            sleep(Duration::from_millis(1000 + random.below(30_000))).await;
        }
        if minute % EVERY == EVERY / 2 - 1 {
            person.reads_on(&mut laptop).await;
            if minute > warm_after {
                let heap = dhat::HeapStats::get().curr_bytes;
                let first = *warm.get_or_insert(heap);
                assert!(heap <= first + GROWTH, "minute {minute}: {heap} octets, {first} before");
            }
        }
    }
    let (seen, lost) = laptop.seen_and_lost();
    println!("{} versions of the list, {seen} events seen, {lost} lost", laptop.list_version + 1);
    assert!(seen > 0 && lost > 0 && laptop.list_version > 0);
    person.says_what_was_wrong();
}
