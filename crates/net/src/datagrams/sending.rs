//! Datagrams on their way out, over as many calls of the system as are needed.

use std::io;

use super::Outgoing;

/// Datagrams that are still to go.
pub(super) struct Sending<'a> {
    pub(super) left: &'a [Outgoing<'a>],
    /// Datagrams that the system refused.
    pub(super) refused: usize,
}

impl<'a> Sending<'a> {
    /// Sends without waiting, by calls that say how many went; returns how many the system refused. A full queue
    /// refuses all that is left. For a refused datagram, `instead` may send another, and says whether another was sent.
    pub(super) fn all(
        mut self,
        send: impl Fn(&[Outgoing<'a>]) -> io::Result<usize>,
        instead: impl Fn(Outgoing<'a>, &io::Error) -> bool,
    ) -> usize {
        while !self.left.is_empty() {
            match send(self.left) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.refused + self.left.len();
                }
                sent => self.note(sent, &instead),
            }
        }
        self.refused
    }

    /// Notes the outcome of a call. A refused datagram is skipped; the datagrams after it are still sent.
    pub(super) fn note(
        &mut self,
        sent: io::Result<usize>,
        instead: impl Fn(Outgoing<'a>, &io::Error) -> bool,
    ) {
        let Some((first, _)) = self.left.split_first() else { return };
        let done = match sent {
            Ok(sent) => sent.clamp(1, self.left.len()),
            Err(error) => {
                self.refused += usize::from(!instead(*first, &error));
                1
            }
        };
        self.left = &self.left[done..];
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    /// The outcome for five datagrams, and how many were left at each call.
    fn send_five(
        mut outcomes: Vec<io::Result<usize>>,
        instead: impl Fn(Outgoing<'_>, &io::Error) -> bool,
    ) -> (usize, Vec<usize>) {
        outcomes.reverse();
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 1)).into();
        let datagrams: [Outgoing<'_>; 5] = [(b"x", &to, None); 5];
        let (outcomes, calls) = (RefCell::new(outcomes), RefCell::default());
        let sending = Sending { left: &datagrams, refused: 0 };
        let send = |left: &[Outgoing<'_>]| {
            let calls: &RefCell<Vec<usize>> = &calls;
            calls.borrow_mut().push(left.len());
            outcomes.borrow_mut().pop().unwrap()
        };
        (sending.all(send, instead), calls.into_inner())
    }

    fn fails(kind: io::ErrorKind) -> io::Result<usize> {
        Err(kind.into())
    }

    #[test]
    fn a_full_queue_ends_the_batch() {
        let outcomes = vec![Ok(2), fails(io::ErrorKind::WouldBlock)];
        assert_eq!(send_five(outcomes, |_, _| true), (3, vec![5, 3]));
    }

    #[test]
    fn a_datagram_that_cannot_go_keeps_none_behind_and_may_go_otherwise() {
        let outcomes = || vec![Ok(0), fails(io::ErrorKind::InvalidInput), Ok(3)];
        assert_eq!(send_five(outcomes(), |_, _| false), (1, vec![5, 4, 3]));
        assert_eq!(send_five(outcomes(), |_, _| true), (0, vec![5, 4, 3]));
    }
}
