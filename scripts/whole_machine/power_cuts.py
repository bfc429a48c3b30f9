"""Power cuts at random moments of an install and of an uninstall; names are resolved after the boot, or an uninstall
makes it so."""

import random
import time

from . import trees
from .course import OURS, UNINSTALL, Course
from .machine import Failure


def cuts(machine, name, number, seed):
    """Cuts the power `number` times: at even numbers of an install, at odd ones of an uninstall."""
    course, chance = Course(machine, name), random.Random(f"{seed} {name}")
    before = course.prepare(reboots=False)
    # The copies are made of a machine that has run the command once: its files are in memory.
    clean, installed = machine.folder / "clean", machine.folder / "installed"
    machine.save(clean)
    machine.resume(clean)
    commands = {clean: f"{OURS} install --yes", installed: UNINSTALL}
    lasts = {clean: duration(machine, commands[clean])}
    machine.save(installed)
    machine.resume(installed)
    lasts[installed] = duration(machine, commands[installed])
    course.say(f"an install takes {lasts[clean]:.1f} s, an uninstall {lasts[installed]:.1f} s; seed {seed}")
    machine.cut_power()
    repaired, failures = 0, []
    for at in range(number):
        saved = (clean, installed)[at % 2]
        moment = chance.random() * lasts[saved]
        command = "install" if saved == clean else "uninstall"
        text = f"power cut {at + 1} of {number}, {moment:.2f} s after the start of an {command}"
        machine.resume(saved)
        machine.start(commands[saved])
        time.sleep(moment)
        machine.cut_power()
        try:
            machine.boot()
            repaired += not check(course, before, text)
        except Failure as failure:
            course.say(f"FAILED: {failure}")
            failures.append(text)
        machine.cut_power()
    if failures:
        raise Failure(f"{len(failures)} of {number} power cuts: {'; '.join(failures)}")
    course.say(f"{number} power cuts: names were resolved after the boot {number - repaired} times, "
               f"after an uninstall {repaired} times; the tree is as before each time")


def duration(machine, command):
    began = time.monotonic()
    machine.must(command)
    return time.monotonic() - began


def check(course, before, text):
    """Whether names are resolved before the uninstall; afterwards they must be."""
    resolves = any(course.resolves() or course.machine.run("sleep 1")[0] for _ in range(20))
    code, output = course.machine.run(UNINSTALL)
    if code != 0:
        raise Failure(f"{text}: the uninstall failed: {output}\n{course.state()}")
    course.must_resolve(f"after the {text} and an uninstall")
    found = trees.differences(before, trees.read(course.machine))
    if found:
        seen = course.machine.run("head -n 30 /etc/zoners/*; journalctl -b -u 'zoners*' --no-pager")[1]
        raise Failure(f"{text}: the tree is not as before:\n  " + "\n  ".join(found[:60]) + f"\n{output}\n{seen}")
    course.say(f"{text}: names are resolved {'after the boot' if resolves else 'after an uninstall'}")
    return resolves
