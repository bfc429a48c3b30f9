//! The queries of one read, through the stages before recursion.

use zoners_dns::{ClockReading, Network};
use zoners_net::stream::{self, Incoming};

use super::PORTION_OCTETS;
use crate::client::Client;
use crate::dnstap::ClientEnds;
use crate::pipeline::{Handled, Miss, Service};

/// How far the received queries are through the stages before recursion.
pub(super) enum ReadyQueries {
    /// No query is left.
    Done,
    /// The responses fill a portion.
    PortionFull,
    /// A query needs a recursion.
    Miss(Box<Miss>),
}

/// Takes received queries through the stages before recursion, up to a miss or a full portion of responses. `asked`
/// becomes true if there was a query.
pub(super) fn answer_ready<N: Network>(
    service: &Service<N>,
    incoming: &mut Incoming,
    (client, ends): (Client, ClientEnds),
    clock: ClockReading,
    responses: &mut Vec<u8>,
    asked: &mut bool,
) -> ReadyQueries {
    let (handle, mut reply) = (service.handler(clock), Vec::new());
    while let Some(packet) = incoming.next_message() {
        *asked = true;
        let handled = handle(service, packet, client, clock, &mut reply);
        if let Some(tap) = service.tap() {
            tap.put_client_query(ends, packet);
            if matches!(handled, Handled::Reply(_)) {
                tap.put_client_response(ends, &reply);
            }
        }
        match handled {
            Handled::Reply(_) => {
                stream::put_message(responses, &reply);
            }
            Handled::Nothing(_) => {}
            Handled::Miss(miss) => return ReadyQueries::Miss(miss),
        }
        if responses.len() >= PORTION_OCTETS {
            return ReadyQueries::PortionFull;
        }
    }
    ReadyQueries::Done
}
