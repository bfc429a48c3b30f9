//! Six hours of a laptop: a person asks all the time, while the machine sleeps, roams, loses its line,
//! is told another configuration, cannot write its disk, and starts anew. Whatever happens, each question
//! gets a reply in time, nothing wrong is told, and a minute later all is as before.
//!
//! A later part of Zoners adds what can happen to it to [`trouble::Trouble`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod checks;
mod laptop;
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
/// Minutes of a run.
const LENGTH: u32 = 6 * 60;
/// A trouble begins every so many minutes, and is over before the next.
const EVERY: u32 = 6;
/// Memory is looked at first after so many minutes, when all that is asked for has been cached once.
const WARM: u32 = LENGTH / 2;

/// What the heap may have grown by in the second half: the tables of what is remembered of servers, zones
/// and clients fill slowly. A leak of one allocation a question would be ten times as much.
const GROWTH: usize = 512 * 1024;

#[tokio::test(start_paused = true)]
async fn six_hours_of_a_laptop() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let random = Random::seeded(19);
    let (mut laptop, mut person) = (Laptop::new(19), Person::new(&random));
    let (mut troubles, mut warm) = (Vec::new(), None);
    for minute in 0..LENGTH {
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
            sleep(Duration::from_millis(1000 + random.below(30_000))).await;
        }
        if minute % EVERY == EVERY / 2 - 1 {
            person.reads_on(&mut laptop).await;
            if minute > WARM {
                let heap = dhat::HeapStats::get().curr_bytes;
                let first = *warm.get_or_insert(heap);
                assert!(heap <= first + GROWTH, "minute {minute}: {heap} octets, {first} before");
            }
        }
    }
    person.says_what_was_wrong();
}
