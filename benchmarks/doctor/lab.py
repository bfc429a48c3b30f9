"""One machine, its router, its provider and a small Internet, in four network namespaces.

    machine --lan-- router --wan-- provider --core-- internet
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
ROOTS = [f'198.51.100.{number}' for number in range(1, 6)] + [f'2001:db8:53::{number}' for number in range(1, 6)]
PAGE = '198.51.100.80'
MACHINE = '192.168.77.2'
PLACES = 'machine', 'router', 'provider', 'internet'
HINTS = '. NS a.root.\n' + '\n'.join(f'a.root. {"AAAA" if ":" in address else "A"} {address}' for address in ROOTS) + '\n'
# Time for the examination, and for a machine ten times slower to end nevertheless.
PATIENCE = 120


class Lab:
    def __init__(self, number, program):
        self.program, self.prefix = program, f'dr{os.getpid() % 10000}-{number}-'
        self.processes, self.root_environment, self.tables = [], {}, 0
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='zoners-doctor-'))
        self.servers, self.sources, self.runs_daemon = ['127.0.0.1'], 'files dns', True
        self.arguments, self.daemon, self.crashes, self.outages, self.refuses_device = [], None, 0, 0, False

    def of(self, place):
        return self.prefix + place

    def inside(self, place, *command, **options):
        return subprocess.run(['ip', 'netns', 'exec', self.of(place), *map(str, command)], check=True,
                              capture_output=True, **options)

    def start(self, place, *command, environment=None, waits=True):
        process = subprocess.Popen(['ip', 'netns', 'exec', self.of(place), *map(str, command)],
                                   stdout=subprocess.PIPE if waits else subprocess.DEVNULL,
                                   stderr=(self.folder / 'log').open('a'),
                                   env={**os.environ, **(environment or {})})
        self.processes.append(process)
        if waits and not process.stdout.readline():
            raise RuntimeError(f'{command} did not start: {(self.folder / "log").read_text()}')
        return process

    def script(self, *words, place, environment=None):
        return self.start(place, sys.executable, HERE / 'internet.py', *words, environment=environment)

    def ip(self, place, *commands):
        subprocess.run(['ip', '-n', self.of(place), '-batch', '-'], input='\n'.join(commands).encode(), check=True,
                       capture_output=True)

    def nft(self, place, rules):
        # A block ends with a semicolon where no line ends.
        self.inside(place, 'nft', '-f', '-', input=rules.replace('; } }', '; }; }').encode())

    def filter(self, place, rule, hook='forward'):
        self.tables += 1
        table = f't{self.tables}'
        self.nft(place, f'table inet {table} {{ chain c {{ type filter hook {hook} priority 0; {rule}; }} }}')
        return table

    def build(self):
        for place in PLACES:
            subprocess.run(['ip', 'netns', 'add', self.of(place)], check=True)
        # Links get the defaults of the moment in which they are made.
        for place in PLACES:
            self.inside(place, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1',
                        'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0',
                        'net.ipv4.ping_group_range=0 2147483647', 'net.ipv4.icmp_ratelimit=0',
                        'net.ipv6.icmp.ratelimit=0', 'net.ipv4.icmp_msgs_per_sec=100000')
        _, router, provider, internet = map(self.of, PLACES)
        self.ip('machine', f'link add eth0 type veth peer name lan netns {router}')
        self.ip('router', f'link add wan type veth peer name cust netns {provider}')
        self.ip('provider', f'link add core type veth peer name eth0 netns {internet}')
        self.ip('machine', 'link set lo up', 'link set eth0 up', f'addr add {MACHINE}/24 dev eth0',
                'addr add 2001:db8:77::2/64 dev eth0 nodad', 'route add default via 192.168.77.1',
                'route add default via 2001:db8:77::1')
        self.ip('router', 'link set lo up', 'link set lan up', 'link set wan up', 'addr add 192.168.77.1/24 dev lan',
                'addr add 2001:db8:77::1/64 dev lan nodad', 'addr add 100.64.0.2/24 dev wan',
                'addr add 2001:db8:64::2/64 dev wan nodad', 'route add default via 100.64.0.1',
                'route add default via 2001:db8:64::1')
        self.ip('provider', 'link set lo up', 'link set cust up', 'link set core up', 'addr add 100.64.0.1/24 dev cust',
                'addr add 2001:db8:64::1/64 dev cust nodad', 'addr add 100.65.0.1/24 dev core',
                'addr add 2001:db8:65::1/64 dev core nodad', 'route add default via 100.65.0.2',
                'route add default via 2001:db8:65::2', 'route add 192.168.77.0/24 via 100.64.0.2',
                'route add 2001:db8:77::/64 via 2001:db8:64::2')
        self.ip('internet', 'link set lo up', 'link set eth0 up', 'addr add 100.65.0.2/24 dev eth0',
                'addr add 2001:db8:65::2/64 dev eth0 nodad', 'route add blackhole default', 'route add blackhole 2001::/16',
                'route add 192.168.77.0/24 via 100.65.0.1', 'route add 2001:db8:77::/64 via 2001:db8:65::1',
                'route add 100.64.0.0/24 via 100.65.0.1', 'route add 2001:db8:64::/64 via 2001:db8:65::1',
                *(f'addr add {address}/{128 if ":" in address else 32} dev lo {"nodad" if ":" in address else ""}'
                  for address in [*ROOTS, PAGE]))

    def configure(self):
        (self.folder / 'hints').write_text(HINTS)
        (self.folder / 'state').mkdir()
        (self.folder / 'control').mkdir(mode=0o700)
        self.configuration = self.folder / 'zoners.toml'
        listen, allow = '"127.0.0.1:53", "[::1]:53"', ''
        if self.refuses_device:
            listen, allow = f'{listen}, "{MACHINE}:53"', 'allow = ["127.0.0.0/8", "::1/128"]\n'
        self.configuration.write_text(
            f'[server]\nlisten = [{listen}]\n{allow}control = "{self.folder}/control/zoners.sock"\n'
            f'state = "{self.folder}/state"\n[resolver]\nroot-hints = "{self.folder}/hints"\n'
            '[dnssec]\nvalidate = false\n')

    def settings(self):
        folder = pathlib.Path('/etc/netns') / self.of('machine')
        folder.mkdir(parents=True)
        (folder / 'resolv.conf').write_text(''.join(f'nameserver {server}\n' for server in self.servers))
        (folder / 'nsswitch.conf').write_text(f'passwd: files\nhosts: {self.sources}\n')

    def examine(self, *faults):
        """The diagnosis after the faults."""
        self.build()
        for fault in faults:
            fault.before(self)
        self.configure()
        self.settings()
        self.script('root', *ROOTS, place='internet', environment=self.root_environment)
        self.script('page', PAGE, '80', 'success', place='internet', environment=self.root_environment)
        if self.runs_daemon:
            self.start_daemon()
        for fault in faults:
            fault.after(self)
        for family in '-4', '-6':
            subprocess.run(['ip', family, '-n', self.of('machine'), 'neigh', 'flush', 'all'], check=False, capture_output=True)
        ended = subprocess.run(
            ['ip', 'netns', 'exec', self.of('machine'), 'env', '-u', 'SUDO_USER', f'HOME={self.folder}/home', self.program, 'doctor', '--json', '--config', self.configuration, '--root-hints', self.folder / 'hints',
             '--page', f'http://{PAGE}/success.txt', *self.arguments],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        if not ended.stdout:
            raise RuntimeError(f'no diagnosis: {ended.stderr}')
        return {**json.loads(ended.stdout), 'code': ended.returncode}

    def start_daemon(self):
        for run in range(self.crashes + 1):
            self.daemon = self.start('machine', self.program, 'serve', '--config', self.configuration, waits=False)
            self.wait_for_daemon()
            if run < self.crashes:
                self.daemon.send_signal(signal.SIGKILL)
                self.daemon.wait()
        if self.refuses_device:
            self.ask('router', MACHINE, 5, '.')
        for number in range(self.outages):
            # The daemon takes two seconds and eight queries without a reply for an outage.
            table = self.filter('provider', 'drop')
            for part in 'ab':
                self.ask('machine', '127.0.0.1', 1, *(f'{part}-{number}-{count}' for count in range(12)))
                time.sleep(1.5)
            self.inside('provider', 'nft', 'delete', 'table', 'inet', table)
            self.ask('machine', '127.0.0.1', 5, f'back-{number}')

    def ask(self, place, address, seconds, *names):
        self.inside(place, sys.executable, HERE / 'internet.py', 'ask', address, seconds, *names)

    def wait_for_daemon(self):
        for _ in range(100):
            asked = subprocess.run(
                ['ip', 'netns', 'exec', self.of('machine'), self.program, 'healthcheck', '--config', self.configuration],
                capture_output=True, check=False)
            if asked.returncode == 0:
                return
            try:
                self.daemon.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f'the daemon ended: {(self.folder / "log").read_text()}')
        raise RuntimeError('the daemon does not resolve')

    def daemon_process(self):
        """`ip netns exec` becomes the program, so that the process is the daemon's."""
        return self.daemon.pid

    def remove(self):
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        for place in PLACES:
            subprocess.run(['ip', 'netns', 'del', self.of(place)], check=False, capture_output=True)
        shutil.rmtree(pathlib.Path('/etc/netns') / self.of('machine'), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
