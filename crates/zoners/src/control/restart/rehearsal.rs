//! The rehearsal: the program serves on a free port, and answers over UDP and TCP, while the old daemon serves.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use zoners_api::DaemonOrigin;
use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{Question, Rtype, name};
use zoners_host::origin::MANAGER_VARIABLES;

use super::successor::Successor;

/// The time for an answer; a name of this machine takes none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The identifier of the query.
const ID: u16 = 1;

/// Lets the program rehearse.
///
/// # Errors
/// The program does not come up in time, or does not answer.
pub(super) fn rehearse(origin: &DaemonOrigin, timeout: Duration) -> Result<(), String> {
    let mut origin = origin.clone();
    // The state folder is the old daemon's.
    origin.variables.remove("STATE_DIRECTORY");
    // So is the service manager.
    MANAGER_VARIABLES.iter().for_each(|name| drop(origin.variables.remove(*name)));
    let mut program = Successor::start(&origin, &["--rehearse".as_ref()])?;
    let address = program.wait_until_ready(timeout)?;
    let address = address.parse().map_err(|_| format!("no address: {address}"))?;
    let fault = |transport| {
        move |error: io::Error| format!("the new daemon does not answer over {transport}: {error}")
    };
    ask_over_udp(address).map_err(fault("UDP"))?;
    ask_over_tcp(address).map_err(fault("TCP"))?;
    program.end()
}

fn ask_over_udp(address: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    socket.send_to(&question()?, address)?;
    let mut reply = [0; 1500];
    let length = socket.recv(&mut reply)?;
    is_answer(reply.get(..length).unwrap_or_default())
}

fn ask_over_tcp(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let question = question()?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), &question[..]].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut reply)?;
    is_answer(&reply)
}

/// A question for a name that every daemon answers by itself (RFC 6761 section 6.3).
fn question() -> io::Result<Vec<u8>> {
    let question = Question::new(name::parse("localhost").map_err(io::Error::other)?, Rtype::A);
    let options = QueryOptions { id: ID, recursion_desired: true, edns: true };
    Ok(query(&question, options).to_vec())
}

/// A refusal is an answer too: the access rules may leave this machine out.
fn is_answer(reply: &[u8]) -> io::Result<()> {
    let [high, low, flags, rcode, ..] = reply else {
        return Err(io::Error::other("the reply is cut off"));
    };
    let is_reply = [*high, *low] == ID.to_be_bytes() && flags & 0x80 != 0;
    match rcode & 0x0F {
        0 | 5 if is_reply => Ok(()),
        rcode => Err(io::Error::other(format!("the reply has RCODE {rcode}"))),
    }
}
