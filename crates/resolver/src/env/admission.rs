//! Admission of recursions: the most recursions in a worker, and which recursion gives way to a new one.
//!
//! The client with the most recursions pays. A client with fewer recursions displaces that client's
//! oldest recursion at once; otherwise the client's own oldest gives way to its newest, after
//! [`GRACE`]. So a flood of slow names displaces itself, and a question answered in time is not
//! affected. Age counts from the client's query (CVE-2026-42534), so look-ups of an old query are
//! as old as the query.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A younger recursion does not give way to one of its own client.
const GRACE: Duration = Duration::from_millis(200);

/// The client of a recursion; `None` for questions of our own.
pub(crate) type SlotOwner = Option<IpAddr>;

/// The arrival of the client's query, and a number that distinguishes equal times.
type SlotAge = (Instant, u64);

/// The recursions under way in a worker.
#[derive(Debug, Default)]
pub(crate) struct AdmissionControl(Mutex<Slots>);

#[derive(Debug, Default)]
struct Slots {
    taken: usize,
    next: u64,
    /// The recursions of each client by age. A removed recursion notices the closed channel.
    askers: BTreeMap<SlotOwner, BTreeMap<SlotAge, oneshot::Sender<()>>>,
}

/// The slot of a recursion, given back when dropped.
#[derive(Debug)]
pub(crate) struct RecursionSlot {
    pending: Arc<AdmissionControl>,
    asker: SlotOwner,
    age: SlotAge,
    displaced: oneshot::Receiver<()>,
}

/// The result of admission.
#[derive(Debug)]
pub(crate) enum SlotGrant {
    /// There was room.
    Free(RecursionSlot),
    /// A different recursion gave way.
    InsteadOf(RecursionSlot),
    /// No slot is free, and no recursion has to give way.
    Full,
}

impl AdmissionControl {
    /// A slot among at most `limit` for a recursion of `asker`, whose query came at `arrived`.
    pub(crate) fn admit(
        self: &Arc<Self>,
        asker: SlotOwner,
        arrived: Instant,
        limit: usize,
    ) -> SlotGrant {
        let mut slots = self.0.lock();
        let full = slots.taken >= limit;
        if full {
            let Some((largest, oldest)) = slots.to_give_way(asker, arrived) else {
                return SlotGrant::Full;
            };
            slots.remove(largest, oldest);
        }
        let age = (arrived, slots.next);
        slots.next += 1;
        slots.taken += 1;
        let (hold, displaced) = oneshot::channel();
        slots.askers.entry(asker).or_default().insert(age, hold);
        let slot = RecursionSlot { pending: self.clone(), asker, age, displaced };
        if full { SlotGrant::InsteadOf(slot) } else { SlotGrant::Free(slot) }
    }

    /// How many there are.
    pub(crate) fn taken(&self) -> usize {
        self.0.lock().taken
    }
}

impl Slots {
    /// The recursion giving way to a new one of `asker`.
    fn to_give_way(&self, asker: SlotOwner, arrived: Instant) -> Option<(SlotOwner, SlotAge)> {
        let own = self.askers.get(&asker).map_or(0, BTreeMap::len);
        let (largest, recursions) =
            self.askers.iter().max_by_key(|(_, recursions)| recursions.len())?;
        let (oldest, _) = recursions.first_key_value()?;
        let had_its_chance = Instant::now().duration_since(oldest.0) >= GRACE;
        let gives_way = recursions.len() > own + 1 || had_its_chance && oldest.0 < arrived;
        gives_way.then_some((*largest, *oldest))
    }

    fn remove(&mut self, asker: SlotOwner, age: SlotAge) {
        let Some(recursions) = self.askers.get_mut(&asker) else { return };
        if recursions.remove(&age).is_some() {
            self.taken -= 1;
        }
        if recursions.is_empty() {
            self.askers.remove(&asker);
        }
    }
}

impl RecursionSlot {
    /// Waits until the recursion has to give way.
    pub(crate) async fn gives_way(&mut self) {
        let _ = (&mut self.displaced).await;
    }
}

impl Drop for RecursionSlot {
    fn drop(&mut self) {
        self.pending.0.lock().remove(self.asker, self.age);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 4;

    fn asker(last: u8) -> SlotOwner {
        Some([192, 0, 2, last].into())
    }

    fn slot(grant: SlotGrant) -> Option<RecursionSlot> {
        match grant {
            SlotGrant::Free(slot) | SlotGrant::InsteadOf(slot) => Some(slot),
            SlotGrant::Full => None,
        }
    }

    async fn must_go(slot: &mut RecursionSlot) -> bool {
        tokio::time::timeout(Duration::ZERO, slot.gives_way()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_recursion_of_a_client_gives_way_after_the_grace_time() {
        let pending = Arc::<AdmissionControl>::default();
        let admit = || slot(pending.admit(asker(1), Instant::now(), LIMIT));
        let mut slots = vec![];
        for _ in 0..LIMIT {
            slots.push(admit().unwrap());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!(admit().is_none(), "all are young");
        tokio::time::advance(GRACE).await;
        let newest = admit().unwrap();
        assert!(must_go(&mut slots[0]).await && !must_go(&mut slots[1]).await);
        let old = slots[2].age.0;
        assert!(slot(pending.admit(asker(1), slots[1].age.0, LIMIT)).is_none(), "not to its like");
        assert!(slot(pending.admit(asker(1), old, LIMIT)).is_some());
        drop((slots, newest));
        assert_eq!(pending.taken(), 0);
        assert!(pending.0.lock().askers.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_client_with_the_most_recursions_gives_way_to_other_clients_at_once() {
        let pending = Arc::<AdmissionControl>::default();
        let admit = |asker| slot(pending.admit(asker, Instant::now(), LIMIT));
        let mut flood: Vec<RecursionSlot> = (0..LIMIT).map(|_| admit(asker(1)).unwrap()).collect();
        let mut other = admit(asker(2)).unwrap();
        assert!(must_go(&mut flood[0]).await);
        let own = admit(None).unwrap();
        assert!(must_go(&mut flood[1]).await && !must_go(&mut other).await);
        assert!(admit(asker(2)).is_none(), "two and two are fair, and all are young");
        assert_eq!(pending.taken(), LIMIT);
        drop((flood, other, own));
        assert_eq!(pending.taken(), 0);
    }
}
