"""What befalls the machine. A later part of Zoners adds what can happen to it to `TROUBLES`."""

import contextlib
import dataclasses
import os
import signal
import socket
import struct
import subprocess
import sys
import time

from machine import NAMESPACE

CAFE = 'lab-cafe'
# What a portal says to everything.
PORTAL = '100.64.7.7'


@dataclasses.dataclass
class Trouble:
    befall: object
    # Questions may fail while it lasts.
    lets_fail: bool = False
    # What is told while it lasts may be wrong: the network lies.
    lies: bool = False


def outage(machine):
    """Nothing comes back, and nothing tells of it."""
    os.kill(machine.wire, signal.SIGSTOP)
    time.sleep(6)
    os.kill(machine.wire, signal.SIGCONT)


def unplugged(machine):
    """The interface goes down and comes back."""
    machine.inside('ip', 'link', 'set', 'wan0', 'down')
    time.sleep(5)
    plug_in(machine)


def plug_in(machine):
    machine.inside('ip', 'link', 'set', 'wan0', 'up')
    machine.inside('ip', 'addr', 'replace', 'fd99::2/64', 'dev', 'wan0', 'nodad')
    machine.inside('ip', 'route', 'replace', 'default', 'dev', 'wan0')
    machine.inside('ip', '-6', 'route', 'replace', 'default', 'dev', 'wan0')


def sleep(machine):
    """The machine sleeps."""
    machine.send(signal.SIGSTOP)
    time.sleep(12)
    machine.send(signal.SIGCONT)


@contextlib.contextmanager
def ruled(machine, *rules):
    """With rules for what leaves the machine."""
    machine.inside('nft', 'add table inet trouble; add chain inet trouble out '
                   '{ type filter hook output priority 0; }; ' +
                   '; '.join(f'add rule inet trouble out oifname "wan0" {rule}' for rule in rules))
    try:
        yield
    finally:
        machine.inside('nft', 'delete table inet trouble')


def refused(machine):
    """The network refuses DNS to all foreign servers."""
    with ruled(machine, 'udp dport 53 reject', 'tcp dport 53 reject with tcp reset'):
        time.sleep(8)


def blocked(machine):
    """The network drops DNS to all foreign servers."""
    with ruled(machine, 'udp dport 53 drop', 'tcp dport 53 drop'):
        time.sleep(8)


def no_udp(machine):
    """UDP does not get through; then the network forgets the connections that there are, and then UDP is back."""
    with ruled(machine, 'udp dport 53 drop'):
        time.sleep(8)
        ports = {line.split()[3].rpartition(':')[2] for line in
                 machine.inside('ss', '-Htn', 'dport', '=', ':53').stdout.splitlines()}
        forgotten = [f'tcp sport {{ {", ".join(sorted(ports))} }} drop'] if ports else []
        machine.inside('nft', '; '.join(f'add rule inet trouble out {rule}' for rule in forgotten) or 'list ruleset')
        time.sleep(6)


def portal(machine):
    """Another network, where a portal answers all questions itself; then back."""
    commands = [f'ip netns add {CAFE}', f'ip -n {NAMESPACE} link add cafe0 type veth peer name in0 netns {CAFE}',
                f'ip -n {CAFE} link set lo up', f'ip -n {CAFE} addr add 10.66.0.1/24 dev in0',
                f'ip -n {CAFE} link set in0 up', f'ip -n {CAFE} route add local 0.0.0.0/0 dev lo',
                f'ip -n {NAMESPACE} addr add 10.66.0.2/24 dev cafe0', f'ip -n {NAMESPACE} link set cafe0 up',
                f'ip -n {NAMESPACE} -6 route del default',
                f'ip -n {NAMESPACE} route replace default via 10.66.0.1']
    try:
        for command in commands:
            subprocess.run(command.split(), check=True)
        answers = subprocess.Popen(['ip', 'netns', 'exec', CAFE, sys.executable, __file__, PORTAL])
        time.sleep(10)
        answers.kill()
    finally:
        plug_in(machine)
        subprocess.run(['ip', 'netns', 'del', CAFE], check=False)


