//! A conversation with one caller: requests, each perhaps with an open file, and replies.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::task::yield_now;
use tokio::time::timeout;
use zoners_api::{
    Admin, AdminAnswer, AdminError, AdminErrorKind, AdminEvent, AdminReply, AdminRequest,
    EventStream, HandOver, answer,
};
use zoners_host::passing::{self, PORTION};
use zoners_host::service_manager;

use super::take_over::{CONFIRMATION_TIMEOUT, CONFIRMED, ENDS, TOO_LATE};

/// Octets of the longest request.
const MAX_REQUEST: usize = 4096;
/// A conversation ends after this time without a request, or with a reply or events that the caller does not take.
const IDLE: Duration = Duration::from_secs(10);
/// Events that are written at a time; other conversations go on in between.
const MAX_EVENTS_A_WRITE: usize = 64;
/// Received descriptors are not inherited by started programs.
#[cfg(target_os = "linux")]
const FLAGS: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const FLAGS: RecvFlags = RecvFlags::empty();

/// The caller, as the kernel knows it.
#[derive(Clone, Copy, Debug)]
struct Caller {
    user: u32,
    process: Option<i32>,
}

/// A conversation under way.
pub(super) struct Conversation {
    stream: UnixStream,
    caller: Caller,
    /// Octets of an incomplete line.
    read: Vec<u8>,
    /// The file beside the line.
    file: Option<File>,
}

impl Conversation {
    /// A conversation over a stream; none if the kernel does not know the caller.
    pub(super) fn with(stream: UnixStream) -> Option<Self> {
        let credentials = stream.peer_cred().ok()?;
        let caller = Caller { user: credentials.uid(), process: credentials.pid() };
        Some(Conversation { stream, caller, read: Vec::new(), file: None })
    }

    /// Answers until no more requests come.
    pub(super) async fn hold(mut self, admin: &Arc<impl Admin>) -> io::Result<()> {
        if !self.may_ask() {
            let user = self.caller.user;
            let message =
                format!("user {user} may not ask this daemon: only its own user and root may");
            let error = AdminError::new(AdminErrorKind::Forbidden, message);
            return self.reply(&AdminReply::Error(error)).await;
        }
        // The work for a reply has no time-out.
        while let Ok(line) = timeout(IDLE, self.line()).await
            && let Some(line) = line?
        {
            let file = self.file.take();
            let request = match AdminRequest::from_line(&line) {
                Ok(request) => request,
                Err(error) => {
                    self.reply(&AdminReply::Error(error)).await?;
                    continue;
                }
            };
            self.log(&request);
            match answer(&**admin, request, file).await {
                AdminAnswer::Reply(reply) => self.reply(&reply).await?,
                AdminAnswer::HandOver(parts) => return self.hand_over(parts).await,
                AdminAnswer::Events(reply, events) => {
                    self.reply(&reply).await?;
                    let ended = self.report(events).await;
                    return ended.inspect_err(|error| self.log_end(error));
                }
            }
        }
        Ok(())
    }

    /// Gives everything to a new daemon, and waits for the confirmation.
    async fn hand_over(&mut self, parts: HandOver) -> io::Result<()> {
        let HandOver { report, descriptors, confirm } = parts;
        self.reply(&report.into()).await?;
        let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
        for portion in borrowed.chunks(PORTION) {
            let stream = &self.stream;
            let send = || passing::send_portion(stream, portion);
            let sent = timeout(IDLE, stream.async_io(Interest::WRITABLE, send)).await;
            sent.map_err(|_| io::ErrorKind::TimedOut)??;
        }
        match timeout(CONFIRMATION_TIMEOUT, self.line()).await {
            Ok(Ok(Some(line))) if line == CONFIRMED => {
                // The end of the main process would otherwise be the end of the service.
                let successor = self.caller.process.and_then(|process| process.try_into().ok());
                successor.into_iter().for_each(service_manager::notify_successor);
                let told = self.send(ENDS).await;
                confirm();
                told
            }
            _ => self.send(TOO_LATE).await,
        }
    }

    /// Reports events until the caller leaves or sends anything, or takes none for [`IDLE`]: then the rings overflow,
    /// and no worker waits.
    async fn report(&mut self, mut events: impl EventStream) -> io::Result<()> {
        while self.read.is_empty() {
            let next = tokio::select! {
                biased;
                received = self.receive() => return received.map(drop),
                next = events.next_events() => next,
            };
            for events in next.chunks(MAX_EVENTS_A_WRITE) {
                let line = |event: &AdminEvent| event.to_line() + "\n";
                self.send(&events.iter().map(line).collect::<String>()).await?;
                yield_now().await;
            }
        }
        Ok(())
    }

    fn may_ask(&self) -> bool {
        let own = rustix::process::geteuid().as_raw();
        self.caller.user == own || self.caller.user == 0
    }

    /// Logs a request with an effect.
    fn log(&self, request: &AdminRequest) {
        let Some(change) = request.change() else { return };
        let Caller { user, process } = self.caller;
        let process = process.map_or_else(String::new, |process| format!(" (process {process})"));
        tracing::info!("control: user {user}{process}: {change}");
    }

    /// Logs that a watch was ended. A caller that leaves ends its watch itself.
    fn log_end(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::TimedOut {
            let user = self.caller.user;
            tracing::info!("control: user {user}: watch ended: took no event for {IDLE:?}");
        }
    }

    async fn reply(&mut self, reply: &AdminReply) -> io::Result<()> {
        self.send(&format!("{}\n", reply.to_line())).await
    }

    async fn send(&mut self, lines: &str) -> io::Result<()> {
        let sent = timeout(IDLE, self.stream.write_all(lines.as_bytes())).await;
        sent.map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// Waits for octets, and perhaps a file. Returns the number of octets: 0 at the end of the stream. Safe to cancel.
    async fn receive(&mut self) -> io::Result<usize> {
        let Conversation { stream, read, file, .. } = self;
        stream.async_io(Interest::READABLE, || receive(stream, read, file)).await
    }

    /// The next line; none at the end of the stream, or if the line is too long.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.read.iter().position(|octet| *octet == b'\n') {
                return Ok(Some(self.read.drain(..=end).collect()));
            }
            if self.read.len() >= MAX_REQUEST {
                return Ok(None);
            }
            if self.receive().await? == 0 {
                let rest = std::mem::take(&mut self.read);
                return Ok(Some(rest).filter(|rest| !rest.is_empty()));
            }
        }
    }
}

/// Receives octets and perhaps a file, which replaces an earlier file. Returns the number of octets.
fn receive(stream: &UnixStream, read: &mut Vec<u8>, file: &mut Option<File>) -> io::Result<usize> {
    let mut octets = [0; MAX_REQUEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let parts = &mut [IoSliceMut::new(&mut octets)];
    let got = recvmsg(stream, parts, &mut beside, FLAGS)?.bytes;
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(files) = message {
            *file = files.last().map(File::from);
        }
    }
    read.extend_from_slice(octets.get(..got).unwrap_or_default());
    Ok(got)
}
