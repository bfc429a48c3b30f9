use super::*;

/// An interface with addresses like `192.0.2.1/24`, and routes to these links.
fn interface(name: &str, addresses: &[&str]) -> Interface {
    let addresses: Vec<(IpAddr, u8)> = addresses.iter().map(|text| prefix(text)).collect();
    let routes = addresses.clone();
    Interface { name: name.into(), addresses, routes, ..Interface::default() }
}

/// Reads a text like `192.0.2.1/24`.
fn prefix(text: &str) -> (IpAddr, u8) {
    let (address, bits) = text.split_once('/').unwrap();
    (address.parse().unwrap(), bits.parse().unwrap())
}

fn wan(interface: Interface) -> Interface {
    Interface { default_route: true, ..interface }
}

fn tunnel(interface: Interface, routes: &[&str]) -> Interface {
    let routes = routes.iter().map(|text| prefix(text)).collect();
    Interface { tunnel: true, routes, ..interface }
}

/// Whether clients with these addresses are nearby, on a machine with these interfaces.
fn served<const N: usize>(interfaces: &[Interface], clients: [&str; N]) -> [bool; N] {
    let nearby = Nearby::of(interfaces).prefixes;
    clients.map(|client| {
        let client = client.parse().unwrap();
        nearby.iter().any(|prefix| prefix.contains(client))
    })
}

#[test]
fn private_and_link_local_clients_alone_are_nearby_on_any_machine() {
    let near =
        ["127.0.0.9", "10.1.2.3", "172.31.0.1", "192.168.9.9", "169.254.1.1", "fe80::1", "fd00::1"];
    assert_eq!(served(&[], near), [true; 7]);
    let far = ["100.64.0.1", "172.32.0.1", "203.0.113.1", "2001:db8::1", "fec0::1", "::2"];
    assert_eq!(served(&[], far), [false; 6]);
}

#[test]
fn a_home_has_addresses_of_the_whole_internet() {
    let wlan = wan(interface("wlan0", &["192.168.1.5/24", "2001:db8:7:1::5/64", "fe80::5/64"]));
    let clients = ["2001:db8:7:1:aaaa::1", "2001:db8:7:1::5", "2001:db8:7:2::1"];
    assert_eq!(served(&[wlan], clients), [true, true, false]);
    // With IPv6 alone, the unique local prefix of the router shows a home.
    let alone = wan(interface("wlan0", &["fd12:3456::5/64", "2001:db8:7:1::5/64"]));
    assert_eq!(served(&[alone], ["2001:db8:7:1:aaaa::1"]), [true]);
    // A private link beside a public link says nothing.
    let (lan, dmz) =
        (interface("eth0", &["192.168.1.1/24"]), interface("eth1", &["2001:db8:7:9::1/64"]));
    assert_eq!(served(&[lan, dmz], ["2001:db8:7:9::2"]), [false]);
}

#[test]
fn an_address_without_prefix_is_on_the_link_of_the_router_advertisement() {
    // An address from DHCPv6, with a route from a router advertisement.
    let mut wlan = wan(interface("wlan0", &["10.0.0.5/24", "2001:db8:7:1::1234/128"]));
    assert_eq!(served(std::slice::from_ref(&wlan), ["2001:db8:7:1::2"]), [false]);
    wlan.routes.push(prefix("2001:db8:7:1::/64"));
    // A prefix without an address of the machine.
    wlan.routes.push(prefix("2001:db8:7:2::/64"));
    assert_eq!(served(&[wlan], ["2001:db8:7:1::2", "2001:db8:7:2::2"]), [true, false]);
}

#[test]
fn a_prefix_larger_than_a_site_is_no_link() {
    let wide = |bits: u8| interface("eth0", &["192.168.1.5/24", &format!("2001:db8:7::5/{bits}")]);
    assert_eq!(served(&[wide(48)], ["2001:db8:7:ffff::1"]), [true]);
    assert_eq!(served(&[wide(47)], ["2001:db8:7:ffff::1"]), [false]);
}

