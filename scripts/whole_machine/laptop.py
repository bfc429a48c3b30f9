"""A laptop: a container with NetworkManager and systemd-resolved, and the networks that it visits."""

import ast
import shlex
import time
from pathlib import Path

from . import images
from .container import Container
from .machine import Failure

MANAGER = images.Manager(
    "laptop",
    ("network-manager", "systemd-resolved", "dnsmasq-base", "unbound", "python3", "nftables", "curl", "wireguard-tools",
     "wireguard-go", "tayga", "network-manager-openvpn", "openvpn", "openssl"),
    ("NetworkManager", "systemd-resolved"), "../run/systemd/resolve/stub-resolv.conf",
)
# Services of these packages that would run in the laptop itself.
UNWANTED = ("unbound", "tayga", "unbound-resolvconf", "openvpn")
HINTS = Path(__file__).resolve().parents[2] / "crates/server/data/root.hints"
ANY, WWW, PROBES = "45.45.45.11", "45.45.45.10", "45.45.45.20"
PORTAL = "10.3.0.80"
MANY = "".join(f"many.example.com. A 45.45.46.{last}\n" for last in range(1, 101))
ZONE = f"""$TTL 300
. SOA a.root-servers.net. nobody.invalid. 1 1800 900 604800 60
www.example.com. A {WWW}
www.example.com. AAAA 2600:1111:aa::10
only4.example.com. A {WWW}
*.example.com. A {ANY}
iana.org. A {WWW}
detectportal.firefox.com. A {PROBES}
nmcheck.gnome.org. A {PROBES}
ipv4only.arpa. A 192.0.0.170
ipv4only.arpa. A 192.0.0.171
{MANY}"""
# The emulator's own slowness, and that of a busy machine; no limit of ours.
PATIENCE_SECONDS = 60


def make(folder):
    images.make_container(MANAGER, folder)
    tree = folder / "laptop/root"
    images.inside(tree, "systemctl", "mask", *(f"{name}.service" for name in UNWANTED))


def write_world(tree):
    """The zone of the world, signed by the server, at the addresses of the real root servers."""
    lines = [line.split() for line in HINTS.read_text(encoding="utf-8").splitlines() if line and line[0] != ";"]
    servers = [(words[0], words[-2], words[-1]) for words in lines if words[-2] in ("A", "AAAA")]
    names = sorted({name for name, _, _ in servers})
    records = "".join(f". NS {name}\n" for name in names)
    records += "".join(f"{name} {kind} {address}\n" for name, kind, address in servers)
    internet = tree / "opt/internet"
    (internet / "world.zone").write_text(ZONE + records, encoding="utf-8")
    (internet / "root.hints").write_text(HINTS.read_text(encoding="utf-8"), encoding="utf-8")
    addresses = [address for _, _, address in servers]
    (internet / "root.addresses").write_text("\n".join(addresses) + "\n", encoding="utf-8")
    listen = "".join(f"    listen: {address}@53\n" for address in addresses)
    common = (images.GUEST / "common/opt/internet/knot.conf").read_text(encoding="utf-8")
    (internet / "knot.conf").write_text(common.replace("    listen: 198.51.100.53@53\n", listen), encoding="utf-8")


