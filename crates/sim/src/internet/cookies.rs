//! Servers with DNS cookies (RFC 7873).

use std::time::Duration;

use zoners_dns::{ExchangeEvent, Message, NetworkError, OptRcode, Question, Records, Rtype};

use super::react::{encode, encode_with};
use super::{Arrivals, Host, Internet};
use crate::link::{Beset, CookieHabit, Streams};
use crate::zone::Said;

/// Octets of a client's cookie.
const CLIENT: usize = 8;
/// The forger's address, given for every name.
const FORGED: [u8; 4] = [203, 0, 113, 66];

impl Internet {
    pub(super) fn with_cookies(
        &self,
        habit: CookieHabit,
        host: &Host,
        question: &Question,
        query: &Message,
        udp: bool,
    ) -> Arrivals {
        let now = |message: Vec<u8>| vec![(Duration::ZERO, ExchangeEvent::Message(message.into()))];
        let said = self.say(host, question);
        let without = || encode(&said, question, query);
        let shown = query.edns.as_ref().and_then(|edns| edns.cookie.as_deref());
        let Some(shown) = shown else { return now(without()) };
        let cookie = made(shown);
        let with = |said: &Said| encode_with(said, question, query, Some(&cookie));
        match habit {
            CookieHabit::Sends => now(with(&said)),
            CookieHabit::Demands if !udp || *shown == cookie => now(with(&said)),
            CookieHabit::Demands | CookieHabit::Never => {
                now(with(&Said::error(OptRcode::BADCOOKIE)))
            }
            CookieHabit::Chokes => now(encode(&Said::error(OptRcode::FORMERR), question, query)),
            CookieHabit::Drops => vec![],
            CookieHabit::Foreign => {
                let foreign = made(&[0; CLIENT]);
                now(encode_with(&said, question, query, Some(&foreign)))
            }
            CookieHabit::Forged(streams) if !udp => match streams {
                Streams::Good | Streams::Bad => now(with(&said)),
                Streams::Closed => {
                    vec![(Duration::ZERO, ExchangeEvent::Failed(NetworkError::Refused))]
                }
                Streams::End => vec![(Duration::ZERO, ExchangeEvent::Failed(NetworkError::Closed))],
                Streams::Silent => vec![],
            },
            CookieHabit::Forged(_) => {
                let mut arrivals = now(encode(&forged(&said), question, query));
                arrivals.push((Beset::LATER, ExchangeEvent::Message(with(&said).into())));
                arrivals
            }
        }
    }
}

/// Both cookies, of which the server's is made of the client's.
fn made(shown: &[u8]) -> Vec<u8> {
    let client = shown.get(..CLIENT).unwrap_or_default();
    client.iter().copied().chain(client.iter().flat_map(|octet| [!octet, 1])).collect()
}

fn forged(said: &Said) -> Said {
    let mut forged = said.clone();
    let addresses = forged.answer.iter_mut().filter(|set| set.rtype == Rtype::A);
    addresses.for_each(|set| set.records = Records::from_iter([FORGED]));
    forged
}
