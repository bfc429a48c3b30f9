//! Ways out that carry no DNS: no network, a firewall of this machine, a dead router, a dead line, a filter, an
//! interception.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::command_lines::REPORT;
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::FamilyObservation;
use crate::way_state::WayState;

/// Without any way that works, the first family makes an error, and a family with a different cause a warning. A broken
/// family beside a working one belongs to the check of families.
pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    if input.ways.is_empty() {
        output.find(no_network(input));
        return;
    }
    if input.has_portal() {
        return;
    }
    let mut causes: Vec<WayState> = Vec::new();
    let works = input.ways.iter().any(|(_, state)| *state == WayState::Works);
    for (seen, state) in &input.ways {
        let is_partial = state.carries_dns();
        if (works && !is_partial) || causes.contains(state) {
            continue;
        }
        if let Some(finding) = finding(seen, *state, input) {
            let severity = if causes.is_empty() { finding.severity } else { Severity::Warning };
            output.find(DoctorFinding { severity, ..finding });
            causes.push(*state);
        }
    }
}

fn no_network(input: &CheckInput) -> DoctorFinding {
    let finding = DoctorFinding::new(
        "no-network",
        Culprit::Machine,
        Severity::Error,
        "This machine is connected to no network that leads to the Internet.",
    );
    let links = input.seen.links.iter().map(|link| match link.addresses.as_slice() {
        [] => format!("{} is up, without an address.", link.name),
        addresses => format!("{} has {}, and no default route.", link.name, addresses.join(", ")),
    });
    let none =
        input.seen.links.is_empty().then(|| "No link is up but the loopback interface.".to_owned());
    let finding = links.chain(none).fold(finding, DoctorFinding::because);
    finding.advise(
        "Plug in the cable, or join a Wi-Fi network; then look at links and addresses.",
        input.seen.system.addresses(),
    )
}

/// The finding for a way that does not work fully.
pub(super) fn finding(
    seen: &FamilyObservation,
    state: WayState,
    input: &CheckInput,
) -> Option<DoctorFinding> {
    let new = |id, culprit, severity, sentence: String| {
        Some(DoctorFinding::new(id, culprit, severity, sentence).because(root_servers(seen)))
    };
    let router = seen.router.as_ref().map(|router| router.address.clone()).unwrap_or_default();
    match state {
        WayState::Absent | WayState::Works => None,
        WayState::Forbidden => {
            let severity = if seen.tcp.replied > 0 { Severity::Warning } else { Severity::Error };
            let sentence = "A firewall on this machine forbids its queries to port 53.";
            new("own-firewall", Culprit::Machine, severity, sentence.to_owned()).map(|found| {
                found.advise("Allow outgoing UDP and TCP to port 53.", input.seen.system.firewall())
            })
        }
        WayState::RouterSilent => {
            let sentence = format!("The router {router} does not respond.");
            new("router-silent", Culprit::Router, Severity::Error, sentence).map(|found| {
                found.because_also(about_router(seen)).advise(
                    "Restart the router, and check the cable or the Wi-Fi.",
                    format!("ping -c 3 {router}"),
                )
            })
        }
        WayState::LineDown => {
            let sentence =
                "The router responds, and nothing behind the router does: the line is down.";
            new("line-down", Culprit::Provider, Severity::Error, sentence.to_owned()).map(|found| {
                found.because_also(about_router(seen)).advise(
                    "Restart the modem; if that does not help, send the report to your provider.",
                    REPORT,
                )
            })
        }
        WayState::DnsBlocked { by_router } => new(
            "dns-blocked",
            filter(by_router),
            Severity::Error,
            format!("{} lets no DNS queries (port 53) pass.", device(by_router)),
        )
        .map(|found| {
            let operator = "Ask the operator of the network to let port 53 pass.";
            detour(found.because_also(passes(seen)), operator, input)
        }),
        WayState::Intercepted { by_router } => {
            let operator = "Ask the operator of the network to switch off the interception.";
            Some(detour(intercepted(seen, by_router), operator, input))
        }
        WayState::UdpBlocked { by_router } => Some(partial(seen, "UDP", "udp-blocked", by_router)),
        WayState::TcpBlocked { by_router } => Some(partial(seen, "TCP", "tcp-blocked", by_router)),
    }
}

