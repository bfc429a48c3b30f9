//! Descriptors passed to another process over a Unix stream socket (`SCM_RIGHTS`, unix(7)), on every system.
//!
//! Descriptors go in portions with one octet each: a kernel passes a limited number at a time (253 on Linux).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Descriptors of one portion.
pub const PORTION: usize = 64;
/// Received descriptors are not inherited by started programs.
#[cfg(target_os = "linux")]
const FLAGS: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const FLAGS: RecvFlags = RecvFlags::empty();

/// Sends one portion, at most [`PORTION`] descriptors.
///
/// # Errors
/// The socket takes no octet now (`WouldBlock`), or the other end has gone.
pub fn send_portion(socket: impl AsFd, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_with(socket, b".", descriptors)
}

/// Sends octets, with at most [`PORTION`] descriptors beside.
///
/// # Errors
/// The socket takes nothing now (`WouldBlock`), or the other end has gone.
pub fn send_with(
    socket: impl AsFd,
    octets: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(PORTION))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    let is_needed = !descriptors.is_empty();
    if is_needed && !beside.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(socket, &[IoSlice::new(octets)], &mut beside, SendFlags::empty())?;
    Ok(())
}

/// Receives `count` descriptors from a socket that blocks.
///
/// # Errors
/// The other end sends fewer.
pub fn receive(socket: impl AsFd, count: usize) -> io::Result<Vec<OwnedFd>> {
    let mut received = Vec::new();
    while received.len() < count {
        let before = received.len();
        let mut octet = [0];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(PORTION))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        recvmsg(&socket, &mut [IoSliceMut::new(&mut octet)], &mut beside, FLAGS)?;
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                received.extend(descriptors);
            }
        }
        if received.len() == before {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(received)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn more_descriptors_than_one_portion_arrive_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = |number: usize| {
            let path = folder.path().join(number.to_string());
            std::fs::write(&path, number.to_string()).unwrap();
            File::open(path).unwrap()
        };
        let files: Vec<File> = (0..PORTION * 2 + 3).map(file).collect();
        let (sender, receiver) = UnixStream::pair().unwrap();
        let borrowed: Vec<BorrowedFd<'_>> = files.iter().map(AsFd::as_fd).collect();
        borrowed.chunks(PORTION).for_each(|portion| send_portion(&sender, portion).unwrap());
        for (number, descriptor) in receive(&receiver, files.len()).unwrap().into_iter().enumerate()
        {
            let mut text = String::new();
            File::from(descriptor).read_to_string(&mut text).unwrap();
            assert_eq!(text, number.to_string());
        }
        drop(sender);
        assert!(receive(&receiver, 1).is_err());
    }
}
