//! `route -n get -inet default` and `-inet6` (macOS and the BSDs): the route of packets to far away.

use std::net::{IpAddr, Ipv4Addr};

use crate::interfaces::Interface;

/// The route of packets to far away, of one address family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FarRoute {
    /// The router; none for a tunnel or a link without one.
    pub(crate) gateway: Option<IpAddr>,
    /// The name of the interface.
    pub(crate) interface: String,
}

/// The route in a text; none where there is no route. The zone of a link-local router is the interface, and is left out.
pub(crate) fn far_route(text: &str) -> Option<FarRoute> {
    let field = |wanted: &str| {
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        Some(fields.find(|(key, _)| key.trim() == wanted)?.1.trim())
    };
    let gateway = field("gateway").and_then(|text| text.split('%').next()?.parse().ok());
    Some(FarRoute { gateway, interface: field("interface")?.to_owned() })
}

/// The router of IPv4.
pub(crate) fn gateway(text: &str) -> Option<Ipv4Addr> {
    match far_route(text)?.gateway {
        Some(IpAddr::V4(gateway)) => Some(gateway),
        Some(IpAddr::V6(_)) | None => None,
    }
}

impl FarRoute {
    /// Notes the route at its interface.
    pub(crate) fn note_in(&self, interfaces: &mut [Interface]) {
        let of_route = |interface: &&mut Interface| interface.name == self.interface;
        if let Some(interface) = interfaces.iter_mut().find(of_route) {
            interface.default_route = true;
            interface.gateways.push((self.gateway, 0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From github.com/dylanaraps/neofetch/pull/2361.
    const MAC: &str = "   route to: default
destination: default
       mask: default
    gateway: 10.62.96.1
  interface: en0
      flags: <UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL>
 recvpipe  sendpipe  ssthresh  rtt,msec    rttvar  hopcount      mtu     expire
       0         0         0         0         0         0      1500         0
";

    #[test]
    fn the_router_of_the_default_route_is_found() {
        assert_eq!(gateway(MAC), Some(Ipv4Addr::new(10, 62, 96, 1)));
        assert_eq!(gateway(&MAC.replace("10.62.96.1", "link#12")), None, "a tunnel");
        assert_eq!(gateway("route: writing to routing socket: not in table\n"), None);
        assert_eq!(gateway(""), None);
    }

    /// The form of IPv6, as in the tests of several projects (the router of `route -n get -inet6 default`).
    const MAC_IPV6: &str = "   route to: default
destination: default
       mask: default
    gateway: fe80::1%en0
  interface: en0
      flags: <UP,GATEWAY,DONE,STATIC>
";

    #[test]
    fn a_route_is_noted_at_its_interface() {
        let named = |name: &str| Interface { name: name.to_owned(), ..Interface::default() };
        let mut interfaces = [named("lo0"), named("en0"), named("utun2")];
        let texts = [MAC.to_owned(), MAC_IPV6.to_owned(), String::new(), MAC.replace("en0", "en7")];
        texts.iter().filter_map(|text| far_route(text)).for_each(|it| it.note_in(&mut interfaces));
        let (v4, v6) = ("10.62.96.1".parse().unwrap(), "fe80::1".parse().unwrap());
        assert_eq!(interfaces[1].gateways, [(Some(v4), 0), (Some(v6), 0)]);
        assert!(interfaces[1].default_route && !interfaces[2].default_route);
        let tunnel = MAC.replace("10.62.96.1", "link#12").replace("en0", "utun2");
        far_route(&tunnel).unwrap().note_in(&mut interfaces);
        assert_eq!(interfaces[2].gateways, [(None, 0)]);
    }
}