/// The way of names while the network lets no DNS of ours pass: Zoners asks the network's resolver by itself, and
/// without validation only with the operator's consent.
fn detour(found: DoctorFinding, operator: &str, input: &CheckInput) -> DoctorFinding {
    let daemon = &input.seen.daemon;
    let status = daemon.status.as_deref();
    match status.and_then(|status| status.network.strategy.as_deref()) {
        Some(strategy) if strategy.forwards() => {
            let found = DoctorFinding { severity: Severity::Warning, ..found };
            let text =
                format!("Until then, Zoners resolves names by {}.", strategy.resolvers.join(", "));
            found.because(text).advise(operator, "zoners network")
        }
        Some(strategy) if strategy.needs_consent => {
            let file = status.and_then(|status| status.config.clone());
            let file = file.unwrap_or_else(|| "/etc/zoners/zoners.toml".to_owned());
            found.because("The network's resolver answers, but nothing can be validated.").advise(
                format!("{operator} If you accept forged answers: network.when-unvalidated = \"forward\"."),
                format!("sudo nano {file}; sudo zoners reload"),
            )
        }
        None if !daemon.is_installed => found.advise(
            format!("{operator} Until then, Zoners as a service asks the network's resolver."),
            "sudo zoners install",
        ),
        _ => found.advise(operator, REPORT),
    }
}

fn partial(seen: &FamilyObservation, transport: &str, id: &str, by_router: bool) -> DoctorFinding {
    let effect = match transport {
        "UDP" => "names resolve over TCP, and more slowly",
        _ => "long answers fail",
    };
    let sentence = format!("{} lets no DNS over {transport} pass: {effect}.", device(by_router));
    let finding = DoctorFinding::new(id, filter(by_router), Severity::Warning, sentence);
    finding.because(root_servers(seen)).advise(
        format!("Ask the operator of the network to let {transport} to port 53 pass."),
        REPORT,
    )
}

fn intercepted(seen: &FamilyObservation, by_router: bool) -> DoctorFinding {
    let traits = &seen.traits;
    let keeps_signatures =
        traits.unsigned == 0 && traits.failures == 0 && traits.random_answered == 0;
    let (severity, effect) = match keeps_signatures {
        true => (Severity::Warning, "answers can be proven nevertheless"),
        false => (Severity::Error, "answers cannot be proven"),
    };
    let of = traits.replies;
    let refuses = of > 0 && traits.failures * 2 > of;
    let deed = if refuses { "refuses" } else { "answers" };
    let effect = if refuses { "no name resolves" } else { effect };
    let sentence = format!(
        "{} {deed} DNS queries in the place of the servers asked; {effect}.",
        device(by_router)
    );
    let count =
        |count: u32, text: &str| (count > 0).then(|| format!("{count} of {of} replies {text}."));
    DoctorFinding::new("intercepted", filter(by_router), severity, sentence)
        .because(root_servers(seen))
        .because_also(count(traits.not_authoritative, "of root servers lack AA"))
        .because_also(count(traits.recursion_available, "of root servers offer recursion (RA)"))
        .because_also(count(traits.unsigned, "have no signature"))
        .because_also(count(traits.failures, "are failures such as REFUSED"))
        .because_also(
            (traits.random_answered > 0)
                .then(|| "A random name that does not exist got an address.".to_owned()),
        )
        .because_also(
            seen.dark_address_replied
                .then(|| "An address without a server replied to a query.".to_owned()),
        )
        .because_also(
            seen.first_hop_replied
                .then(|| "A query that cannot pass the router got a reply.".to_owned()),
        )
        .because_also(
            (!traits.identities.is_empty())
                .then(|| format!("The server calls itself {}.", traits.identities.join(", "))),
        )
        .because_also(seen.is_one_server().then(|| {
            format!("{} different root servers give themselves one name.", traits.same_named)
        }))
}

const fn filter(by_router: bool) -> Culprit {
    if by_router { Culprit::Router } else { Culprit::Provider }
}

const fn device(by_router: bool) -> &'static str {
    if by_router { "The router" } else { "The network behind the router" }
}

fn root_servers(seen: &FamilyObservation) -> String {
    format!(
        "Root servers over {}: UDP {}; TCP {}.",
        seen.family,
        seen.udp().describe(),
        seen.tcp.describe()
    )
}

fn about_router(seen: &FamilyObservation) -> Option<String> {
    let router = seen.router.as_ref()?;
    let echo = router.echo.map(|echo| format!("ping: {}", echo.describe()));
    let known = match router.is_neighbour {
        Some(true) => "its hardware address is known",
        Some(false) => "its hardware address cannot be found",
        None => "its hardware address is not told",
    };
    let echo = echo.unwrap_or_else(|| "ping: not allowed for this user".to_owned());
    Some(format!("Router {}: {echo}; {known}.", router.address))
}

fn passes(seen: &FamilyObservation) -> Option<String> {
    let echoed = seen.echo.filter(|echo| echo.replied > 0);
    if let Some(echo) = echoed {
        return Some(format!("The same servers reply to ping: {}.", echo.describe()));
    }
    let refused = seen.udp().refused + seen.tcp.refused;
    if refused > 0 {
        return Some("The network reports closed ports, which root servers never have.".to_owned());
    }
    seen.passage.other.then(|| "Packets to other ports pass the router.".to_owned())
}
