//! Why a line of a list has no rule.

use std::fmt;

/// The reason why a line, or a part of a line, has no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SkipReason {
    /// A word in the place of a name is no domain name.
    NotAName,
    /// An address in the place of a name: no client asks for a name that is an address.
    AddressAsName,
    /// The line has a NUL octet, or is no UTF-8.
    NotText,
    /// The line is too long.
    TooLong,
    /// A name of each machine itself, as `localhost`.
    OwnName,
    /// The rule concerns contents of pages or addresses of pages, which DNS does not see.
    BrowserOnly,
    /// The option is not supported.
    UnsupportedOption,
    /// The value of an option is faulty or not supported.
    UnsupportedValue,
    /// The regular expression is faulty, too large, or of unsupported syntax.
    UnsupportedRegex,
    /// The line forwards a zone to a server, which `forward` does.
    Forwarding,
    /// A setting of dnsmasq with no rule.
    OtherSetting,
    /// A record of the zone itself (SOA, NS), which is no rule.
    ZoneRecord,
    /// The owner of the record is outside the policy zone.
    OutsideZone,
    /// The record of the policy zone is malformed.
    BadRecord,
    /// There are more rules of this kind than the limit.
    TooMany,
}

impl SkipReason {
    /// Every reason, in the order of the enumeration.
    pub const ALL: [SkipReason; 15] = [
        SkipReason::NotAName,
        SkipReason::AddressAsName,
        SkipReason::NotText,
        SkipReason::TooLong,
        SkipReason::OwnName,
        SkipReason::BrowserOnly,
        SkipReason::UnsupportedOption,
        SkipReason::UnsupportedValue,
        SkipReason::UnsupportedRegex,
        SkipReason::Forwarding,
        SkipReason::OtherSetting,
        SkipReason::ZoneRecord,
        SkipReason::OutsideZone,
        SkipReason::BadRecord,
        SkipReason::TooMany,
    ];

    /// Whether the line means something to DNS and is not carried out.
    #[must_use]
    pub fn is_lost_rule(self) -> bool {
        !matches!(
            self,
            SkipReason::AddressAsName
                | SkipReason::OwnName
                | SkipReason::BrowserOnly
                | SkipReason::OtherSetting
                | SkipReason::ZoneRecord
        )
    }

    /// The reason in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            SkipReason::NotAName => "no domain name",
            SkipReason::AddressAsName => "addresses in the place of names",
            SkipReason::NotText => "no text in UTF-8",
            SkipReason::TooLong => "line too long",
            SkipReason::OwnName => "names of the machine itself",
            SkipReason::BrowserOnly => "rules for browsers",
            SkipReason::UnsupportedOption => "unsupported options",
            SkipReason::UnsupportedValue => "unsupported values of options",
            SkipReason::UnsupportedRegex => "unsupported regular expressions",
            SkipReason::Forwarding => "forwarded zones",
            SkipReason::OtherSetting => "settings of dnsmasq",
            SkipReason::ZoneRecord => "records of the zone itself",
            SkipReason::OutsideZone => "records outside the zone",
            SkipReason::BadRecord => "malformed records",
            SkipReason::TooMany => "rules beyond a limit",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Skipped lines by reason, each with the first line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkipCounts([SkippedLines; SkipReason::ALL.len()]);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SkippedLines {
    count: u32,
    first: u32,
}

impl SkipCounts {
    /// Counts a line.
    pub fn add(&mut self, reason: SkipReason, line: u32) {
        let Some(lines) = self.0.get_mut(reason as usize) else { return };
        if lines.count == 0 {
            lines.first = line;
        }
        lines.count = lines.count.saturating_add(1);
    }

    /// Each reason with lines, with the number of lines and the first line.
    pub fn iter(&self) -> impl Iterator<Item = (SkipReason, u32, u32)> {
        let all = SkipReason::ALL.into_iter().zip(&self.0);
        all.filter(|(_, lines)| lines.count > 0)
            .map(|(reason, lines)| (reason, lines.count, lines.first))
    }

    /// Lines skipped for a reason.
    #[must_use]
    pub fn of(&self, reason: SkipReason) -> u32 {
        self.0.get(reason as usize).map_or(0, |lines| lines.count)
    }
}
