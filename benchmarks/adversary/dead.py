"""Delegations that lead nowhere or to a victim, and servers that are slow or silent."""

import itertools
import time

from . import clients, wire
from .network import silent
from .rows import addresses, per, row
from .servers import Zone, nothing, referral
from .world import VICTIM

numbers = itertools.count()
# Every name has an address.
ANY = {('*', wire.A): [wire.address('192.0.2.1')]}


def servers(zone, count, each, last=None):
    """`count` servers of `each` silent addresses; the very last may be another."""
    cut = {f'ns{at}.{zone}': [silent(next(numbers)) for _ in range(each)] for at in range(count)}
    if last:
        cut[f'ns{count - 1}.{zone}'][-1] = last
    return cut


ALIVE = next(addresses)
SIXTY = servers('sixty.evil.', 12, 5, ALIVE)
DEAD = servers('dead.evil.', 13, 6)
NAMED = silent(999)


@row('12 questions of a zone with 13 silent servers of 6 addresses', 'datagrams', 'SYN',
     'datagrams for the first question', cuts={'dead.evil.': DEAD})
def dead_delegation(lab):
    lab.begin()
    clients.flood(lab.to, ['first.dead.evil.'], 1, wait=4)
    _, first, syn = lab.packets()
    clients.flood(lab.to, [f'n{number}.dead.evil.' for number in range(11)], 2, wait=3)
    _, later, more = lab.packets()
    return first + later, syn + more, first


@row('a zone of which the last of 60 addresses lives', 'questions until an answer', 'datagrams',
     zones=[Zone('sixty.evil.', ALIVE, records=ANY)], cuts={'sixty.evil.': SIXTY})
def sixtieth_address(lab):
    lab.begin()
    found = 'none of 20'
    for number in range(20):
        reply = clients.ask(lab.to, f'n{number}.sixty.evil.', timeout=1.2)
        if reply and wire.is_answer(reply):
            found = number + 1
            break
    return found, lab.packets()[1]


def many_zones():
    """200 zones that all name one silent address."""
    def behave(query, tcp):
        parts = wire.labels(query.name)
        cut = b'.'.join(parts[-3:]).decode() + '.'
        if len(parts) < 3:
            return nothing(query, 'named.evil.')
        return [(0, referral(query, cut, {f'ns.{cut}': [NAMED]}).octets())]
    return Zone('named.evil.', next(addresses), behave=behave)


@row('one silent address, named by 200 zones, each asked once', 'datagrams to the victim a second', 'SYN',
     zones=[many_zones()])
def named_victim(lab):
    lab.begin()
    began = time.monotonic()
    clients.flood(lab.to, [f'www.z{number}.named.evil.' for number in range(200)], 50, wait=3)
    taken = time.monotonic() - began
    _, udp, syn = lab.packets()
    return per(udp, taken), syn


def slow(name, delay):
    return Zone(name, next(addresses), delay=delay, records=ANY)


def asked_fast(lab, zone):
    lab.begin()
    names = [f'n{number}.{zone}' for number in range(900)]
    replies = clients.flood(lab.to, names, 300, wait=4)
    good = sum(wire.is_answer(reply) for reply, _ in replies.values())
    return f'{lab.packets()[0] / len(names):.2f}', f'{good} of {len(names)}'


@row('a server that takes 500 ms, asked at 300 a second', 'queries a question', 'answered',
     zones=[slow('slow.evil.', 0.5)])
def slow_server(lab):
    return asked_fast(lab, 'slow.evil.')


@row('a server that takes 1.2 s, asked at 300 a second', 'queries a question', 'answered',
     zones=[slow('slower.evil.', 1.2)])
def slower_server(lab):
    return asked_fast(lab, 'slower.evil.')


@row('random names of a silent zone at 500 a second, beside a neighbour and cold questions',
     'p50 ms of cached answers', 'cold questions answered', 'datagrams a question',
     cuts={'silence.evil.': servers('silence.evil.', 2, 1)})
