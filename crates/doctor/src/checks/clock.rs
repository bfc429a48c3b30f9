//! A wrong clock makes signatures look expired or premature.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput, span};
use crate::finding::{Culprit, DoctorFinding};

/// A difference from an HTTP server, in seconds, beyond any delay of the network.
const WRONG_BY_S: u64 = 600;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let clock = &input.seen.clock;
    let trusted = input.line_carries_dns() && !input.has_portal();
    let now = clock.now_s;
    let all = |outside: fn(i64, (i64, i64)) -> bool| {
        trusted
            && !clock.windows.is_empty()
            && clock.windows.iter().all(|window| outside(now, *window))
    };
    let ahead = all(|now, (_, expires)| now > expires);
    let behind = all(|now, (begins, _)| now < begins);
    let http =
        clock.ahead_of_http_s.filter(|off| !input.has_portal() && off.unsigned_abs() > WRONG_BY_S);
    let daemon = input.seen.daemon.status.as_ref().and_then(|status| status.clock_wrong_by_s);
    if !(ahead || behind) && http.is_none() {
        if clock.ahead_of_http_s.is_some() || !clock.windows.is_empty() {
            output.is_sound("Clock", "right, as signatures and servers tell");
        }
        return;
    }
    let severity = if ahead || behind { Severity::Error } else { Severity::Warning };
    let way = if ahead || http.is_some_and(|off| off > 0) { "ahead" } else { "behind" };
    let nearest = clock.windows.iter().map(|(begins, expires)| match ahead {
        true => now - expires,
        false => begins - now,
    });
    let least = nearest.min().filter(|_| ahead || behind);
    let off = http.or(daemon).map(|off| format!(" by {}", span(off.unsigned_abs())));
    let off =
        off.or_else(|| least.map(|least| format!(" by {} or more", span(least.unsigned_abs()))));
    output.find(
        DoctorFinding::new(
            "clock-wrong",
            Culprit::Machine,
            severity,
            format!("The clock of this machine is {way}{}.", off.unwrap_or_default()),
        )
        .because_also((ahead || behind).then(|| {
            format!(
                "By this clock, all {} signatures of the root are invalid.",
                clock.windows.len()
            )
        }))
        .because_also(
            http.map(|off| format!("An HTTP server differs by {}.", span(off.unsigned_abs()))),
        )
        .advise("Set the clock, and keep it set by NTP.", input.seen.system.set_clock()),
    );
}
