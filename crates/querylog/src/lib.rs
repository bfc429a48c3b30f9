//! The query log on disk.
//!
//! A folder has segments, one for each start of the daemon and each hour. A segment has a row of some fifty octets for each
//! query, and is only ever appended to: a crash can cut the last row, which a reader passes over, and nothing else.
//! Retention removes whole segments. A search reads segments from the first to the last: a million rows take a fraction
//! of a second, and no index has to be kept.
//!
//! [`LogRow`] is a row, [`LogWriter`] writes rows, [`LogFilter`], [`search()`] and [`newest()`] find rows. A writer waits for the disk,
//! on a thread for which no answer waits.

mod filter;
mod name_part;
mod row;
mod search;
mod segment;
mod writer;

pub use filter::LogFilter;
pub use name_part::NamePart;
pub use row::{LogClient, LogRow};
pub use search::{LogPosition, newest, search, search_from};
pub use segment::{Retention, Segment, is_segment_name, segments};
pub use writer::LogWriter;
