//! Frame Streams, in which messages travel over a socket: frames with their length in front, between control frames.
//!
//! The sender offers a content type (READY), the reader accepts (ACCEPT), the sender starts (START). At the end the
//! sender stops (STOP), and the reader has read everything (FINISH).

/// The content type of dnstap.
const CONTENT_TYPE: &[u8] = b"protobuf:dnstap.Dnstap";
/// The number of the field with a content type.
const CONTENT_TYPE_FIELD: u32 = 1;
/// Octets of the longest control frame (`FSTRM_CONTROL_FRAME_LENGTH_MAX`).
pub const MAX_CONTROL_OCTETS: usize = 512;

/// A control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlFrame {
    /// The reader accepts the content type.
    Accept = 1,
    /// Frames follow.
    Start = 2,
    /// No frame follows.
    Stop = 3,
    /// The sender offers the content type.
    Ready = 4,
    /// The reader has read everything.
    Finish = 5,
}

impl ControlFrame {
    const ALL: [ControlFrame; 5] = [
        ControlFrame::Accept,
        ControlFrame::Start,
        ControlFrame::Stop,
        ControlFrame::Ready,
        ControlFrame::Finish,
    ];

    /// The frame on the wire, with the content type where one belongs.
    #[must_use]
    pub fn octets(self) -> Vec<u8> {
        let mut control = (self as u32).to_be_bytes().to_vec();
        match self {
            ControlFrame::Accept | ControlFrame::Start | ControlFrame::Ready => {
                control.extend(CONTENT_TYPE_FIELD.to_be_bytes());
                control.extend((CONTENT_TYPE.len() as u32).to_be_bytes());
                control.extend(CONTENT_TYPE);
            }
            ControlFrame::Stop | ControlFrame::Finish => {}
        }
        // A length of zero announces a control frame.
        let mut octets = vec![0; 4];
        octets.extend((control.len() as u32).to_be_bytes());
        octets.extend(control);
        octets
    }

    /// Reads the content of a control frame, behind both lengths.
    ///
    /// # Errors
    /// The frame is of an unknown kind or malformed, or accepts other content types alone.
    pub fn read(content: &[u8]) -> Result<Self, String> {
        let malformed = || "the reader sent a malformed control frame".to_owned();
        let (kind, mut fields) = take_number(content).ok_or_else(malformed)?;
        let known = ControlFrame::ALL.into_iter().find(|known| *known as u32 == kind);
        let frame =
            known.ok_or_else(|| format!("the reader sent a control frame of kind {kind}"))?;
        let (mut types, mut accepts) = (0, false);
        while !fields.is_empty() {
            let (field, rest) = take_number(fields).ok_or_else(malformed)?;
            let (length, rest) = take_number(rest).ok_or_else(malformed)?;
            let (value, rest) = rest.split_at_checked(length as usize).ok_or_else(malformed)?;
            if field == CONTENT_TYPE_FIELD {
                types += 1;
                accepts |= value == CONTENT_TYPE;
            }
            fields = rest;
        }
        match frame {
            ControlFrame::Accept if types > 0 && !accepts => {
                Err("the reader does not read dnstap".to_owned())
            }
            frame => Ok(frame),
        }
    }
}

/// The octets in front of a frame with a message.
#[must_use]
pub fn length_in_front(octets: &[u8]) -> [u8; 4] {
    (octets.len() as u32).to_be_bytes()
}

fn take_number(octets: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = octets.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_frames_are_read_as_written() {
        for frame in ControlFrame::ALL {
            let octets = frame.octets();
            assert!(octets.len() <= MAX_CONTROL_OCTETS);
            let (zero, rest) = take_number(&octets).unwrap();
            let (length, content) = take_number(rest).unwrap();
            assert_eq!((zero, length as usize), (0, content.len()));
            assert_eq!(ControlFrame::read(content), Ok(frame));
        }
    }

    #[test]
    fn a_reader_of_other_content_is_refused() {
        let accept = |content_type: &[u8]| {
            let mut content = 1u32.to_be_bytes().to_vec();
            content.extend(1u32.to_be_bytes());
            content.extend((content_type.len() as u32).to_be_bytes());
            content.extend(content_type);
            ControlFrame::read(&content)
        };
        assert_eq!(accept(CONTENT_TYPE), Ok(ControlFrame::Accept));
        assert!(accept(b"text").unwrap_err().contains("does not read dnstap"));
        assert_eq!(
            ControlFrame::read(&1u32.to_be_bytes()),
            Ok(ControlFrame::Accept),
            "of any content"
        );
        assert!(ControlFrame::read(&9u32.to_be_bytes()).unwrap_err().contains("kind 9"));
    }

    proptest! {
        #[test]
        fn no_octets_are_a_panic(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = ControlFrame::read(&octets);
        }
    }
}
