//! The signals of the operating system.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the daemon handles.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    report: Signal,
    unused: Signal,
}

/// The wish of an operator, sent as a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalRequest {
    /// SIGTERM or SIGINT: the daemon ends.
    End,
    /// SIGHUP: the configuration is read again.
    Reload,
    /// SIGUSR1: the counters go to the log.
    Report,
}

impl Signals {
    /// Handles the signals from now on.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            report: signal(SignalKind::user_defined1())?,
            unused: signal(SignalKind::user_defined2())?,
        })
    }

    /// The next request. Safe to cancel and call again.
    pub(super) async fn next(&mut self) -> SignalRequest {
        loop {
            return tokio::select! {
                biased;
                _ = self.terminate.recv() => SignalRequest::End,
                _ = self.interrupt.recv() => SignalRequest::End,
                _ = self.hangup.recv() => SignalRequest::Reload,
                _ = self.report.recv() => SignalRequest::Report,
                // SIGUSR2 has a handler, since a signal without a handler ends the process.
                _ = self.unused.recv() => continue,
            };
        }
    }
}
