//! A conversation with a primary server: first the serial of its version, then the transfer.
//!
//! Generic over the stream, so that tests have misbehaving primaries in virtual time.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use zoners_dns::message::TransferMessage;
use zoners_dns::{Clock, Random, Rcode, Rtype};
use zoners_net::held::{Account, Held};
use zoners_net::stream::{read_message, write_message};
use zoners_zones::Soa;
use zoners_zones::serial::is_newer;
use zoners_zones::transfer::{
    TransferFault, TransferLimits, TransferOutcome, TransferTarget, ZoneTransfer, axfr_request,
    ixfr_request, soa_request,
};
use zoners_zones::tsig::{TsigKey, TsigStream};

use super::target::{FinishedZone, ZoneTarget};

/// The longest wait for a connection, and for the next message.
const MESSAGE_WAIT: Duration = Duration::from_secs(20);
/// The longest time for a conversation.
const CONVERSATION_WAIT: Duration = Duration::from_secs(600);
/// Octets of one message, with its length.
const MAX_MESSAGE_OCTETS: usize = 2 + u16::MAX as usize;

/// A stream to a primary.
pub(crate) trait PrimaryStream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> PrimaryStream for S {}

/// What is wanted of a primary.
#[derive(Clone, Debug)]
pub(crate) struct TransferTask {
    pub(crate) target: ZoneTarget,
    /// The key by which requests and replies are signed.
    pub(crate) key: Option<TsigKey>,
    pub(crate) limits: TransferLimits,
}

/// Why a conversation brought nothing.
#[derive(Debug)]
pub(crate) enum ConversationFailure {
    /// The stream could not be opened, or broke.
    Stream(io::Error),
    /// No message came for this time.
    Silent(Duration),
    /// The conversation took longer than this.
    TooSlow(Duration),
    /// The reply to the question for the serial has none.
    NoSerial(Rcode),
    /// The transfer is of no use.
    Transfer(TransferFault),
}

/// Asks a primary for the newest version. `connect` opens a stream; each request has a stream of its own, since some
/// servers close a stream after one.
///
/// # Errors
/// The primary cannot be reached, or gives nothing of use.
pub(crate) async fn converse<S: PrimaryStream>(
    task: &TransferTask,
    clock: &dyn Clock,
    random: &Random,
    connect: impl AsyncFn() -> io::Result<S>,
) -> Result<TransferOutcome<FinishedZone>, ConversationFailure> {
    let conversation = PrimaryConversation { task, clock, random, connect };
    match timeout(CONVERSATION_WAIT, conversation.run()).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ConversationFailure::TooSlow(CONVERSATION_WAIT)),
    }
}

struct PrimaryConversation<'a, C> {
    task: &'a TransferTask,
    clock: &'a dyn Clock,
    random: &'a Random,
    connect: C,
}

