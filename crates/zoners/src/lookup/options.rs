//! The `+` options of dig.

use std::time::Duration;

use crate::mistakes::nearest;

/// The values of the `+` options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlusOptions {
    pub(super) short: bool,
    pub(super) trace: bool,
    pub(super) json: bool,
    /// Show signatures.
    pub(super) dnssec: bool,
    pub(super) tcp: bool,
    /// RD, for a server asked directly.
    pub(super) recursion_desired: bool,
    /// CD: the answer need not be proven.
    pub(super) checking_disabled: bool,
    pub(super) answer: bool,
    pub(super) authority: bool,
    /// Lines beginning with `;;`.
    pub(super) comments: bool,
    /// Whether internationalised names are shown in their own script; `None`: at a terminal.
    pub(super) idn_out: Option<bool>,
    /// The wait for one query to a server.
    pub(super) timeout: Duration,
    /// How often a query is sent over UDP.
    pub(super) tries: u32,
    /// Remarks on options without effect here.
    pub(super) notes: Vec<String>,
}

impl Default for PlusOptions {
    fn default() -> Self {
        PlusOptions {
            short: false,
            trace: false,
            json: false,
            dnssec: false,
            tcp: false,
            recursion_desired: true,
            checking_disabled: false,
            answer: true,
            authority: false,
            comments: true,
            idn_out: None,
            timeout: Duration::from_secs(3),
            tries: 3,
            notes: Vec::new(),
        }
    }
}

/// Options with an effect, for the hint at a misspelt option.
const KNOWN: &[&str] = &[
    "all",
    "answer",
    "authority",
    "cdflag",
    "comments",
    "dnssec",
    "idnout",
    "json",
    "recurse",
    "retry",
    "short",
    "stats",
    "tcp",
    "time",
    "trace",
    "tries",
    "vc",
];

/// Options of dig for the format of its output: this output has no such parts.
const PASSED_OVER: &[&str] = &[
    "additional",
    "besteffort",
    "class",
    "cl",
    "cmd",
    "crypto",
    "defname",
    "expandaaaa",
    "fail",
    "identify",
    "idn",
    "idnin",
    "ignore",
    "keepopen",
    "multiline",
    "ndots",
    "onesoa",
    "qr",
    "question",
    "rrcomments",
    "search",
    "showsearch",
    "split",
    "ttlid",
    "ttlunits",
    "unknownformat",
    "yaml",
];

/// Options of dig changing the query in a way not offered here.
const WITHOUT_EFFECT: &[&str] = &[
    "aaflag",
    "aaonly",
    "adflag",
    "badcookie",
    "bufsize",
    "coflag",
    "cookie",
    "dns64prefix",
    "do",
    "dscp",
    "edns",
    "ednsflags",
    "ednsnegotiation",
    "ednsopt",
    "expire",
    "fuzztime",
    "header-only",
    "keepalive",
    "mapped",
    "nsid",
    "opcode",
    "padding",
    "proxy",
    "proxy-plain",
    "qid",
    "raflag",
    "subnet",
    "tcflag",
    "zflag",
];

impl PlusOptions {
    /// Takes an option, as written after the `+`: `short`, `noall`, `time=2`.
    ///
    /// # Errors
    /// The option is unknown, or its value is wrong.
    pub(super) fn take(&mut self, text: &str) -> Result<(), String> {
        let (word, value) = match text.split_once('=') {
            Some((word, value)) => (word.to_ascii_lowercase(), Some(value)),
            None => (text.to_ascii_lowercase(), None),
        };
        if self.set(&word, true) {
            return Ok(());
        }
        let bare = word.strip_prefix("no");
        if bare.is_some_and(|bare| self.set(bare, false)) {
            return Ok(());
        }
        match (word.as_str(), value) {
            ("time" | "timeout", Some(value)) => self.timeout = seconds(value)?,
            ("tries", Some(value)) => self.tries = count(value, "tries")?,
            ("retry", Some(value)) => self.tries = count(value, "retry")?.saturating_add(1),
            ("time" | "timeout" | "tries" | "retry", None) => {
                return Err(format!("+{word} needs a value, as in +{word}=2"));
            }
            _ => return self.take_other(&word, bare),
        }
        Ok(())
    }

