"""`python3 benchmarks/long-run DIR [--hours N] [--only TROUBLE,...]`: what befalls a laptop in N hours (2),
each minute of them in five seconds, and what its resolver makes of it.

DIR is an Internet of the lab's gen.py; LAB names the lab's folder, ZONERS our binary; needs root, nftables
and dnspython. A person asks all the time, while one trouble after the other begins and ends. TTLs count for
25 s at most, and the cache is written every 10 s. Told is what came of each trouble: questions, how many
failed while it lasted and afterwards, how many were wrong, how many stale, the longest in milliseconds, and
what the process takes. Exit code 1 if something is amiss: a wrong answer, a failure when all was well
again, a counter that does not add up, a word of a panic, memory or descriptors that grow."""

import argparse
import os
import pathlib
import random
import sys
import time

from machine import Machine
from person import Person
from troubles import TROUBLES

# Seconds after a trouble until all must be as before (what was asked meanwhile has come to an end), and for
# how long that is looked at.
SETTLES, CALM = 7, 8
# Seconds of a run for an hour of the laptop.
HOUR = 300
# What memory may grow by from the first look at all troubles to the last, in MiB, and in descriptors.
GROWTH, DESCRIPTORS = 8, 16
# A question that gets no answer when all is well: datagrams do get lost.
FAILS = 0.002


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument('folder')
    arguments.add_argument('--hours', type=float, default=2)
    arguments.add_argument('--only', default='', help='troubles, by name and separated by commas')
    arguments.add_argument('--seed', type=int, default=19)
    options = arguments.parse_args()
    if missing := [name for name in ('LAB', 'ZONERS') if name not in os.environ]:
        sys.exit(f'{" and ".join(missing)} must be set: the folder of the lab, our binary')
    folder = pathlib.Path(options.folder).resolve()
    wanted = [name for name in options.only.split(',') if name] or list(TROUBLES)
    if unknown := [name for name in wanted if name not in TROUBLES]:
        sys.exit(f'{", ".join(unknown)}: no trouble; there are {", ".join(TROUBLES)}')
    with Machine(folder) as machine, Person(folder) as person:
        amiss = run(machine, person, wanted, options)
    for sentence in amiss:
        print('AMISS:', sentence)
    print('nothing is amiss' if not amiss else f'{len(amiss)} amiss')
    sys.exit(bool(amiss))


def run(machine, person, wanted, options):
    """Lets one trouble after the other befall the machine; says what is amiss."""
    amiss, first, chance, left = [], None, random.Random(options.seed), []
    ends = time.monotonic() + options.hours * HOUR
    calm(person)
    print(f'{"trouble":12} questions failed late wrong stale longest   MiB files threads')
    while time.monotonic() < ends:
        if not left:
            if first is None and machine.has_been_through(wanted):
                first = machine.takes()
            left = chance.sample(wanted, len(wanted))
        name = left.pop()
        trouble = TROUBLES[name]
        person.outcomes()
        try:
            trouble.befall(machine)
        except Exception as error:  # A daemon that is gone or deaf must not end the run unsaid.
            amiss.append(f'{name}: {type(error).__name__}: {error}')
            machine.starts_anew()
        during = person.outcomes()
        after = calm(person)
        machine.befallen.add(name)
        amiss += [f'{name}: {what}' for what in machine.checks() + judged(trouble, during, after)]
        show(name, during, after, machine.takes())
    amiss += machine.says_in_its_log()
    last = machine.takes()
    if first and last.memory > first.memory + GROWTH:
        amiss.append(f'memory grew from {first.memory:.0f} to {last.memory:.0f} MiB')
    if first and last.files > first.files + DESCRIPTORS:
        amiss.append(f'descriptors grew from {first.files} to {last.files}')
    return amiss


def calm(person):
    """What is answered when all should be as before."""
    time.sleep(SETTLES)
    person.outcomes()
    time.sleep(CALM)
    return person.outcomes()


def judged(trouble, during, after):
    return list(faults(trouble, during, after))


def faults(trouble, during, after):
    wrong = [outcome.question for outcome in (after if trouble.lies else during + after) if outcome.wrong]
    if wrong:
        yield f'{len(wrong)} wrong answers: {wrong[:5]}'
    failed = [outcome for outcome in after if outcome.failed]
    if len(failed) > FAILS * len(after) + 1:
        yield f'{len(failed)} of {len(after)} failed when all was well: {[outcome.question for outcome in failed[:3]]}'
    failed = [outcome for outcome in during if outcome.failed]
    if not trouble.lets_fail and len(failed) > FAILS * len(during) + 1:
        yield f'{len(failed)} of {len(during)} failed: {[outcome.question for outcome in failed[:3]]}'
    if not after:
        yield 'no question came to an end'


def show(name, during, after, takes):
    both = during + after
    longest = max((outcome.took for outcome in both), default=0)
    print(f'{name:12} {len(both):9} {sum(o.failed for o in during):6} {sum(o.failed for o in after):4} '
          f'{sum(o.wrong for o in both):5} {sum(o.stale for o in both):5} {longest * 1e3:7.0f} '
          f'{takes.memory:5.0f} {takes.files:5} {takes.threads:7}', flush=True)


main()
