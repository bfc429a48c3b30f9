//! Many datagrams a system call: `recvmmsg` and `sendmmsg` of Linux.
//!
//! The only `unsafe` module of Zoners. The kernel gets addresses of buffers; each block states why
//! the buffers outlive the call and have the given length.

#![allow(unsafe_code, reason = "no safe crate sends many datagrams to many addresses at once")]

use std::io;
use std::mem::{size_of, size_of_val, zeroed};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::null_mut;

use libc::{c_int, c_void, iovec, mmsghdr, socklen_t};
use socket2::{SockAddr, SockAddrStorage};

use super::{BATCH, Outgoing, Slot};

/// Octets of a control message's header: length, level and type.
const HEADER: usize = size_of::<usize>() + 2 * size_of::<c_int>();
/// Octets of the longest control message, IPV6_PKTINFO, rounded up.
const CONTROL: usize = HEADER + 24;

/// Room for a control message, aligned as the kernel requires.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct ControlMessage([u8; CONTROL]);

/// The properties of a socket.
#[derive(Debug)]
pub(super) struct BatchedSystem {
    /// Whether the socket listens on a wildcard, so that each datagram comes with its destination
    /// address.
    wildcard: bool,
}

impl BatchedSystem {
    pub(super) fn new(socket: &impl AsFd, address: SocketAddr) -> io::Result<Self> {
        let wildcard = address.ip().is_unspecified();
        if wildcard {
            tell_destination(socket, address)?;
        }
        Ok(BatchedSystem { wildcard })
    }

    /// Receives into `slots`, at most [`BATCH`]; returns the number of filled slots.
    pub(super) fn receive(&self, socket: &impl AsFd, slots: &mut [Slot]) -> io::Result<usize> {
        let count = slots.len().min(BATCH);
        let mut names: [SockAddrStorage; BATCH] =
            std::array::from_fn(|_| SockAddrStorage::zeroed());
        let mut controls = [ControlMessage([0; CONTROL]); BATCH];
        let mut parts = [iovec { iov_base: null_mut(), iov_len: 0 }; BATCH];
        let mut headers = headers();
        for at in 0..count {
            let query = &mut slots[at].query;
            parts[at] = iovec { iov_base: query.as_mut_ptr().cast(), iov_len: query.len() };
            let header = &mut headers[at].msg_hdr;
            header.msg_name = (&raw mut names[at]).cast();
            header.msg_namelen = names[at].size_of();
            header.msg_iov = &raw mut parts[at];
            header.msg_iovlen = 1;
            if self.wildcard {
                header.msg_control = controls[at].0.as_mut_ptr().cast();
                header.msg_controllen = CONTROL as _;
            }
        }
        // SAFETY: the first `count` headers point at an address, a part and a control buffer in
        // this frame, and at the query buffer of a slot borrowed until the end; each with its true
        // length. No other reference to these buffers is used during the call.
        let received = unsafe {
            let socket = socket.as_fd().as_raw_fd();
            libc::recvmmsg(
                socket,
                headers.as_mut_ptr(),
                count as u32,
                libc::MSG_DONTWAIT as _,
                null_mut(),
            )
        };
        let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        for (at, name) in names.into_iter().enumerate().take(received) {
            let (header, slot) = (&headers[at], &mut slots[at]);
            // SAFETY: the kernel wrote an address of this length, or left zeros, which are the
            // address of no family.
            let name = unsafe { SockAddr::new(name, header.msg_hdr.msg_namelen) };
            let address = name.as_socket();
            slot.sender = name;
            slot.peer.address = address.unwrap_or_else(|| SocketAddr::from(([0; 4], 0)));
            slot.peer.ours = if self.wildcard { destination(&controls[at].0) } else { None };
            // A sender without an address gets no response: an empty datagram is skipped.
            slot.length = if address.is_some() { header.msg_len as usize } else { 0 };
        }
        Ok(received)
    }

    /// How long the receive queue is, and may become, in octets.
    pub(super) fn queue(&self, socket: &impl AsFd) -> (usize, usize) {
        // The memory of the queue, its limit, and seven more numbers.
        let mut memory = [0u32; 9];
        let mut length = size_of_val(&memory) as socklen_t;
        // SAFETY: the option writes at most `length` octets to the given address, which is the size
        // of the array, and stores the number in `length`.
        let failed = unsafe {
            let (value, length) = ((&raw mut memory).cast::<c_void>(), &raw mut length);
            let socket = socket.as_fd().as_raw_fd();
            libc::getsockopt(socket, libc::SOL_SOCKET, libc::SO_MEMINFO, value, length)
        };
        let [used, most, ..] = memory;
        if failed == 0 { (used as usize, most as usize) } else { (0, 0) }
    }

