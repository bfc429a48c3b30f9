//! What a line of a list says, read in the fewest words.

use std::net::IpAddr;

/// What an adblock rule concerns.
pub(crate) enum AdblockSubject {
    Name {
        name: String,
        itself: bool,
        below: bool,
    },
    /// The pattern as text, the labels of the name at its end, and its parts.
    Pattern {
        text: String,
        labels: usize,
        start: Start,
        middle: String,
        ends: bool,
    },
    Expression(String),
    Address,
}

/// Where a pattern may begin in a name.
pub(crate) enum Start {
    Name,
    Label,
    Anywhere,
}

/// An adblock rule.
pub(crate) struct AdblockLine {
    pub(crate) allows: bool,
    pub(crate) important: bool,
    pub(crate) disables: bool,
    pub(crate) is_conditional: bool,
    pub(crate) except: Vec<String>,
    /// Whether questions for A are meant.
    pub(crate) for_type_a: bool,
    pub(crate) subject: AdblockSubject,
}

impl AdblockLine {
    /// The rule of a line, where DNS can carry out the rule.
    pub(crate) fn read(line: &str) -> Option<AdblockLine> {
        let line = line.trim();
        let line = line.split(" #").next()?.trim();
        let is_comment = line.starts_with(['!', '[']) || line.starts_with('#');
        let has_content =
            ["##", "#@#", "#?#", "#$#", "#%#", "$$"].iter().any(|mark| line.contains(mark));
        if line.is_empty() || is_comment {
            return None;
        }
        let (allows, rest) = line.strip_prefix("@@").map_or((false, line), |rest| (true, rest));
        if let Some(rest) =
            rest.strip_prefix('/').filter(|rest| rest.ends_with('/') || rest.contains("/$"))
        {
            let (expression, options) = match rest.strip_suffix('/') {
                Some(expression) => (expression, ""),
                None => rest.rsplit_once("/$")?,
            };
            let is_url = ["^http", "^(http", "(http", "^(https?|"]
                .iter()
                .any(|scheme| expression.starts_with(scheme))
                && !expression.contains("//)?");
            let is_known = !is_url && regex::Regex::new(expression).is_ok();
            let subject = AdblockSubject::Expression(expression.into());
            return if is_known { AdblockLine::with(allows, options, subject) } else { None };
        }
        if has_content {
            return None;
        }
        let (pattern, options) = rest.split_once('$').unwrap_or((rest, ""));
        AdblockLine::with(allows, options, subject(&pattern.to_ascii_lowercase())?)
    }

    fn with(allows: bool, options: &str, subject: AdblockSubject) -> Option<AdblockLine> {
        let mut line = AdblockLine {
            allows,
            important: false,
            disables: false,
            is_conditional: false,
            except: Vec::new(),
            for_type_a: true,
            subject,
        };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            match key {
                "important" => line.important = true,
                "badfilter" => line.disables = true,
                "all" | "doc" | "document" | "network" | "popup" | "reason" => {}
                "dnstype" => {
                    line.is_conditional = true;
                    let types: Vec<&str> = value.split('|').collect();
                    let negated = types.iter().all(|own| own.starts_with('~'));
                    line.for_type_a =
                        if negated { !types.contains(&"~A") } else { types.contains(&"A") };
                }
                "denyallow" => {
                    line.is_conditional = true;
                    line.except = value.split('|').map(str::to_ascii_lowercase).collect();
                }
                _ => return None,
            }
        }
        Some(line)
    }
}

/// What a pattern concerns; `None` where that is no host name.
fn subject(pattern: &str) -> Option<AdblockSubject> {
    let bare = pattern.trim_start_matches('|');
    let anchors = pattern.len() - bare.len();
    let host = ["https://", "http://", "://"].iter().find_map(|scheme| bare.strip_prefix(scheme));
    let begins = anchors > 0 || host.is_some();
    let host = host.unwrap_or(bare);
    let text = host.trim_end_matches(['^', '|']);
    let ends = text.len() < host.len();
    if text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Some(AdblockSubject::Address);
    }
    let is_number = |label: &str| label.parse::<u8>().is_ok();
    let labels: Vec<&str> = text.split('.').collect();
    if let [octets @ .., ""] = &labels[..]
        && (1..4).contains(&octets.len())
        && begins
        && !ends
        && octets.iter().all(|label| is_number(label))
    {
        return Some(AdblockSubject::Address);
    }
    if !text.chars().all(|c| c.is_alphanumeric() || "-_.*".contains(c))
        || text.chars().all(|c| ".*".contains(c))
    {
        return None;
    }
    let is_name = !text.contains('*') && !text.starts_with('.') && !text.ends_with('.');
    let is_open = !ends && (text.ends_with('-') || !text.contains('.'));
    if is_name && !is_open && (begins || !ends) {
        let name = name(text)?;
        return Some(AdblockSubject::Name { name, itself: true, below: anchors == 2 });
    }
    if let Some(below) =
        text.strip_prefix("*.").filter(|below| !below.contains('*') && !below.ends_with('.'))
        && (anchors > 0 || ends)
    {
        return Some(AdblockSubject::Name { name: name(below)?, itself: false, below: true });
    }
    let fixed: Vec<&str> = text.rsplit('*').next().unwrap_or_default().split('.').skip(1).collect();
    let labels = if ends && fixed.len() > 1 { fixed.len() } else { 0 };
    if labels > 0 {
        name(&fixed.join("."))?;
    }
    let start = match (anchors, begins) {
        (2, _) => Start::Label,
        (_, true) => Start::Name,
        _ => Start::Anywhere,
    };
    Some(AdblockSubject::Pattern { text: pattern.into(), labels, start, middle: text.into(), ends })
}

/// The address and names of a line of a hosts file.
pub(crate) fn hosts_line(line: &str) -> Option<(IpAddr, Vec<&str>)> {
    let line = line.split('#').next()?;
    let mut words = line.split_whitespace();
    let address = words.next()?.split('%').next()?.parse().ok()?;
    let names: Vec<&str> = words.collect();
    (!names.is_empty()).then_some((address, names))
}

pub(crate) fn is_own_name(name: &str) -> bool {
    matches!(
        name,
        "localhost"
            | "localhost.localdomain"
            | "localhost4"
            | "localhost6"
            | "local"
            | "broadcasthost"
    ) || name.starts_with("ip6-")
}

/// A host name in lower case.
pub(crate) fn name(word: &str) -> Option<String> {
    let word = match word.is_ascii() {
        true => word.to_ascii_lowercase(),
        false => idna::domain_to_ascii(word).ok()?,
    };
    let word = word.strip_suffix('.').unwrap_or(&word);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
    };
    let top = word.rsplit('.').next()?;
    let is_name = word.len() <= 253
        && word.split('.').all(is_label)
        && !top.bytes().all(|octet| octet.is_ascii_digit());
    is_name.then(|| word.to_string())
}
