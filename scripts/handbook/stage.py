"""A machine for the commands of the book: namespaces with a small Internet, in which files of /etc, /run and /var/lib
are of the stage alone."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from . import network
from .pages import PROJECT

NEEDED = 'unshare', 'nsenter', 'ip', 'dig', 'kdig', 'curl', 'openssl', 'setpriv', 'bash'
CONFIGURATION = pathlib.Path('/etc/zoners/zoners.toml')
SERVICE = {'RUNTIME_DIRECTORY': '/run/zoners', 'STATE_DIRECTORY': '/var/lib/zoners'}
# Time for a machine ten times slower.
PATIENCE = 60
# Folders of the machine that the stage does not see.
HIDDEN = '/run', '/var/lib'
NAMESPACES = 'unshare', '--mount', '--net', '--pid', '--uts', '--fork', '--kill-child', '--mount-proc', '--'
SKIPPED = 77


def entered(script, program, pages):
    """The exit code of the script in namespaces of its own."""
    reason = obstacle(program)
    if reason:
        return skipped(reason)
    words = script, 'stage', '--program', program, *pages
    return subprocess.run([*NAMESPACES, sys.executable, *words], check=False).returncode


def obstacle(program):
    """Why this machine can have no stage; nothing if it can."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        return f'there is no {", ".join(missing)}'
    if os.geteuid() != 0:
        return 'only root makes a stage'
    for path in PROJECT, pathlib.Path(program):
        if any(path.is_relative_to(folder) for folder in HIDDEN):
            return f'the stage does not see {path}'
    # A container may give root no namespaces.
    tried = subprocess.run([*NAMESPACES, 'true'], check=False, text=True, stderr=subprocess.PIPE)
    return '' if tried.returncode == 0 else tried.stderr.strip() or 'no namespaces'


def skipped(reason):
    print(f'SKIPPED: {reason}', file=sys.stderr)
    return SKIPPED


HERE = pathlib.Path(__file__).resolve().parent
INSTALLED = pathlib.Path('/usr/local/bin/zoners')
# Files of the operator, by path.
FILES = {
    '/etc/resolv.conf': 'nameserver 127.0.0.1\n',
    '/etc/zoners/ads.txt': '||ads.example^\n',
    '/etc/zoners/redis-secret': 'sixteen octets or more\n',
    '/etc/zoners/home.example.zone':
        '@ 3600 SOA ns.home.example. me.home.example. 1 3600 900 604800 300\n@ 3600 NS ns\nns 3600 A 192.168.1.2\n',
    '/var/lib/misc/dnsmasq.leases': '4000000000 02:00:5e:10:00:02 192.168.1.77 laptop *\n',
}
# Certificates and keys, by what configurations call them.
COPIES = {'dashboard.pem': 'chain.pem', 'dashboard.key': 'key.pem', 'redis-ca.pem': 'ca.pem', 'clients.pem': 'ca.pem'}