    /// Switches an option; false if there is no such switch.
    fn set(&mut self, word: &str, on: bool) -> bool {
        match word {
            "short" => self.short = on,
            "trace" => self.trace = on,
            "json" => self.json = on,
            "dnssec" => self.dnssec = on,
            "tcp" | "vc" => self.tcp = on,
            "rec" | "recurse" | "rdflag" => self.recursion_desired = on,
            "cd" | "cdflag" => self.checking_disabled = on,
            "answer" => self.answer = on,
            "authority" => self.authority = on,
            "comments" | "stats" => self.comments = on,
            "idnout" => self.idn_out = Some(on),
            "all" => (self.answer, self.authority, self.comments) = (on, on, on),
            _ => return false,
        }
        true
    }

    fn take_other(&mut self, word: &str, bare: Option<&str>) -> Result<(), String> {
        let is_one_of = |words: &[&str]| {
            words.contains(&word) || bare.is_some_and(|bare| words.contains(&bare))
        };
        if is_one_of(PASSED_OVER) {
            return Ok(());
        }
        if is_one_of(WITHOUT_EFFECT) {
            self.notes.push(format!("+{word} has no effect here"));
            return Ok(());
        }
        match bare.unwrap_or(word) {
            "tls" | "https" | "https-get" | "https-post" | "http-plain" | "quic" => Err(format!(
                "+{word}: encrypted queries (TLS, HTTPS, QUIC) are not there yet; +tcp is"
            )),
            "nssearch" => Err("+nssearch: ask for the type NS, then each server with @".to_owned()),
            _ => Err(unknown(word)),
        }
    }
}

fn unknown(word: &str) -> String {
    let hint = match nearest(word, KNOWN.iter().copied()) {
        Some(known) => format!("did you mean +{known}?"),
        None => "`zoners lookup --help` lists those that there are".to_owned(),
    };
    format!("there is no option +{word}\n  {hint}")
}

fn seconds(value: &str) -> Result<Duration, String> {
    let seconds = value.parse().ok().filter(|seconds| (1..=60).contains(seconds));
    let wrong = || format!("+time={value}: must be 1 to 60 (seconds)");
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

fn count(value: &str, option: &str) -> Result<u32, String> {
    let count = value.parse().ok().filter(|count| (0..=10).contains(count));
    count.ok_or_else(|| format!("+{option}={value}: must be 0 to 10"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(options: &[&str]) -> Result<PlusOptions, String> {
        let mut taken = PlusOptions::default();
        options.iter().try_for_each(|option| taken.take(option)).map(|()| taken)
    }

    #[test]
    fn options_are_switched_on_and_off() {
        let all = taken(&["short", "trace", "dnssec", "vc", "json", "norec", "cd"]).unwrap();
        assert!(all.short && all.trace && all.dnssec && all.tcp && all.json);
        assert!(!all.recursion_desired && all.checking_disabled);
        let answer = taken(&["noall", "answer"]).unwrap();
        assert!(answer.answer && !answer.comments && !answer.authority);
        assert!(!taken(&["NOCOMMENTS"]).unwrap().comments);
        let waits = taken(&["time=2", "tries=5"]).unwrap();
        assert_eq!((waits.timeout, waits.tries), (Duration::from_secs(2), 5));
        assert_eq!(taken(&["retry=0"]).unwrap().tries, 1);
    }

    #[test]
    fn options_of_dig_without_meaning_here_are_passed_over_or_noted() {
        let quiet = taken(&["nocmd", "multiline", "noquestion", "ttlid", "nosearch"]).unwrap();
        assert_eq!(quiet, PlusOptions::default());
        let noted = taken(&["subnet=192.0.2.0/24", "nocookie", "bufsize=4096", "nsid"]).unwrap();
        assert_eq!(noted.notes.len(), 4);
        assert_eq!(noted.notes[0], "+subnet has no effect here");
    }

    #[test]
    fn mistakes_are_told_with_the_nearest_option_or_what_is_allowed() {
        for (wrong, told) in [
            ("shrot", "did you mean +short?"),
            ("dnsec", "did you mean +dnssec?"),
            ("qqqq", "--help"),
            ("time=0", "1 to 60"),
            ("time", "+time=2"),
            ("tries=99", "0 to 10"),
            ("tls", "not there yet"),
        ] {
            let error = taken(&[wrong]).unwrap_err();
            assert!(error.contains(told), "{wrong}: {error}");
        }
    }
}
