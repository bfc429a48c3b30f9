//! The thread that carries frames of dnstap to the reader.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use zoners_dns::Counter;
use zoners_telemetry::dnstap::frames::{ControlFrame, MAX_CONTROL_OCTETS};

use crate::config::DnstapTarget;
use crate::dnstap::{MessageTap, TapCarrier, TapWork};

/// A reader that takes or says nothing for this time is given up.
const IO_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two attempts to reach the reader.
const RETRY_PAUSE: Duration = Duration::from_secs(5);
/// The time for the last frames at the end.
const END_TIMEOUT: Duration = Duration::from_millis(500);
/// The longest sleep without a frame.
const MAX_SLEEP: Duration = Duration::from_secs(3600);

/// The thread; dropping ends it.
#[derive(Debug)]
pub(super) struct DnstapWriter {
    tap: Arc<MessageTap>,
    ended: Receiver<()>,
}

/// A connection to the reader.
trait TapStream: Read + Write + Send {}
impl TapStream for UnixStream {}
impl TapStream for TcpStream {}

impl DnstapWriter {
    /// Starts the thread, in the place of an earlier one.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(tap: Arc<MessageTap>, to: DnstapTarget) -> io::Result<Self> {
        let (ending, ended) = sync_channel(1);
        let carried = CarriedTap { carrier: tap.begin(), tap: tap.clone() };
        std::thread::Builder::new().name("dnstap".into()).spawn(move || {
            carried.carry(&to);
            let _ = ending.send(());
        })?;
        Ok(DnstapWriter { tap, ended })
    }
}

impl Drop for DnstapWriter {
    fn drop(&mut self) {
        self.tap.end();
        // A stuck reader does not hold up the end of the daemon.
        let _ = self.ended.recv_timeout(END_TIMEOUT);
    }
}

/// The tap, with the number of the thread.
struct CarriedTap {
    tap: Arc<MessageTap>,
    carrier: TapCarrier,
}

impl CarriedTap {
    /// Carries frames until the end, over a sequence of connections.
    fn carry(&self, to: &DnstapTarget) {
        let mut is_known_broken = false;
        loop {
            match connect(to) {
                Ok(mut stream) => {
                    is_known_broken = false;
                    tracing::info!("dnstap: {to}: connected");
                    let Err(error) = self.serve(&mut *stream) else { return };
                    tracing::warn!(
                        "dnstap: {to}: {error}: messages are lost until it is reached again"
                    );
                }
                Err(error) if !is_known_broken => {
                    is_known_broken = true;
                    tracing::warn!("dnstap: {to}: {error}: messages are lost until it is reached");
                }
                Err(_) => {}
            }
            if !self.pause() {
                return;
            }
        }
    }

    /// Discards frames for a while; false at the end.
    fn pause(&self) -> bool {
        let until = Instant::now() + RETRY_PAUSE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            match self.tap.next_work(self.carrier, left) {
                TapWork::Frames(lost) => self.tap.count(Counter::DnstapLost, lost.frames),
                TapWork::Nothing => {}
                TapWork::End => return false,
            }
        }
    }

    /// Carries frames over one connection until the end.
    fn serve(&self, stream: &mut dyn TapStream) -> io::Result<()> {
        let tap = &self.tap;
        loop {
            match tap.next_work(self.carrier, MAX_SLEEP) {
                TapWork::Frames(waiting) => match stream.write_all(&waiting.octets) {
                    Ok(()) => tap.count(Counter::DnstapWritten, waiting.frames),
                    Err(error) => {
                        tap.count(Counter::DnstapLost, waiting.frames);
                        return Err(in_words(error));
                    }
                },
                TapWork::Nothing => {}
                TapWork::End => {
                    stream.write_all(&ControlFrame::Stop.octets())?;
                    return expect(stream, ControlFrame::Finish);
                }
            }
        }
    }
}

