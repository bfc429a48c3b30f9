//! `route -n get -inet default` (macOS and the BSDs): the route of packets to far away.

use std::net::Ipv4Addr;

/// The router of the route; none for a tunnel or a link without one.
pub(crate) fn gateway(text: &str) -> Option<Ipv4Addr> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.trim() == "gateway")?.1.trim().parse().ok()
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
}
