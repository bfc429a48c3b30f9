//! Recursions under way in one worker: how many there may be, and who gives way when there are
//! too many.
//!
//! Whoever has the most recursions pays. To an asker with fewer its oldest gives way at once;
//! otherwise the oldest gives way to what came later, once it had its chance for [`GRACE`]. A
//! flood of slow names thus displaces itself, and a question that is answered in time never
//! notices. Age counts from the client's query (CVE-2026-42534), so the look-ups of an old one are
//! as old as it is.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// What is younger than this gives way to nobody of its own asker.
const GRACE: Duration = Duration::from_millis(200);

/// On whose behalf a recursion is: a client, or ourselves.
pub(crate) type Asker = Option<IpAddr>;

/// When the client's query came, and a number that tells those of one moment apart.
type Age = (Instant, u64);

/// The recursions under way in a worker.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<Seats>);

#[derive(Debug, Default)]
struct Seats {
    taken: usize,
    next: u64,
    /// Those of each asker by age. Whoever is removed hears of it by the end of the channel.
    askers: BTreeMap<Asker, BTreeMap<Age, oneshot::Sender<()>>>,
}

/// A recursion's place among those under way, given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    pending: Arc<Pending>,
    asker: Asker,
    age: Age,
    held: oneshot::Receiver<()>,
}

/// What came of taking a seat.
#[derive(Debug)]
pub(crate) enum Seating {
    /// There was room.
    Free(Seat),
    /// Another recursion gave way.
    InsteadOf(Seat),
    /// There is no room, and nobody who would have to give way.
    Full,
}

impl Pending {
    /// A seat among at most `limit` for a recursion on behalf of `asker`, whose query came at
    /// `arrived`.
    pub(crate) fn sit(self: &Arc<Self>, asker: Asker, arrived: Instant, limit: usize) -> Seating {
        let mut seats = self.0.lock();
        let full = seats.taken >= limit;
        if full {
            let Some((greediest, oldest)) = seats.to_give_way(asker, arrived) else {
                return Seating::Full;
            };
            seats.remove(greediest, oldest);
        }
        let age = (arrived, seats.next);
        seats.next += 1;
        seats.taken += 1;
        let (hold, held) = oneshot::channel();
        seats.askers.entry(asker).or_default().insert(age, hold);
        let seat = Seat { pending: self.clone(), asker, age, held };
        if full { Seating::InsteadOf(seat) } else { Seating::Free(seat) }
    }

    /// How many there are.
    pub(crate) fn taken(&self) -> usize {
        self.0.lock().taken
    }
}

impl Seats {
    /// The recursion that gives way to a new one on behalf of `asker`.
    fn to_give_way(&self, asker: Asker, arrived: Instant) -> Option<(Asker, Age)> {
        let own = self.askers.get(&asker).map_or(0, BTreeMap::len);
        let (greediest, theirs) = self.askers.iter().max_by_key(|(_, theirs)| theirs.len())?;
        let (oldest, _) = theirs.first_key_value()?;
        let had_its_chance = Instant::now().duration_since(oldest.0) >= GRACE;
        let gives_way = theirs.len() > own + 1 || had_its_chance && oldest.0 < arrived;
        gives_way.then_some((*greediest, *oldest))
    }

    fn remove(&mut self, asker: Asker, age: Age) {
        let Some(theirs) = self.askers.get_mut(&asker) else { return };
        if theirs.remove(&age).is_some() {
            self.taken -= 1;
        }
        if theirs.is_empty() {
            self.askers.remove(&asker);
        }
    }
}

impl Seat {
    /// Waits until the recursion has to give way.
    pub(crate) async fn gives_way(&mut self) {
        let _ = (&mut self.held).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.pending.0.lock().remove(self.asker, self.age);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 4;

    fn asker(last: u8) -> Asker {
        Some([192, 0, 2, last].into())
    }

    fn seat(seating: Seating) -> Option<Seat> {
        match seating {
            Seating::Free(seat) | Seating::InsteadOf(seat) => Some(seat),
            Seating::Full => None,
        }
    }

    async fn must_go(seat: &mut Seat) -> bool {
        tokio::time::timeout(Duration::ZERO, seat.gives_way()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn one_askers_oldest_gives_way_once_it_had_its_chance() {
        let pending = Arc::<Pending>::default();
        let sit = || seat(pending.sit(asker(1), Instant::now(), LIMIT));
        let mut seats = vec![];
        for _ in 0..LIMIT {
            seats.push(sit().unwrap());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!(sit().is_none(), "all are young");
        tokio::time::advance(GRACE).await;
        let newest = sit().unwrap();
        assert!(must_go(&mut seats[0]).await && !must_go(&mut seats[1]).await);
        let old = seats[2].age.0;
        assert!(seat(pending.sit(asker(1), seats[1].age.0, LIMIT)).is_none(), "not to its like");
        assert!(seat(pending.sit(asker(1), old, LIMIT)).is_some());
        drop((seats, newest));
        assert_eq!(pending.taken(), 0);
        assert!(pending.0.lock().askers.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_greediest_gives_way_to_others_at_once() {
        let pending = Arc::<Pending>::default();
        let sit = |asker| seat(pending.sit(asker, Instant::now(), LIMIT));
        let mut flood: Vec<Seat> = (0..LIMIT).map(|_| sit(asker(1)).unwrap()).collect();
        let mut other = sit(asker(2)).unwrap();
        assert!(must_go(&mut flood[0]).await);
        let own = sit(None).unwrap();
        assert!(must_go(&mut flood[1]).await && !must_go(&mut other).await);
        assert!(sit(asker(2)).is_none(), "two and two are fair, and all are young");
        assert_eq!(pending.taken(), LIMIT);
        drop((flood, other, own));
        assert_eq!(pending.taken(), 0);
    }
}
