"""The Internet of the stage: one server at the addresses of all root servers, which knows every zone.

    python3 authority.py       serves until it is killed; prints `ready`

Names below example.com, example.net and example.org have addresses; gone.example.com does not exist; servers of
dead.example.com never reply."""

import pathlib
import socket
import struct
import sys

sys.dont_write_bytecode = True
PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(PROJECT / 'benchmarks/doctor'))
import internet as wire  # noqa: E402

MX, NXDOMAIN, AA = 15, 3, 0x0400
ADDRESS, ADDRESS6 = '203.0.113.10', '2001:4860:1::10'
# Where no machine is.
NOWHERE = '198.18.255.53'
LETTERS = 'abcdefghijklm'
ZONES = 'example.com', 'example.net', 'example.org'
# Servers of lists and of pages by which portals are found, and a resolver with two addresses: see services.py.
WEB, RESOLVERS = '203.0.113.80', ('9.9.9.9', '149.112.112.112')
HOSTS = 'small.oisd.nl', 'nsfw.oisd.nl', 'raw.githubusercontent.com', 'detectportal.firefox.com', 'nmcheck.gnome.org'


def hints():
    """The names and addresses of the root servers, as the program has them."""
    text = (PROJECT / 'crates/server/data/root.hints').read_text()
    words = [line.split() for line in text.splitlines() if not line.startswith(';')]
    return [(line[0].lower(), line[-1]) for line in words if len(line) > 3 and line[-2] in ('A', 'AAAA')]


def encoded(name):
    return b''.join(bytes([len(label)]) + label.encode() for label in name.split('.') if label) + b'\0'


def decoded(octets):
    labels, at = [], 0
    while octets[at]:
        labels.append(octets[at + 1:at + 1 + octets[at]].decode('latin-1').lower())
        at += 1 + octets[at]
    return '.'.join(labels)


def respond(query, _):
    name, owner = decoded(query.name), query.name
    if name.endswith('dead.example.com'):
        server = encoded('ns.dead.example.com')
        return query.reply(0, authority=[wire.record(encoded('dead.example.com'), wire.NS, server)],
                           additional=[wire.record(server, wire.A, socket.inet_aton(NOWHERE))])
    answers = records(name)
    if answers is None:
        return query.reply(AA, rcode=NXDOMAIN, authority=[wire.soa()])
    found = [wire.record(owner, query.kind, data) for kind, data in answers if kind == query.kind]
    return query.reply(AA, answer=found, authority=[] if found else [wire.soa()])


def records(name):
    """The records of a name; None if the name does not exist."""
    if not name:
        return [(wire.NS, encoded(f'{letter}.root-servers.net')) for letter in LETTERS]
    roots = [address for owner, address in hints() if owner == f'{name}.']
    if roots:
        return [(wire.AAAA, socket.inet_pton(socket.AF_INET6, address)) if ':' in address else
                (wire.A, socket.inet_aton(address)) for address in roots]
    if name in HOSTS:
        return [(wire.A, socket.inet_aton(WEB))]
    if name == 'gone.example.com':
        return None
    if name in ZONES or name.endswith(tuple(f'.{zone}' for zone in ZONES)):
        return [(wire.A, socket.inet_aton(ADDRESS)), (wire.AAAA, socket.inet_pton(socket.AF_INET6, ADDRESS6)),
                (MX, struct.pack('!H', 10) + encoded('mail.example.com'))]
    exists = any(host.endswith(f'.{name}') for host in (*ZONES, *HOSTS, 'a.root-servers.net'))
    return [] if exists else None


if __name__ == '__main__':
    wire.serve(respond, [address for _, address in hints()])
