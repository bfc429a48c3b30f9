"""Visits of a laptop to networks: what each has to give, and what may not happen there."""

from . import clients
from .laptop import ANY, PORTAL, WWW, fresh
from .machine import Failure

# From the moment of a route to the first right answer: the chain of round trips, which takes no time here, and a second.
MAX_FIRST_ANSWER_SECONDS = 1.0
CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def expect(condition, what, laptop):
    if not condition:
        raise Failure(f"{what}\n{laptop.state()}")


def first_right(laptop, told, right=(ANY,), limit=MAX_FIRST_ANSWER_SECONDS):
    """How long after the route the first right answer came; nothing else may have been answered."""
    wrong = [asked for asked in told["asked"] if asked[3] is not None and asked[3] not in right]
    expect(not wrong, f"wrong answers: {wrong[:3]}", laptop)
    expect(told["routed"] is not None, "there was no route", laptop)
    after = [end for begin, end, _, address in told["asked"] if address in right and end >= told["routed"]]
    expect(after, f"no right answer: {told['asked'][-3:]}", laptop)
    took = max(min(after) - told["routed"], 0)
    failed = [asked for asked in told["asked"] if asked[0] > told["routed"] + took and asked[3] is None]
    late = len(failed)
    laptop.say(f"route after {told['routed']:.1f} s; the first right answer {took:.2f} s later; {late} names failed "
               "afterwards")
    for asked in failed[:3]:
        laptop.say(f"  failed: from {asked[0]} to {asked[1]} s: {asked[2]}")
    expect(took <= limit, f"the first right answer took {took:.2f} s, more than {limit} s", laptop)
    return took


def leaked(laptop, seen, *parts):
    """No query with one of these parts in its name may have been seen."""
    bad = [(to, name) for to, name in seen if any(part in name for part in parts)]
    expect(not bad, f"these queries were on the wire: {bad[:5]}", laptop)


@case
def home(laptop):
    """A home whose router has names for devices."""
    laptop.watch_wire("home")
    expect(laptop.ask("printer.fritz.box") == ("NOERROR", "10.1.0.33"), "the printer has no address", laptop)
    expect(laptop.resolves("printer.fritz.box") == "10.1.0.33", "getent finds no printer", laptop)
    reverse = laptop.ask("33.0.1.10.in-addr.arpa", "PTR")
    expect(reverse == ("NOERROR", "printer.fritz.box."), f"the printer in reverse: {reverse}", laptop)
    expect(laptop.ask("nobody.fritz.box")[0] == "NXDOMAIN", "a device that is not there", laptop)
    # The search list of the system.
    expect(laptop.resolves("printer") == "10.1.0.33", "getent finds no `printer`", laptop)
    leaked(laptop, laptop.wire("home"), "fritz.box", "printer", "10.in-addr.arpa")
    laptop.say("names of devices come from the router, and none of them leaves the home")


@case
def roaming(laptop):
    """From the home into a café."""
    laptop.watch_wire("cafe")
    first_right(laptop, laptop.answers("vm-roam cafe", 14))
    seen = laptop.wire("cafe")
    leaked(laptop, seen, "fritz.box")
    expect(laptop.ask("www.example.com") == ("NOERROR", WWW), "www.example.com", laptop)


@case
def blocked(laptop):
    """A café that blocks DNS to foreign servers."""
    laptop.rules("cafe", *(f"ip daddr != 10.2.0.1 {way} dport 53 drop" for way in ("udp", "tcp")))
    laptop.must("ip netns exec cafe nft 'table ip6 t { chain c { type filter hook prerouting priority -300; "
                "iifname lan udp dport 53 drop; iifname lan tcp dport 53 drop; }; }'")
    first_right(laptop, laptop.answers("vm-roam cafe", 15))
    expect(laptop.strategy_name() == "forward-validating", f"the strategy is {laptop.strategy_name()}", laptop)


@case
def intercepted(laptop):
    """A café whose resolver answers in the place of all servers, with signatures."""
    laptop.rules("cafe", *(f"ip daddr != 10.2.0.1 {way} dport 53 dnat to 10.2.0.1" for way in ("udp", "tcp")))
    first_right(laptop, laptop.answers("vm-roam cafe", 20))
    laptop.say(f"the strategy is {laptop.strategy_name()}")


