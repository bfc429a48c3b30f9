//! What a client may send beside its requests without any use for the answers.

use crate::Http3Fault;

/// Frames on the control stream between two requests. A browser sends one to tell the priority of a request.
pub const MAX_CONTROL_FRAMES: usize = 64;

/// Octets without meaning to us on all unidirectional streams together, between two requests.
pub const MAX_CONTROL_IGNORED: usize = 4 * 1024;

/// Unidirectional streams that begin between two requests. A client has three, and a browser opens a fourth without meaning.
pub const MAX_CLIENT_STREAMS: usize = 16;

/// What has come since the last request.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    frames: usize,
    ignored: usize,
    streams: usize,
}

impl Budget {
    pub(crate) fn take_frame(&mut self) -> Result<(), Http3Fault> {
        if self.frames == MAX_CONTROL_FRAMES {
            return Err(Http3Fault::TooManyControlFrames);
        }
        self.frames += 1;
        Ok(())
    }

    pub(crate) fn take_stream(&mut self) -> Result<(), Http3Fault> {
        if self.streams == MAX_CLIENT_STREAMS {
            return Err(Http3Fault::TooManyStreams);
        }
        self.streams += 1;
        Ok(())
    }

    pub(crate) fn ignore(&mut self, octets: u64) -> Result<(), Http3Fault> {
        let octets = usize::try_from(octets).unwrap_or(usize::MAX);
        if octets > MAX_CONTROL_IGNORED - self.ignored {
            return Err(Http3Fault::TooManyControlIgnored);
        }
        self.ignored += octets;
        Ok(())
    }
}
