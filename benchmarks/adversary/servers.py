"""The authoritative servers of the adversary, and of the good: one process on many addresses."""

import asyncio
import collections
import multiprocessing
import os
import socket
import struct

from . import wire

ROOT, TLD = '198.18.0.1', '198.18.0.2'


class Zone:
    """A zone on `address`. `records` are by name and type, a name `*` stands for any; `cuts` are
    delegations: the names of the servers of each, and the addresses of each. `behave(query, tcp)` says
    what a server does instead: a list of moments in seconds and octets."""

    def __init__(self, name, address, tcp=True, behave=None, records=None, cuts=None, delay=0.0):
        self.name, self.address, self.tcp, self.behave = name, address, tcp, behave
        self.records, self.cuts, self.delay = records or {}, cuts or {}, delay

    def react(self, query, tcp):
        limit = 65535 if tcp else min(query.payload, 1232)
        if self.behave:
            return self.behave(query, tcp)
        return [(self.delay, self.reply(query).octets(limit))]

    def reply(self, query):
        cut = next((cut for cut in ancestors(query.name) if cut in self.cuts), None)
        if cut is not None and cut != self.name:
            return referral(query, cut, self.cuts[cut])
        for owner in (query.name, '*'):
            found = self.records.get((owner, query.rtype))
            if found:
                reply = wire.Reply(query)
                for rdata in found:
                    reply.answer(query.name, query.rtype, rdata)
                return reply
            alias = self.records.get((owner, wire.CNAME))
            if alias:
                return wire.Reply(query).answer(query.name, wire.CNAME, alias[0])
        names = {owner for owner, _ in self.records}
        there = query.name == self.name or '*' in names or any(
            name == query.name or name.endswith('.' + query.name) for name in names | set(self.cuts))
        rcode = wire.NOERROR if there else wire.NXDOMAIN
        return wire.Reply(query, rcode).authority(self.name, wire.SOA, wire.soa(self.name), 60)


def nothing(query, zone):
    """What a server does that has the zone and no such record: it denies the type."""
    return [(0, wire.Reply(query).authority(zone, wire.SOA, wire.soa(zone), 60).octets())]


def referral(query, cut, servers):
    """`servers`: a dictionary of names, each with its addresses."""
    reply = wire.Reply(query, flags=0)
    for name, addresses in servers.items():
        reply.authority(cut, wire.NS, wire.wire(name), 3600)
        for address in addresses:
            reply.additional(name, wire.A, wire.address(address), 3600)
    return reply


def ancestors(name):
    """The name and those above it, the deepest first."""
    left = name
    while left:
        yield left
        left = left.partition('.')[2]
    yield '.'


class Servers:
    """The process with all of the zones; tells what was asked."""

    def __init__(self, zones):
        self.here, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=run, args=(zones, there), daemon=True)
        self.process.start()
        self.here.recv()

    def counts(self):
        """Queries over UDP and over TCP since the last time, by the address of the server."""
        self.here.send('counts')
        return self.here.recv()


def run(zones, pipe):
    asyncio.run(serve(zones, pipe))


async def serve(zones, pipe):
    loop, counts = asyncio.get_running_loop(), collections.Counter()
    by_address = collections.defaultdict(list)
    for zone in zones:
        by_address[zone.address].append(zone)
    for own in by_address.values():
        own.sort(key=lambda zone: -len(wire.labels(zone.name)))

    def react(address, octets, tcp):
        try:
            query = wire.Query(octets)
        except (IndexError, struct.error):
            return []
        counts[address] += 1
        for zone in by_address[address]:
            if zone.name == '.' or query.name == zone.name or query.name.endswith('.' + zone.name):
                return zone.react(query, tcp)
        return [(0, wire.Reply(query, wire.REFUSED, 0).octets())]

    for address, own in by_address.items():
        open_udp(loop, address, react)
        if all(zone.tcp for zone in own):
            await open_tcp(address, react)

    def tell():
        pipe.recv()
        pipe.send(dict(counts))
        counts.clear()

    loop.add_reader(pipe.fileno(), tell)
    pipe.send('ready')
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1)


def open_udp(loop, address, react):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind((address, 53))
    sock.setblocking(False)

    def send(octets, to):
        try:
            sock.sendto(octets, to)
        except OSError:
            pass

    def readable():
        # Many at a time, and yet not so many that the others wait.
        for _ in range(64):
            try:
                octets, to = sock.recvfrom(4096)
            except OSError:
                return
            for delay, reply in react(address, octets, False):
                loop.call_later(delay, send, reply, to) if delay else send(reply, to)

    loop.add_reader(sock.fileno(), readable)


async def open_tcp(address, react):
    async def connected(reader, writer):
        try:
            while True:
                length = struct.unpack('!H', await reader.readexactly(2))[0]
                octets = await reader.readexactly(length)
                for delay, reply in react(address, octets, True):
                    await asyncio.sleep(delay)
                    writer.write(struct.pack('!H', len(reply)) + reply)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    await asyncio.start_server(connected, address, 53)
