//! Keys, from the octets that a terminal sends.

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A visible character of ASCII, or the space.
    Character(char),
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Tab,
    Enter,
    Escape,
    Backspace,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
    /// Ctrl-L.
    Redraw,
}

/// The most octets of a control sequence that are awaited.
const MAX_SEQUENCE: usize = 16;
const ESCAPE: u8 = 0x1b;

/// Reads keys from octets, which may come in parts.
#[derive(Debug, Default)]
pub(super) struct KeyReader {
    /// The begin of a control sequence.
    begun: Vec<u8>,
}

impl KeyReader {
    /// The keys in the octets. Unknown sequences are no keys.
    pub(super) fn read(&mut self, octets: &[u8]) -> Vec<Key> {
        self.begun.extend_from_slice(octets);
        let octets = std::mem::take(&mut self.begun);
        let mut rest = octets.as_slice();
        let mut keys = Vec::new();
        while let Some((&first, after)) = rest.split_first() {
            rest = match (first, after.first()) {
                // CSI and SS3 (ECMA-48): parameters, and a final octet.
                (ESCAPE, Some(b'[' | b'O')) => {
                    let sequence = after.get(1..).unwrap_or_default();
                    match sequence.iter().position(|octet| (0x40..0x7f).contains(octet)) {
                        Some(end) => {
                            let (sequence, after) = sequence.split_at(end + 1);
                            keys.extend(of_sequence(sequence));
                            after
                        }
                        None if rest.len() < MAX_SEQUENCE => {
                            self.begun = rest.to_vec();
                            &[]
                        }
                        None => &[],
                    }
                }
                _ => {
                    keys.extend(of_octet(first));
                    after
                }
            };
        }
        keys
    }
}

fn of_octet(octet: u8) -> Option<Key> {
    Some(match octet {
        0x03 => Key::Interrupt,
        0x08 | 0x7f => Key::Backspace,
        b'\t' => Key::Tab,
        b'\r' | b'\n' => Key::Enter,
        0x0c => Key::Redraw,
        0x1a => Key::Suspend,
        ESCAPE => Key::Escape,
        b' '..=b'~' => Key::Character(octet.into()),
        _ => return None,
    })
}

/// The key of the sequence after CSI or SS3, as of xterm, the Linux console and tmux.
fn of_sequence(sequence: &[u8]) -> Option<Key> {
    Some(match sequence {
        b"A" => Key::Up,
        b"B" => Key::Down,
        b"H" | b"1~" | b"7~" => Key::Home,
        b"F" | b"4~" | b"8~" => Key::End,
        b"5~" => Key::PageUp,
        b"6~" => Key::PageDown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(octets: &[u8]) -> Vec<Key> {
        KeyReader::default().read(octets)
    }

    #[test]
    fn octets_are_keys() {
        assert_eq!(
            keys(b"q \t\r"),
            [Key::Character('q'), Key::Character(' '), Key::Tab, Key::Enter]
        );
        assert_eq!(
            keys(b"\x1b[A\x1bOB\x1b[5~x"),
            [Key::Up, Key::Down, Key::PageUp, Key::Character('x')]
        );
        assert_eq!(
            keys(b"\x03\x1a\x7f\x0c"),
            [Key::Interrupt, Key::Suspend, Key::Backspace, Key::Redraw]
        );
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1bq"), [Key::Escape, Key::Character('q')]);
        assert_eq!(keys("\u{e4}\0".as_bytes()), [], "no key of ours");
        assert_eq!(keys(b"\x1b[1;5C\x1b[200~q"), [Key::Character('q')], "unknown sequences");
    }

    #[test]
    fn a_sequence_may_come_in_parts_and_has_an_end() {
        let mut reader = KeyReader::default();
        assert_eq!(reader.read(b"a\x1b["), [Key::Character('a')]);
        assert_eq!(reader.read(b"6"), []);
        assert_eq!(reader.read(b"~"), [Key::PageDown]);
        assert_eq!(reader.read(b"\x1b[1111111111111111111"), []);
        assert_eq!(reader.read(b"q"), [Key::Character('q')]);
    }
}
