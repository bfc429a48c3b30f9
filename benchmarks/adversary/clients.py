"""Clients: one question, many at a rate, and a steady stream of a neighbour's."""

import multiprocessing
import select
import socket
import statistics
import struct
import time

from . import wire


def ask(to, name, rtype=wire.A, timeout=5.0, tcp=False):
    """The reply, or none in time; over TCP where it is truncated."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        packet = wire.query(name, rtype, 1)
        try:
            sock.connect((to, 53))
            if tcp:
                sock.sendall(struct.pack('!H', len(packet)) + packet)
                stream = sock.makefile('rb')
                return stream.read(struct.unpack('!H', stream.read(2))[0])
            sock.send(packet)
            reply = sock.recv(4096)
        except (OSError, struct.error):
            return None
    return ask(to, name, rtype, timeout, True) if reply[2] & 0x02 else reply


def flood(to, names, rate, wait=3.0, rtype=wire.A, source=None):
    """Asks for the names at `rate` a second; the replies by the number of the question, and when each
    came, in seconds after it was asked. Those that come within `wait` after the last count."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    if source:
        sock.bind((source, 0))
    sock.connect((to, 53))
    sock.setblocking(False)
    replies, sent, began = {}, [], time.monotonic()

    def collect(until):
        while (left := until - time.monotonic()) > 0 and len(replies) < len(names):
            if not select.select([sock], [], [], left)[0]:
                continue
            try:
                reply = sock.recv(4096)
            except OSError:
                continue
            number = struct.unpack('!H', reply[:2])[0]
            if number < len(sent):
                replies.setdefault(number, (reply, time.monotonic() - sent[number]))

    for number, name in enumerate(names):
        collect(began + number / rate)
        try:
            sock.send(wire.query(name, rtype, number))
        except OSError:
            pass
        sent.append(time.monotonic())
    collect(time.monotonic() + wait)
    sock.close()
    return replies


def fill(to, names, rtype=wire.A, at_once=200):
    """Asks for all names as fast as the server answers."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sock.connect((to, 53))
    sock.settimeout(0.2)
    waiting = 0
    for number, name in enumerate(names):
        sock.send(wire.query(name, rtype, number & 0xFFFF))
        waiting += 1
        while waiting >= at_once:
            try:
                sock.recv(4096)
                waiting -= 1
            except TimeoutError:
                waiting = 0
    sock.close()


class Neighbour:
    """A process that asks for what is in the cache, steadily, while others are attacked."""

    def __init__(self, to, name, rate=100):
        self.here, there = multiprocessing.Pipe()
        work = multiprocessing.Process(target=neighbour, args=(to, name, rate, there), daemon=True)
        work.start()

    def end(self):
        """The median in milliseconds, and which share was answered within a second."""
        self.here.send('end')
        times, asked = self.here.recv()
        median = 1000 * statistics.median(times) if times else float('inf')
        return median, len(times) / max(asked, 1)


def neighbour(to, name, rate, pipe):
    sock, times, asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), [], 0
    sock.connect((to, 53))
    while not pipe.poll():
        began, asked = time.monotonic(), asked + 1
        try:
            sock.send(wire.query(name, wire.A, asked & 0xFFFF))
            while (left := began + 1 - time.monotonic()) > 0:
                sock.settimeout(left)
                if struct.unpack('!H', sock.recv(4096)[:2])[0] == asked & 0xFFFF:
                    times.append(time.monotonic() - began)
                    break
        except OSError:
            pass
        time.sleep(max(0.0, began + 1 / rate - time.monotonic()))
    pipe.send((times, asked))
