"""Runs every command of the book, and serves with every configuration of it, on the stage.

Each page has a machine as after `zoners install`, page by page and block by block. A block of TOML becomes the
configuration of the daemon, whole; a block of commands must end with 0. A line above the block says otherwise:

    <!-- test: code 3 -->               the block ends with this code
    <!-- test: says TEXT -->            the commands write this
    <!-- test: answers y -->            y is typed at a terminal
    <!-- test: until Ctrl-C -->         its last command runs on and gets Ctrl-C once it has written something
    <!-- test: not run: REASON -->      counted, ten at most
    <!-- test: not run: REASON -->      above TOML: the configuration is checked, and not served
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from . import sources
from .pages import COMMANDS, all_pages
from .stage import PATIENCE, Stage

# Seconds from the first words of a command to the keys: a command that ends in between would have needed none.
BEFORE_KEYS = 0.5
# What is typed at a terminal for a mark, and how the block may end then.
TYPED = {'until Ctrl-C': (b'\x03', (0, 130, -signal.SIGINT)), 'answers y': (b'y\n', (0,))}


def play(program, only=()):
    """Each fault as a line for a person, with what the commands wrote."""
    stage, blocks = Stage(program), 0
    yield from counted(stage)
    for page in all_pages():
        if only and not any(name in page.name for name in only):
            continue
        parts = [block for block in page.blocks() if block.language in (*COMMANDS, 'toml')]
        if not parts:
            continue
        began = time.monotonic()
        fault = stage.serve()
        if fault:
            yield f'{page.name}: the daemon does not serve:\n{fault}'
            continue
        for block in parts:
            yield from configuration(stage, block) if block.language == 'toml' else commands(stage, block)
            if not stage.is_served():
                stage.serve(stage.configuration)
        blocks += len(parts)
        print(f'{page.name}: {len(parts)} blocks, {time.monotonic() - began:.1f} s', flush=True)
    stage.stop()
    print(f'{blocks} blocks')


def counted(stage):
    """The counters of the book are those of a daemon."""
    yield from [f'the daemon does not serve:\n{fault}' for fault in [stage.serve()] if fault]
    told = json.loads(stage.run('zoners stats --all --json'))
    text = json.dumps(told)
    yield from (f'zoners stats has no {counter.name}' for counter in sources.counters() if f'"{counter.name}"' not in text)


def configuration(stage, block):
    (stage.home / 'work/zoners.toml').write_text(block.text)
    checked = stage.bash('zoners check zoners.toml')
    if checked.returncode:
        yield f'{block.place}: zoners check ends with {checked.returncode}:\n{checked.stdout}'
    elif block.mark != 'not run':
        fault = stage.serve(block.text)
        if fault:
            yield f'{block.place}: the daemon does not serve:\n{fault}'
            stage.serve()


def commands(stage, block):
    if block.mark == 'not run':
        return
    # Such a block makes a server of its own.
    if re.search(r'zoners install(?! --dry-run)', block.text):
        stage.make_plain()
    elif re.search(r'zoners serve\b', block.text):
        stage.stop()
    if block.mark in TYPED:
        yield from at_terminal(stage, block, *TYPED[block.mark])
        return
    if late := stage.settle():
        yield f'{block.place}: lists are not in force after {PATIENCE} s:\n{late}'
        return
    expected = int(block.detail or 0) if block.mark == 'code' else 0
    try:
        ended = stage.bash(block.text)
    except subprocess.TimeoutExpired as late:
        yield f'{block.place}: no end after {PATIENCE} s:\n{late.stdout}'
        return
    if 'SHOW' in os.environ:
        print(ended.stdout)
    if ended.returncode != expected:
        yield f'{block.place}: ended with {ended.returncode}, not {expected}:\n{ended.stdout}'
    elif block.mark == 'says' and block.detail not in ended.stdout:
        yield f'{block.place}: does not say {block.detail!r}:\n{ended.stdout}'


def take_terminal():
    """The terminal becomes that of this process, whose Ctrl-C ends it: a shell ignores SIGINT for what runs behind it, and
    so would all that the test starts."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def at_terminal(stage, block, keys, codes):
    """Runs the block at a terminal, and types the keys once something is written. A block that ends before is a fault."""
    terminal, own = pty.openpty()
    fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
    process = stage.start(['bash', '-euc', block.text], stdin=own, stdout=own, stderr=own, start_new_session=True,
                          preexec_fn=take_terminal)
    os.close(own)
    with os.fdopen(terminal, 'r+b', buffering=0) as screen:
        written, began, typed, deadline = b'', None, False, time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if stage.is_served():
                # Commands that watch have something to show then.
                stage.bash('dig +tries=1 +time=1 @127.0.0.1 www.example.com || true')
            written += pending(screen)
            if written and not began:
                began = time.monotonic()
            if began and not typed and time.monotonic() - began > BEFORE_KEYS and process.poll() is None:
                typed = True
                screen.write(keys)
        written += pending(screen)
    if process.poll() is None:
        process.kill()
        yield f'{block.place}: goes on after {block.mark}:\n{written.decode(errors="replace")}'
    elif not typed:
        yield f'{block.place}: ended by itself with {process.returncode}:\n{written.decode(errors="replace")}'
    elif process.returncode not in codes:
        yield f'{block.place}: ended with {process.returncode}:\n{written.decode(errors="replace")}'


def pending(screen):
    """What a program has written to its terminal."""
    try:
        return os.read(screen.fileno(), 65536) if select.select([screen], [], [], 0.1)[0] else b''
    except OSError:
        # The program has ended.
        return b''
