//! ISC dhcpd (dhcpd.leases(5)): blocks of statements. A later block stands for earlier blocks of the address.
//!
//! A lease of DHCPv4 is a block; of DHCPv6, an association (`ia-na`, `ia-ta`) has a block for each address.

mod tokens;

use std::net::IpAddr;

use super::DeviceLease;
use super::table::LeaseTable;
use tokens::{Token, tokens};

/// Blocks within blocks; the files of the server have three.
const MAX_DEPTH: usize = 16;
/// Words kept of a statement; statements of interest have six at most.
const MAX_WORDS: usize = 8;
/// Words with which the files begin.
const FIRST_WORDS: [&str; 12] = [
    "lease",
    "ia-na",
    "ia-ta",
    "ia-pd",
    "server-duid",
    "default-duid",
    "authoring-byte-order",
    "failover",
    "host",
    "group",
    "class",
    "subclass",
];
const SECONDS_OF_A_DAY: u64 = 86_400;

/// Whether a file of this server may begin with `word`.
pub(super) fn begins(word: &str) -> bool {
    FIRST_WORDS.contains(&word)
}

pub(super) fn read(text: &str, table: &mut LeaseTable) {
    let (mut blocks, mut words): (Vec<LeaseBlock>, Vec<String>) = (Vec::new(), Vec::new());
    for token in tokens(text) {
        match token {
            Token::Word(word) if words.len() < MAX_WORDS => words.push(word),
            Token::Word(_) => {}
            Token::End => {
                if let Some(block) = blocks.last_mut() {
                    block.add(&words);
                }
                words.clear();
            }
            Token::Open if blocks.len() >= MAX_DEPTH => return table.pass_over(),
            Token::Open => {
                blocks.push(LeaseBlock::begin(&words, table));
                words.clear();
            }
            Token::Close => {
                words.clear();
                // A brace too many ends nothing.
                let Some(block) = blocks.pop() else { continue };
                block.close(blocks.last_mut(), table);
            }
        }
    }
}

/// An open block.
enum LeaseBlock {
    /// `lease ADDRESS` or `iaaddr ADDRESS`.
    Address(DraftLease),
    /// `ia-na CLIENT` or `ia-ta CLIENT`, with the leases so far and their common name.
    Association { client: String, name: String, leases: Vec<DraftLease> },
    /// A block of no interest.
    Other,
}

/// A lease whose block is open.
struct DraftLease {
    address: IpAddr,
    name: String,
    client: String,
    ends: Option<u64>,
    is_held: bool,
}

impl LeaseBlock {
    fn begin(words: &[String], table: &mut LeaseTable) -> Self {
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["lease" | "iaaddr", address] => match address.parse() {
                Ok(address) => LeaseBlock::Address(DraftLease::of(address)),
                Err(_) => {
                    table.pass_over();
                    LeaseBlock::Other
                }
            },
            ["ia-na" | "ia-ta", client] => {
                let client = client.to_owned();
                LeaseBlock::Association { client, name: String::new(), leases: Vec::new() }
            }
            _ => LeaseBlock::Other,
        }
    }

    fn add(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match self {
            LeaseBlock::Address(lease) => lease.add(&words),
            LeaseBlock::Association { name, .. } => take_name(&words, name),
            LeaseBlock::Other => {}
        }
    }

    /// The block is complete; `outer` is the block around it.
    fn close(self, outer: Option<&mut LeaseBlock>, table: &mut LeaseTable) {
        match (self, outer) {
            (LeaseBlock::Address(lease), Some(LeaseBlock::Association { leases, .. })) => {
                leases.push(lease)
            }
            (LeaseBlock::Address(lease), None) => lease.put(table),
            (LeaseBlock::Association { client, name, leases }, None) => {
                for mut lease in leases {
                    lease.client.clone_from(&client);
                    if lease.name.is_empty() {
                        lease.name.clone_from(&name);
                    }
                    lease.put(table);
                }
            }
            _ => {}
        }
    }
}

impl DraftLease {
    fn of(address: IpAddr) -> Self {
        let (name, client) = (String::new(), String::new());
        DraftLease { address, name, client, ends: None, is_held: true }
    }

    fn add(&mut self, words: &[&str]) {
        match *words {
            ["binding", "state", state] => self.is_held = state == "active",
            ["abandoned"] => self.is_held = false,
            ["hardware", _, address] => self.client = address.to_owned(),
            ["uid", identifier] if self.client.is_empty() => self.client = identifier.to_owned(),
            ["ends", "never"] => self.ends = None,
            ["ends", "epoch", seconds] => self.ends = seconds.parse().ok(),
            ["ends", _, day, time] => match moment(day, time) {
                Some(ends) => self.ends = Some(ends),
                None => self.is_held = false,
            },
            _ => take_name(words, &mut self.name),
        }
    }

    fn put(self, table: &mut LeaseTable) {
        let DraftLease { address, name, client, ends, is_held } = self;
        match is_held {
            true => table.put(DeviceLease { address, name, client, ends }),
            false => table.remove(address),
        }
    }
}

/// The name sent by the device, or else the name given by the server for dynamic DNS.
fn take_name(words: &[&str], name: &mut String) {
    match *words {
        ["client-hostname", sent] => *name = sent.to_owned(),
        ["set", "ddns-fwd-name", "=", given] if name.is_empty() => *name = given.to_owned(),
        _ => {}
    }
}

/// A moment such as `2023/04/13 09:49:12`, in UTC, as seconds since 1970.
pub(super) fn moment(day: &str, time: &str) -> Option<u64> {
    let numbers = |text: &str, between: char| {
        let numbers: Option<Vec<u64>> = text.split(between).map(|part| part.parse().ok()).collect();
        numbers.and_then(|numbers| <[u64; 3]>::try_from(numbers).ok())
    };
    let [year, month, day] = numbers(day, '/')?;
    let [hours, minutes, seconds] = numbers(time, ':')?;
    let is_date =
        (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let is_time = hours < 24 && minutes < 60 && seconds <= 60;
    let seconds = hours * 3600 + minutes * 60 + seconds;
    (is_date && is_time).then(|| days_since_1970(year, month, day) * SECONDS_OF_A_DAY + seconds)
}

/// The days of the Gregorian calendar before a date from 1970 on. A year begins in March here, so that a leap day is its
/// last day.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719,468 days before 1970 were the first of March of the year 0.
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}