/// Connects, and agrees on the content.
fn connect(to: &DnstapTarget) -> io::Result<Box<dyn TapStream>> {
    let mut stream: Box<dyn TapStream> = match to {
        DnstapTarget::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_write_timeout(Some(IO_TIMEOUT))?;
            stream.set_read_timeout(Some(IO_TIMEOUT))?;
            Box::new(stream)
        }
        DnstapTarget::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, IO_TIMEOUT)?;
            stream.set_write_timeout(Some(IO_TIMEOUT))?;
            stream.set_read_timeout(Some(IO_TIMEOUT))?;
            Box::new(stream)
        }
    };
    stream.write_all(&ControlFrame::Ready.octets())?;
    expect(&mut *stream, ControlFrame::Accept)?;
    stream.write_all(&ControlFrame::Start.octets())?;
    Ok(stream)
}

/// The error, in place of that of a socket with a time limit.
fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => {
            io::Error::new(io::ErrorKind::TimedOut, format!("no progress for {IO_TIMEOUT:?}"))
        }
        _ => error,
    }
}

/// Reads one control frame.
fn expect(stream: &mut dyn TapStream, expected: ControlFrame) -> io::Result<()> {
    let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text.to_owned());
    let mut lengths = [0; 8];
    stream.read_exact(&mut lengths).map_err(in_words)?;
    let (zero, length) = lengths.split_at(4);
    let length = length.iter().fold(0usize, |sum, octet| sum << 8 | usize::from(*octet));
    if zero != [0; 4] || length > MAX_CONTROL_OCTETS {
        return Err(invalid("the reader sent no control frame"));
    }
    let mut content = vec![0; length];
    stream.read_exact(&mut content).map_err(in_words)?;
    match ControlFrame::read(&content).map_err(|text| invalid(&text))? {
        frame if frame == expected => Ok(()),
        frame => Err(invalid(&format!("the reader sent {frame:?} instead of {expected:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;
    use crate::dnstap::ClientEnds;

    /// Accepts one sender and reads until its STOP; returns the octets between START and STOP.
    fn read_one(listener: &UnixListener) -> Vec<u8> {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        expect(&mut stream, ControlFrame::Ready).unwrap();
        stream.write_all(&ControlFrame::Accept.octets()).unwrap();
        expect(&mut stream, ControlFrame::Start).unwrap();
        let (mut read, stop) = (Vec::new(), ControlFrame::Stop.octets());
        while !read.ends_with(&stop) {
            let mut octet = [0];
            stream.read_exact(&mut octet).unwrap();
            read.extend(octet);
        }
        stream.write_all(&ControlFrame::Finish.octets()).unwrap();
        read.truncate(read.len() - stop.len());
        read
    }

    #[test]
    fn a_reader_gets_every_frame_up_to_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dnstap.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let reader = thread::spawn(move || read_one(&listener));
        let tap = Arc::<MessageTap>::default();
        let ends = ClientEnds::of_datagram("192.0.2.7:4000".parse().unwrap(), None, None);
        for _ in 0..3 {
            tap.put_client_query(ends, b"a query of a client");
        }
        drop(DnstapWriter::start(tap.clone(), DnstapTarget::Unix(path)).unwrap());
        let frames = reader.join().unwrap();
        let queries = frames.windows(19).filter(|part| part == b"a query of a client").count();
        assert_eq!(queries, 3);
        assert_eq!(tap.counters().get(Counter::DnstapWritten), 3);
        assert_eq!(tap.counters().get(Counter::DnstapLost), 0);
    }

    #[test]
    fn without_a_reader_frames_are_lost_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let tap = Arc::<MessageTap>::default();
        let target = DnstapTarget::Unix(folder.path().join("none.sock"));
        let ends = ClientEnds::of_datagram("192.0.2.7:4000".parse().unwrap(), None, None);
        tap.put_client_query(ends, b"lost");
        let carried = CarriedTap { carrier: tap.begin(), tap: tap.clone() };
        tap.end();
        carried.carry(&target);
        assert_eq!(tap.counters().get(Counter::DnstapLost), 1);
    }
}
