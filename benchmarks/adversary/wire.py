"""DNS messages, put together octet by octet (RFC 1035 section 4)."""

import struct

A, NS, CNAME, SOA, TXT, AAAA, OPT = 1, 2, 5, 6, 16, 28, 41
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
QR, AA, TC, RD = 0x8000, 0x0400, 0x0200, 0x0100


def labels(name):
    """The labels of a name in presentation format, the root's left out."""
    return [label.encode() for label in name.rstrip('.').lower().split('.') if label]


def wire(name):
    return b''.join(bytes([len(label)]) + label for label in labels(name)) + b'\0'


def address(text):
    return bytes(int(part) for part in text.split('.'))


def soa(zone):
    numbers = struct.pack('!5I', 1, 3600, 600, 86400, 60)
    return wire('ns.' + zone.lstrip('.')) + wire('host.' + zone.lstrip('.')) + numbers


class Query:
    """A query as a server receives it."""

    def __init__(self, octets):
        self.octets = octets
        self.id, self.flags, questions = struct.unpack('!3H', octets[:6])
        at, found = 12, []
        while octets[at]:
            found.append(octets[at + 1:at + 1 + octets[at]])
            at += 1 + octets[at]
        self.rtype = struct.unpack('!H', octets[at + 1:at + 3])[0]
        self.question = octets[12:at + 5]
        self.name = b'.'.join(found).decode('latin-1').lower() + '.'
        # The only record of a query is OPT; its class is the payload size.
        more = octets[at + 5:]
        self.payload = struct.unpack('!H', more[3:5])[0] if len(more) > 4 and more[1:3] == b'\0\x29' else 512


class Reply:
    """A reply to a query; names are compressed."""

    def __init__(self, query, rcode=NOERROR, flags=AA):
        self.id, self.question, self.flags = query.id, query.question, QR | flags | rcode
        self.sections, self.offsets = [[], [], []], {}

    def add(self, section, owner, rtype, rdata, ttl=300):
        self.sections[section].append((owner, rtype, ttl, rdata))
        return self

    def answer(self, owner, rtype, rdata, ttl=300):
        return self.add(0, owner, rtype, rdata, ttl)

    def authority(self, owner, rtype, rdata, ttl=300):
        return self.add(1, owner, rtype, rdata, ttl)

    def additional(self, owner, rtype, rdata, ttl=300):
        return self.add(2, owner, rtype, rdata, ttl)

    def octets(self, limit=65535):
        """The message; with TC and nothing else where it is longer than `limit`."""
        counts = [len(section) for section in self.sections]
        out = bytearray(struct.pack('!6H', self.id, self.flags, 1, *counts) + self.question)
        for section in self.sections:
            for owner, rtype, ttl, rdata in section:
                self._name(out, owner)
                out += struct.pack('!HHIH', rtype, 1, ttl, len(rdata)) + rdata
        if len(out) <= limit:
            return bytes(out)
        return struct.pack('!6H', self.id, self.flags | TC, 1, 0, 0, 0) + self.question

    def _name(self, out, name):
        left = labels(name)
        while left:
            known = self.offsets.get(tuple(left))
            if known is not None:
                out += struct.pack('!H', 0xC000 | known)
                return
            if len(out) < 0x4000:
                self.offsets[tuple(left)] = len(out)
            out += bytes([len(left[0])]) + left[0]
            left = left[1:]
        out += b'\0'


def query(name, rtype=A, number=0, edns=True, flags=RD):
    """A client's query."""
    out = struct.pack('!6H', number, flags, 1, 0, 0, int(edns)) + wire(name) + struct.pack('!2H', rtype, 1)
    return out + (b'\0' + struct.pack('!HHIH', OPT, 1232, 0, 0) if edns else b'')


def rcode(message):
    return message[3] & 0x0F


def is_answer(message):
    """NOERROR with records in the answer section."""
    return len(message) >= 12 and rcode(message) == NOERROR and message[6:8] != b'\0\0'
