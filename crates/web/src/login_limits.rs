//! Attempts to log in, and limits on guesses at the password: for a client's network, and in all.
//!
//! The limit in all holds where an attacker has many addresses. While such an attack lasts, the owner cannot log in over the
//! network either; the link of `zoners dashboard` on the machine itself has no such limit.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// Guesses of a network at once.
const CLIENT_GUESSES: u32 = 5;
/// The time after which a network has a further guess.
const CLIENT_PERIOD: Duration = Duration::from_secs(30);
/// Guesses in all at once.
const ALL_GUESSES: u32 = 30;
/// The time after which clients together have a further guess.
const ALL_PERIOD: Duration = Duration::from_secs(4);
/// The most networks kept; a further one replaces the network with the oldest guess.
const MAX_CLIENTS: usize = 512;

/// An attempt to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginOutcome {
    /// The password was right.
    Admitted,
    /// The password was wrong.
    Wrong,
    /// The client, or all clients together, have guessed too often; the password was not looked at.
    Limited,
}

/// The guesses that are left.
#[derive(Debug, Default)]
pub(crate) struct LoginLimits {
    /// The networks with their used guesses, in the order of the last guess.
    clients: Vec<(IpAddr, UsedGuesses)>,
    all: Option<UsedGuesses>,
}

/// Used guesses, of which one is forgotten each period.
#[derive(Clone, Copy, Debug)]
struct UsedGuesses {
    used: u32,
    at: Instant,
}

impl LoginLimits {
    /// Takes a guess of a client; false if none is left.
    pub(crate) fn take(&mut self, client: IpAddr, now: Instant) -> bool {
        let network = network(client);
        let known = self.clients.iter().position(|(known, _)| *known == network);
        let before = known.map(|at| self.clients.remove(at).1);
        let own = UsedGuesses::after(before, CLIENT_PERIOD, now);
        let all = UsedGuesses::after(self.all, ALL_PERIOD, now);
        let is_left = own.used < CLIENT_GUESSES && all.used < ALL_GUESSES;
        let used = u32::from(is_left);
        if self.clients.len() >= MAX_CLIENTS {
            self.clients.remove(0);
        }
        self.clients.push((network, UsedGuesses { used: own.used + used, ..own }));
        self.all = Some(UsedGuesses { used: all.used + used, ..all });
        is_left
    }

    /// Forgets the guesses of a client that knew the password.
    pub(crate) fn forgive(&mut self, client: IpAddr) {
        let network = network(client);
        self.clients.retain(|(known, _)| *known != network);
    }
}

impl UsedGuesses {
    /// The guesses that are still used.
    fn after(before: Option<UsedGuesses>, period: Duration, now: Instant) -> Self {
        let Some(UsedGuesses { used, at }) = before else {
            return UsedGuesses { used: 0, at: now };
        };
        let periods = now.duration_since(at).as_nanos() / period.as_nanos();
        let forgotten = u32::try_from(periods).unwrap_or(u32::MAX);
        match used.checked_sub(forgotten) {
            Some(used) if used > 0 => UsedGuesses { used, at: at + period * forgotten },
            _ => UsedGuesses { used: 0, at: now },
        }
    }
}

/// The network of a client: an IPv4 address, an IPv6 /64.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => IpAddr::from((address.to_bits() >> 64 << 64).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_has_a_few_guesses_and_gets_them_back_one_by_one() {
        let (mut limits, now) = (LoginLimits::default(), Instant::now());
        let (one, same, other) = ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1");
        let mut take = |client: &str, now| limits.take(client.parse().unwrap(), now);
        for _ in 0..CLIENT_GUESSES {
            assert!(take(one, now));
        }
        assert!(!take(same, now) && take(other, now));
        assert!(!take(one, now + CLIENT_PERIOD - Duration::from_millis(1)));
        assert!(take(one, now + CLIENT_PERIOD));
        assert!(!take(one, now + CLIENT_PERIOD));
        limits.forgive(same.parse().unwrap());
        assert!(limits.take(one.parse().unwrap(), now + CLIENT_PERIOD));
    }

    #[tokio::test(start_paused = true)]
    async fn many_networks_share_the_guesses_in_all_and_memory_is_bounded() {
        let (mut limits, now) = (LoginLimits::default(), Instant::now());
        let left = (0..2000).filter(|number| limits.take(address(*number), now)).count();
        assert_eq!(left, ALL_GUESSES as usize);
        assert_eq!(limits.clients.len(), MAX_CLIENTS);
        assert!(limits.take(address(7), now + ALL_PERIOD));
        assert!(!limits.take(address(8), now + ALL_PERIOD));
    }
}
