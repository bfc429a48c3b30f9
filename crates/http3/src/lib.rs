//! Messages of HTTP/3 as octets (RFC 9114): requests, answers, the streams beside the requests, and
//! fields in QPACK (RFC 9204).
//!
//! Nothing here does I/O or knows QUIC. The dynamic table of QPACK has no room: a server that never sends
//! `SETTINGS_QPACK_MAX_TABLE_CAPACITY` gets no reference into that table.
//!
//! # Examples
//!
//! ```
//! use zoners_http3::{Field, RequestPieces, append_fields};
//!
//! let mut section = Vec::new();
//! append_fields([(&b":method"[..], &b"GET"[..])], &mut section);
//! let mut pieces = RequestPieces::default();
//! pieces.put(&[0x01, section.len() as u8])?;
//! pieces.put(&section)?;
//! let request = pieces.into_request()?;
//! assert_eq!(request.fields, [Field { name: b":method".to_vec(), value: b"GET".to_vec() }]);
//! # Ok::<(), zoners_http3::Http3Fault>(())
//! ```

mod answer;
mod budget;
mod client_streams;
mod control_pieces;
mod fault;
mod fields;
mod huffman;
mod instructions;
mod judged;
mod prefix_integer;
mod request_pieces;
mod settings;
mod static_table;
mod varint;

pub use answer::append_answer;
pub use budget::{MAX_CLIENT_STREAMS, MAX_CONTROL_FRAMES, MAX_CONTROL_IGNORED};
pub use client_streams::{ClientStream, ClientStreams};
pub use control_pieces::MAX_CONTROL_FRAME;
pub use fault::Http3Fault;
pub use fields::{Field, MAX_FIELDS, MAX_SECTION, append_fields, read_fields};
pub use judged::JudgedRequest;
pub use request_pieces::{MAX_BODY, MAX_FRAMES, MAX_IGNORED, Request, RequestPieces};
pub use settings::{append_control_start, append_goaway};
