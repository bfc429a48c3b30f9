//! The output of an answer: its records in zone-file format, then a line beginning with `;;`.

use std::io::IsTerminal;

use anstyle::Style;
use zoners_api::{AdminReply, AnswerSource, DnssecStatus, EdeReport, LookupReport};

use super::idn;
use super::options::PlusOptions;
use crate::output::println;
use crate::print::{self, DIM, GREEN, RED, YELLOW, clean, wrapped};

/// Columns of a reason.
const WIDTH: usize = 78;

/// The answer, according to the options.
pub(super) fn report(report: &LookupReport, options: &PlusOptions) {
    if options.json {
        let trace = report.trace.clone().filter(|_| options.trace);
        let signatures = if options.dnssec { report.signatures.clone() } else { Vec::new() };
        let report = LookupReport { trace, signatures, ..report.clone() };
        return println!("{}", AdminReply::from(report).to_line());
    }
    if options.trace && report.trace.is_some() {
        print::trace(report).iter().for_each(|line| println!("{line}"));
    }
    let text = AnswerText { report, options, script: shows_script(options) };
    text.lines().iter().for_each(|line| println!("{line}"));
}

/// Whether internationalised names are shown in their own script: as requested, else at a terminal.
fn shows_script(options: &PlusOptions) -> bool {
    options.idn_out.unwrap_or_else(|| std::io::stdout().is_terminal())
}

/// An answer as text.
struct AnswerText<'a> {
    report: &'a LookupReport,
    options: &'a PlusOptions,
    script: bool,
}

impl AnswerText<'_> {
    fn lines(&self) -> Vec<String> {
        let LookupReport { answer, authority, signatures, .. } = self.report;
        if self.options.short {
            return answer.iter().filter_map(|line| self.data(line)).collect();
        }
        let mut lines = Vec::new();
        if self.options.answer {
            lines.extend(answer.iter().map(|line| self.record(line)));
            let signatures = signatures.iter().filter(|_| self.options.dnssec);
            lines.extend(signatures.map(|line| self.record(line)));
        }
        if self.options.authority {
            lines.extend(authority.iter().map(|line| self.record(line)));
        }
        if self.options.comments {
            lines.extend(self.remark());
            lines.extend(self.reasons());
            lines.push(format!(";; {}: {}", self.report.r#type, self.status()));
        }
        lines
    }

    fn record(&self, line: &str) -> String {
        let line = clean(line);
        if self.script { idn::line_to_script(&line) } else { line }
    }

    /// The RDATA of a record in zone-file format.
    fn data(&self, line: &str) -> Option<String> {
        let record = self.record(line);
        record.splitn(5, ' ').nth(4).map(str::to_owned)
    }

    /// A remark on an answer without records.
    fn remark(&self) -> Option<String> {
        let LookupReport { name, r#type, rcode, answer, .. } = self.report;
        let of_type = format!(" IN {type} ");
        let chaos = format!(" CH {type} ");
        let has_type = |line: &String| line.contains(&of_type) || line.contains(&chaos);
        let (style, what): (Style, _) = match rcode.as_str() {
            "SERVFAIL" => (RED, "no answer".to_owned()),
            "NXDOMAIN" => (YELLOW, "no such name".to_owned()),
            "NOERROR" if answer.iter().any(has_type) => return None,
            "NOERROR" if r#type == "ANY" && !answer.is_empty() => return None,
            "NOERROR" => (YELLOW, "no records of this type".to_owned()),
            other => (RED, format!("no answer: the response code is {other}")),
        };
        Some(format!("{style};; {} {type}: {what}{style:#}", self.record(name)))
    }

    /// The reasons for a failure, or faults of the answer.
    fn reasons(&self) -> Vec<String> {
        let Some(EdeReport { code, meaning, text }) = &self.report.ede else { return Vec::new() };
        let text = match clean(text) {
            empty if empty.is_empty() => String::new(),
            // The full stop of a sentence stands after the brackets, if anywhere; the dot of a name stays.
            text if text.starts_with(char::is_uppercase) => {
                format!("{} ", text.trim_end_matches('.'))
            }
            text => format!("{text} "),
        };
        let why = format!("{text}(EDE {code}: {})", clean(meaning));
        wrapped(&why, WIDTH).iter().map(|line| format!(";;   {line}")).collect()
    }

    /// DNSSEC status, time and source.
    fn status(&self) -> String {
        let report = self.report;
        let from = match &report.server {
            Some(server) => {
                let name = server.name.as_ref().map(|name| format!(" ({})", clean(name)));
                let over = match server.transport.as_str() {
                    "udp" => String::new(),
                    transport => format!(" over {transport}"),
                };
                format!("from {}{}{over}", clean(&server.address), name.unwrap_or_default())
            }
            None => String::new(),
        };
        let source = match report.source {
            AnswerSource::Cache => "from the cache".to_owned(),
            AnswerSource::Stale => "stale: expired, and no server responded in time".to_owned(),
            AnswerSource::Local => "from local data".to_owned(),
            AnswerSource::Network if from.is_empty() => "from the network".to_owned(),
            AnswerSource::Network | AnswerSource::Server => from,
        };
        let took = format!("{:.1} ms", report.took_ms);
        let proven = match (report.source, report.dnssec) {
            (AnswerSource::Local, _) => None,
            (AnswerSource::Server, _) => Some(self.claimed()),
            (_, DnssecStatus::Secure) => Some(format!("{GREEN}DNSSEC secure{GREEN:#}")),
            (_, DnssecStatus::Insecure) => Some("DNSSEC insecure (unsigned zone)".to_owned()),
            (_, DnssecStatus::Bogus) => Some(format!("{RED}DNSSEC bogus{RED:#}")),
            (_, DnssecStatus::Unchecked) => Some(format!("{DIM}DNSSEC not checked{DIM:#}")),
        };
        let parts: Vec<String> = proven.into_iter().chain([took, source]).collect();
        parts.join(", ")
    }

    /// The claims of a server asked directly, with the flags of the reply.
    fn claimed(&self) -> String {
        let flags = &self.report.flags;
        let has = |flag: &str| flags.iter().any(|other| other == flag);
        let claim = match (has("ad"), has("aa"), self.report.rcode.as_str()) {
            (_, _, rcode) if !matches!(rcode, "NOERROR" | "NXDOMAIN") => rcode,
            (true, _, _) => "validated by the server",
            (false, true, _) => "authoritative",
            (false, false, _) => "not validated",
        };
        format!("{claim} (flags {})", flags.join(" "))
    }
}

#[cfg(test)]
mod tests;
