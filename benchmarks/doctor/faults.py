"""The faults of machines, and the findings that are right for each."""

import dataclasses
import os
import signal
import time
from typing import Callable

from lab import MACHINE


def nothing(lab):
    del lab


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    # The findings of which one must be there, the culprit, and 0 for a problem, 1 for a warning.
    ids: tuple
    culprit: str
    severity: int
    is_of_the_line: bool
    before: Callable = nothing
    after: Callable = nothing
    # Findings of other faults that this fault explains.
    hides: tuple = ()


# Findings that need a working line.
BEHIND = 'clock-wrong', 'daemon-fails', 'name-fails'
DNS = 'meta l4proto { tcp, udp } th dport 53'


def line(name, ids, culprit, severity, after=nothing, before=nothing, hides=None):
    hides = (BEHIND if severity == 0 else ()) if hides is None else hides
    return Fault(name, (ids,), culprit, severity, True, before, after, hides)


def beside(name, ids, culprit, severity, after=nothing, before=nothing, hides=()):
    return Fault(name, (ids,), culprit, severity, False, before, after, hides)


def intercept(place, by='liar'):
    def after(lab):
        # A resolver at each address of the device.
        lab.script(by, '0.0.0.0', '5300', place=place)
        lab.script(by, '::', '5301', place=place)
        lab.nft(place, 'table ip r4 { chain c { type nat hook prerouting priority -100; iifname { "lan", "cust" } '
                'meta l4proto { tcp, udp } th dport 53 redirect to :5300; } }')
        lab.nft(place, 'table ip6 r6 { chain c { type nat hook prerouting priority -100; iifname { "lan", "cust" } '
                'meta l4proto { tcp, udp } th dport 53 redirect to :5301; } }')
    return after


def portal(lab):
    intercept('router')(lab)
    lab.script('page', '0.0.0.0', '8000', 'login.test', place='router')
    lab.nft('router', 'table ip page { chain c { type nat hook prerouting priority -100; iifname "lan" tcp dport 80 '
            'redirect to :8000; } }')


def loses(place, link, share):
    """A share of the packets that come by a link is lost, those for the device itself too."""
    return lambda lab: lab.nft(place, f'table netdev loss {{ chain c {{ type filter hook ingress device "{link}" priority 0; '
                               f'numgen random mod 100 < {share} drop; }} }}')


def drops(place, rule, hook='forward'):
    return lambda lab: lab.filter(place, rule, hook)


def router_off(lab):
    # Solicitations of routers and neighbours (RFC 4861) get no reply.
    lab.ip('router', 'addr flush dev lan', 'link set lan arp off')
    lab.filter('router', 'icmpv6 type { 133, 135 } drop', 'input')


def no_ipv4(lab):
    lab.ip('machine', f'addr del {MACHINE}/24 dev eth0')


def nat64_silent(lab):
    lab.script('dns64', '2001:db8:77::1', '53', place='router')
    no_ipv4(lab)


def at_home(path, text):
    """A file of the person who uses the machine."""
    def before(lab):
        place = lab.folder / 'home' / path
        place.parent.mkdir(parents=True)
        place.write_text(text)
    return before


def environment(**values):
    return lambda lab: lab.root_environment.update({key: str(value) for key, value in values.items()})


def put(**values):
    def before(lab):
        for key, value in values.items():
            setattr(lab, key, value)
    return before


def port_taken(lab):
    lab.runs_daemon = False
    lab.start('machine', 'python3', os.path.join(os.path.dirname(__file__), 'internet.py'), 'liar', '127.0.0.1', '53')


def break_configuration(lab):
    lab.configuration.write_text(lab.configuration.read_text() + '[cache]\nno-such-key = 1\n')


def hang(lab):
    lab.daemon.send_signal(signal.SIGSTOP)
    time.sleep(0.1)


NO_DAEMON = ('not-asked', 'daemon-mute', 'few-descriptors', 'second-server', 'daemon-down', 'port-taken', 'device-refused', 'crashed', 'outages')