    /// Sends the first of `outgoing`, at most [`BATCH`]; says how many. Fails if the first cannot
    /// be sent.
    pub(super) fn send(&self, socket: &impl AsFd, outgoing: &[Outgoing<'_>]) -> io::Result<usize> {
        let count = outgoing.len().min(BATCH);
        let mut controls = [ControlMessage([0; CONTROL]); BATCH];
        let mut parts = [iovec { iov_base: null_mut(), iov_len: 0 }; BATCH];
        let mut headers = headers();
        for (at, (reply, to, ours)) in outgoing.iter().enumerate().take(count) {
            // The kernel only reads the buffer, although the type is mutable.
            parts[at] = iovec { iov_base: reply.as_ptr().cast_mut().cast(), iov_len: reply.len() };
            let header = &mut headers[at].msg_hdr;
            header.msg_name = to.as_ptr().cast_mut().cast();
            header.msg_namelen = to.len();
            header.msg_iov = &raw mut parts[at];
            header.msg_iovlen = 1;
            if let Some(ours) = ours {
                header.msg_controllen = put_source(&mut controls[at].0, *ours) as _;
                header.msg_control = controls[at].0.as_mut_ptr().cast();
            }
        }
        // SAFETY: the first `count` headers point at a part and a control buffer in this frame, and
        // at an address and a response borrowed until the end; each with its true length. The
        // kernel writes only into the headers.
        let sent = unsafe {
            let socket = socket.as_fd().as_raw_fd();
            send_many(socket, &mut headers[..count])
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// Sends one message for each header.
///
/// # Safety
/// As of sendmmsg(2): each header points at an address, parts and a control buffer that live, of the given lengths.
#[cfg(not(target_env = "musl"))]
unsafe fn send_many(socket: c_int, headers: &mut [mmsghdr]) -> c_int {
    // SAFETY: by the caller; the slice has as many headers as the call is told.
    unsafe {
        let count = headers.len() as u32;
        libc::sendmmsg(socket, headers.as_mut_ptr(), count, libc::MSG_DONTWAIT as _)
    }
}

/// The same by number: musl's sendmmsg(3) makes a system call for each message, since musl's headers have padding in
/// place of the upper halves of lengths that the kernel reads as whole. All padding is zero here.
///
/// # Safety
/// As above.
#[cfg(target_env = "musl")]
unsafe fn send_many(socket: c_int, headers: &mut [mmsghdr]) -> c_int {
    // SAFETY: by the caller; the slice has as many headers as the call is told.
    unsafe {
        let (count, flags) = (headers.len() as c_int, libc::MSG_DONTWAIT as c_int);
        libc::syscall(libc::SYS_sendmmsg, socket, headers.as_mut_ptr(), count, flags) as c_int
    }
}

fn headers() -> [mmsghdr; BATCH] {
    // SAFETY: plain integers and pointers, of which zero is a value: no buffers, no lengths.
    unsafe { zeroed() }
}

/// Asks the kernel to report the destination address of each datagram.
fn tell_destination(socket: &impl AsFd, address: SocketAddr) -> io::Result<()> {
    let (level, option) = match address {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
    };
    let on: c_int = 1;
    // SAFETY: the option takes an integer, and gets the address and the length of an integer.
    let failed = unsafe {
        let value: *const c_void = (&raw const on).cast();
        let length = size_of::<c_int>() as socklen_t;
        libc::setsockopt(socket.as_fd().as_raw_fd(), level, option, value, length)
    };
    if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The destination address in a control message.
fn destination(control: &[u8; CONTROL]) -> Option<IpAddr> {
    let (header, info) = control.split_at(HEADER);
    let (level, kind) = header[size_of::<usize>()..].split_first_chunk::<4>()?;
    match (i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind.first_chunk()?)) {
        // The interface, then our address, then the destination of the datagram, which may be a
        // broadcast address.
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
            Some(IpAddr::from(*info.get(4..)?.first_chunk::<4>()?))
        }
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
            Some(IpAddr::from(*info.first_chunk::<16>()?)).filter(|address| !address.is_multicast())
        }
        _ => None,
    }
}

/// Writes the control message with the source address `ours`; returns its length. The interface
/// stays 0: the routes decide.
fn put_source(control: &mut [u8; CONTROL], ours: IpAddr) -> usize {
    let (level, kind, at, length) = match ours {
        IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO, 4, 12),
        IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, 0, 20),
    };
    let (header, info) = control.split_at_mut(HEADER);
    header[..size_of::<usize>()].copy_from_slice(&(HEADER + length).to_ne_bytes());
    header[size_of::<usize>()..][..4].copy_from_slice(&level.to_ne_bytes());
    header[size_of::<usize>() + 4..].copy_from_slice(&kind.to_ne_bytes());
    match ours {
        IpAddr::V4(ip) => info[at..at + 4].copy_from_slice(&ip.octets()),
        IpAddr::V6(ip) => info[at..at + 16].copy_from_slice(&ip.octets()),
    }
    HEADER + length.next_multiple_of(size_of::<usize>())
}
