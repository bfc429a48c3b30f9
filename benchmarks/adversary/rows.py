"""The rows of the table: each an attack, and what is measured of it."""

import dataclasses
import itertools
import typing

from . import clients

ROWS = []


@dataclasses.dataclass
class Row:
    """An attack. `run(lab)` returns the figures in the order of `figures`; `cuts` are delegations of
    `evil.` beside those to `zones`."""

    name: str
    what: str
    figures: list
    run: typing.Callable
    zones: list
    cuts: dict
    cache: typing.Optional[int]


def row(what, *figures, zones=(), cuts=None, cache=None):
    """Makes a row of a function, whose name it has."""
    def made(function):
        ROWS.append(Row(function.__name__.replace('_', '-'), what, figures, function, list(zones),
                        cuts or {}, cache))
        return function
    return made


# The addresses of the rows' servers.
addresses = map('198.18.1.{}'.format, itertools.count(1))


class Lab:
    """A resolver under attack, and what is seen of it from outside."""

    def __init__(self, resolver, servers, sink):
        self.resolver, self.servers, self.sink, self.to = resolver, servers, sink, resolver.address

    def begin(self):
        """What was counted until now does not count."""
        self.servers.counts()
        self.sink.counts()
        self.before = self.resolver.cpu()

    def cpu_ms(self):
        """Milliseconds of CPU since the beginning."""
        return 1000 * (self.resolver.cpu() - self.before)

    def packets(self):
        """Datagrams and queries over TCP to servers that answer, datagrams to silent addresses, SYN
        segments to those, since the last time."""
        answering = sum(self.servers.counts().values())
        udp, syn = self.sink.counts()
        return answering, sum(udp.values()), sum(syn.values())

    def each(self, names, timeout=5.0):
        """The answers to the names, asked one after the other."""
        return [clients.ask(self.to, name, timeout=timeout) for name in names]

    def neighbour(self, rate=100):
        """A client that asks for what is in the cache meanwhile."""
        clients.ask(self.to, 'cached.good.')
        return clients.Neighbour(self.to, 'cached.good.', rate)


def per(count, queries):
    return f'{count / queries:.1f}'
