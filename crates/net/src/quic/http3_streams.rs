//! The streams of a connection of HTTP/3 (RFC 9114 section 6), as far as they are not whole.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use quinn_proto::{Connection, Dir, StreamId, VarInt};
use zoners_http3::{
    ClientStream, ClientStreams, Http3Fault, JudgedRequest, Request, RequestPieces,
    append_control_start, append_goaway,
};

use super::stream_read::{Next, read_stream};

/// The time for a request, from the first octets to the end of the stream: as for a body over HTTP/2.
pub(super) const REQUEST_TIME: Duration = Duration::from_secs(5);

/// The streams of a connection.
#[derive(Debug)]
pub(super) struct Http3Streams {
    /// Requests that are not whole, each with the time of its first octets.
    requests: BTreeMap<StreamId, (Instant, RequestPieces)>,
    /// Unidirectional streams of the client.
    beside: BTreeMap<StreamId, ClientStream>,
    client: ClientStreams,
    /// The control stream of the server.
    control: StreamId,
    /// The stream after the latest request.
    next: u64,
    /// The client knows that the connection ends.
    is_ending: bool,
}

/// What has come of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RequestRead {
    Whole(JudgedRequest),
    Part,
    /// The client takes the request back.
    Reset,
}

impl Http3Streams {
    /// Opens the control stream, which says first what the server reads (RFC 9114 section 6.2.1).
    ///
    /// # Errors
    /// The client lets no stream be opened, or takes no octets there.
    pub(super) fn begin(connection: &mut Connection) -> Result<Self, Http3Fault> {
        let control = connection.streams().open(Dir::Uni).ok_or(Http3Fault::NoControlStream)?;
        let mut start = Vec::new();
        append_control_start(&mut start);
        let streams = Http3Streams {
            requests: BTreeMap::new(),
            beside: BTreeMap::new(),
            client: ClientStreams::default(),
            control,
            next: 0,
            is_ending: false,
        };
        match streams.tell(connection, &start) {
            true => Ok(streams),
            false => Err(Http3Fault::NoControlStream),
        }
    }

    /// Octets of what is not whole.
    pub(super) fn held(&self) -> usize {
        let heads = self.requests.len() * size_of::<RequestPieces>();
        let requests: usize = self.requests.values().map(|(_, pieces)| pieces.held()).sum();
        heads + requests + self.client.held()
    }

    /// Drops what is not whole.
    pub(super) fn clear(&mut self) {
        self.requests.clear();
        self.beside.clear();
    }

    /// Reads a stream of a request.
    ///
    /// # Errors
    /// The fault of the request; nothing of the request is held any more.
    pub(super) fn read_request(
        &mut self,
        connection: &mut Connection,
        id: StreamId,
        now: Instant,
    ) -> Result<RequestRead, Http3Fault> {
        self.next = self.next.max(VarInt::from(id).into_inner() + 4);
        let known = self.requests.remove(&id);
        let (since, mut pieces) = known.unwrap_or_else(|| (now, RequestPieces::default()));
        match read_stream(connection, id, |octets| pieces.put(&octets)) {
            None => Ok(RequestRead::Part),
            Some(Err(fault)) => Err(fault),
            Some(Ok(Next::End)) => {
                let request = pieces.into_request().and_then(Request::judge)?;
                self.client.renew();
                Ok(RequestRead::Whole(request))
            }
            Some(Ok(Next::Reset)) => Ok(RequestRead::Reset),
            Some(Ok(Next::Octets)) => {
                self.requests.insert(id, (since, pieces));
                Ok(RequestRead::Part)
            }
        }
    }

    /// Reads a unidirectional stream.
    ///
    /// # Errors
    /// The fault, which ends the connection.
    pub(super) fn read_beside(
        &mut self,
        connection: &mut Connection,
        id: StreamId,
    ) -> Result<(), Http3Fault> {
        let known = self.beside.remove(&id);
        let mut stream = match known {
            Some(stream) => stream,
            None => self.client.begin()?,
        };
        match read_stream(connection, id, |octets| self.client.put(&mut stream, &octets)) {
            None => Ok(()),
            Some(Err(fault)) => Err(fault),
            Some(Ok(Next::Octets)) => {
                self.beside.insert(id, stream);
                Ok(())
            }
            Some(Ok(Next::End | Next::Reset)) => self.client.end(&stream),
        }
    }

    /// Forgets a request that the client cancels.
    pub(super) fn forget(&mut self, id: StreamId) {
        self.requests.remove(&id);
    }

    /// Whether this is the control stream of the server, which lives as long as the connection.
    pub(super) fn is_control(&self, id: StreamId) -> bool {
        id == self.control
    }

    /// The moment at which the next request is late.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.requests.values().map(|(since, _)| *since + REQUEST_TIME).min()
    }

    /// The streams of late requests, which are forgotten.
    pub(super) fn take_late(&mut self, now: Instant) -> Vec<StreamId> {
        let is_late =
            |_: &StreamId, (since, _): &mut (Instant, RequestPieces)| *since + REQUEST_TIME <= now;
        self.requests.extract_if(.., is_late).map(|(id, _)| id).collect()
    }

    /// Tells the client once that no further request is answered (RFC 9114 section 5.2).
    pub(super) fn go_away(&mut self, connection: &mut Connection) {
        if !std::mem::replace(&mut self.is_ending, true) {
            let mut frame = Vec::new();
            append_goaway(self.next, &mut frame);
            self.tell(connection, &frame);
        }
    }

    /// Writes on the control stream; whether the client had room. A few octets in all are written there.
    fn tell(&self, connection: &mut Connection, octets: &[u8]) -> bool {
        connection.send_stream(self.control).write(octets) == Ok(octets.len())
    }
}
