"""Packets that are no answers, before the one that is."""

import struct

from . import wire
from .rows import addresses, row
from .servers import Zone

# The true answer comes so late, in seconds.
LATE = 0.05


def zone_of(name, forge):
    """A zone whose server has no TCP, and sends what `forge(query, reply)` makes before its answer."""
    def behave(query, tcp):
        reply = wire.Reply(query).answer(query.name, wire.A, wire.address('192.0.2.1'))
        if query.rtype != wire.A or query.name == name:
            reply = wire.Reply(query).authority(name, wire.SOA, wire.soa(name), 60)
        octets = reply.octets()
        return [(0, forged) for forged in forge(query, octets)] + [(LATE, octets)]
    return Zone(name, next(addresses), tcp=False, behave=behave)


def with_id(octets, number):
    return struct.pack('!H', number & 0xFFFF) + octets[2:]


def one_wrong(query, reply):
    return [with_id(reply, query.id + 1)]


def fifty_wrong(query, reply):
    return [with_id(reply, query.id + number) for number in range(1, 51)]


KINDS = ['QR=0', 'another opcode', 'another question', 'no question', 'a header', 'two octets', 'nothing']


def altered(query, reply):
    """One of the kinds, with the right ID as far as there is one, by the name's first digit."""
    question = len(query.question)
    made = [
        reply[:2] + bytes([reply[2] & 0x7F]) + reply[3:],
        reply[:2] + bytes([reply[2] | 0x10]) + reply[3:],
        reply[:12] + wire.wire('other.example.') + query.question[-4:] + reply[12 + question:],
        reply[:4] + b'\0\0' + reply[6:12] + reply[12 + question:],
        reply[:12],
        reply[:2],
        b'',
    ]
    digit = query.name[0]
    return [made[int(digit)]] if digit.isdigit() else []


def survived(lab, names):
    """Which questions were answered, and with how many packets."""
    lab.begin()
    replies = lab.each(names, timeout=4)
    good = [reply is not None and wire.is_answer(reply) for reply in replies]
    return good, f'{lab.packets()[0] / len(names):.1f}'


def counted(lab, names):
    good, packets = survived(lab, names)
    return f'{sum(good)} of {len(good)}', packets


FIGURES = 'answered', 'packets a question'


@row('a wrong ID, TCP closed, the answer 50 ms later', *FIGURES,
     zones=[zone_of('wrong.evil.', one_wrong)])
def wrong_id(lab):
    return counted(lab, [f'{number}.wrong.evil.' for number in range(9)])


@row('50 wrong IDs, TCP closed, the answer 50 ms later', *FIGURES,
     zones=[zone_of('fifty.evil.', fifty_wrong)])
def fifty_wrong_ids(lab):
    return counted(lab, [f'{number}.fifty.evil.' for number in range(9)])


@row('one of seven void packets: ' + ', '.join(KINDS) + '; then the answer', *FIGURES,
     zones=[zone_of('altered.evil.', altered)])
def void_packets(lab):
    good, packets = survived(lab, [f'{number}.altered.evil.' for number in range(len(KINDS))])
    lost = [kind for kind, answered in zip(KINDS, good) if not answered]
    return f'{sum(good)} of {len(good)}' + (f' (not {", ".join(lost)})' if lost else ''), packets