@case
def portal(laptop):
    """A hotel with a captive portal, until the person has logged in, and afterwards."""
    laptop.close_hotel()
    told = laptop.answers("vm-roam hotel", 14)
    first_right(laptop, told, right=(ANY, PORTAL))
    laptop.until("the portal is seen", lambda: laptop.strategy_name() == "portal", 30)
    for name in ("captive.apple.com", "login.hotel.example"):
        expect(laptop.ask(name) == ("NOERROR", PORTAL), f"{name} behind the portal: {laptop.ask(name)}", laptop)
    expect(laptop.run("curl -s -m 10 -o /dev/null -w '%{http_code}' http://neverssl.example/") == "302",
           "curl does not reach the portal", laptop)
    laptop.rules("hotel")
    took = laptop.until("the portal has opened", lambda: laptop.ask(fresh()) == ("NOERROR", ANY))
    laptop.say(f"the first right answer {took:.1f} s after the log-in")
    took = laptop.until("recursion", lambda: laptop.ask(fresh()) and laptop.strategy_name() == "recurse", 60)
    laptop.say(f"recursion {took:.1f} s later")
    for name in ("captive.apple.com", "login.hotel.example", fresh()):
        expect(laptop.ask(name)[1] != PORTAL, f"{name} still leads to the portal", laptop)
    laptop.must("zoners cache dump /tmp/dump")
    found = laptop.run("python3 -c \"print(bytes([10, 3, 0, 80]) in open('/tmp/dump', 'rb').read())\"").strip()
    expect(found == "False", "the cache has the portal's address", laptop)
    expect(laptop.resolves("www.example.com") == WWW, "getent after the portal", laptop)
    laptop.say("nothing of the portal is left")


@case
def narrow(laptop):
    """A network of IPv6 alone, with a NAT64."""
    told = laptop.answers("vm-roam narrow", 20)
    # Addresses of IPv4 are answered here too: a program may want them for a literal.
    first_right(laptop, told)
    wanted = "64:ff9b::2d2d:2d0a"
    took = laptop.until("addresses by the NAT64", lambda: laptop.ask("only4.example.com", "AAAA")[1] == wanted, 20)
    laptop.say(f"DNS64 {took:.1f} s later")
    expect(laptop.ask("www.example.com", "AAAA")[1] == "2600:1111:aa::10", "a name with IPv6", laptop)


@case
def wireguard(laptop):
    """A VPN by wg-quick, with a domain of its own."""
    laptop.watch_wire("home")
    laptop.must("WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go wg-quick up corp")
    split_domain(laptop, "10.66.0.80", "66.10.in-addr.arpa", lambda: laptop.must("wg-quick down corp"))


@case
def second_cable(laptop):
    """A link of NetworkManager with a domain of its own: a second cable into the company."""
    laptop.watch_wire("home")
    laptop.must("ip link show eth2 >/dev/null 2>&1 || ip link add eth2 type veth peer name laptop "
                "netns $(ip netns pids office | head -1)")
    laptop.must("ip -n office address replace 10.66.1.1/24 dev laptop; ip -n office link set laptop up")
    laptop.must("ip netns exec office dnsmasq --conf-file=/dev/null --user=root --no-hosts --no-resolv --pid-file="
                " --listen-address=10.66.1.1 --bind-interfaces --local=/corp.example/"
                " --host-record=www.corp.example,10.66.1.80")
    laptop.run("nmcli connection delete office")
    laptop.must("nmcli connection add con-name office type ethernet ifname eth2 autoconnect no ipv4.method manual "
                "ipv4.addresses 10.66.1.2/24 ipv4.dns 10.66.1.1 ipv4.dns-search '~corp.example' ipv4.never-default yes "
                "ipv6.method disabled && nmcli connection up office")
    split_domain(laptop, "10.66.1.80", "66.10.in-addr.arpa", lambda: laptop.must("nmcli connection down office"))


@case
def openvpn(laptop):
    """A VPN of NetworkManager itself (OpenVPN), which gets resolver and domain from the server."""
    laptop.watch_wire("home")
    laptop.run("nmcli connection delete branch")
    keys = ",".join(f"{key}=/run/office/vpn/{file}" for key, file in (
        ("ca", "ca.crt"), ("cert", "client.crt"), ("key", "client.key")))
    laptop.must(f"nmcli connection add con-name branch type vpn vpn-type openvpn autoconnect no vpn.data "
                f"'connection-type=tls,remote=100.127.9.2:1194:udp,dev-type=tun,cert-pass-flags=4,{keys}' "
                "ipv4.never-default yes ipv6.method disabled")
    laptop.until("the VPN is up", lambda: laptop.machine.run("nmcli connection up branch")[0] == 0, 60)
    split_domain(laptop, "10.67.0.80", "67.10.in-addr.arpa", lambda: laptop.must("nmcli connection down branch"),
                 "branch.example")