class Laptop:
    """The laptop and its networks; `machine` is the container."""

    def __init__(self, tree, folder, program):
        self.machine = Container(tree, folder, program, MANAGER)
        self.began = time.monotonic()

    def install(self):
        """Boots, joins the home and installs Zoners."""
        self.machine.fresh_disk()
        write_world(self.machine.root)
        self.machine.boot()
        # The last of the networks.
        self.until("the networks are there", lambda: "br-narrow" in self.run("ip -n air link"))
        self.must("vm-join home")
        self.until("the home gives an address", lambda: "10.1.0." in self.run("ip -4 address show eth0"))
        self.until("the network resolves", lambda: self.resolves("www.example.com") == WWW)
        output = self.must("/root/files/zoners install --yes")
        self.say(output.strip().splitlines()[-1])
        self.until("Zoners resolves", lambda: self.ask("www.example.com") == ("NOERROR", WWW))

    def calm(self):
        """Back to the home, with networks as they were."""
        self.run("wg-quick down corp; nmcli connection down office; nmcli connection down branch")
        for name in ("home", "cafe", "hotel"):
            self.must(f"ip netns exec {name} nft flush ruleset")
        self.must("vm-roam home")
        self.run("pkill -f vm-wire")
        self.until("the home is back", lambda: self.ask(fresh()) == ("NOERROR", ANY))

    def say(self, text):
        print(f"  {time.monotonic() - self.began:5.0f} s  {text}", flush=True)

    def run(self, command):
        return self.machine.run(command)[1]

    def must(self, command):
        return self.machine.must(command)

    def until(self, what, condition, patience=PATIENCE_SECONDS):
        """Seconds until the condition holds."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() > began + patience:
                raise Failure(f"not within {patience} s: {what}\n{self.state()}")
            time.sleep(0.1)
        return time.monotonic() - began

    def state(self):
        return self.run(
            "cat /etc/resolv.conf | grep -v '^#'; ip -brief address; ip route; resolvectl --no-pager; "
            "zoners network; journalctl -u zoners --no-pager | tail -30; ip netns exec air bridge link"
        )

    def resolves(self, name):
        """The address by the way of the programs of the laptop."""
        code, output = self.machine.run(f"timeout 10 getent ahostsv4 {name}")
        return output.split()[0] if code == 0 and output else None

    def ask(self, name, rtype="A"):
        """The RCODE and the first record, by asking Zoners."""
        return ast.literal_eval(self.must(f"vm-query {shlex.quote(name)} {rtype}"))

    def answers(self, command, seconds):
        """What fresh names got while a command ran and afterwards."""
        told = ast.literal_eval(self.must(f"vm-answers {seconds} {shlex.quote(command)}"))
        if told["code"] != 0:
            raise Failure(f"exit code {told['code']} of {command!r}: {told['output']}")
        return told

    def strategy(self):
        told = self.run("zoners network --json")
        return ast.literal_eval(told.replace("true", "True").replace("false", "False").replace("null", "None"))

    def strategy_name(self):
        told = self.strategy()
        return (told.get("result", told).get("strategy") or {}).get("strategy")

    def close_hotel(self):
        """The hotel answers every question and every page by its portal."""
        self.rules("hotel", f"udp dport 53 dnat to {PORTAL}", f"tcp dport 53 dnat to {PORTAL}:1",
                   f"ip daddr != {PORTAL} tcp dport 80 dnat to {PORTAL}")

    def rules(self, network, *rules):
        """What a network does with packets of the laptop: rules of nftables before routing."""
        self.must(f"ip netns exec {network} nft flush ruleset")
        kind = "nat" if any("dnat" in rule for rule in rules) else "filter"
        priority = -100 if kind == "nat" else -300
        chain = f"type {kind} hook prerouting priority {priority};"
        lines = " ".join(f"iifname lan {rule};" for rule in rules)
        if rules:
            text = f"table ip t {{ chain c {{ {chain} {lines} }}; }}"
            self.must(f"ip netns exec {network} nft {shlex.quote(text)}")

    def watch_wire(self, network, interface="wan"):
        """Begins to read the queries on an interface of a network; `wire` returns them."""
        file = f"/run/network/{network}-{interface}.wire"
        self.must(f"rm -f {file}; ip netns exec {network} setsid -f vm-wire {interface} {file} >/dev/null 2>&1; "
                  f"until [ -e {file} ]; do sleep 0.05; done")

    def wire(self, network, interface="wan"):
        """Destination and name of each query so far."""
        lines = self.must(f"cat /run/network/{network}-{interface}.wire").splitlines()
        return [tuple(line.split()[1:3]) for line in lines]


def fresh():
    return f"name-{time.time_ns()}.example.com"
