"""The course of a machine: install, reboot, crashes, upgrade, uninstall, reboot; and the same as before at the end."""

import ast
import shlex
import time
from itertools import count

from . import recovery, trees
from .machine import Failure

NAMES = count(1)
OURS = "/root/files/zoners"
# The configuration is again as the install wrote it: an edited one would stay.
UNINSTALL = f"vm-settings remove; {OURS} uninstall --yes"
# Addresses of a name by the root server, which Zoners asks, and by the resolver of the network.
BY_ZONERS, BY_NETWORK = "192.0.2.81", "192.0.2.99"
# A crash loop of the daemon: longer than the switch needs to see that it is one.
CRASH_SECONDS = 20
CRASHES = f"end=$((SECONDS + {CRASH_SECONDS})); while [ $SECONDS -lt $end ]; do pkill -KILL -u zoners; sleep 0.3; done"
# The former DNS is back within this time of a failure, and ours within this time of the recovery. An emulated machine
# that is more than ten times slower than this one gets the time that is lacking.
MAX_RECOVERY_SECONDS = 10
TOLERATED_SLOWNESS = 10
MAX_LOST_NAMES = 5
WORK = "sum(range(2000000))"
# The time that programs give a server (resolv.conf(5), `timeout`).
PROGRAM_PATIENCE_SECONDS = 5
# The emulator's own slowness; no limit of ours.
PATIENCE_SECONDS = 200