def reload(machine):
    """Another configuration, one that is wrong, and another."""
    for more in ('', '[server]\nwrong = 1\n', ''):
        machine.configure(more)
        machine.send(signal.SIGHUP)
        time.sleep(1)


def full_disk(machine):
    """The disk is full while the cache is written, and at a stop."""
    filling = machine.state / 'filling'
    with contextlib.suppress(OSError), open(filling, 'wb', buffering=0) as file:
        while True:
            file.write(bytes(4096))
    time.sleep(12)
    machine.stop()
    filling.unlink()
    machine.start()


def restart(machine):
    machine.stop()
    machine.start()


def killed(machine):
    machine.stop(signal.SIGKILL)
    machine.start()


def stalled_log(machine):
    """No one reads the log, and there is a lot to say; the daemon must hear all the same."""
    machine.reads_log.clear()
    for _ in range(300):
        machine.send(signal.SIGHUP)
        time.sleep(0.02)
    machine.status()
    machine.reads_log.set()


def signals(machine):
    """Signals that have no meaning."""
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        machine.send(number)
    time.sleep(1)
    machine.status()


def few_files(machine):
    """So few descriptors that not all queries can have one at a time."""
    command = ['prlimit', f'--pid={machine.process.pid}', '--nofile=64:']
    subprocess.run(command, check=True)
    time.sleep(8)
    subprocess.run([*command[:2], '--nofile=1024:'], check=True)


def connections(machine):
    """A program of this machine opens connections and says nothing."""
    script = ('import socket, time\nheld = []\nfor _ in range(400):\n s = socket.socket()\n s.settimeout(1)\n'
              ' try: s.connect(("127.0.0.1", 53)); held.append(s)\n except OSError: pass\ntime.sleep(5)\n'
              's = socket.create_connection(("127.0.0.1", 53), 3)')
    machine.inside(sys.executable, '-c', script, check=False)


def torture(machine):
    """Names that nobody has asked for, a thousand a second."""
    script = ('import os, socket, struct, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n'
              's.connect(("127.0.0.1", 53))\ns.setblocking(False)\nfor n in range(8000):\n'
              ' name = b"x%d" % n\n s.send(struct.pack("!6H", n & 0xFFFF, 0x100, 1, 0, 0, 0) + bytes([len(name)])'
              ' + name + b"\\7bulkers\\3com\\0\\0\\1\\0\\1")\n time.sleep(0.001)\n')
    machine.inside(sys.executable, '-c', script, check=False)


TROUBLES = {
    'outage': Trouble(outage, lets_fail=True),
    'unplugged': Trouble(unplugged, lets_fail=True),
    'sleep': Trouble(sleep, lets_fail=True),
    'refused': Trouble(refused, lets_fail=True),
    'blocked': Trouble(blocked, lets_fail=True),
    'no-udp': Trouble(no_udp, lets_fail=True),
    'portal': Trouble(portal, lets_fail=True, lies=True),
    'reload': Trouble(reload),
    'full-disk': Trouble(full_disk, lets_fail=True),
    'restart': Trouble(restart, lets_fail=True),
    'killed': Trouble(killed, lets_fail=True),
    'stalled-log': Trouble(stalled_log),
    'signals': Trouble(signals),
    'few-files': Trouble(few_files),
    'connections': Trouble(connections),
    'torture': Trouble(torture),
}


def answer_everything(address):
    """The portal itself: an address for every question, as a resolver would say it, from the address asked."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
    sock.bind(('0.0.0.0', 53))
    record = struct.pack('!HHHIH', 0xC00C, 1, 1, 3600, 4) + socket.inet_aton(address)
    while True:
        query, controls, _, client = sock.recvmsg(4096, 256)
        end = query.index(b'\0', 12) + 5
        reply = query[:2] + struct.pack('!5H', 0x8180, 1, 1, 0, 0) + query[12:end] + record
        # The reply leaves from where the query was sent to.
        here = controls[0][2][8:12]
        source = [(socket.IPPROTO_IP, 8, struct.pack('=I', 0) + here + bytes(4))]
        with contextlib.suppress(OSError):
            sock.sendmsg([reply], source, 0, client)


if __name__ == '__main__':
    answer_everything(*sys.argv[1:])
