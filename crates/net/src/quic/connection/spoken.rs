//! The protocol of a connection, and the streams of each protocol.

use std::sync::Arc;
use std::time::Instant;

use quinn_proto::crypto::rustls::HandshakeData;
use quinn_proto::{Dir, StreamId, VarInt};
use rustls::pki_types::CertificateDer;
use zoners_dns::packet;
use zoners_http3::Http3Fault;
use zoners_tls::{alpn, names};

use super::{QuicConnection, Spoken, Told};
use crate::quic::asked::Asked;
use crate::quic::close_code::CloseCode;
use crate::quic::http3_streams::{Http3Streams, RequestRead};
use crate::quic::message_pieces::MessageFault;
use crate::quic::stream_read::{Next, read_stream};

/// H3_REQUEST_REJECTED: the request was not looked at (RFC 9114 section 8.1).
const REQUEST_REJECTED: u32 = 0x10B;

impl QuicConnection {
    /// Takes what TLS has agreed on: the name of the server by which the client asks (SNI, RFC 6066 section 3), in lower
    /// case, and the protocol.
    pub(super) fn agree(&mut self, tell: &mut impl FnMut(Told)) {
        let data = self.proto.crypto_session().handshake_data();
        let Some(data) = data.and_then(|data| data.downcast::<HandshakeData>().ok()) else {
            return;
        };
        self.server_name = data.server_name.map(Arc::from);
        if data.protocol.as_deref() != Some(alpn::HTTP_3) {
            return;
        }
        match Http3Streams::begin(&mut self.proto) {
            Ok(streams) => {
                self.spoken = Spoken::Http3(Box::new(streams));
                tell(Told::Http3);
            }
            Err(fault) => tell(Told::Http3Fault(fault)),
        }
    }

    /// Takes the names in the certificate that the client has shown. rustls has verified the certificate.
    pub(super) fn identify(&mut self) {
        let shown = self.proto.crypto_session().peer_identity();
        let chain = shown.and_then(|shown| shown.downcast::<Vec<CertificateDer<'static>>>().ok());
        self.client_names = chain.map(|chain| names(&chain).into()).unwrap_or_default();
    }

    pub(super) fn speaks_http3(&self) -> bool {
        matches!(self.spoken, Spoken::Http3(_))
    }

    /// The code of a reason in the protocol of the connection.
    pub(in crate::quic) fn code(&self, reason: CloseCode) -> VarInt {
        match self.spoken {
            Spoken::Doq(_) => reason.into(),
            Spoken::Http3(_) => reason.over_http3(),
        }
    }

    /// Reads what has come on a stream.
    pub(super) fn read(&mut self, id: StreamId, now: Instant, tell: &mut impl FnMut(Told)) {
        match (&self.spoken, id.dir()) {
            (Spoken::Doq(_), Dir::Bi) => self.read_message(id, tell),
            // A stream of one direction has no place (RFC 9250 section 4.2).
            (Spoken::Doq(_), Dir::Uni) => tell(Told::Fault),
            (Spoken::Http3(_), _) => {
                if let Err(fault) = self.read_http3(id, now, tell) {
                    self.end_faulty(id, fault, tell);
                }
            }
        }
    }

    fn read_message(&mut self, id: StreamId, tell: &mut impl FnMut(Told)) {
        let Spoken::Doq(all) = &mut self.spoken else { return };
        let mut pieces = all.remove(&id).unwrap_or_default();
        let read = match read_stream(&mut self.proto, id, |octets| pieces.put(octets)) {
            None => return,
            Some(Ok(Next::Octets)) => {
                all.insert(id, pieces);
                return;
            }
            Some(Ok(Next::Reset)) => return self.cancel(id, tell),
            Some(Ok(Next::End)) => pieces.into_message(),
            Some(Err(fault)) => Err(fault),
        };
        match read {
            // QUIC has an idle time of its own (RFC 9250 section 5.5.2).
            Ok(query) if packet::asks_for_keepalive(&query) => tell(Told::Fault),
            Ok(query) => self.hand_on(id, Asked::Message(query), tell),
            Err(MessageFault::TooLong) => {
                self.refuse(id);
                tell(Told::Excess);
            }
            Err(_) => tell(Told::Fault),
        }
    }

    fn read_http3(
        &mut self,
        id: StreamId,
        now: Instant,
        tell: &mut impl FnMut(Told),
    ) -> Result<(), Http3Fault> {
        let Spoken::Http3(streams) = &mut self.spoken else { return Ok(()) };
        if id.dir() == Dir::Uni {
            return streams.read_beside(&mut self.proto, id);
        }
        match streams.read_request(&mut self.proto, id, now)? {
            RequestRead::Whole(request) => self.hand_on(id, Asked::Request(request), tell),
            RequestRead::Part => {}
            RequestRead::Reset => self.cancel(id, tell),
        }
        Ok(())
    }

    /// Ends the stream of a faulty request; a fault of the connection is told alone.
    fn end_faulty(&mut self, id: StreamId, fault: Http3Fault, tell: &mut impl FnMut(Told)) {
        if !fault.ends_connection() {
            self.end_stream(id, http3_code(fault));
        }
        tell(Told::Http3Fault(fault));
    }

    /// The client takes no more of a stream of the server.
    pub(super) fn stop(&mut self, id: StreamId, tell: &mut impl FnMut(Told)) {
        match &self.spoken {
            Spoken::Http3(streams) if streams.is_control(id) => {
                tell(Told::Http3Fault(Http3Fault::CriticalStreamClosed));
            }
            _ => self.cancel(id, tell),
        }
    }

    /// Forgets a query that is not whole.
    pub(super) fn forget(&mut self, id: StreamId) {
        match &mut self.spoken {
            Spoken::Doq(pieces) => drop(pieces.remove(&id)),
            Spoken::Http3(streams) => streams.forget(id),
        }
    }

    /// The moment at which a request is late.
    pub(in crate::quic) fn request_deadline(&self) -> Option<Instant> {
        match &self.spoken {
            Spoken::Doq(_) => None,
            Spoken::Http3(streams) => streams.deadline(),
        }
    }

    /// Ends the streams of requests that are late; their number. The client may ask again (RFC 9114 section 4.1.1).
    pub(in crate::quic) fn end_late_requests(&mut self, now: Instant) -> usize {
        let Spoken::Http3(streams) = &mut self.spoken else { return 0 };
        let late = streams.take_late(now);
        for id in &late {
            self.end_stream(*id, VarInt::from_u32(REQUEST_REJECTED));
        }
        late.len()
    }

    /// Tells a client of HTTP/3 that no further request is answered.
    pub(in crate::quic) fn go_away(&mut self) {
        if let Spoken::Http3(streams) = &mut self.spoken {
            streams.go_away(&mut self.proto);
        }
    }
}

/// The code of a fault, as QUIC writes codes.
pub(in crate::quic) fn http3_code(fault: Http3Fault) -> VarInt {
    VarInt::from_u64(fault.code()).unwrap_or(VarInt::MAX)
}
