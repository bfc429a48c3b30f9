//! Entries of a zone file, cut from lines: an entry in parentheses or quotes goes over several lines.

/// Octets of the longest entry.
const MAX_ENTRY_OCTETS: usize = 64 * 1024;

/// Gathers the lines of an entry.
#[derive(Default)]
pub(super) struct EntryCutter {
    text: Vec<u8>,
    depth: u32,
    is_quoted: bool,
    is_too_long: bool,
}

impl EntryCutter {
    /// Takes a line; true once the entry is complete.
    pub(super) fn add(&mut self, line: &[u8]) -> bool {
        self.scan(line);
        self.is_too_long |= self.text.len() + line.len() >= MAX_ENTRY_OCTETS;
        match self.is_too_long {
            true => self.text.clear(),
            false => {
                self.text.extend_from_slice(line);
                self.text.push(b'\n');
            }
        }
        self.depth == 0 && !self.is_quoted
    }

    /// The entry, which ends here; `None` if too long. The cutter is empty again.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let whole = std::mem::take(self);
        (!whole.is_too_long).then_some(whole.text)
    }

    /// Whether lines of an entry wait for its end.
    pub(super) fn is_within(&self) -> bool {
        !self.text.is_empty() || self.is_too_long
    }

    fn scan(&mut self, line: &[u8]) {
        let mut octets = line.iter();
        while let Some(octet) = octets.next() {
            match octet {
                b'\\' => {
                    octets.next();
                }
                b'"' => self.is_quoted = !self.is_quoted,
                _ if self.is_quoted => {}
                b';' => return,
                b'(' => self.depth = self.depth.saturating_add(1),
                b')' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}
