//! The forms of lists, and how a form is recognised.

use std::fmt;
use std::str::FromStr;

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListForm {
    /// `0.0.0.0 ads.example`, as in `/etc/hosts`.
    Hosts,
    /// `ads.example`, for the name alone; `*.ads.example` concerns names below too.
    Domains,
    /// `ads.example` or `*.ads.example`, which concern names below too.
    Wildcards,
    /// `||ads.example^` and options, as AdGuard and browsers use.
    Adblock,
    /// `address=/ads.example/`.
    Dnsmasq,
    /// A response policy zone in zone-file format.
    Rpz,
}

impl ListForm {
    /// Every form.
    pub const ALL: [ListForm; 6] = [
        ListForm::Hosts,
        ListForm::Domains,
        ListForm::Wildcards,
        ListForm::Adblock,
        ListForm::Dnsmasq,
        ListForm::Rpz,
    ];

    /// The name of the form in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ListForm::Hosts => "hosts",
            ListForm::Domains => "domains",
            ListForm::Wildcards => "wildcards",
            ListForm::Adblock => "adblock",
            ListForm::Dnsmasq => "dnsmasq",
            ListForm::Rpz => "rpz",
        }
    }

    /// The form of a text by its first octets ([`ListForm::SNIFFED_OCTETS`] suffice).
    ///
    /// # Errors
    /// The text is a web page, or no line looks like a rule.
    pub fn sniff(beginning: &[u8]) -> Result<Self, NoListForm> {
        let beginning = beginning.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(beginning);
        let page: Vec<u8> = beginning.trim_ascii_start().iter().take(14).copied().collect();
        let page = page.to_ascii_lowercase();
        if page.starts_with(b"<!doctype html") || page.starts_with(b"<html") {
            return Err(NoListForm::WebPage);
        }
        let mut votes = [0_u32; ListForm::ALL.len()];
        for line in beginning.split(|octet| *octet == b'\n').take(MAX_SNIFFED_LINES) {
            if let Some(form) = form_of_line(line) {
                votes[form as usize] += 1;
            }
        }
        // Forms with a syntax of their own are named first: adblock lists may have lines of hosts files and domains.
        let order = [
            ListForm::Rpz,
            ListForm::Dnsmasq,
            ListForm::Adblock,
            ListForm::Hosts,
            ListForm::Domains,
        ];
        let total: u32 = votes.iter().sum();
        let has_some = |form: &ListForm| votes[*form as usize] * 10 >= total;
        let found = order.into_iter().find(|form| votes[*form as usize] > 0 && has_some(form));
        found.ok_or(NoListForm::NoRule)
    }

    /// Octets of a text by which the form is recognised.
    pub const SNIFFED_OCTETS: usize = 64 * 1024;
}

const MAX_SNIFFED_LINES: usize = 1000;

/// The form of a line, as far as the line shows a form.
fn form_of_line(line: &[u8]) -> Option<ListForm> {
    let line = line.trim_ascii();
    let begins = |prefix: &[u8]| {
        line.len() >= prefix.len() && line[..prefix.len()].eq_ignore_ascii_case(prefix)
    };
    if line.is_empty() || line.starts_with(b"#") && !line.starts_with(b"##") {
        return None;
    }
    if begins(b"$ttl")
        || begins(b"$origin")
        || begins(b"@ ") && line.windows(5).any(|word| word.eq_ignore_ascii_case(b" soa "))
    {
        return Some(ListForm::Rpz);
    }
    let settings: [&[u8]; 4] = [b"address=/", b"server=/", b"local=/", b"bogus-nxdomain="];
    if settings.into_iter().any(begins) {
        return Some(ListForm::Dnsmasq);
    }
    if begins(b"||")
        || begins(b"@@")
        || begins(b"|")
        || begins(b"[adblock")
        || line.starts_with(b"!")
        || begins(b"##")
    {
        return Some(ListForm::Adblock);
    }
    if line.starts_with(b"/") && line[1..].contains(&b'/') {
        return Some(ListForm::Adblock);
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let first = std::str::from_utf8(words.next()?).ok()?;
    let second = words.next();
    if first.parse::<std::net::IpAddr>().is_ok() {
        return second.map(|_| ListForm::Hosts);
    }
    let is_rpz = second.is_some()
        && line.split(u8::is_ascii_whitespace).any(|word| word.eq_ignore_ascii_case(b"cname"));
    if is_rpz {
        return Some(ListForm::Rpz);
    }
    let is_name =
        first.contains('.') && first.chars().all(|c| c.is_alphanumeric() || "-_.*".contains(c));
    match (is_name, second) {
        (true, None) => Some(ListForm::Domains),
        (true, Some(word)) if word.starts_with(b"#") => Some(ListForm::Domains),
        _ if first.contains("##") || first.ends_with('^') || first.contains("^$") => {
            Some(ListForm::Adblock)
        }
        _ => None,
    }
}

/// Why a text has no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoListForm {
    /// A page in HTML, such as the page of a server for an error.
    WebPage,
    /// No line looks like a rule of a known form.
    NoRule,
}

impl fmt::Display for NoListForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoListForm::WebPage => "the list is a web page (HTML)",
            NoListForm::NoRule => "no line of the list looks like a rule",
        })
    }
}

impl fmt::Display for ListForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ListForm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = ListForm::ALL.into_iter().find(|form| form.name() == text);
        let names = || ListForm::ALL.map(ListForm::name).join(", ");
        found.ok_or_else(|| format!("`{text}` is no form of a list; there are {}", names()))
    }
}
