"""The Internet of the stage: one server at the addresses of all root servers, which knows and signs every zone.

    python3 authority.py KEY        writes its key to the file, prints `ready`, and serves until it is killed

Names below example.com, example.net and example.org have addresses; gone.example.com does not exist; servers of
dead.example.com never reply."""

import pathlib
import socket
import struct
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(PROJECT / 'benchmarks/doctor')]
import internet as wire  # noqa: E402
import signing  # noqa: E402

MX, AA = 15, 0x0400
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
    return '.'.join(label.decode('latin-1').lower() for label in signing.labels_of(octets))


class Authority:
    def __init__(self, signer):
        self.signer = signer
        names = encoded('a.root-servers.net') + encoded('hostmaster.example.com')
        self.soa = names + struct.pack('!IIIII', 1, 1800, 900, 604800, 300)

    def respond(self, query, _):
        name = decoded(query.name)
        if name.endswith('dead.example.com'):
            return self.referral(query, 'dead.example.com')
        records = self.records(name)
        # A name that does not exist has a type of its own (RFC 9824).
        kinds = {signing.NXNAME} if records is None else {kind for kind, _ in records}
        data = [data for kind, data in records or [] if kind == query.kind]
        if data:
            return query.reply(AA, answer=self.signed(encoded(name), query.kind, data))
        denial = [*self.signed(b'\0', wire.SOA, [self.soa]),
                  *self.signed(encoded(name), signing.NSEC, [signing.denial(encoded(name), kinds)])]
        return query.reply(AA, authority=denial)

    def signed(self, owner, kind, data):
        """The records of one name and type, and their signature."""
        plain = [wire.record(owner, kind, one) for one in data]
        return [*plain, wire.record(owner, signing.RRSIG, self.signer.signature(owner, kind, data))]

    def referral(self, query, zone):
        """To an unsigned zone, whose server is nowhere."""
        owner, server = encoded(zone), encoded(f'ns.{zone}')
        denial = self.signed(owner, signing.NSEC, [signing.denial(owner, {wire.NS})])
        return query.reply(0, authority=[wire.record(owner, wire.NS, server), *denial],
                           additional=[wire.record(server, wire.A, socket.inet_aton(NOWHERE))])

    def records(self, name):
        """The records of a name as types and data; None if the name does not exist."""
        if not name:
            servers = [(wire.NS, encoded(f'{letter}.root-servers.net')) for letter in LETTERS]
            return [*servers, (wire.SOA, self.soa), (signing.DNSKEY, self.signer.dnskey)]
        roots = [address for owner, address in hints() if owner == f'{name}.']
        if roots:
            return [address_record(address) for address in roots]
        if name in HOSTS:
            return [address_record(WEB)]
        if name == 'gone.example.com':
            return None
        if name in ZONES or name.endswith(tuple(f'.{zone}' for zone in ZONES)):
            exchange = MX, struct.pack('!H', 10) + encoded('mail.example.com')
            return [address_record(ADDRESS), address_record(ADDRESS6), exchange]
        exists = any(host.endswith(f'.{name}') for host in (*ZONES, *HOSTS, 'a.root-servers.net'))
        return [] if exists else None


def address_record(address):
    if ':' in address:
        return wire.AAAA, socket.inet_pton(socket.AF_INET6, address)
    return wire.A, socket.inet_aton(address)


if __name__ == '__main__':
    authority = Authority(signing.Signer())
    pathlib.Path(sys.argv[1]).write_text(authority.signer.anchor())
    wire.serve(authority.respond, [address for _, address in hints()])
