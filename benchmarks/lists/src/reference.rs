//! A slow reference: lists read anew in the fewest words, names in a map, every pattern compared with every name, regular
//! expressions by the `regex` crate, and the first of all matching rules by the table of precedence.
//!
//! The reference shares no code with `zoners-policy`, and decides on questions for addresses (type A).

use std::collections::{HashMap, HashSet};

use regex::Regex;
use zoners_policy::ListForm;

use crate::shape::{self, AdblockLine, Start};

/// The deciding rule: row of the table of precedence, labels of the name (negative, so that more come first), list, line.
pub(crate) type RulePrecedence = (u8, isize, usize, usize);

#[derive(Clone)]
struct Rule {
    /// Whether the name itself and names below are meant.
    itself: bool,
    below: bool,
    allows: bool,
    important: bool,
    disables: bool,
    /// Whether the answer is a different one.
    rewrites: bool,
    /// Whether there are conditions.
    is_conditional: bool,
    except: Vec<String>,
    list: usize,
    line: usize,
    /// The pattern as text, for equal rules.
    pattern: String,
    labels: usize,
}

/// A pattern.
enum HostMatcher {
    /// Where the text may begin, the text, and whether it reaches to the end of the name.
    Glob(Start, Vec<u8>, bool),
    Expression(Regex),
}

impl HostMatcher {
    fn matches(&self, host: &str) -> bool {
        match self {
            HostMatcher::Expression(regex) => regex.is_match(host),
            HostMatcher::Glob(start, text, ends) => {
                let is_start = |at: &usize| match start {
                    Start::Name => *at == 0,
                    Start::Label => *at == 0 || host.as_bytes()[at - 1] == b'.',
                    Start::Anywhere => true,
                };
                (0..=host.len())
                    .filter(is_start)
                    .any(|at| goes_on(text, &host.as_bytes()[at..], *ends))
            }
        }
    }
}

/// Whether a text with stars matches the beginning of `host`, or the whole.
fn goes_on(text: &[u8], host: &[u8], ends: bool) -> bool {
    match (text.split_first(), host.split_first()) {
        (None, _) => !ends || host.is_empty(),
        (Some((b'*', rest)), _) => (0..=host.len()).any(|at| goes_on(rest, &host[at..], ends)),
        (Some((own, rest)), Some((other, host))) => own == other && goes_on(rest, host, ends),
        (Some(_), None) => false,
    }
}

/// All lists of a policy.
#[derive(Default)]
pub(crate) struct Reference {
    names: HashMap<String, Vec<Rule>>,
    patterns: Vec<Rule>,
    matchers: Vec<HostMatcher>,
    zones: HashSet<usize>,
}

