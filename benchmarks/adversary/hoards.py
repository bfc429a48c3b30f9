"""What fills memory, and what makes a resolver a weapon."""

import socket
import struct
import time

from . import clients, wire
from .network import STRANGER
from .rows import addresses, per, row
from .servers import Zone

MIB = 8
LARGE = [bytes([250]) + b'x' * 250] * 4


def of_both_sizes():
    address = next(addresses)
    records = {('*', wire.A): [wire.address('192.0.2.1')], ('*', wire.TXT): [b''.join(LARGE)]}
    return Zone('hoard.evil.', address, records=records)


@row(f'a cache of {MIB} MiB filled with small entries, then with large ones',
     'growth in MiB after the small ones', 'after the large ones', zones=[of_both_sizes()], cache=MIB)
def cache_filled(lab):
    before = lab.resolver.memory()
    clients.fill(lab.to, (f's{number}.hoard.evil.' for number in range(30_000)))
    small = lab.resolver.memory() - before
    clients.fill(lab.to, (f'l{number}.hoard.evil.' for number in range(9_000)), wire.TXT)
    return f'{small:.0f}', f'{lab.resolver.memory() - before:.0f}'


@row('1,000 TCP connections, each with all but the end of a message of 65,535 octets', 'growth in MiB',
     'connections that were kept', 'p50 ms of cached answers')
def half_sent(lab):
    neighbour = lab.neighbour()
    before, kept, sockets = lab.resolver.memory(), 0, []
    octets = struct.pack('!H', 65_535) + wire.query('half.good.') + bytes(65_000)
    for number in range(1_000):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # A resolver bounds the connections of one client.
        sock.bind((f'127.0.1.{1 + number // 50}', 0))
        sock.settimeout(0.2)
        try:
            sock.connect((lab.to, 53))
            sock.sendall(octets)
            sock.setblocking(False)
            sockets.append(sock)
        except OSError:
            sock.close()
    time.sleep(1)
    grown = lab.resolver.memory() - before
    for sock in sockets:
        try:
            kept += sock.recv(1) != b''
        except BlockingIOError:
            kept += 1
        except OSError:
            pass
        sock.close()
    return f'{grown:.0f}', kept, f'{neighbour.end()[0]:.1f}'


@row('3,000 queries of 30 octets from an address that is not served', 'replies', 'octets for each that came')
def reflector(lab):
    names = ['x.'] * 3_000
    octets = len(wire.query(names[0]))
    replies = clients.flood(lab.to, names, 1_500, wait=0.5, source=STRANGER)
    back = sum(len(reply) for reply, _ in replies.values())
    each = per(back, max(len(replies), 1))
    return len(replies), f'{back / (octets * len(names)):.2f} ({octets} sent, {each} back)'
