"""The servers of the smallest Internet that can be heavy: the root at 198.18.0.1, `heavy.` at 198.18.0.2, and at
198.18.0.3 those of the zones that the heavy referrals lead to. What has no room in a datagram comes over TCP."""
import asyncio, signal, struct, sys

import messages
from messages import A, HEADER, NS, SOA, TYPES, name, record

ROOT, HEAVY, BELOW = "198.18.0.1", "198.18.0.2", "198.18.0.3"
AA, TC = 0x8400, 0x8600


def read(query):
    """ID, question, labels and type of a query."""
    at, labels = HEADER, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
        at += 1 + query[at]
    rtype = struct.unpack_from(">H", query, at + 1)[0]
    return query[:2], query[HEADER:at + 5], labels, rtype


def message(ident, flags, question, counts, body):
    return ident + struct.pack(">HHHHH", flags, 1, *counts) + question + bytes(body)


def of_root(ident, question, labels, rtype):
    if not labels and rtype == NS:
        return message(ident, AA, question, (1, 0, 1), record(b"\0", NS, name("a.rootns"))
                       + record(name("a.rootns"), A, bytes([198, 18, 0, 1])))
    if labels == ["a", "rootns"] and rtype == A:
        return message(ident, AA, question, (1, 0, 0), record(messages.QNAME, A, bytes([198, 18, 0, 1])))
    if labels[-1:] == ["heavy"]:
        glue = record(name("ns.heavy"), A, bytes([198, 18, 0, 2]))
        return message(ident, 0x8000, question, (0, 1, 1), record(name("heavy"), NS, name("ns.heavy")) + glue)
    return message(ident, AA | (3 if labels[-1:] not in (["rootns"], []) else 0), question, (0, 1, 0), soa(b"\0"))


def soa(zone):
    return record(zone, SOA, b"\0\0" + struct.pack(">IIIII", 1, 3600, 600, 86400, 300))


class Heavy:
    def __init__(self):
        self.bodies = {kind: messages.body(kind) for kind in messages.KINDS}

    def reply(self, ident, question, labels, rtype):
        kind = labels[-2] if len(labels) > 2 else None
        wanted = messages.KINDS.get(kind)
        if labels == ["hot", "heavy"] and rtype == A:
            return message(ident, AA, question, (1, 0, 0), record(messages.QNAME, A, b"\xc0\0\2\1", ttl=3600))
        if labels == ["ns", "heavy"] and rtype == A:
            return message(ident, AA, question, (1, 0, 0), record(messages.QNAME, A, bytes([198, 18, 0, 2])))
        refers = kind == "referral"
        if wanted is None or not (refers or TYPES[wanted[0]] == rtype and len(labels) == 3):
            return message(ident, AA, question, (0, 1, 0), soa(name("heavy")))
        body, octets = self.bodies[kind], self.bodies[kind].octets
        if refers and len(labels) > 3:
            # The body points at the zone's own name, which stands further on in a longer question.
            octets = moved(octets, sum(1 + len(label) for label in labels[:-3]), body.start)
        return message(ident, 0x8000 if refers else AA, question, body.counts, octets)


MOVED = {}


def moved(octets, by, start):
    """The octets of a referral behind a question that is longer by so many octets."""
    if by not in MOVED:
        out, at = bytearray(octets), 0
        while at < len(out):
            at = moved_name(out, at, by)
            rtype, length = struct.unpack_from(">H", out, at)[0], struct.unpack_from(">H", out, at + 8)[0]
            if rtype == NS:
                moved_name(out, at + 10, by)
            at += 10 + length
        MOVED[by] = out
    return MOVED[by]


def moved_name(out, at, by):
    while 0 < out[at] < 64:
        at += 1 + out[at]
    if out[at] == 0:
        return at + 1
    struct.pack_into(">H", out, at, struct.unpack_from(">H", out, at)[0] + by)
    return at + 2


def of_below(ident, question, labels, rtype):
    if rtype == A:
        return message(ident, AA, question, (1, 0, 0), record(messages.QNAME, A, b"\xc0\0\2\7"))
    return message(ident, AA, question, (0, 1, 0), soa(b"".join(
        bytes([len(label)]) + label.encode() for label in labels[-3:]) + b"\0"))


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, reply):
        self.reply = reply

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, query, peer):
        try:
            ident, question, labels, rtype = read(query)
            whole = self.reply(ident, question, labels, rtype)
        except (IndexError, struct.error):
            return
        if len(whole) > 1232:
            whole = message(ident, TC, question, (0, 0, 0), b"")
        self.transport.sendto(whole, peer)


async def stream(reply, reader, writer):
    try:
        while True:
            length = struct.unpack(">H", await reader.readexactly(2))[0]
            whole = reply(*read(await reader.readexactly(length)))
            writer.write(struct.pack(">H", len(whole)) + whole)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
        writer.close()


async def main():
    loop, heavy = asyncio.get_running_loop(), Heavy()
    for address, reply in [(ROOT, of_root), (HEAVY, heavy.reply), (BELOW, of_below)]:
        await loop.create_datagram_endpoint(lambda reply=reply: Datagrams(reply), (address, 53))
        await asyncio.start_server(lambda r, w, reply=reply: stream(reply, r, w), address, 53)
    print("ready", flush=True)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
