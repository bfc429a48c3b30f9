"""Questions and answers of DNS, as far as the comparisons here need them."""

import socket
import struct

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "DNAME": 39, "DS": 43,
         "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NSEC3": 50, "NSEC3PARAM": 51}
NAMES = {number: text for text, number in TYPES.items()}
RCODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED", 6: "YXDOMAIN"}


def encode(name):
    labels = [label for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode("latin-1") for label in labels) + b"\0"


def read_name(message, at):
    """The name in lower case, and the offset after it."""
    labels, end = [], None
    while True:
        length = message[at]
        if length == 0:
            return ".".join(labels).lower() + ".", (end or at + 1)
        if length >= 0xC0:
            end = end or at + 2
            at = (length & 0x3F) << 8 | message[at + 1]
        else:
            labels.append(message[at + 1:at + 1 + length].decode("latin-1"))
            at += 1 + length


def read_rdata(message, rtype, at, length):
    """RDATA whose names are whole and in lower case."""
    kind = NAMES.get(rtype)
    if kind in ("NS", "CNAME", "DNAME"):
        return read_name(message, at)[0]
    if kind == "MX":
        return f"{message[at] << 8 | message[at + 1]} {read_name(message, at + 2)[0]}"
    if kind == "SOA":
        mname, after = read_name(message, at)
        rname, after = read_name(message, after)
        return f"{mname} {rname} {struct.unpack('!5I', message[after:after + 20])}"
    return message[at:at + length].hex()


class Answer:
    """A reply: RCODE, AA, and the records of answer and authority as sets of (owner, type, rdata)."""

    def __init__(self, message):
        ident, flags, questions, *counts = struct.unpack("!6H", message[:12])
        self.rcode, self.aa, self.tc = RCODES.get(flags & 15, flags & 15), bool(flags & 0x400), bool(flags & 0x200)
        at = 12
        for _ in range(questions):
            _, at = read_name(message, at)
            at += 4
        self.sections = []
        for count in counts:
            records = set()
            for _ in range(count):
                owner, at = read_name(message, at)
                rtype, _, ttl, length = struct.unpack("!HHIH", message[at:at + 10])
                at += 10
                if rtype != 41:
                    records.add((owner, NAMES.get(rtype, rtype), read_rdata(message, rtype, at, length), ttl))
                at += length
            self.sections.append(records)
        self.answer, self.authority, self.additional = self.sections

    def of(self, section, *types):
        return {record[:3] for record in section if record[1] in types}


def ask(port, name, rtype, dnssec_ok=True, recursion=True, server="127.0.0.1", wait=5):
    """Asks over TCP, so that no answer is cut."""
    flags = 0x0100 if recursion else 0
    query = struct.pack("!6H", 7, flags, 1, 0, 0, 1) + encode(name) + struct.pack("!2H", TYPES[rtype], 1)
    query += b"\0" + struct.pack("!HHIH", 41, 1232, 0x8000 if dnssec_ok else 0, 0)
    with socket.create_connection((server, port), wait) as stream:
        stream.settimeout(wait)
        stream.sendall(struct.pack("!H", len(query)) + query)
        length = struct.unpack("!H", read(stream, 2))[0]
        return Answer(read(stream, length))


def read(stream, octets):
    got = b""
    while len(got) < octets:
        more = stream.recv(octets - len(got))
        if not more:
            raise EOFError("closed")
        got += more
    return got
