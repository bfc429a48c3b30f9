//! Pages with known content, whose replies show a captive portal.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::timeout;
use zoners_dns::{Network, Question, Rtype, name};
use zoners_http::fetch;
use zoners_networks::{PortalReply, PortalVerdict, judge_reply};
use zoners_resolver::Resolver;

use crate::config::PortalProbe;

/// The longest wait for the address of a page, and for the reply of HTTP.
const PATIENCE: Duration = Duration::from_secs(3);
/// Octets of content that are read.
const MAX_CONTENT: usize = 8 * 1024;
/// Addresses of a name that are tried.
const MAX_ADDRESSES: usize = 2;

/// What the pages show.
#[derive(Clone, Debug)]
pub(super) struct PageFinding {
    pub(super) verdict: PortalVerdict,
    /// The host to which a portal sends its users.
    pub(super) portal_host: Option<String>,
}

/// Asks for one page after the other until a reply tells.
pub(super) async fn probe_pages<N: Network>(
    resolver: &Resolver<N>,
    probes: &[PortalProbe],
    own_addresses: &[IpAddr],
) -> PageFinding {
    for probe in probes {
        for address in addresses(resolver, &probe.host, own_addresses).await {
            let request = (&*probe.host, &*probe.path);
            let address = SocketAddr::new(address, probe.port);
            let Ok(reply) = fetch(address, request, PATIENCE, MAX_CONTENT).await else { continue };
            let content = String::from_utf8_lossy(&reply.content);
            let location = reply.location.as_deref();
            let reply = PortalReply { status: reply.status, location, content: &content };
            let (verdict, portal_host) = judge_reply(reply, &probe.expected);
            if verdict != PortalVerdict::Unclear {
                return PageFinding { verdict, portal_host };
            }
        }
    }
    PageFinding { verdict: PortalVerdict::Unclear, portal_host: None }
}

/// Some addresses of a host.
async fn addresses<N: Network>(
    resolver: &Resolver<N>,
    host: &str,
    own_addresses: &[IpAddr],
) -> Vec<IpAddr> {
    let Ok(name) = name::parse(host) else { return Vec::new() };
    let question = Question::new(name, Rtype::A);
    let Ok(Ok(answer)) = timeout(PATIENCE, resolver.resolve(&question, None)).await else {
        return Vec::new();
    };
    let records = answer.answer.iter().filter(|set| set.rtype == Rtype::A);
    let addresses = records.flat_map(|set| set.addresses());
    addresses.filter(|ip| is_foreign(*ip, own_addresses)).take(MAX_ADDRESSES).collect()
}

/// Whether an address may be that of a portal. An address of this machine is not: the request would reach a service here.
pub(super) fn is_foreign(address: IpAddr, own_addresses: &[IpAddr]) -> bool {
    !address.is_loopback() && !address.is_unspecified() && !own_addresses.contains(&address)
}
