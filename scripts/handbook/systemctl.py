#!/usr/bin/env python3
"""Stands in for systemctl on the stage: starts and stops the services of `zoners install`, and nothing else."""

import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

UNITS, RUN = pathlib.Path('/etc/systemd/system'), pathlib.Path('/run/stage/units')
CAPABILITIES = 'AmbientCapabilities'
PATIENCE = 60


def settings(name):
    """The settings of a unit, by name."""
    lines = (UNITS / f'{name}.service').read_text().splitlines()
    return dict(line.split('=', 1) for line in lines if '=' in line and not line.startswith('#'))


def process_of(name):
    """The process of a running service; None if there is none."""
    try:
        process = int((RUN / name).read_text())
        stat = pathlib.Path(f'/proc/{process}/stat').read_text()
    except (OSError, ValueError):
        return None
    return None if stat.rpartition(')')[2].split()[0] == 'Z' else process


def start(name):
    """Starts a service, and waits until it says that it is ready."""
    if process_of(name):
        return 0
    unit, environment, words = settings(name), {**os.environ}, []
    for kind, place in ('State', '/var/lib'), ('Runtime', '/run'):
        if f'{kind}Directory' in unit:
            folder = pathlib.Path(place, unit[f'{kind}Directory'])
            folder.mkdir(exist_ok=True)
            shutil.chown(folder, unit.get('User'), unit.get('Group'))
            environment[f'{kind.upper()}_DIRECTORY'] = str(folder)
    if 'User' in unit:
        words = ['setpriv', f'--reuid={unit["User"]}', f'--regid={unit["Group"]}', '--init-groups']
    if CAPABILITIES in unit:
        capability = unit[CAPABILITIES].removeprefix('CAP_').lower()
        words += [f'--inh-caps=+{capability}', f'--ambient-caps=+{capability}']
    RUN.mkdir(parents=True, exist_ok=True)
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = RUN / f'{name}.notify'
    path.unlink(missing_ok=True)
    notices.bind(str(path))
    path.chmod(0o666)
    notices.settimeout(0.1)
    environment['NOTIFY_SOCKET'] = str(path)
    with (RUN / f'{name}.log').open('a') as log:
        process = subprocess.Popen([*words, *shlex.split(unit['ExecStart'])], env=environment, cwd='/', stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL, start_new_session=True)
    (RUN / name).write_text(str(process.pid))
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(TimeoutError):
            if b'READY=1' in notices.recv(4096):
                return 0
    print(f'{name} does not get ready', file=sys.stderr)
    return 1


def stop(name):
    process, deadline = process_of(name), time.monotonic() + PATIENCE
    if process:
        os.kill(process, signal.SIGTERM)
    while process_of(name) and time.monotonic() < deadline:
        time.sleep(0.02)
    if process_of(name):
        print(f'{name} does not stop', file=sys.stderr)
        return 1
    after = settings(name).get('ExecStopPost')
    return subprocess.run(shlex.split(after), check=False).returncode if after else 0


def is_active(name):
    print('active' if process_of(name) else 'inactive')
    return 0 if process_of(name) else 3


VERBS = {'start': start, 'stop': stop, 'is-active': is_active}

if __name__ == '__main__':
    verb, *names = [word for word in sys.argv[1:] if not word.startswith('-')]
    sys.exit(max([VERBS[verb](name) for name in names] if verb in VERBS else [0]))
