"""The resolvers: how each is configured and started, and what each takes of the machine.

All know the same root and validate nothing, serve 127.0.0.0/8 and nobody else, have one thread and the
limits that they come with, but for the size of the cache where a row sets it."""

import os
import pathlib
import shutil
import subprocess
import time

from . import clients, servers
from .network import RESOLVER

FOLDER = pathlib.Path('/tmp/zoners-adversary')
HINTS = f'. 3600000 NS a.root.\na.root. 3600000 A {servers.ROOT}\n'
# Asked for until it is answered: the resolver is there, and knows the way to the good zone.
FIRST = 'first.good.'


class Resolver:
    """A running resolver; `cache` is the size of its cache in MiB, where it can be said in octets."""

    def __init__(self, kind, cache=None):
        self.kind, self.address = kind, RESOLVER
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir()
        (FOLDER / 'hints').write_text(HINTS)
        arguments = KINDS[kind](self.address, cache)
        environment = {**os.environ, 'XDG_STATE_HOME': str(FOLDER), 'XDG_CACHE_HOME': str(FOLDER)}
        with open(FOLDER / 'log', 'w', encoding='utf-8') as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=FOLDER, env=environment)
        for _ in range(100):
            if clients.ask(self.address, FIRST, timeout=0.3):
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f'{kind} does not answer: see {FOLDER}/log')

    def cpu(self):
        """Seconds of the processor that were taken, in nanoseconds' precision."""
        threads = pathlib.Path(f'/proc/{self.process.pid}/task').glob('*/schedstat')
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def memory(self):
        """MiB of memory that are taken (RSS)."""
        status = pathlib.Path(f'/proc/{self.process.pid}/status').read_text()
        return int(status.split('VmRSS:')[1].split()[0]) / 1024

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        self.process.kill()
        self.process.wait()


def write(name, text):
    path = FOLDER / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path)


def zoners(address, cache):
    size = f'size = "{cache}MiB"\n' if cache else ''
    path = write('zoners.toml', f'''[server]
listen = ["{address}:53"]
control = "{FOLDER}/zoners.sock"
allow = ["127.0.0.0/8"]
[resolver]
root-hints = "{FOLDER}/hints"
never-ask = []
[cache]
persist = false
{size}[dnssec]
validate = false
''')
    binary = os.environ.get('ZONERS', 'target/dist/zoners')
    return [os.path.abspath(binary), 'serve', '--config', path]


def unbound(address, cache):
    size = f' msg-cache-size: {cache * 512}k\n rrset-cache-size: {cache * 512}k\n' if cache else ''
    path = write('unbound.conf', f'''server:
 interface: {address}
 root-hints: {FOLDER}/hints
 module-config: "iterator"
 do-not-query-localhost: no
 chroot: ""
 username: ""
 directory: {FOLDER}
 pidfile: {FOLDER}/unbound.pid
 use-syslog: no
 access-control: 127.0.0.0/8 allow
{size}remote-control:
 control-enable: no
''')
    return ['unbound', '-d', '-c', path]


def kresd(address, cache):
    path = write('kresd.conf', f'''net.listen('{address}', 53, {{kind = 'dns'}})
modules = {{'hints > iterate', 'view'}}
hints.root({{['a.root.'] = '{servers.ROOT}'}})
trust_anchors.remove('.')
view:addr('127.0.0.0/8', policy.all(policy.PASS))
view:addr('0.0.0.0/0', policy.all(policy.REFUSE))
cache.size = {cache or 100}*MB
''')
    (FOLDER / 'kresd').mkdir()
    return ['kresd', '-n', '-c', path, str(FOLDER / 'kresd')]


def pdns(address, _cache):
    write('pdns/recursor.conf', f'''local-address={address}
hint-file={FOLDER}/hints
dnssec=off
dont-query=
allow-from=127.0.0.0/8
security-poll-suffix=
socket-dir={FOLDER}/pdns
threads=1
write-pid=no
setuid=
setgid=
quiet=yes
''')
    return ['pdns_recursor', f'--config-dir={FOLDER}/pdns', '--daemon=no', '--disable-syslog=yes']


def bind(address, cache):
    size = f' max-cache-size {cache}m;' if cache else ''
    path = write('named.conf', f'''options {{
 directory "{FOLDER}"; listen-on {{ {address}; }}; listen-on-v6 {{ none; }}; recursion yes;
 allow-query {{ 127.0.0.0/8; }}; dnssec-validation no; pid-file none; session-keyfile none;{size}
}};
controls {{ }};
zone "." {{ type hint; file "{FOLDER}/hints"; }};
''')
    return ['named', '-g', '-n', '1', '-c', path]


KINDS = {'zoners': zoners, 'unbound': unbound, 'kresd': kresd, 'pdns': pdns, 'bind': bind}


def version(kind):
    """What a resolver calls itself, in a word or two; none if it is not installed."""
    commands = {
        'zoners': [os.environ.get('ZONERS', 'target/dist/zoners'), '--version'],
        'unbound': ['unbound', '-V'], 'kresd': ['kresd', '--version'],
        'pdns': ['pdns_recursor', '--version'], 'bind': ['named', '-v'],
    }
    try:
        done = subprocess.run(commands[kind], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    words = (done.stdout + done.stderr).split()
    names = {'unbound': 'Unbound', 'kresd': 'Knot Resolver', 'pdns': 'PowerDNS', 'bind': 'BIND',
             'zoners': 'Zoners'}
    number = next((word.strip(',') for word in words if word[:1].isdigit() and '.' in word), '')
    return f'{names[kind]} {number.partition("-")[0]}'