impl<S: PrimaryStream, C: AsyncFn() -> io::Result<S>> PrimaryConversation<'_, C> {
    async fn run(&self) -> Result<TransferOutcome<FinishedZone>, ConversationFailure> {
        let target = &self.task.target;
        let known = target.known().map(|soa| soa.serial);
        let serial = self.serial().await?;
        match known {
            Some(known) if known == serial => return Ok(TransferOutcome::Current),
            Some(known) if !is_newer(serial, known) => {
                let fault = TransferFault::OlderSerial { known, received: serial };
                return Err(ConversationFailure::Transfer(fault));
            }
            _ => {}
        }
        let limits = self.task.limits;
        if let Some(base) = &target.base {
            let id = self.random.id();
            let transfer = ZoneTransfer::differences(target, id, limits);
            match self.transfer(ixfr_request(&target.apex, &base.soa_rdata(), id), transfer).await {
                Err(ConversationFailure::Transfer(fault)) if fault.needs_whole_zone() => {
                    tracing::debug!("zone {}: IXFR: {fault}: AXFR follows", target.apex);
                }
                outcome => return outcome,
            }
        }
        let id = self.random.id();
        let transfer = ZoneTransfer::whole(target, id, limits);
        self.transfer(axfr_request(&target.apex, id), transfer).await
    }

    /// The serial of the primary's version.
    async fn serial(&self) -> Result<u32, ConversationFailure> {
        let id = self.random.id();
        let mut exchange = self.ask(soa_request(&self.task.target.apex, id)).await?;
        let (_, message) = exchange.next(self.clock).await?;
        if message.header.id() != id || !message.header.qr() {
            return Err(TransferFault::NoReply.into());
        }
        let records = message.answer.iter();
        let apex = &self.task.target.apex;
        let mut soas = records.filter(|record| record.rtype == Rtype::SOA && record.owner == *apex);
        let soa = soas.next().and_then(|record| Soa::read(&record.rdata));
        let rcode = message.header.rcode();
        soa.map(|soa| soa.serial).ok_or(ConversationFailure::NoSerial(rcode))
    }

    async fn transfer(
        &self,
        request: Vec<u8>,
        mut transfer: ZoneTransfer<'_, ZoneTarget>,
    ) -> Result<TransferOutcome<FinishedZone>, ConversationFailure> {
        let mut exchange = self.ask(request).await?;
        loop {
            let (octets, message) = exchange.next(self.clock).await?;
            if let Some(outcome) = transfer.take(&octets, message)? {
                exchange.end()?;
                return Ok(outcome);
            }
        }
    }

    /// Sends a request over a new stream.
    async fn ask(&self, mut request: Vec<u8>) -> Result<PrimaryExchange<S>, ConversationFailure> {
        let tsig = self.task.key.as_ref().map(|key| {
            let mac = key.sign_request(&mut request, self.clock.wall_seconds());
            TsigStream::new(key.clone(), &mac)
        });
        let mut stream = in_time((self.connect)()).await?;
        in_time(write_message(&mut stream, &request)).await?;
        let account = Held::new(MAX_MESSAGE_OCTETS).account();
        Ok(PrimaryExchange { stream, tsig, account })
    }
}

/// A request to a primary, whose replies come in.
struct PrimaryExchange<S> {
    stream: S,
    tsig: Option<TsigStream>,
    account: Account,
}

impl<S: PrimaryStream> PrimaryExchange<S> {
    /// The next message, whose signature holds.
    async fn next(
        &mut self,
        clock: &dyn Clock,
    ) -> Result<(Bytes, TransferMessage), ConversationFailure> {
        let octets = in_time(read_message(&mut self.stream, &self.account)).await?;
        let message = TransferMessage::parse(&octets).map_err(TransferFault::from)?;
        if let Some(tsig) = &mut self.tsig {
            let taken = tsig.take(&octets, message.tsig.as_ref(), clock.wall_seconds());
            taken.map_err(TransferFault::from)?;
        }
        Ok((octets, message))
    }

    /// Checks that the last message was signed, if any had to be.
    fn end(&self) -> Result<(), TransferFault> {
        match self.tsig.as_ref().is_none_or(TsigStream::is_complete) {
            true => Ok(()),
            false => Err(zoners_zones::tsig::TsigFault::Unsigned.into()),
        }
    }
}

/// Waits for one step of a stream.
async fn in_time<T>(step: impl Future<Output = io::Result<T>>) -> Result<T, ConversationFailure> {
    match timeout(MESSAGE_WAIT, step).await {
        Ok(done) => done.map_err(ConversationFailure::Stream),
        Err(_) => Err(ConversationFailure::Silent(MESSAGE_WAIT)),
    }
}

impl fmt::Display for ConversationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConversationFailure::Stream(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                f.write_str("the connection was closed too early")
            }
            ConversationFailure::Stream(error) => error.fmt(f),
            ConversationFailure::Silent(wait) => write!(f, "no reply for {} s", wait.as_secs()),
            ConversationFailure::TooSlow(wait) => {
                write!(f, "the transfer takes longer than {} s", wait.as_secs())
            }
            ConversationFailure::NoSerial(Rcode::NOERROR) => {
                f.write_str("the primary does not serve the zone")
            }
            ConversationFailure::NoSerial(rcode) => write!(f, "the primary refuses: {rcode}"),
            ConversationFailure::Transfer(fault) => write!(f, "the transfer is of no use: {fault}"),
        }
    }
}

impl From<TransferFault> for ConversationFailure {
    fn from(fault: TransferFault) -> Self {
        ConversationFailure::Transfer(fault)
    }
}

#[cfg(test)]
mod tests;
