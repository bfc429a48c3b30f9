"""A namespace with the addresses of all servers on the loopback interface, and a wire to silent ones:
what is sent there is counted at its other end, and goes no further."""

import collections
import os
import socket
import subprocess
import threading

NAMESPACE = 'adversary'
# What is sent there vanishes.
SILENT = '203.0.112.0/22'
# Where the resolver that is attacked listens.
RESOLVER = '127.0.0.11'
# A client that no resolver serves.
STRANGER = '198.18.255.1'


def silent(number):
    """A silent address; there are a thousand."""
    return f'203.0.{112 + number // 250}.{1 + number % 250}'


def inside(arguments):
    """Runs this program in the namespace, which is gone afterwards."""
    subprocess.run(['ip', 'netns', 'add', NAMESPACE], check=True)
    try:
        return subprocess.run(['ip', 'netns', 'exec', NAMESPACE, *arguments], check=False,
                              env={**os.environ, 'ADVERSARY': 'inside'}).returncode
    finally:
        subprocess.run(['ip', 'netns', 'del', NAMESPACE], check=False)


def prepare(addresses):
    commands = ['link set lo up', 'link add away type veth peer name sink', 'link set sink up',
                'link set away arp off up']
    commands += [f'addr add {address}/32 dev lo' for address in sorted({*addresses, STRANGER, RESOLVER})]
    # Packets that leave need an address to come from.
    commands += ['addr add 198.18.255.254/32 dev away', f'route add {SILENT} dev away src 198.18.255.254']
    subprocess.run(['ip', '-force', '-batch', '-'], input='\n'.join(commands).encode(), check=True)


class Sink:
    """What is sent to silent addresses, by address: datagrams, and SYN segments."""

    def __init__(self):
        self.lock, self.udp, self.syn = threading.Lock(), collections.Counter(), collections.Counter()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(0x0800))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(('sink', 0x0800))
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            packet = self.socket.recv(128)
            header = 4 * (packet[0] & 0x0F)
            to = socket.inet_ntoa(packet[16:20])
            with self.lock:
                if packet[9] == socket.IPPROTO_UDP:
                    self.udp[to] += 1
                elif packet[9] == socket.IPPROTO_TCP and packet[header + 13] & 0x02:
                    self.syn[to] += 1

    def counts(self):
        """Datagrams and SYN segments since the last time, by address."""
        with self.lock:
            told = dict(self.udp), dict(self.syn)
            self.udp.clear()
            self.syn.clear()
        return told