FAULTS = [
    line('cable pulled', 'no-network', 'machine', 0, lambda lab: lab.ip('machine', 'link set eth0 down')),
    line('own firewall', 'own-firewall', 'machine', 0, drops('machine', f'oifname "eth0" {DNS} drop', 'output')),
    line('router off', 'router-silent', 'router', 0, router_off),
    line('line unplugged', 'line-down', 'provider', 0, lambda lab: lab.ip('router', 'link set wan down')),
    line('provider dead', 'line-down', 'provider', 0, lambda lab: (drops('provider', 'drop')(lab), drops('provider', 'drop', 'input')(lab))),
    line('log-in page', 'portal', 'router', 0, portal),
    line('router drops DNS', 'dns-blocked', 'router', 0, drops('router', f'{DNS} drop')),
    line('provider drops DNS', 'dns-blocked', 'provider', 0, drops('provider', f'{DNS} drop')),
    line('provider rejects DNS', 'dns-blocked', 'provider', 0, drops('provider', f'{DNS} reject')),
    line('provider intercepts', 'intercepted', 'provider', 0, intercept('provider')),
    line('router intercepts', 'intercepted', 'router', 0, intercept('router')),
    line('provider proxies', 'intercepted', 'provider', 1, intercept('provider', 'proxy'), hides=BEHIND),
    line('router proxies', 'intercepted', 'router', 1, intercept('router', 'proxy'), hides=BEHIND),
    line('denials rewritten', 'denials-rewritten', 'provider', 1, before=environment(REWRITE=1)),
    line('provider drops UDP', 'udp-blocked', 'provider', 1, drops('provider', 'udp dport 53 drop')),
    line('router drops UDP', 'udp-blocked', 'router', 1, drops('router', 'udp dport 53 drop')),
    line('provider drops TCP', 'tcp-blocked', 'provider', 1, drops('provider', 'tcp dport 53 drop')),
    line('router drops TCP', 'tcp-blocked', 'router', 1, drops('router', 'tcp dport 53 drop')),
    line('signatures stripped', 'signatures-stripped', 'provider', 0, before=environment(STRIP=1)),
    line('loss at the provider', 'loss', 'provider', 1, loses('provider', 'cust', 25)),
    line('loss at home', 'loss', 'router', 1, loses('router', 'lan', 25)),
    line('slow line', 'slow', 'provider', 1, before=environment(DELAY=0.7)),
    line('long replies lost', 'large-replies-lost', 'provider', 1, drops('provider', 'udp sport 53 udp length > 700 drop')),
    line('outages today', 'outages', 'provider', 1, before=put(outages=6)),
    line('IPv6 broken', 'ipv6-broken', 'provider', 1, drops('provider', 'meta nfproto ipv6 drop')),
    line('IPv4 broken', 'ipv4-broken', 'provider', 1, drops('provider', 'meta nfproto ipv4 drop'), hides=('name-fails',)),
    line('IPv6 alone', 'no-nat64', 'provider', 1, no_ipv4),
    line('NAT64 silent', 'nat64-silent', 'provider', 1, nat64_silent),
    beside('clock behind', 'clock-wrong', 'machine', 0, before=environment(CLOCK=40 * 86400), hides=('name-fails',)),
    beside('clock ahead', 'clock-wrong', 'machine', 0, before=environment(CLOCK=-40 * 86400), hides=('name-fails',)),
    beside('daemon down', 'daemon-down', 'machine', 0, before=put(runs_daemon=False), hides=NO_DAEMON),
    beside('daemon hangs', 'daemon-mute', 'machine', 0, hang, hides=NO_DAEMON),
    beside('port taken', 'port-taken', 'machine', 0, before=port_taken, hides=NO_DAEMON),
    beside('settings overwritten', 'not-asked', 'settings', 1, before=put(servers=['192.168.77.1']), hides=('second-server', 'browser-beside-zoners')),
    beside('second server', 'second-server', 'settings', 1, before=put(servers=['127.0.0.1', '192.168.77.1']), hides=('not-asked',)),
    beside('no DNS by NSS', 'nss-without-dns', 'settings', 0, before=put(sources='files mdns4_minimal'), hides=('name-fails',)),
    beside('NSS ends before DNS', 'nss-without-dns', 'settings', 0, before=put(sources='files mdns4 [NOTFOUND=return] dns'), hides=('name-fails',)),
    beside('Firefox over HTTPS', 'browser-beside-zoners', 'settings', 1, before=at_home('.mozilla/firefox/x.default/prefs.js', 'user_pref("network.trr.mode", 3);\n')),
    beside('Chromium over HTTPS', 'browser-beside-zoners', 'settings', 1, before=at_home('.config/chromium/Local State', '{"dns_over_https":{"mode":"secure"}}')),
    beside('device refused', 'device-refused', 'settings', 1, before=put(refuses_device=True)),
    beside('daemon crashes', 'crashed', 'machine', 1, before=put(crashes=3)),
    beside('configuration broken', 'configuration-wrong', 'settings', 1, break_configuration, hides=('name-fails',)),
    beside('state locked', 'state-not-writable', 'machine', 1, lambda lab: (lab.folder / 'state').chmod(0o500)),
    beside('few descriptors', 'few-descriptors', 'machine', 1, lambda lab: lab.inside('machine', 'prlimit', '--nofile=128', f'--pid={lab.daemon_process()}')),
    beside('zone dead', 'name-fails', 'other-side', 0, before=put(arguments=['www.dead'])),
]