class Course:
    """Steps with a line each, for one machine."""

    def __init__(self, machine, name):
        self.machine, self.name, self.began = machine, name, time.monotonic()

    def say(self, text):
        print(f"{self.name:16} {time.monotonic() - self.began:5.0f} s  {text}", flush=True)

    def asked(self):
        """The address of a name that no cache knows, by the way of the programs of this machine."""
        code, output = self.machine.run(f"getent ahostsv4 {fresh_name()}")
        return output.split()[0] if code == 0 and output else None

    def resolves(self):
        return self.asked() in (BY_ZONERS, BY_NETWORK)

    def must_resolve(self, when):
        if not self.soon(self.resolves):
            raise Failure(f"no name is resolved {when}: {self.state()}")

    def must_ask(self, address, when):
        if not self.soon(lambda: self.asked() == address):
            raise Failure(f"the system does not ask {address} {when}: {self.state()}")

    def soon(self, condition):
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > end:
                return False
            self.machine.run("sleep 1")
        return True

    def state(self):
        return self.machine.run(
            "cat /etc/resolv.conf; ip address; ip netns; systemctl --failed --no-pager; "
            "systemctl status 'zoners*' --no-pager -n 20; journalctl -u 'zoners*' --no-pager | tail -40; "
            "ls -l /etc/resolv.conf /var/lib/zoners-install /run/systemd/resolved.conf.d; ss -lunp; "
            "ip netns exec internet ss -lunp; resolvectl status --no-pager; "
            "journalctl -b -u vm-internet -u systemd-resolved -u systemd-networkd --no-pager | tail -40"
        )[1]

    def prepare(self, reboots=True):
        """A machine as its person has it, with what is compared later. The first boot writes what no later one does."""
        self.machine.fresh_disk()
        self.machine.boot()
        code, output = self.machine.run("systemd-analyze")
        self.say("booted: " + output.strip().splitlines()[0] if code == 0 else "booted")
        self.must_ask(BY_NETWORK, "before the install")
        if reboots:
            self.machine.reboot()
            self.must_ask(BY_NETWORK, "before the install")
        before = trees.read(self.machine)
        self.say(f"names are resolved; {len(before)} entries to compare later")
        return before

    def install(self):
        output = self.machine.must(f"{OURS} install --yes")
        for line in output.splitlines():
            self.say(f"  {line}")
        self.must_ask(BY_ZONERS, "after the install")
        self.say("installed: getent asks Zoners")

    def reboot_installed(self):
        self.machine.reboot()
        self.must_ask(BY_ZONERS, "after the reboot")
        self.say("rebooted: getent asks Zoners")

    def crash(self):
        """The daemon is killed again and again."""
        watch = self.watch(CRASHES)
        self.check_recovery(watch, watch["end"], f"crash loop of {CRASH_SECONDS} s")

    def outage(self):
        """The daemon is away for a while."""
        stop, start = self.service("stop", "zoners"), self.service("start", "zoners")
        watch = self.watch(f"{stop} && sleep {CRASH_SECONDS} && {start}")
        self.check_recovery(watch, watch["end"], f"daemon stopped for {CRASH_SECONDS} s")

    def watch(self, command, patience=2):
        """What names are resolved to while a command runs and afterwards, by the machine's own clock."""
        slowness = self.slowness()
        scale = max(1, slowness / TOLERATED_SLOWNESS)
        words = [f"{3 * MAX_RECOVERY_SECONDS * scale:.0f}", shlex.quote(command), f"{patience * scale:.0f}"]
        watch = ast.literal_eval(self.machine.must(f"vm-watch {' '.join(words)}"))
        watch["slowness"] = slowness
        if watch["code"] != 0:
            raise Failure(f"exit code {watch['code']} of {command!r}: {watch['output']}{self.state()}")
        return watch

    def slowness(self):
        """How much longer the machine takes for a piece of work than an idle processor of this machine."""
        script = f"import time; began = time.perf_counter(); {WORK}; print(time.perf_counter() - began)"
        inside = float(self.machine.must(f"python3 -c {shlex.quote(script)}"))
        began = time.process_time()
        exec(WORK)
        return inside / (time.process_time() - began)

    def check_recovery(self, watch, failure_end, what):
        """The former DNS came back in time, and ours once the daemon answered again."""
        limit = MAX_RECOVERY_SECONDS * max(1, watch["slowness"] / TOLERATED_SLOWNESS)
        gap = recovery.longest_gap(watch["names"])
        recovered = recovery.first_after(watch["answers"], failure_end)
        ours = recovery.settled(watch["names"], BY_ZONERS)
        if recovered is None or ours is None:
            raise Failure(f"{what}: Zoners is not asked again: {self.state()}")
        back = max(ours - recovered, 0)
        failed = sum(address is None for _, _, address in watch["names"])
        by_network = sum(address == BY_NETWORK for _, _, address in watch["names"])
        text = (f"{what}: of {len(watch['names'])} names {by_network} by the network and {failed} not at all, for at "
                f"most {gap:.1f} s; Zoners is asked {back:.1f} s after it answers again (limit {limit:.0f} s)")
        # A daemon that serves between crashes, from sockets that systemd keeps, may lose no name at all.
        if gap > limit or back > limit or not by_network and failed > MAX_LOST_NAMES:
            raise Failure(f"{text}: {self.state()}")
        self.say(text)

    def upgrade(self):
        """A new program in the place of the running one is taken over."""
        self.machine.must(f"install -m 755 {OURS} /usr/local/bin/zoners.new && "
                          "mv /usr/local/bin/zoners.new /usr/local/bin/zoners")
        before = self.daemon()
        watch = self.watch(f"zoners restart || {self.service('restart', 'zoners')}", PROGRAM_PATIENCE_SECONDS)
        if before == self.daemon():
            raise Failure(f"the upgrade has not replaced the process: {watch['output']}")
        others = [address for _, _, address in watch["names"] if address != BY_ZONERS]
        if others and self.machine.keeps_sockets:
            raise Failure(f"names not resolved by Zoners during an upgrade: {others}; {watch['output']}")
        longest = max(end - begin for begin, end, _ in watch["names"])
        self.say(f"upgraded by `zoners restart` in {watch['end']:.1f} s: of {len(watch['names'])} names {len(others)} "
                 f"were not resolved by Zoners; the longest took {longest:.1f} s")

    def daemon(self):
        """The process of the daemon."""
        return self.machine.must("pgrep --uid zoners --exact zoners").split()

    def service(self, verb, name):
        return self.machine.service.format(verb=verb, name=name)

    def uninstall(self, before):
        output = self.machine.must(UNINSTALL)
        for line in output.splitlines():
            self.say(f"  {line}")
        self.must_ask(BY_NETWORK, "after the uninstall")
        self.same(before, "after the uninstall")
        self.say("uninstalled: getent resolves, the tree is as before")
        self.machine.reboot()
        self.must_ask(BY_NETWORK, "after the uninstall and a reboot")
        self.same(before, "after the uninstall and a reboot")
        self.say("rebooted: getent resolves, the tree is as before")

    def same(self, before, when):
        found = trees.differences(before, trees.read(self.machine))
        if found:
            raise Failure(f"the tree is not as before {when}:\n  " + "\n  ".join(found[:60]))


def fresh_name():
    return f"name-{next(NAMES)}-{time.time_ns() % 1_000_000}.example.com"


def whole(machine, name):
    course = Course(machine, name)
    before = course.prepare()
    course.install()
    course.reboot_installed()
    course.crash()
    course.outage()
    course.upgrade()
    course.uninstall(before)


def short(machine, name):
    """The shortest path: one install and uninstall with one reboot between."""
    course = Course(machine, name)
    before = course.prepare(reboots=False)
    course.install()
    course.reboot_installed()
    machine.must(UNINSTALL)
    course.must_ask(BY_NETWORK, "after the uninstall")
    course.same(before, "after the uninstall")
    course.say("uninstalled: getent resolves, the tree is as before")


def load(machine, name, command):
    """Restarts of the service while clients ask; what is lost is printed."""
    course = Course(machine, name)
    machine.fresh_disk()
    machine.boot()
    course.install()
    for line in machine.must_beside(command).splitlines():
        course.say(line)
    shown = machine.must("systemctl show --property MainPID,NRestarts zoners; pgrep --uid zoners --exact zoners")
    course.say(shown.replace("\n", " "))
