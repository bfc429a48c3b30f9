//! A second opinion on adblock lists: Brave's `adblock` crate, as the browser uses it.
//!
//! A browser sees addresses of pages, and DNS sees names; so lines say different things to both. The rules of the lists
//! that DNS carries out are given to the crate, which is asked for `https://NAME/` as a page, as a script of a page
//! elsewhere and as a pop-up. Differences have a name each.

use adblock::Engine;
use adblock::lists::{FilterSet, ParseOptions};
use adblock::request::Request;

use crate::compare::ReadList;

pub(crate) struct Brave {
    engine: Engine,
}

/// A difference between the verdicts.
pub(crate) struct Difference {
    pub(crate) kind: String,
    pub(crate) about: String,
}

impl Brave {
    /// An engine with the lines of the lists that are rules for names.
    pub(crate) fn new(lists: &[ReadList]) -> Self {
        let mut set = FilterSet::new(true);
        for list in lists {
            let lines = list.text.lines().enumerate();
            let rules = lines.filter(|(number, _)| list.lines.contains(&(number + 1)));
            let rules: Vec<&str> =
                rules.map(|(_, line)| line.split(" #").next().unwrap_or_default().trim()).collect();
            let _ = set.add_filter_list(rules.join("\n"), ParseOptions::default());
        }
        Brave { engine: Engine::new_with_filter_set(set) }
    }

    /// How the verdict of the crate differs from the verdict by a rule.
    pub(crate) fn difference(
        &self,
        host: &str,
        is_blocked: bool,
        rule: impl Fn() -> Option<String>,
    ) -> Option<Difference> {
        let url = format!("https://{host}/");
        let (mut by, mut exception) = (None, None);
        for (kind, source) in
            [("script", "https://elsewhere.test/"), ("document", &*url), ("popup", &*url)]
        {
            let Ok(request) = Request::new(&url, source, kind, "") else { continue };
            let result = self.engine.check_network_request(&request);
            if result.should_block() {
                let rule = result.filter.and_then(|info| info.raw_line);
                by = by.or(rule).or_else(|| Some("unknown".into()));
            } else {
                exception = exception.or(result.exception.and_then(|info| info.raw_line));
            }
        }
        if by.is_some() == is_blocked {
            return None;
        }
        let rule = rule();
        let own = rule.as_deref().unwrap_or("no rule");
        let theirs = match (&by, &exception) {
            (Some(by), _) => by.clone(),
            (None, Some(exception)) => exception.clone(),
            (None, None) => "no rule".into(),
        };
        let kind = match is_blocked {
            true if exception.is_some() => "an exception of theirs",
            true => blocked_here(own),
            false if rule.is_some() => "an exception of ours",
            false => blocked_there(by.as_deref().unwrap_or_default()),
        };
        let about = format!("we by `{own}`, they by `{theirs}`");
        Some(Difference { kind: kind.into(), about })
    }
}

/// The kind of a rule that blocks here alone.
fn blocked_here(rule: &str) -> &'static str {
    match rule {
        _ if rule.starts_with('/') => {
            "regular expressions for a name, which the address of the page does not match"
        }
        _ if rule.contains("$popup") => "$popup, which is no request to them",
        _ if rule.contains("denyallow=") => "$denyallow without $domain, which is no rule to them",
        _ if rule.contains("dnstype=") => "$dnstype, which is no rule to them",
        _ if rule.starts_with("||") && rule.contains('*') => "a pattern anchored at a label",
        _ if rule.starts_with("||") => "a name with names below",
        _ if rule.starts_with('|') => {
            "a pattern for the beginning of a name, theirs of the address of the page"
        }
        _ => "a name alone",
    }
}

/// The kind of a rule that blocks there alone.
fn blocked_there(rule: &str) -> &'static str {
    let pattern = rule.split('$').next().unwrap_or_default();
    match pattern {
        _ if pattern.starts_with('/') => {
            "regular expressions, which match within the address of the page"
        }
        _ if pattern.starts_with("||") && !pattern.ends_with('^') => {
            "a name without an end, which is a beginning to them"
        }
        _ if pattern.starts_with("||") => "a name with names below, theirs alone",
        _ if pattern.starts_with('|') => "the beginning of an address of a page",
        _ if pattern.contains("://") => "the beginning of an address of a page",
        _ => "a name without anchors, which they find within any address",
    }
}
