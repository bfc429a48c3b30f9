"""The course of a machine: install, reboot, crashes, upgrade, uninstall, reboot; and the same as before at the end."""

import json
import time
from itertools import count

from . import trees
from .machine import Failure

NAMES = count(1)
OURS = "/root/files/zoners"
# A crash loop of the daemon: longer than systemd would wait before the next start.
CRASHES = 12
# The former DNS is back within 10 seconds of a failure; this is for a machine that is 20 times slower.
RECOVERY_SECONDS = 200


class Course:
    """Steps with a line each, for one machine."""

    def __init__(self, machine, name):
        self.machine, self.name, self.began = machine, name, time.monotonic()

    def say(self, text):
        print(f"{self.name:16} {time.monotonic() - self.began:5.0f} s  {text}", flush=True)

    def resolves(self):
        """Whether the system resolves a name that no cache knows."""
        code, output = self.machine.run(f"getent ahostsv4 {fresh_name()}")
        return code == 0 and "192.0.2.81" in output

    def must_resolve(self, when):
        if not self.soon(self.resolves):
            raise Failure(f"no name is resolved {when}: {self.state()}")

    def must_ask_us(self, when):
        if not self.soon(self.asked_us):
            raise Failure(f"the system does not ask Zoners {when}: {self.state()}")

    def soon(self, condition):
        end = time.monotonic() + RECOVERY_SECONDS
        while not condition():
            if time.monotonic() > end:
                return False
            self.machine.run("sleep 1")
        return True

    def state(self):
        return self.machine.run(
            "cat /etc/resolv.conf; ip address; ip netns; systemctl --failed --no-pager; "
            "systemctl status 'zoners*' --no-pager -n 20; "
            "ls -l /etc/resolv.conf /var/lib/zoners-install; ss -lunp"
        )[1]

    def asked_us(self):
        """Whether a question of the system arrives at the daemon."""
        before = self.queries()
        return before is not None and self.resolves() and (self.queries() or 0) > before

    def queries(self):
        """Queries that the daemon has received; none of a daemon that does not respond."""
        code, output = self.machine.run("zoners stats --json")
        return find(json.loads(output), "client_queries") if code == 0 else None

    def prepare(self, reboots=True):
        """A machine as its person has it, with what is compared later. The first boot writes what no later one does."""
        self.machine.fresh_disk()
        self.machine.boot()
        self.say("booted: " + self.machine.run("systemd-analyze")[1].strip().splitlines()[0])
        self.must_resolve("before the install")
        if reboots:
            self.machine.reboot()
            self.must_resolve("before the install")
        before = trees.read(self.machine)
        self.say(f"names are resolved; {len(before)} entries to compare later")
        return before

    def install(self):
        output = self.machine.must(f"{OURS} install --yes")
        for line in output.splitlines():
            self.say(f"  {line}")
        self.must_resolve("after the install")
        self.must_ask_us("after the install")
        self.say("installed: getent asks Zoners")

    def reboot_installed(self):
        self.machine.reboot()
        self.must_resolve("after the reboot")
        self.must_ask_us("after the reboot")
        self.say("rebooted: getent asks Zoners")

    def crash(self):
        """The daemon is killed again and again; names are resolved meanwhile or soon, and by Zoners in the end."""
        failed = 0
        for _ in range(CRASHES):
            self.machine.run("systemctl kill --signal=KILL zoners; sleep 0.7")
            failed += not self.resolves()
        self.must_resolve("after a crash loop")
        self.must_ask_us("after a crash loop")
        self.say(f"killed {CRASHES} times: {failed} names were not resolved meanwhile, then getent asks Zoners again")

    def outage(self):
        """The daemon is away for long: names are resolved by the former servers, and by Zoners once it is back."""
        self.machine.must("systemctl stop zoners")
        began = time.monotonic()
        self.must_resolve("while the daemon is stopped")
        away = time.monotonic() - began
        self.machine.must("systemctl start zoners")
        began = time.monotonic()
        self.must_ask_us("after the daemon was started again")
        self.say(f"daemon stopped: names are resolved after {away:.0f} s; started: getent asks Zoners after "
                 f"{time.monotonic() - began:.0f} s")

    def upgrade(self):
        """A new program in the place of the running one is taken over."""
        self.machine.must(f"install -m 755 {OURS} /usr/local/bin/zoners.new && "
                          "mv /usr/local/bin/zoners.new /usr/local/bin/zoners")
        before = self.machine.must("systemctl show --value --property=MainPID zoners").strip()
        code, output = self.machine.run("zoners restart --help >/dev/null 2>&1 && zoners restart")
        way = "zoners restart"
        if code != 0 and not output:
            way = "systemctl restart (there is no `zoners restart`)"
            self.machine.must("systemctl restart zoners")
        elif code != 0:
            raise Failure(f"zoners restart failed: {output}")
        self.must_resolve("after the upgrade")
        after = self.machine.must("systemctl show --value --property=MainPID zoners").strip()
        if before == after:
            raise Failure("the upgrade has not replaced the process")
        self.must_ask_us("after the upgrade")
        self.say(f"upgraded by {way}")

    def uninstall(self, before):
        output = self.machine.must(f"{OURS} uninstall --yes")
        for line in output.splitlines():
            self.say(f"  {line}")
        self.must_resolve("after the uninstall")
        self.same(before, "after the uninstall")
        self.say("uninstalled: getent resolves, the tree is as before")
        self.machine.reboot()
        self.must_resolve("after the uninstall and a reboot")
        self.same(before, "after the uninstall and a reboot")
        self.say("rebooted: getent resolves, the tree is as before")

    def same(self, before, when):
        found = trees.differences(before, trees.read(self.machine))
        if found:
            raise Failure(f"the tree is not as before {when}:\n  " + "\n  ".join(found[:60]))


def find(value, key):
    """The number of a key, however deep in a JSON object."""
    if isinstance(value, dict):
        found = [value[key]] if key in value else [find(inner, key) for inner in value.values()]
        return next((number for number in found if number is not None), None)
    return None


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
    machine.must(f"{OURS} uninstall --yes")
    course.must_resolve("after the uninstall")
    course.same(before, "after the uninstall")
    course.say("uninstalled: getent resolves, the tree is as before")
