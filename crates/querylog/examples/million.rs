//! Writes a million rows of 20,000 names and 50 clients, and searches them: `cargo run --release -p zoners-querylog
//! --example million -- FOLDER`.

use std::io;
use std::path::PathBuf;
use std::time::Instant;

use zoners_api::QueryOutcome;
use zoners_dns::{Transport, name};
use zoners_querylog::{LogFilter, LogRow, LogWriter, Retention, search, segments};

const ROWS: u64 = 1_000_000;
const NAMES: u64 = 20_000;

fn main() -> io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or(io::ErrorKind::InvalidInput)?);
    let names = (0..NAMES).map(|at| format!("host{at}.service{}.example{}.com", at % 7, at % 977));
    let names = names.map(|text| name::parse(&text).map_err(io::Error::other));
    let names = names.collect::<io::Result<Vec<_>>>()?;
    let mut writer = LogWriter::open(&folder, Retention { age_s: u64::MAX, octets: u64::MAX })?;
    let began = Instant::now();
    for at in 0..ROWS {
        let mixed = at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let Some(name) = names.get((mixed % NAMES) as usize) else { continue };
        writer.add(&LogRow {
            received_s: 1_790_000_000 + at / 100,
            client: Some([192, 168, 1, (mixed % 50) as u8].into()),
            transport: Transport::Udp,
            question: Some((name.as_slice(), 1)),
            outcome: if at % 97 == 0 { QueryOutcome::Failed } else { QueryOutcome::Cached },
            rcode: Some(0),
            ede: None,
            took_ms: 0,
        })?;
    }
    writer.write()?;
    let octets: u64 = segments(&folder)?.iter().map(|segment| segment.octets).sum();
    println!("written: {:?}, {} octets a row", began.elapsed(), octets / ROWS);
    let all = LogFilter::default;
    let filters = [
        ("all", all()),
        ("a client", LogFilter { client: "192.168.1.7".parse().ok(), ..all() }),
        ("a name", LogFilter { name: name::parse("example5.com").ok(), ..all() }),
        ("failed", LogFilter { outcomes: vec![QueryOutcome::Failed], ..all() }),
        ("the last half hour", LogFilter { since_s: 1_790_000_000 + ROWS / 100 - 1800, ..all() }),
    ];
    for (text, filter) in filters {
        let (began, mut found) = (Instant::now(), 0);
        search(&folder, &filter, |_| {
            found += 1;
            true
        })?;
        println!("{text}: {found} of {ROWS} rows in {:?}", began.elapsed());
    }
    Ok(())
}
