"""A laptop in the lab: its line, its disk, its daemon."""

import collections
import fcntl
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

LAB = os.environ.get('LAB', '')
NAMESPACE = 'lab-cli'
# Octets of the disk that the state lies on.
DISK = '8m'
# Seconds that a command may take.
SOON = 3
# How a query of a client can end; what is under way is in none of them.
ENDS = ['local', 'cached', 'recursed', 'stale', 'servfail', 'refused', 'rate_limited', 'late', 'shed',
        'dropped', 'errors_limited']

Takes = collections.namedtuple('Takes', 'memory files threads')


class Machine:
    """The lab with our daemon in it, for as long as it is entered."""

    def __init__(self, folder):
        self.lab, self.folder = folder, folder / 'run-long'
        self.state, self.config = self.folder / 'state', self.folder / 'zoners.toml'
        self.process, self.generation, self.befallen = None, 0, set()
        self.reads_log, self.log = threading.Event(), []
        self.reads_log.set()

    def __enter__(self):
        subprocess.run([f'{LAB}/lab', 'up', self.lab, '1'], check=True)
        self.wire = int((self.lab / 'pids').read_text().split()[0])
        self.state.mkdir(parents=True, exist_ok=True)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={DISK},mode=700', 'tmpfs', self.state], check=True)
        self.configure()
        self.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        subprocess.run(['umount', self.state], check=False)
        subprocess.run([f'{LAB}/lab', 'down', self.lab], check=False)

    def inside(self, *command, check=True):
        return subprocess.run(['ip', 'netns', 'exec', NAMESPACE, *command], check=check,
                              capture_output=True, text=True, timeout=60)

    def configure(self, more=''):
        """Writes another configuration, which differs from the one before."""
        self.generation += 1
        self.config.write_text(f'''[server]
listen = ["127.0.0.1:53"]
control = "{self.folder}/control"
state = "{self.state}"
threads = 2
[resolver]
root-hints = "{self.lab}/hints"
[dnssec]
trust-anchor = "{self.lab}/root.key"
[cache]
max-ttl = 25
max-negative-ttl = 25
persist-every = 10
[local]
records = ["generation.home. 1 A 192.168.0.{self.generation % 250}"]
{more}''')

    def start(self):
        command = ['ip', 'netns', 'exec', NAMESPACE, os.environ['ZONERS'], 'serve', '--config', self.config]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True, errors='replace')
        # So little that a log that no reader takes fills it at once.
        fcntl.fcntl(self.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        threading.Thread(target=self.read_log, args=[self.process.stderr], daemon=True).start()
        for _ in range(100):
            try:
                self.status()
                return
            except (OSError, ValueError, subprocess.SubprocessError):
                time.sleep(0.05)
        raise RuntimeError(f'the daemon does not start: {self.log[-3:]}')

    def read_log(self, pipe):
        while self.reads_log.wait():
            line = pipe.readline()
            if not line:
                return
            self.log.append(line)

    def send(self, number):
        os.kill(self.process.pid, number)

    def stop(self, number=signal.SIGTERM):
        self.send(number)
        self.process.wait(10)

    def starts_anew(self):
        self.process.kill()
        self.process.wait()
        self.reads_log.set()
        self.start()

    def command(self, *words):
        done = subprocess.run([os.environ['ZONERS'], *words, '--json', '--control', f'{self.folder}/control'],
                              capture_output=True, text=True, timeout=SOON, check=True)
        return json.loads(done.stdout)

    def status(self):
        return self.command('status')

    def takes(self):
        process = pathlib.Path(f'/proc/{self.process.pid}')
        memory = int(process.joinpath('status').read_text().split('VmRSS:')[1].split()[0]) / 1024
        return Takes(memory, len(list(process.joinpath('fd').iterdir())),
                     len(list(process.joinpath('task').iterdir())))

    def has_been_through(self, troubles):
        return self.befallen >= set(troubles)

    def checks(self):
        """What does not hold, whatever befell the machine."""
        try:
            count, status = self.command('stats')['counters'], self.status()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return [f'the control socket: {error}']
        # The person goes on asking: what came in between the two looks is not ended yet.
        under_way = count['client_queries'] - sum(count[f'client_{end}'] for end in ENDS)
        told = []
        if not 0 <= under_way <= status['waiting'] + 100:
            told.append(f'{under_way} queries neither ended nor wait ({status["waiting"]} do)')
        if count['recursion_panics']:
            told.append(f'{count["recursion_panics"]} panics were caught')
        if count['upstream_replies'] > count['upstream_queries']:
            told.append('more replies than queries')
        if status['network']['down']:
            told.append('the network is down, it says')
        broken = [way for way, works in status['network']['reachability'].items() if not works]
        if broken:
            told.append(f'{broken} does not work from here, it says')
        return told

    def says_in_its_log(self):
        return [line.strip() for line in self.log if 'panic' in line][:5]
