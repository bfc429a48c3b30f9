//! The source port of a query: half of the secret that an attacker must guess.

use zoners_dns::Random;

/// Ports of well-known programs, which firewalls often filter.
const AVOIDED: &[u16] = &[1900, 3702, 4500, 5353, 5355, 11211];
/// The first unprivileged port.
const FIRST: u16 = 1024;

/// The number of possible source ports: 64,506, all equally likely.
pub const PORTS: u32 = (u16::MAX - FIRST) as u32 + 1 - AVOIDED.len() as u32;

/// An unpredictable port (RFC 6056 section 3.3.1).
pub(super) fn port(random: &Random) -> u16 {
    loop {
        let port = FIRST + random.below(u64::from(u16::MAX - FIRST) + 1) as u16;
        if !AVOIDED.contains(&port) {
            return port;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWN: usize = 100_000;
    const CELLS: usize = 64;
    /// The 99.99 % quantile of chi-square with 63 degrees of freedom.
    const UNLIKELY: f64 = 113.5;

    /// The draws in each of several equal parts of the port range.
    fn drawn(random: &Random) -> [f64; CELLS] {
        let mut cells = [0.0; CELLS];
        for _ in 0..DRAWN {
            cells[usize::from(port(random) - FIRST) * CELLS / (65536 - usize::from(FIRST))] += 1.0;
        }
        cells
    }

    #[test]
    fn all_are_alike_and_two_workers_cannot_be_told_apart() {
        let random = Random::seeded(7);
        let (one, other) = (random.clone(), random);
        let (one, other) = (drawn(&one), drawn(&other));
        let each = DRAWN as f64 / CELLS as f64;
        for cells in [one, other] {
            let off: f64 = cells.iter().map(|count| (count - each).powi(2) / each).sum();
            assert!(off < UNLIKELY, "{off}");
        }
        let pairs = one.iter().zip(&other);
        let apart: f64 = pairs.map(|(one, other)| (one - other).powi(2) / (one + other)).sum();
        assert!(apart < UNLIKELY, "{apart}");
    }

    #[test]
    fn some_are_avoided_and_the_ends_are_not() {
        let random = Random::seeded(1);
        let (mut least, mut most) = (u16::MAX, 0);
        for _ in 0..2_000_000 {
            let port = port(&random);
            assert!(!AVOIDED.contains(&port));
            (least, most) = (least.min(port), most.max(port));
        }
        assert_eq!((least, most), (FIRST, u16::MAX));
        assert_eq!(PORTS, 64_506);
    }
}