def random_names(lab):
    neighbour = lab.neighbour()
    lab.begin()
    names = [f'n{number}.silence.evil.' for number in range(2_000)]
    cold = list(range(0, 2_000, 25))
    for number in cold:
        names[number] = f'c{number}.good.'
    replies = clients.flood(lab.to, names, 500, wait=1)
    median, _ = neighbour.end()
    good = sum(number in replies and wire.is_answer(replies[number][0]) for number in cold)
    return f'{median:.1f}', f'{good} of {len(cold)}', f'{lab.packets()[1] / (2_000 - len(cold)):.2f}'


def nxns():
    """Referrals to 135 servers of names that the victim does not have."""
    def behave(query, tcp):
        parts = wire.labels(query.name)
        if len(parts) < 3:
            return nothing(query, 'nxns.evil.')
        cut = b'.'.join(parts[-3:]).decode()
        names = {f'{cut}-{number}.victim.': [] for number in range(135)}
        return [(0, referral(query, cut + '.', names).octets(65535 if tcp else 1232))]
    return Zone('nxns.evil.', next(addresses), behave=behave)


@row('NXNSAttack: a referral to 135 names that the victim does not have', 'packets a question',
     'of those to the victim', zones=[nxns()])
def nxns_attack(lab):
    lab.begin()
    names = [f'www.z{number}.nxns.evil.' for number in range(10)]
    lab.each(names, timeout=3)
    counts = lab.servers.counts()
    return per(sum(counts.values()), len(names)), per(counts.get(VICTIM, 0), len(names))


def endless():
    """Each referral names a server whose own name needs another referral."""
    def behave(query, tcp):
        parts = [label.decode() for label in wire.labels(query.name)]
        if len(parts) < 3:
            return nothing(query, 'endless.evil.')
        cut = '.'.join(parts[-3:]) + '.'
        # A server without an address, in another zone of the same kind.
        return [(0, referral(query, cut, {f'ns.x{parts[-3]}.endless.evil.': []}).octets())]
    return Zone('endless.evil.', next(addresses), behave=behave)


@row('referrals to servers without addresses, whose zone is referred to likewise, for ever',
     'packets a question', zones=[endless()])
def endless_referral(lab):
    lab.begin()
    names = [f'www.z{number}.endless.evil.' for number in range(5)]
    lab.each(names, timeout=4)
    return (per(lab.packets()[0], len(names)),)


def chains():
    """An alias of an alias of an alias."""
    def behave(query, tcp):
        parts = [label.decode() for label in wire.labels(query.name)]
        if len(parts) == 4 and parts[0] == 'www':
            number, run = parts[1][1:].split('-')
            following = f'www.c{int(number) + 1}-{run}.chain.evil.'
            reply = wire.Reply(query).answer(query.name, wire.CNAME, wire.wire(following))
            return [(0, reply.octets())]
        return nothing(query, 'chain.evil.')
    return Zone('chain.evil.', next(addresses), behave=behave)


@row('an alias of an alias, for ever', 'packets a question', zones=[chains()])
def endless_alias(lab):
    lab.begin()
    names = [f'www.c0-{number}.chain.evil.' for number in range(5)]
    lab.each(names, timeout=4)
    return (per(lab.packets()[0], len(names)),)


LAME = next(addresses)


@row('10 servers of 13 addresses, which are all the same one and refuse', 'packets a question',
     zones=[Zone('refusing.evil.', LAME, behave=lambda query, tcp: [
         (0, wire.Reply(query, wire.REFUSED, 0).octets())])],
     cuts={'same.evil.': {f'ns{number}.same.evil.': [LAME] * 13 for number in range(10)}})
def same_address(lab):
    lab.begin()
    names = [f'n{number}.same.evil.' for number in range(5)]
    lab.each(names, timeout=4)
    return (per(lab.packets()[0], len(names)),)