impl Reference {
    /// Reads a list; returns the numbers of lines with rules for names.
    pub(crate) fn add(&mut self, form: ListForm, list: usize, text: &str) -> Vec<usize> {
        let mut taken = Vec::new();
        if form == ListForm::Rpz {
            self.zones.insert(list);
        }
        let mut owner = String::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_start_matches('\u{feff}');
            let before = taken.len();
            match form {
                ListForm::Hosts => self.hosts(list, number + 1, line, &mut taken),
                ListForm::Domains | ListForm::Wildcards => {
                    let word = line.split('#').next().unwrap_or_default().trim();
                    let (word, below) =
                        match word.strip_prefix('*').unwrap_or(word).strip_prefix('.') {
                            Some(rest) => (rest, true),
                            None => (word, form == ListForm::Wildcards),
                        };
                    self.name(list, number + 1, word, true, below, false, &mut taken);
                }
                ListForm::Dnsmasq => {
                    let parts: Vec<&str> = line.trim().split('/').collect();
                    let [key, names @ .., target] = &parts[..] else { continue };
                    let blocks = matches!(*key, "address=" | "local=" | "server=")
                        && matches!(*target, "" | "#" | "0.0.0.0" | "::" | "127.0.0.1");
                    for name in names.iter().filter(|_| blocks) {
                        self.name(list, number + 1, name, true, true, false, &mut taken);
                    }
                }
                ListForm::Rpz => {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    if !line.starts_with([' ', '\t']) {
                        owner = words.first().copied().unwrap_or_default().to_string();
                    }
                    let at = words.iter().position(|word| word.eq_ignore_ascii_case("cname"));
                    let Some(target) = at.and_then(|at| words.get(at + 1)) else { continue };
                    let name = owner.strip_suffix(".rpz.").unwrap_or(&owner);
                    let (name, below) =
                        name.strip_prefix("*.").map_or((name, false), |name| (name, true));
                    let allows = *target == "rpz-passthru.";
                    if !name.ends_with('.') && !name.contains("rpz-ip") {
                        self.name(list, number + 1, name, !below, below, allows, &mut taken);
                        let rewrites =
                            !matches!(*target, "." | "*.") && !target.starts_with("rpz-");
                        let own = shape::name(name).and_then(|name| self.names.get_mut(&name));
                        if let Some(rule) = own.and_then(|rules| rules.last_mut()) {
                            rule.rewrites = rewrites;
                        }
                    }
                }
                ListForm::Adblock => {
                    if shape::hosts_line(line).is_some() {
                        self.hosts(list, number + 1, line, &mut taken);
                    } else if let Some(read) = AdblockLine::read(line) {
                        self.adblock(list, number + 1, read, &mut taken);
                    }
                }
            }
            taken.truncate((before + 1).min(taken.len()));
        }
        taken
    }

    fn hosts(&mut self, list: usize, number: usize, line: &str, taken: &mut Vec<usize>) {
        let Some((address, names)) = shape::hosts_line(line) else { return };
        if !(address.is_unspecified() || address.is_loopback()) {
            return;
        }
        for name in names {
            if !shape::is_own_name(name) {
                self.name(list, number, name, true, false, false, taken);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a few words for each form")]
    fn name(
        &mut self,
        list: usize,
        line: usize,
        name: &str,
        itself: bool,
        below: bool,
        allows: bool,
        taken: &mut Vec<usize>,
    ) {
        let Some(name) = shape::name(name) else { return };
        let rule = Rule {
            itself,
            below,
            allows,
            important: false,
            disables: false,
            rewrites: false,
            is_conditional: false,
            except: Vec::new(),
            list,
            line,
            pattern: format!("{itself}{below}"),
            labels: name.split('.').count(),
        };
        self.names.entry(name).or_default().push(rule);
        taken.push(line);
    }

    fn adblock(&mut self, list: usize, line: usize, read: AdblockLine, taken: &mut Vec<usize>) {
        let AdblockLine { allows, important, disables, is_conditional, except, for_type_a, .. } =
            read;
        // A rule for further types is one that never matches here.
        taken.push(line);
        if !for_type_a {
            return;
        }
        let mut rule = Rule {
            itself: true,
            below: true,
            allows,
            important,
            disables,
            rewrites: false,
            is_conditional,
            except,
            list,
            line,
            pattern: String::new(),
            labels: 0,
        };
        match read.subject {
            shape::AdblockSubject::Name { name, itself, below } => {
                (rule.itself, rule.below) = (itself, below);
                rule.pattern = format!("{itself}{below}");
                rule.labels = name.split('.').count();
                self.names.entry(name).or_default().push(rule);
            }
            shape::AdblockSubject::Pattern { text, labels, start, middle, ends } => {
                (rule.pattern, rule.labels) = (text, labels);
                self.matchers.push(HostMatcher::Glob(start, middle.into_bytes(), ends));
                self.patterns.push(rule);
            }
            shape::AdblockSubject::Expression(expression) => {
                rule.pattern = format!("/{expression}/");
                self.matchers
                    .push(HostMatcher::Expression(Regex::new(&expression).expect("checked")));
                self.patterns.push(rule);
            }
            shape::AdblockSubject::Address => {}
        }
    }

    /// The deciding rule for a name in lower case, and whether the rule allows.
    pub(crate) fn decide(&self, host: &str) -> Option<(bool, RulePrecedence)> {
        let mut found: Vec<&Rule> = Vec::new();
        let mut suffix = Some(host);
        while let Some(name) = suffix {
            let own = name.len() == host.len();
            let rules = self.names.get(name).into_iter().flatten();
            found.extend(rules.filter(|rule| if own { rule.itself } else { rule.below }));
            suffix = name.split_once('.').map(|(_, rest)| rest);
        }
        let patterns = self.patterns.iter().zip(&self.matchers);
        found.extend(patterns.filter(|(_, matcher)| matcher.matches(host)).map(|(rule, _)| rule));
        found.retain(|rule| {
            let is_within = |name: &String| host == name || host.ends_with(&format!(".{name}"));
            rule.disables || !rule.except.iter().any(is_within)
        });
        let disabled = |rule: &Rule| {
            found.iter().any(|by| {
                by.disables
                    && by.pattern == rule.pattern
                    && by.labels == rule.labels
                    && by.allows == rule.allows
                    && by.important == rule.important
                    && by.except == rule.except
                    && by.is_conditional == rule.is_conditional
            })
        };
        let live: Vec<&Rule> =
            found.iter().copied().filter(|rule| !rule.disables && !disabled(rule)).collect();
        // Of each policy zone, the most specific name.
        let is_outdone = |rule: &Rule| {
            self.zones.contains(&rule.list)
                && live.iter().any(|other| other.list == rule.list && other.labels > rule.labels)
        };
        let decided = live.iter().filter(|rule| !is_outdone(rule)).map(|rule| {
            let row = match (rule.allows, rule.important) {
                (true, true) => 1,
                (false, true) => 2,
                (true, false) => 3,
                (false, false) if rule.rewrites => 4,
                (false, false) => 5,
            };
            (rule.allows, (row, -(rule.labels as isize), rule.list, rule.line))
        });
        decided.min_by_key(|(_, key)| *key)
    }
}
