//! Requests to the kernel about interfaces, addresses and routes (rtnetlink(7)).

use std::io;
use std::net::IpAddr;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

/// Octets of one answer from the kernel, at most.
const RECEIVE_BUFFER: usize = 32 * 1024;
/// Octets of `struct nlmsghdr`, of the longest body of a request, and of `struct rtattr`.
const MESSAGE_HEAD: usize = 16;
const REQUEST_BODY: usize = 16;
const ATTRIBUTE_HEAD: usize = 4;
/// The type of a request exceeds the type of the answer by this: `RTM_NEWROUTE` answers `RTM_GETROUTE`.
const ANSWER_OFFSET: u16 = 2;

/// Asks for every entry of one kind (`RTM_GETLINK` and the like) and one address family, and hands the body of each
/// answer to `take`; false if the kernel has more than `most`.
///
/// # Errors
/// The kernel does not tell.
pub(crate) fn ask(
    kind: u16,
    family: u8,
    most: usize,
    mut take: impl FnMut(&[u8]),
) -> io::Result<bool> {
    let kernel = SocketAddrNetlink::new(0, 0);
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    sendto(&socket, &request(kind, family), SendFlags::empty(), &kernel)?;
    let (mut buffer, mut left) = (vec![0; RECEIVE_BUFFER], most);
    loop {
        let (length, _) = recv(&socket, buffer.as_mut_slice(), RecvFlags::empty())?;
        let mut rest = buffer.get(..length).unwrap_or_default();
        while let Some((message, more)) = split(rest, MESSAGE_HEAD, message_length) {
            rest = more;
            match message_kind(message) {
                Some(answer) if answer + ANSWER_OFFSET == kind => {}
                Some(end) if i32::from(end) == libc::NLMSG_DONE => return Ok(true),
                Some(error) if i32::from(error) == libc::NLMSG_ERROR => {
                    return Err(io::Error::other("the kernel does not tell"));
                }
                _ => continue,
            }
            if left == 0 {
                return Ok(false);
            }
            left -= 1;
            take(message.get(MESSAGE_HEAD..).unwrap_or_default());
        }
    }
}

fn request(kind: u16, family: u8) -> [u8; MESSAGE_HEAD + REQUEST_BODY] {
    let mut request = [0; MESSAGE_HEAD + REQUEST_BODY];
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16;
    request[..4].copy_from_slice(&((MESSAGE_HEAD + REQUEST_BODY) as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&kind.to_ne_bytes());
    request[6..8].copy_from_slice(&flags.to_ne_bytes());
    request[MESSAGE_HEAD] = family;
    request
}

/// The messages in what was received, each with a type and a body.
pub(crate) fn messages(mut list: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (message, more) = split(list, MESSAGE_HEAD, message_length)?;
        list = more;
        Some((message_kind(message)?, message.get(MESSAGE_HEAD..)?))
    })
}

/// The attributes after the fixed part of an answer, each with a type.
pub(crate) fn attributes(mut list: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (attribute, more) = split(list, ATTRIBUTE_HEAD, short_length)?;
        list = more;
        let (head, value) = attribute.split_first_chunk::<ATTRIBUTE_HEAD>()?;
        Some((u16::from_ne_bytes([head[2], head[3]]), value))
    })
}

/// The first item of a list and the rest; none if the list has no whole item. `length` reads the length of an item,
/// `head` is the shortest length; the next item begins at a multiple of four octets.
pub(crate) fn split(
    list: &[u8],
    head: usize,
    length: fn(&[u8]) -> Option<usize>,
) -> Option<(&[u8], &[u8])> {
    let length = length(list).filter(|length| *length >= head)?;
    let item = list.get(..length)?;
    Some((item, list.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// The length of an item, read from the first two octets.
pub(crate) fn short_length(item: &[u8]) -> Option<usize> {
    item.first_chunk().map(|length| u16::from_ne_bytes(*length).into())
}

fn message_length(message: &[u8]) -> Option<usize> {
    number(message).map(|length| length as usize)
}

fn message_kind(message: &[u8]) -> Option<u16> {
    message.get(4..)?.first_chunk().map(|kind| u16::from_ne_bytes(*kind))
}

/// A number of four octets.
pub(crate) fn number(octets: &[u8]) -> Option<u32> {
    octets.first_chunk().map(|number| u32::from_ne_bytes(*number))
}

/// An address of either family.
pub(crate) fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => octets.first_chunk::<4>().map(|ip| IpAddr::from(*ip)),
        _ => octets.first_chunk::<16>().map(|ip| IpAddr::from(*ip)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_entries_are_read_than_wanted() {
        let count = |most: usize| {
            let mut count = 0;
            let whole = ask(libc::RTM_GETLINK, 0, most, |_| count += 1).unwrap();
            (count, whole)
        };
        let (all, whole) = count(usize::MAX);
        assert!(all >= 1 && whole);
        assert_eq!(count(all), (all, true));
        assert_eq!(count(all - 1), (all - 1, false));
    }

    #[test]
    fn attributes_that_are_cut_short_or_have_no_length_end_the_list() {
        let list = [8u8, 0, 1, 0, 1, 2, 3, 4, 6, 0, 2, 0, 5, 6, 0, 0, 4, 0, 3, 0];
        let read =
            |list: &[u8]| attributes(list).map(|(kind, value)| (kind, value.len())).collect();
        let whole: Vec<_> = read(&list);
        assert_eq!(whole, [(1, 4), (2, 2), (3, 0)]);
        for length in 0..list.len() {
            let part: Vec<_> = read(&list[..length]);
            assert_eq!(part, whole[..part.len()]);
        }
        let endless: Vec<_> = read(&[0; 64]);
        assert!(endless.is_empty());
    }
}
