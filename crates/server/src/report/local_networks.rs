//! The networks of the machine as the type of `zoners_api`.

use std::net::IpAddr;

use crate::config::{NetworkRoute, RouteReason};
use zoners_api::{
    DefaultRouteReport, DnsSettingsReport, LinkReport, LocalNetworks, NetworkRouteReport,
};
use zoners_host::networks::{
    DefaultRoute, DnsSettings, LinkFacts, LinkKind, NetworkFacts, NetworkId,
};

/// The report of these facts and the routes made of them.
#[must_use]
pub fn local_networks(
    facts: &NetworkFacts,
    id: Option<NetworkId>,
    routes: &[NetworkRoute],
) -> LocalNetworks {
    LocalNetworks {
        network: id.map(|id| id.to_string()),
        strategy: None,
        links: facts.links.iter().map(link).collect(),
        default_routes: facts.default_routes.iter().map(default_route).collect(),
        machine: facts.unassigned.iter().map(|it| settings(it, !it.resolvers.is_empty())).collect(),
        routes: routes.iter().map(route).collect(),
    }
}

fn link(link: &LinkFacts) -> LinkReport {
    let is_in_use = |own: &DnsSettings| link.in_use().any(|used| std::ptr::eq(used, own));
    let nat64 = link.nat64_prefixes().into_iter();
    LinkReport {
        name: link.name.clone(),
        index: link.index,
        kind: kind(link.kind).to_owned(),
        addresses: link.addresses.iter().map(prefix).collect(),
        gateways: link.gateways.iter().map(ToString::to_string).collect(),
        dns: link.settings.iter().map(|own| settings(own, is_in_use(own))).collect(),
        dhcp_domain: link.dhcp_domain().map(str::to_owned),
        dhcp_server: link.dhcp_server().map(|server| server.to_string()),
        portal_api: link.portal_api().map(str::to_owned),
        nat64_prefixes: nat64.map(|(ip, bits)| prefix(&(ip.into(), bits))).collect(),
    }
}

fn default_route(route: &DefaultRoute) -> DefaultRouteReport {
    let gateway = route.gateway.map(|gateway| gateway.to_string());
    DefaultRouteReport { link: route.link.clone(), gateway, metric: route.metric }
}

fn settings(settings: &DnsSettings, in_use: bool) -> DnsSettingsReport {
    let resolver = |resolver: &zoners_host::networks::ResolverAddress| {
        let name = resolver.tls_name.iter().map(|name| format!("#{name}"));
        format!("{}{}", resolver.address, name.collect::<String>())
    };
    let routing = settings.routing_domains.iter();
    DnsSettingsReport {
        source: settings.source.to_string(),
        in_use,
        resolvers: settings.resolvers.iter().map(resolver).collect(),
        search_domains: settings.search_domains.clone(),
        routing_domains: routing
            .map(|it| if it.is_empty() { ".".into() } else { it.clone() })
            .collect(),
        takes_other_names: settings.serves_other_names(),
    }
}

fn route(route: &NetworkRoute) -> NetworkRouteReport {
    let reason = match route.reason {
        RouteReason::Vpn => "vpn",
        RouteReason::VpnReverse => "vpn-reverse",
        RouteReason::DhcpDomain => "dhcp-domain",
        RouteReason::HomeDomain => "home-domain",
        RouteReason::Reverse => "reverse",
    };
    NetworkRouteReport {
        zone: super::text(&route.zone),
        servers: route.servers.iter().map(ToString::to_string).collect(),
        link: route.link.0.clone(),
        reason: reason.to_owned(),
        validate: route.validate,
    }
}

fn prefix((address, bits): &(IpAddr, u8)) -> String {
    format!("{address}/{bits}")
}

fn kind(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Ethernet => "ethernet",
        LinkKind::Wireless => "wireless",
        LinkKind::Mobile => "mobile",
        LinkKind::Tunnel => "tunnel",
        LinkKind::Bridge => "bridge",
        LinkKind::Loopback => "loopback",
        LinkKind::Unknown => "unknown",
    }
}
