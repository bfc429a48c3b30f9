//! One who speaks to the daemon: requests, each perhaps with an open file, and replies.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::json;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::answer;
use crate::daemon::Overseer;

/// Octets of the longest request.
const LONGEST: usize = 4096;
/// A conversation ends when nothing is asked, or no reply taken, for so long.
const IDLE: Duration = Duration::from_secs(10);
/// What is received goes to no program that is started.
#[cfg(target_os = "linux")]
const FLAGS: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const FLAGS: RecvFlags = RecvFlags::empty();

/// Who asks, as the kernel says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) user: u32,
    pub(super) process: Option<i32>,
}

/// A conversation under way.
pub(super) struct Conversation {
    stream: UnixStream,
    peer: Peer,
    /// What came and is not yet a whole line.
    read: Vec<u8>,
    /// The file that came with it.
    file: Option<File>,
}

impl Conversation {
    /// One with whoever is at the other end, if that can be told.
    pub(super) fn with(stream: UnixStream) -> Option<Self> {
        let peer = stream.peer_cred().ok()?;
        let peer = Peer { user: peer.uid(), process: peer.pid() };
        Some(Conversation { stream, peer, read: Vec::new(), file: None })
    }

    /// Answers until nothing more is asked.
    pub(super) async fn hold(mut self, overseer: &Arc<Overseer>) -> io::Result<()> {
        if !self.may_speak() {
            let why = format!("user {} is not heard here", self.peer.user);
            return self.say(&json!({ "error": why })).await;
        }
        // What is asked for may take longer than to ask for it.
        while let Ok(line) = timeout(IDLE, self.line()).await
            && let Some(line) = line?
        {
            let file = self.file.take();
            let reply = match serde_json::from_slice(&line) {
                Ok(request) => answer(request, file, self.peer, overseer).await,
                Err(error) => json!({ "error": error.to_string() }),
            };
            self.say(&reply).await?;
        }
        Ok(())
    }

    fn may_speak(&self) -> bool {
        let own = rustix::process::geteuid().as_raw();
        self.peer.user == own || self.peer.user == 0
    }

    async fn say(&mut self, reply: &serde_json::Value) -> io::Result<()> {
        let reply = format!("{reply}\n");
        timeout(IDLE, self.stream.write_all(reply.as_bytes())).await.map_err(io::Error::other)?
    }

    /// The next line; none where the other end says no more, or too much.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.read.iter().position(|octet| *octet == b'\n') {
                return Ok(Some(self.read.drain(..=end).collect()));
            }
            if self.read.len() >= LONGEST {
                return Ok(None);
            }
            let Conversation { stream, read, file, .. } = self;
            let receive = || receive(stream, read, file);
            if stream.async_io(Interest::READABLE, receive).await? == 0 {
                let rest = std::mem::take(&mut self.read);
                return Ok(Some(rest).filter(|rest| !rest.is_empty()));
            }
        }
    }
}

/// Takes what is there, and the file that came with it in the place of one before; says how many octets.
fn receive(stream: &UnixStream, read: &mut Vec<u8>, file: &mut Option<File>) -> io::Result<usize> {
    let mut octets = [0; LONGEST];
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