#[test]
fn the_neighbours_of_a_rented_server_are_strangers() {
    let eth = wan(interface("eth0", &["203.0.113.10/24", "2001:db8:1:2::10/64", "fe80::10/64"]));
    let lo = Interface { loopback: true, ..interface("lo", &["127.0.0.1/8", "::1/128"]) };
    let clients = ["203.0.113.11", "2001:db8:1:2::11", "203.0.113.10", "2001:db8:1:2::10"];
    assert_eq!(served(&[lo, eth.clone()], clients), [false, false, true, true], "but for itself");
    // A private network beside the public link changes nothing.
    let private = interface("eth1", &["10.0.0.2/24"]);
    assert_eq!(served(&[eth, private], clients), [false, false, true, true]);
}

#[test]
fn customers_of_the_same_provider_are_strangers() {
    let eth = wan(interface("eth0", &["100.70.1.2/20"]));
    assert_eq!(served(&[eth], ["100.70.1.3", "100.100.1.1", "100.70.1.2"]), [false, false, true]);
    // The line of a modem is point-to-point too, and has the default route.
    let line = wan(tunnel(interface("wwan0", &["100.70.1.2/30"]), &["100.70.1.0/30"]));
    assert_eq!(served(&[line], ["100.70.1.1", "100.70.1.2"]), [false, true]);
    // An interface that is not preferred at the moment is no home either: both lead to everywhere.
    let line = wan(tunnel(
        interface("wwan0", &["10.70.1.2/30", "2001:db8:9::2/64"]),
        &["2001:db8:9::/64"],
    ));
    let wlan = wan(interface("wlan0", &["192.168.1.5/24"]));
    assert_eq!(served(&[wlan, line], ["2001:db8:9::1"]), [false]);
}

#[test]
fn the_far_end_of_a_tunnel_is_nearby() {
    let eth = wan(interface("eth0", &["100.70.1.2/20", "2001:db8:1:2::10/64"]));
    let peers = ["100.101.102.103/32", "100.100.100.100/32", "fd7a:115c:a1e0::/48"];
    let tailscale =
        tunnel(interface("tailscale0", &["100.99.1.1/32", "fd7a:115c:a1e0::1/128"]), &peers);
    let clients = ["100.101.102.103", "100.99.1.1", "100.70.1.3", "100.101.102.104"];
    assert_eq!(served(&[eth.clone(), tailscale.clone()], clients), [true, true, false, false]);
    let whole = tunnel(interface("utun3", &["100.99.1.1/32"]), &["100.64.0.0/10"]);
    assert_eq!(served(&[eth.clone(), whole.clone()], ["100.101.102.104"]), [true]);
    // With the default route through the tunnel, other customers use the same tunnel.
    assert_eq!(served(&[eth, wan(whole)], ["100.101.102.104", "100.99.1.1"]), [false, true]);
    // An interface without tunnel may lead to the network of the provider.
    let plain = interface("eth1", &["100.99.1.1/24"]);
    assert_eq!(served(&[plain], ["100.99.1.2"]), [false]);
    // A tunnel to a wider prefix leads to a provider of a different kind.
    let wide = tunnel(interface("wg0", &["100.99.1.1/32"]), &["96.0.0.0/4"]);
    assert_eq!(served(&[wide], ["100.101.102.104"]), [false]);
}

#[test]
fn prefixes_are_listed_once_and_their_number_is_bounded() {
    let lan = interface("eth0", &["192.168.1.5/24", "fd00::5/64", "fe80::5/64"]);
    assert_eq!(Nearby::of(&[lan]), Nearby::anywhere());
    let many: Vec<String> =
        (0..=MAX_PREFIXES).map(|n| format!("203.{}.{}.1/24", n / 256, n % 256)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let all_but_one = Nearby::of(&[interface("eth0", &many[1..])]);
    assert_eq!(
        (all_but_one.prefixes.len(), all_but_one.left_out),
        (ALWAYS.len() + MAX_PREFIXES, 0)
    );
    let nearby = Nearby::of(&[interface("eth0", &many)]);
    assert_eq!((nearby.prefixes.len(), nearby.left_out), (ALWAYS.len() + MAX_PREFIXES, 1));
}
