"""Replies that take a resolver long to read."""

import struct
import time

from . import clients, wire
from .rows import addresses, per, row
from .servers import Zone, nothing
from .wire import A, AA, AAAA, NS, QR

# All of a question's names have a first label of so many letters, so that offsets are the same.
LABEL = 6
UNKNOWN = 65_400
COUNT = 20
SERVERS = 4


def names(zone, count=COUNT, first=0):
    return [f'n{number:0{LABEL - 1}}.{zone}' for number in range(first, first + count)]


def record(owner, rtype, rdata):
    return owner + struct.pack('!HHIH', rtype, 1, 300, len(rdata)) + rdata


def pointer(at):
    return struct.pack('!H', 0xC000 | at)


def message(query, flags, counts, body):
    return struct.pack('!6H', query.id, QR | flags, 1, *counts) + query.question + body


def start(zone):
    """Where the first record behind the question begins."""
    return 12 + LABEL + 1 + len(wire.wire(zone)) + 4


def deep_names(zone):
    """An answer, and 3,900 RRsets with names of their own that lead over 110 pointers each."""
    answer = record(pointer(12), A, wire.address('192.0.2.1'))
    # The pointers lie in the RDATA of an unknown type, each to the one before.
    at, links, last = start(zone) + len(answer) + 12, b'', 12 + 1 + LABEL
    for _ in range(110):
        links += b'\x01a' + pointer(last)
        last, at = at, at + 4
    chain = record(pointer(12), UNKNOWN, links)
    return answer, chain + b''.join(
        record(b'\x02' + struct.pack('!H', number) + pointer(last), UNKNOWN, b'')
        for number in range(3_900))


def many_servers(zone):
    """NS records of 256 servers, and 2,700 addresses of 500 other names in the zone."""
    apex = pointer(12 + 1 + LABEL)
    servers = b''.join(record(pointer(12), NS, b'\x04n%03d' % number + apex) for number in range(256))
    owners = [b'\x02%c%c' % (97 + number // 26, 97 + number % 26) + apex for number in range(500)]
    others = b''.join(record(owner, AAAA, bytes(14) + struct.pack('!H', at))
                      for at, owner in enumerate(owners))
    return servers + others + b''.join(
        record(owners[number % 500], A, struct.pack('!I', 0xC6336400 + number))
        for number in range(2_200))


def heavy(zone, build):
    def behave(query, tcp):
        if query.name == zone or len(query.name) != LABEL + 1 + len(zone):
            return nothing(query, zone)
        if not tcp:
            return [(0, struct.pack('!6H', query.id, QR | AA | wire.TC, 1, 0, 0, 0) + query.question)]
        return [(0, build(query))]
    return behave


def rrsets(zone):
    answer, rest = deep_names(zone)
    return lambda query: message(query, AA, (1, 0, 3_901), answer + rest)


def rrsets_answered(zone):
    answer, rest = deep_names(zone)
    return lambda query: message(query, AA, (3_902, 0, 0), answer + rest)


def referral(zone):
    body = many_servers(zone)
    return lambda query: message(query, 0, (0, 256, 2_700), body)


def ns_answer(zone):
    answer, body = record(pointer(12), A, wire.address('192.0.2.1')), many_servers(zone)
    return lambda query: message(query, AA, (1, 256, 2_700), answer + body)


def zones_of(name, build):
    """The zone on each of its servers: a resolver may try them all."""
    behave = heavy(name, build(name))
    return [Zone(name, next(addresses), behave=behave) for _ in range(SERVERS)]


def measured(lab, zone):
    """CPU, packets and answers of questions asked one after the other."""
    lab.begin()
    replies = lab.each(names(zone), timeout=3)
    cpu = lab.cpu_ms()
    answering, udp, syn = lab.packets()
    good = sum(reply is not None and wire.is_answer(reply) for reply in replies)
    return per(cpu, COUNT), per(answering + udp + syn, COUNT), f'{good} of {COUNT}'


FIGURES = 'CPU ms a question', 'packets a question', 'answered'


@row('what an ordinary question costs that no cache knows', *FIGURES)
def cold_question(lab):
    return measured(lab, 'good.')


@row('3,900 RRsets, the name of each over 110 pointers', *FIGURES, zones=zones_of('deep.evil.', rrsets))
def heavy_rrsets(lab):
    return measured(lab, 'deep.evil.')


@row('the same in the answer section', *FIGURES, zones=zones_of('below.evil.', rrsets_answered))
def heavy_answer_section(lab):
    return measured(lab, 'below.evil.')


@row('a referral to 256 servers with 2,700 addresses of others', *FIGURES,
     zones=zones_of('many.evil.', referral))
def heavy_referral(lab):
    return measured(lab, 'many.evil.')


@row('an answer beside 256 NS records and 2,700 addresses', *FIGURES,
     zones=zones_of('beside.evil.', ns_answer))
def heavy_answer(lab):
    return measured(lab, 'beside.evil.')


@row('25 such referrals a second, and a neighbour who asks for cached names', 'p50 ms of cached answers',
     'CPU ms a second', zones=zones_of('often.evil.', referral))
def heavy_stream(lab):
    neighbour = lab.neighbour()
    lab.begin()
    began = time.monotonic()
    clients.flood(lab.to, names('often.evil.', 75), 25, wait=0.5)
    cpu = lab.cpu_ms() / (time.monotonic() - began)
    median, _ = neighbour.end()
    return f'{median:.1f}', f'{cpu:.0f}'