class Stage:
    def __init__(self, program):
        self.home, self.configuration = pathlib.Path('/run/stage'), ''
        # The key of the root.
        self.anchor = self.home / 'root.key'
        self.mount()
        self.environment = {'PATH': f'{self.home}/bin:{os.environ["PATH"]}', 'HOME': str(self.home / 'home'), 'NO_COLOR': '1',
                            'LANG': 'C.UTF-8', 'TERM': 'xterm'}
        self.programs(program)
        network.build(self)
        self.files()

    def programs(self, program):
        """The program where an install and a build leave it, and what stands for programs of a desktop."""
        for name in 'bin', 'home', 'work/target/dist':
            (self.home / name).mkdir(parents=True)
        shutil.copy(program, self.home / 'bin/zoners')
        (self.home / 'work/target/dist/zoners').symlink_to(self.home / 'bin/zoners')
        manager = f'exec {sys.executable} {HERE / "systemctl.py"} "$@"'
        # `zoners install` looks for commands in the folders of the system alone.
        stand_ins = {self.home / 'bin/sudo': 'exec "$@"', self.home / 'bin/xdg-open': '', self.home / 'bin/open': '',
                     '/usr/local/sbin/systemctl': manager}
        for path, text in stand_ins.items():
            write(path, f'#!/bin/sh\n{text}\n')
            os.chmod(path, 0o755)

    @staticmethod
    def mount():
        """The folders that commands write to. Where the system refuses them, the test is skipped."""
        script = """
            mount --make-rprivate /
            mount -t tmpfs none /run
            for folder in etc usr/local; do
                mkdir -p /run/over/$folder /run/over/work/$folder
                mount -t overlay overlay -o lowerdir=/$folder,upperdir=/run/over/$folder,workdir=/run/over/work/$folder /$folder
            done
            mount -t tmpfs none /var/lib
            mkdir -m 755 /run/zoners /var/lib/zoners
            mkdir -p /run/systemd/system"""
        mounted = subprocess.run(['sh', '-euc', script], check=False, text=True, stderr=subprocess.PIPE)
        if mounted.returncode:
            raise SystemExit(skipped(mounted.stderr.strip()))

    def files(self):
        """The user of the server, the DNS settings after `zoners install`, and files that configurations of the book name."""
        for name, line in ('passwd', 'zoners:x:990:990::/nonexistent:/usr/sbin/nologin'), ('group', 'zoners:x:990:'):
            before = pathlib.Path('/etc', name).read_text()
            kept = ''.join(old for old in before.splitlines(keepends=True) if not old.startswith('zoners:'))
            write(f'/etc/{name}', f'{kept}{line}\n')
        for path, text in FILES.items():
            write(path, text)
        self.run('zoners tls init --name dns.example.net --folder /etc/zoners >/dev/null')
        for copy, name in COPIES.items():
            shutil.copy(f'/etc/zoners/{name}', f'/etc/zoners/{copy}')
        for name in 'key.pem', 'dashboard.key':
            shutil.chown(f'/etc/zoners/{name}', 'root', 'zoners')
            os.chmod(f'/etc/zoners/{name}', 0o640)
        shutil.chown('/etc/zoners/redis-secret', 'zoners')
        os.chmod('/etc/zoners/redis-secret', 0o600)

    def start(self, words, **options):
        return subprocess.Popen(list(map(str, words)), env=self.environment, cwd=self.home / 'work', **options)

    def run(self, script):
        """The output of a script; a failure ends the test."""
        ended = self.bash(script)
        if ended.returncode:
            raise SystemExit(f'{script}\n{ended.stdout}')
        return ended.stdout

    def bash(self, script):
        return subprocess.run(['bash', '-euc', script], env=self.environment, cwd=self.home / 'work', text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=PATIENCE)

    def make_plain(self):
        """A machine that asks its router, as before an install."""
        self.stop()
        write('/etc/resolv.conf', f'nameserver {network.ROUTER[0].split("/")[0]}\n')

    def serve(self, configuration=''):
        """A daemon with this configuration, from nothing. Its log, if it does not come up; otherwise nothing."""
        self.stop()
        self.configuration = configuration
        write('/etc/resolv.conf', FILES['/etc/resolv.conf'])
        for folder in map(pathlib.Path, SERVICE.values()):
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            os.chown(folder, 0, 0)
        CONFIGURATION.write_text(self.anchored(configuration))
        log = self.home / 'log'
        with log.open('w') as output:
            daemon = subprocess.Popen(['zoners', 'serve', '--config', CONFIGURATION], env={**self.environment, **SERVICE},
                                      cwd=self.home / 'work', stdout=output, stderr=output)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and daemon.poll() is None:
            if self.bash('zoners healthcheck').returncode == 0:
                return ''
            time.sleep(0.05)
        return log.read_text() or 'no log'

    def anchored(self, configuration):
        """The configuration with the root of this Internet."""
        line = f'trust-anchor = "{self.anchor}"'
        if '[dnssec]' in configuration:
            return configuration.replace('[dnssec]', f'[dnssec]\n{line}', 1)
        return f'{configuration}\n[dnssec]\n{line}\n'

    def settle(self):
        """Waits until lists are in force, which are compiled beside serving, or cannot be had on this Internet. What
        `zoners policy lists` says, if the time is over before; otherwise nothing."""
        deadline = time.monotonic() + PATIENCE
        while '[[policy.' in self.configuration:
            if self.bash('zoners policy pause 0 || zoners policy lists | grep failed').returncode == 0:
                break
            if time.monotonic() > deadline:
                return self.bash('zoners policy lists').stdout or 'no list'
            time.sleep(0.05)
        return ''

    @staticmethod
    def is_served():
        return bool(daemons())

    def stop(self):
        """Ends the daemon, also one that has taken over in a restart, and undoes an install."""
        if INSTALLED.exists():
            self.run('zoners uninstall --yes')
        for process in daemons():
            os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while daemons() and time.monotonic() < deadline:
            time.sleep(0.02)
        if daemons():
            raise SystemExit('the daemon does not end')


def daemons():
    """The processes of `zoners serve`: the stage has process numbers of its own."""
    found = []
    for folder in pathlib.Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError):
            words = (folder / 'cmdline').read_bytes().split(b'\0')
            is_over = (folder / 'stat').read_text().rpartition(')')[2].split()[0] == 'Z'
            if words[0].endswith(b'zoners') and words[1:2] == [b'serve'] and not is_over:
                found.append(int(folder.name))
    return found


def write(path, text):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # /etc/resolv.conf may be a link to elsewhere.
    path.unlink(missing_ok=True)
    path.write_text(text)
