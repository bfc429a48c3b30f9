//! The log, for which no other thread waits.
//!
//! Lines go into a queue of bounded size, and one thread writes from the queue. A full, closed or stalled destination
//! loses lines; the number of lost lines is counted, and logged once lines can be written again.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use zoners_dns::{Counter, Counters};

/// Octets that wait to be written: some two thousand lines.
const MAX_QUEUE_OCTETS: usize = 256 * 1024;
/// The pause after a destination that takes nothing at the moment.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The writer of lines, each with one call of [`Write::write`] that never waits and never fails.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<LogState>);

#[derive(Debug, Default)]
struct LogState {
    queue: Mutex<LineQueue>,
    changed: Condvar,
    /// Changed under the lock of the queue.
    counters: Counters,
}

#[derive(Debug, Default)]
struct LineQueue {
    /// Octets that wait to be written, and the number of lines.
    octets: Vec<u8>,
    lines: u64,
    begun: bool,
    /// Whether the thread is writing.
    writing: bool,
    /// Whether the last write failed.
    broken: bool,
    /// Lines lost since the last report.
    unreported: u64,
}

impl LineQueue {
    /// Whether there is a line to write, or a loss to report.
    fn has_work(&self) -> bool {
        !self.octets.is_empty() || (!self.broken && self.unreported > 0)
    }
}

/// Lines for one write.
struct LogBatch {
    octets: Vec<u8>,
    lines: u64,
    /// Lines lost before, reported now.
    lost: u64,
}

impl Log {
    /// Starts the thread that writes lines, also earlier lines, to `out`; to be called once. A sandbox for the
    /// thread too is entered before.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn begin(&self, out: impl Write + Send + 'static) -> io::Result<()> {
        let log = self.clone();
        std::thread::Builder::new().name("log".into()).spawn(move || log.write_to(out))?;
        self.0.queue.lock().begun = true;
        Ok(())
    }

    /// Waits until every line is written, but no longer than `patience`.
    pub fn flush(&self, patience: Duration) {
        let mut queue = self.0.queue.lock();
        let busy = |queue: &mut LineQueue| queue.writing || queue.has_work();
        self.0.changed.wait_while_for(&mut queue, busy, patience);
    }

    /// Whether [`Log::begin`] was called.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.queue.lock().begun
    }

    /// The counter of lost lines.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Queues a line, if there is room.
    fn take(&self, line: &[u8]) {
        let mut queue = self.0.queue.lock();
        if queue.octets.len() + line.len() > MAX_QUEUE_OCTETS {
            return self.lost(&mut queue, 1);
        }
        queue.octets.extend_from_slice(line);
        queue.lines += 1;
        self.0.changed.notify_all();
    }

    fn write_to(&self, mut out: impl Write) {
        loop {
            let LogBatch { octets, lines, lost } = self.next();
            // The queue has room again, so this line is not lost.
            if lost > 0 {
                tracing::warn!("log: lines that could not be written and were lost: {lost}");
            }
            let written = write_all(&mut out, &octets).is_ok();
            self.done(written, lines, lost);
        }
    }

    /// Waits for lines, and takes the whole queue; reports a loss only if the destination works again.
    fn next(&self) -> LogBatch {
        let mut queue = self.0.queue.lock();
        self.0.changed.wait_while(&mut queue, |queue| !queue.has_work());
        queue.writing = true;
        let lost = if queue.broken { 0 } else { std::mem::take(&mut queue.unreported) };
        let (octets, lines) = (std::mem::take(&mut queue.octets), std::mem::take(&mut queue.lines));
        LogBatch { octets, lines, lost }
    }

    /// Notes the outcome of a write.
    fn done(&self, written: bool, lines: u64, reported: u64) {
        let mut queue = self.0.queue.lock();
        (queue.writing, queue.broken) = (false, !written);
        if !written {
            queue.unreported += reported;
            self.lost(&mut queue, lines);
        }
        self.0.changed.notify_all();
    }

    fn lost(&self, queue: &mut LineQueue, lines: u64) {
        queue.unreported += lines;
        self.0.counters.add(Counter::LogLinesLost, lines);
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.take(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes every octet, even to a terminal that a different program has set to non-blocking.
fn write_all(out: &mut impl Write, mut octets: &[u8]) -> io::Result<()> {
    while !octets.is_empty() {
        match out.write(octets) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => octets = octets.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(RETRY_PAUSE)
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Takes a line when allowed, and passes the line on.
    struct Gate {
        let_in: Receiver<io::Result<()>>,
        out: Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.let_in.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))?;
            let _ = self.out.send(octets.to_vec());
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated() -> (Log, Sender<io::Result<()>>, Receiver<Vec<u8>>) {
        let ((let_in_now, let_in), (out, written)) = (channel(), channel());
        let log = Log::default();
        log.begin(Gate { let_in, out }).unwrap();
        (log, let_in_now, written)
    }

    fn lost(log: &Log) -> u64 {
        log.counters().get(Counter::LogLinesLost)
    }

    #[test]
    fn earlier_lines_are_written_in_order() {
        let mut log = Log::default();
        log.write_all(b"one\n").unwrap();
        log.write_all(b"two\n").unwrap();
        let ((let_in_now, let_in), (out, written)) = (channel(), channel());
        assert!(!log.has_begun());
        log.begin(Gate { let_in, out }).unwrap();
        assert!(log.has_begun());
        let_in_now.send(Ok(())).unwrap();
        assert_eq!(written.recv().unwrap(), b"one\ntwo\n");
        log.flush(Duration::from_secs(3600));
        assert_eq!(lost(&log), 0);
    }

    #[test]
    fn a_stalled_destination_blocks_no_writer_and_fills_a_bounded_queue() {
        let (mut log, let_in_now, written) = gated();
        let line = [b'x'; 1024];
        let full = MAX_QUEUE_OCTETS / line.len();
        let lines = 3 * full;
        for _ in 0..lines {
            log.write_all(&line).unwrap();
        }
        log.flush(Duration::from_millis(1));
        let dropped = lost(&log);
        // The thread may hold up to a full queue of the first lines, with a full queue beside.
        assert!((lines - 2 * full..=lines - full).contains(&(dropped as usize)), "{dropped}");
        assert!(log.0.queue.lock().octets.len() <= MAX_QUEUE_OCTETS);
        drop(let_in_now);
        drop(written);
    }

    #[test]
    fn a_line_at_the_bound_is_taken_and_one_octet_more_is_lost() {
        let mut log = Log::default();
        log.write_all(&[b'x'; MAX_QUEUE_OCTETS]).unwrap();
        assert_eq!(lost(&log), 0);
        log.write_all(b"\n").unwrap();
        assert_eq!(lost(&log), 1);
    }

    #[test]
    fn lost_lines_are_counted_and_reported_after_recovery() {
        let (mut log, let_in_now, written) = gated();
        let full = || Err(io::ErrorKind::StorageFull.into());
        let_in_now.send(full()).unwrap();
        log.write_all(b"one\n").unwrap();
        log.flush(Duration::from_secs(3600));
        assert_eq!((lost(&log), log.0.queue.lock().unreported), (1, 1));
        let_in_now.send(Err(io::ErrorKind::WouldBlock.into())).unwrap();
        let_in_now.send(Ok(())).unwrap();
        log.write_all(b"two\n").unwrap();
        assert_eq!(written.recv().unwrap(), b"two\n");
        log.flush(Duration::from_secs(3600));
        assert_eq!(
            (lost(&log), log.0.queue.lock().unreported),
            (1, 0),
            "reported, and still counted"
        );
    }
}
