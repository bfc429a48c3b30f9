//! A user at a browser: asks for the names of a page, and checks the answers.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{EdeCode, Message, OptRcode, Question, Random, Rtype, Transport, name};
use zoners_server::Client;

use crate::checks;
use crate::laptop::{DOMAINS, Laptop};
use crate::lists;
use crate::trouble::Trouble;

/// Nothing takes longer, whatever happens: `timeouts.recursion`, and half a second.
const LONGEST: Duration = Duration::from_millis(5000);
/// The time after a trouble until the service is as before.
const SETTLED: Duration = Duration::from_secs(60);
/// Names of a page, each asked for A, AAAA and HTTPS.
const NAMES: usize = 3;

pub(crate) struct Person {
    random: Random,
    trouble: Option<Trouble>,
    /// The end of the trouble; `None` while it lasts.
    over: Option<Instant>,
    asked: usize,
    failed: Vec<String>,
    unsettled: usize,
    blocked: usize,
    stale: usize,
    /// Of these, the number when the service should have been as before.
    stale_late: usize,
}

/// The result of a question.
pub(crate) struct AskedQuestion {
    asked: String,
    /// Whether the policy list that was in force blocks the name.
    blocked: bool,
    took: Duration,
    reply: Option<Message>,
}

impl Person {
    pub(crate) fn new(random: &Random) -> Self {
        let random = Random::seeded(random.bits());
        let failed = Vec::new();
        Person {
            random,
            trouble: None,
            over: None,
            asked: 0,
            failed,
            unsettled: 0,
            blocked: 0,
            stale: 0,
            stale_late: 0,
        }
    }

    pub(crate) fn is_told_of(&mut self, trouble: Trouble) {
        (self.trouble, self.over) = (Some(trouble), None);
    }

    pub(crate) fn hears_that_it_is_over(&mut self) {
        self.over = Some(Instant::now());
    }

    /// Asks for the names of a page at once, and checks the answers.
    pub(crate) async fn opens_a_page(&mut self, laptop: &Laptop) {
        let page = self.asks(laptop);
        self.reads_page(page).await;
    }

    /// Asks for the names of a page at once.
    pub(crate) fn asks(&self, laptop: &Laptop) -> JoinSet<AskedQuestion> {
        let mut page = JoinSet::new();
        for _ in 0..NAMES {
            let (asked, domain) = self.wanted();
            let blocked = lists::blocks(laptop.list_version, domain);
            for rtype in [Rtype::A, Rtype::AAAA, Rtype::HTTPS] {
                let question = Question::new(name::parse(&asked).unwrap(), rtype);
                let options = QueryOptions { id: 7, recursion_desired: true, edns: true };
                let (packet, service) = (query(&question, options), laptop.service.clone());
                let (asked, client) = (format!("{asked} {rtype}"), self.client());
                page.spawn(async move {
                    let began = Instant::now();
                    let reply = service.answer(&packet, client).await;
                    let reply = reply.map(|reply| Message::parse(&reply.into()).unwrap());
                    AskedQuestion { asked, blocked, took: began.elapsed(), reply }
                });
            }
        }
        page
    }

    /// Checks the answers for a page.
    pub(crate) async fn reads_page(&mut self, page: JoinSet<AskedQuestion>) {
        for outcome in page.join_all().await {
            self.looks_at(&outcome);
        }
    }

    /// Waits until no work is under way.
    pub(crate) async fn reads_on(&self, laptop: &mut Laptop) {
        sleep(Duration::from_secs(30)).await;
        checks::nothing_is_left(&laptop.service);
        checks::all_is_counted(&laptop.service);
        laptop.seen_and_lost();
    }

    /// At the end.
    pub(crate) fn says_what_was_wrong(self) {
        let Person { asked, failed, unsettled, blocked, stale, stale_late, .. } = self;
        println!(
            "{asked} questions, {blocked} blocked, {stale} stale, of these {stale_late} late, {unsettled} failed in trouble"
        );
        assert!(blocked > 0, "a list that blocks nothing shows nothing");
        assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
        // A datagram of the only live server may be lost while the dead servers are asked.
        assert!(stale_late <= asked / 1000, "{stale_late} stale when all was well");
        assert!(stale > 0, "troubles that nobody notices are none");
    }

    /// Popular names more often than rare names, with the number of the domain; one name in twenty does not exist.
    fn wanted(&self) -> (String, usize) {
        let share = self.random.below(1000) as f64 / 1000.0;
        let domain = (share * share * DOMAINS as f64) as usize;
        let label = match self.random.below(20) {
            0 => "missing",
            1..5 => "alias",
            _ => "www",
        };
        (format!("{label}.d{domain}.t{}", domain % 4), domain)
    }

    /// This machine, or a telephone beside it.
    fn client(&self) -> Client {
        match self.random.below(2) {
            0 => Client::local(Transport::Udp),
            _ => Client::new([192, 168, 1, 7].into(), Transport::Udp),
        }
    }

    fn looks_at(&mut self, outcome: &AskedQuestion) {
        self.asked += 1;
        let AskedQuestion { asked, blocked, took, reply } = outcome;
        assert!(*took <= LONGEST, "{asked}: {took:?}, {:?}", self.trouble);
        let reply =
            reply.as_ref().unwrap_or_else(|| panic!("{asked}: no reply, {:?}", self.trouble));
        let told = reply.edns.iter().flat_map(|edns| &edns.errors);
        let told_blocked = told.clone().any(|ede| ede.code == EdeCode::BLOCKED);
        // No trouble of the line holds up a rule.
        assert_eq!(told_blocked, *blocked, "{asked}: {reply:?}, {:?}", self.trouble);
        if told_blocked {
            self.blocked += 1;
            let records: Vec<_> = reply.answer.iter().flat_map(|set| set.records.iter()).collect();
            let is_null = records.iter().all(|rdata| rdata.iter().all(|octet| *octet == 0));
            let wanted = usize::from(!asked.ends_with("HTTPS"));
            assert!(is_null && records.len() == wanted, "{asked}: {reply:?}");
            return;
        }
        if reply.rcode == OptRcode::SERVFAIL {
            match self.may_fail() {
                true => self.unsettled += 1,
                false => self.failed.push(format!("{asked}, after {:?}: {reply:?}", self.trouble)),
            }
            return;
        }
        if self.over.is_none() && self.trouble.is_some_and(Trouble::lies) {
            return;
        }
        let is_missing = asked.starts_with("missing");
        assert_eq!(reply.rcode == OptRcode::NXDOMAIN, is_missing, "{asked}: {reply:?}");
        let records = reply.answer.iter().filter(|set| set.rtype == Rtype::A);
        let addresses: Vec<_> = records.flat_map(|set| set.records.iter()).collect();
        let right = addresses.iter().all(|rdata| **rdata == [203, 0, 113, 1]);
        let wanted = usize::from(asked.ends_with(" A") && !is_missing);
        assert!(right && addresses.len() == wanted, "{asked}: {addresses:?}, {:?}", self.trouble);
        let stale = told.clone().any(|ede| [3, 19].contains(&ede.code.0));
        self.stale += usize::from(stale);
        self.stale_late += usize::from(stale && !self.is_unsettled());
    }

    /// Whether a question may fail: during some troubles, and shortly after.
    fn may_fail(&self) -> bool {
        self.is_unsettled() && self.trouble.is_some_and(Trouble::lets_questions_fail)
    }

    fn is_unsettled(&self) -> bool {
        self.trouble.is_some() && self.over.is_none_or(|over| over.elapsed() < SETTLED)
    }
}
