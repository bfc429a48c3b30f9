//! Lines of a text, read in pieces into one buffer.

use std::io::{self, Read};

use super::{ListText, SkipReason};

/// Octets of the longest line; a longer line is skipped as a whole.
pub const MAX_LINE_OCTETS: usize = 32 * 1024;
/// Octets of the buffer.
const BUFFER_OCTETS: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

pub(super) struct ListLines<'a> {
    source: &'a mut dyn Read,
    buffer: Vec<u8>,
    /// The part of the buffer with text of later lines.
    from: usize,
    to: usize,
    has_ended: bool,
    whole: ListText,
}

/// A line, or the reason why the text is skipped.
pub(super) struct Line<'a> {
    pub(super) number: u32,
    pub(super) text: Result<&'a [u8], SkipReason>,
}

impl<'a> ListLines<'a> {
    pub(super) fn new(source: &'a mut dyn Read) -> Self {
        let buffer = vec![0; BUFFER_OCTETS];
        ListLines { source, buffer, from: 0, to: 0, has_ended: false, whole: ListText::default() }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut is_too_long = false;
        let mut searched = 0;
        loop {
            let rest = &self.buffer[self.from..self.to];
            let end = rest[searched..].iter().position(|octet| *octet == b'\n');
            if let Some(end) = end.map(|end| end + searched) {
                let start = self.from;
                self.from += end + 1;
                return Ok(Some(self.line(start, start + end, is_too_long)));
            }
            if self.has_ended {
                let (start, end) = (self.from, self.to);
                self.from = self.to;
                let is_line = start < end || is_too_long;
                self.whole.ends_within_line |= is_line;
                return Ok(is_line.then(|| self.line(start, end, is_too_long)));
            }
            searched = rest.len();
            if searched > MAX_LINE_OCTETS {
                is_too_long = true;
                searched = 0;
                self.from = self.to;
            }
            self.fill()?;
        }
    }

    /// What the text was like, after the last line.
    pub(super) fn whole(&self) -> ListText {
        self.whole
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.from..self.to, 0);
        (self.to, self.from) = (self.to - self.from, 0);
        let is_first = self.whole.octets == 0;
        let more = loop {
            match self.source.read(&mut self.buffer[self.to..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        self.to += more;
        self.has_ended = more == 0;
        self.whole.octets += more as u64;
        if is_first && self.buffer[..self.to].starts_with(BYTE_ORDER_MARK) {
            self.from = BYTE_ORDER_MARK.len();
        }
        Ok(())
    }

    fn line(&mut self, start: usize, end: usize, is_too_long: bool) -> Line<'_> {
        self.whole.lines = self.whole.lines.saturating_add(1);
        let text = &self.buffer[start..end];
        let text = match text {
            _ if is_too_long || text.len() > MAX_LINE_OCTETS => Err(SkipReason::TooLong),
            // A text in UTF-16 has a NUL in each line.
            text if text.contains(&0) => Err(SkipReason::NotText),
            text => Ok(text),
        };
        Line { number: self.whole.lines, text }
    }
}