def split_domain(laptop, address, reverse, leave, domain="corp.example"):
    """Names of the company go to its resolver, and to no other one, while the VPN is there."""
    www = f"www.{domain}"
    took = laptop.until("a name of the company", lambda: laptop.ask(www) == ("NOERROR", address), 15)
    laptop.say(f"the company's names {took:.1f} s after the VPN")
    expect(laptop.ask(f"gone.{domain}")[0] == "NXDOMAIN", "a name that the company does not have", laptop)
    expect(laptop.ask(fresh()) == ("NOERROR", ANY), "other names", laptop)
    expect(laptop.ask("printer.fritz.box") == ("NOERROR", "10.1.0.33"), "names of the home", laptop)
    early = len(laptop.wire("home"))
    laptop.ask(f"secret.{domain}")
    leaked(laptop, laptop.wire("home")[early:], domain, reverse)
    leave()
    took = laptop.until("the name is gone", lambda: laptop.ask(www)[0] != "NOERROR", 15)
    expect(laptop.ask(fresh()) == ("NOERROR", ANY), "other names afterwards", laptop)
    laptop.say(f"and gone {took:.1f} s after its end")


@case
def link_loss(laptop):
    """The cable is pulled, and plugged in again."""
    told = laptop.answers("vm-join nothing; sleep 6; vm-join home 0", 16)
    slow = [(begin, end) for begin, end, _, _ in told["asked"] if 1 < begin < 5 and end - begin > 4]
    laptop.say(f"{len(slow)} names of the outage waited more than 4 s")
    first_right(laptop, told)


@case
def flapping(laptop):
    """The link comes and goes."""
    told = laptop.answers("for i in 1 2 3 4 5 6; do vm-join nothing; sleep 0.7; vm-join home 0; sleep 0.7; done", 22)
    first_right(laptop, told)


@case
def leases(laptop):
    """A router: names of the leases that its dnsmasq has given."""
    config = "/etc/zoners/zoners.toml"
    leases_of_home = '[network]\\nleases = ["/run/network/home.leases"]\\n'
    laptop.must(f"cp -p {config} /root/zoners.toml; printf '{leases_of_home}' >>{config}; systemctl restart zoners")
    laptop.until("Zoners resolves", lambda: laptop.ask("www.example.com") == ("NOERROR", WWW))
    own = laptop.must("ip -4 -brief address show eth0").split()[2].split("/")[0]
    try:
        expect(laptop.ask("vm.lan") == ("NOERROR", own), f"the own name: {laptop.ask('vm.lan')}", laptop)
        reverse = ".".join(reversed(own.split("."))) + ".in-addr.arpa"
        expect(laptop.ask(reverse, "PTR") == ("NOERROR", "vm.lan."), "the own name in reverse", laptop)
        expect(laptop.ask("nobody.lan")[0] == "NXDOMAIN", "a device that is not there", laptop)
        # The laptop takes a new name, and asks for its lease again.
        for name, known in (("tablet", "tablet.lan"), ("wpad", None)):
            laptop.must(f"nmcli connection modify eth0 ipv4.dhcp-hostname {name} && nmcli connection up eth0")
            gone = "vm.lan" if known else "tablet.lan"
            took = laptop.until(f"{gone} is gone", lambda gone=gone: laptop.ask(gone)[0] == "NXDOMAIN", 15)
            expect(not known or laptop.ask(known)[0] == "NOERROR", f"{known} is not there", laptop)
            expect(laptop.ask("wpad.lan")[0] == "NXDOMAIN", "wpad has an address", laptop)
            laptop.say(f"a device is called `{name}` now: noticed {took:.1f} s later")
    finally:
        laptop.must(f"mv /root/zoners.toml {config}; nmcli connection modify eth0 ipv4.dhcp-hostname ''; "
                    "systemctl restart zoners")


@case
def programs(laptop):
    """Real programs: glibc, musl, Python, Node, curl and Chromium, where they are installed on this machine."""
    folder = laptop.machine.folder / "programs"
    folder.mkdir(exist_ok=True)
    clients.table(laptop, folder)

