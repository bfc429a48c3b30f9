"""The worst messages that a server can send: each as large as a message can be, and made so that a resolver has
much to do for each octet. Built octet by octet, since no library writes such."""
import struct

A, NS, CNAME, SOA, MX, TXT, AAAA, SRV, OPT, RRSIG, NSEC, DNSKEY, NSEC3 = 1, 2, 5, 6, 15, 16, 28, 33, 41, 46, 47, 48, 50
TYPES = {"A": A, "NS": NS, "TXT": TXT, "MX": MX, "SOA": SOA, "SRV": SRV, "DNSKEY": DNSKEY}
HEADER = 12
FULL = 65_535 - 16
QNAME = b"\xc0\x0c"


def name(text):
    labels = [label for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def pointer(at):
    return struct.pack(">H", 0xC000 | at)


def record(owner, rtype, rdata, ttl=300, rclass=1):
    return owner + struct.pack(">HHIH", rtype, rclass, ttl, len(rdata)) + rdata


class Body:
    """What follows the question, with the number of records of each section."""

    def __init__(self, question):
        self.start = HEADER + question + 4
        self.octets, self.counts = bytearray(), [0, 0, 0]

    @property
    def at(self):
        return self.start + len(self.octets)

    def add(self, section, *fields, **more):
        self.octets += record(*fields, **more)
        self.counts[section] += 1

    def room(self, octets):
        return self.at + octets <= FULL

    def chain(self, section, pointers):
        """Records whose owners are each a label and a pointer to the owner before; where the last one is."""
        last = HEADER
        for _ in range(pointers):
            here = self.at
            self.add(section, b"\1x" + pointer(last), TXT, b"\0")
            last = here
        return last


def label(number):
    """A label of two letters, another one for each number below 36 * 36."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return b"\2" + (digits[number // 36 % 36] + digits[number % 36]).encode()


def rrsets(body, section):
    """RRsets whose names have 110 pointers each; some 3,900."""
    body.add(0, QNAME, A, b"\xc0\0\2\1")
    last, number = body.chain(section, 109), 0
    while body.room(16):
        # A name has several types.
        body.add(section, label(number % 1296) + pointer(last), 65_000 + number // 1296, b"")
        number += 1


def ns_and_glue(body, section, address, servers=256, foreign=2_650):
    """NS records of a zone, the addresses of the first twenty, and those of names that are none of them."""
    at = []
    for number in range(servers):
        at.append(body.at + 12)
        body.add(section, QNAME, NS, b"\5ns%03d" % number + QNAME)
    for owner in at[:20]:
        body.add(2, pointer(owner), A, address)
    for number in range(foreign):
        body.add(2, b"\3" + b"%03x" % number + QNAME, A, b"\xc0\0\2\1")


def names_in_rdata(body, rtype, before, names, after=b""):
    """One RRset whose records name names of 110 pointers each."""
    last, number = body.chain(1, 109), 0
    while body.room(60):
        target = label(number // 1296) + label(number) + pointer(last)
        body.add(0, QNAME, rtype, before + target * names + after)
        number += 1


def signatures(body):
    body.add(0, QNAME, A, b"\xc0\0\2\1")
    number = 0
    while body.room(40):
        head = struct.pack(">HBBIIIH", A, 13, 3, 300, 2**31 - 1, 0, number & 0xFFFF)
        body.add(0, QNAME, RRSIG, head + name("heavy") + b"\1")
        number += 1


def texts(body):
    number = 0
    while body.room(16):
        body.add(0, QNAME, TXT, b"\2" + struct.pack(">H", number))
        number += 1


def addresses(body):
    number = 0
    while body.room(16):
        body.add(0, QNAME, A, struct.pack(">I", 0xC6120000 + number))
        number += 1


def bitmaps(body):
    """Denials whose bitmaps have all windows in full."""
    soa(body, 1)
    number = 0
    while body.room(9_000):
        windows = b"".join(bytes([window, 32]) + b"\xff" * 32 for window in range(256))
        owner = b"\x20" + b"%032x" % number + name("heavy")
        body.add(1, owner, NSEC3, b"\1\0\0\0\0\x14" + bytes(20) + windows)
        number += 1


def denials(body):
    """Thousands of NSEC records, of which a denial needs two."""
    soa(body, 1)
    number = 0
    while body.room(30):
        body.add(1, label(number) + QNAME, NSEC, label(number + 1) + b"\0" + b"\0\1\x40")
        number += 1
        if number == 1_000:
            break


def options(body):
    body.add(0, QNAME, A, b"\xc0\0\2\1")
    count = (FULL - body.at - 20) // 4
    body.add(2, b"\0", OPT, struct.pack(">HH", 65_001, 0) * count, ttl=0, rclass=1232)


def aliases(body):
    """A chain of twenty aliases, at each name of which stand fifty more RRsets."""
    owner = QNAME
    for number in range(20):
        target = body.at + len(owner) + 10
        body.add(0, owner, CNAME, b"\3" + b"a%02d" % number + QNAME)
        for rtype in range(50):
            body.add(0, owner, 65_000 + rtype, b"")
        owner = pointer(target)
    body.add(0, owner, A, b"\xc0\0\2\1")


def keys(body):
    number = 0
    while body.room(80):
        body.add(0, QNAME, DNSKEY, struct.pack(">HBB", 256, 3, 13) + struct.pack(">I", number) * 16)
        number += 1


def soa(body, section):
    body.add(section, name("heavy"), SOA, b"\0\0" + struct.pack(">IIIII", 1, 3600, 600, 86400, 300))


SERVER = b"\xc6\x12\0\3"

# What is asked for, its type, and what writes the reply to it.
KINDS = {
    "rrsets": ("A", lambda body: rrsets(body, 0)),
    "authority": ("A", lambda body: rrsets(body, 1)),
    "additional": ("A", lambda body: rrsets(body, 2)),
    "referral": ("A", lambda body: ns_and_glue(body, 1, SERVER)),
    "ns": ("NS", lambda body: ns_and_glue(body, 0, SERVER)),
    "ns-many": ("NS", lambda body: names_in_rdata(body, NS, b"", 1)),
    "mx": ("MX", lambda body: names_in_rdata(body, MX, b"\0\1", 1)),
    "srv": ("SRV", lambda body: names_in_rdata(body, SRV, bytes(6), 1)),
    "soa": ("SOA", lambda body: names_in_rdata(body, SOA, b"", 2, bytes(20))),
    "rrsig": ("A", signatures),
    "txt": ("TXT", texts),
    "a": ("A", addresses),
    "nsec3": ("A", bitmaps),
    "nsec": ("A", denials),
    "options": ("A", options),
    "aliases": ("A", aliases),
    "dnskey": ("DNSKEY", keys),
}


def asked(kind, number):
    """The name that a kind is asked for by; all of a kind are equally long."""
    below = "www." if kind == "referral" else ""
    return f"{below}n{number:05}.{kind}.heavy"


def body(kind):
    question = len(name(asked(kind, 0).removeprefix("www.")))
    made = Body(question)
    KINDS[kind][1](made)
    assert made.at <= 65_535, kind
    return made
