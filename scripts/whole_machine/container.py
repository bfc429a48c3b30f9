"""A container in the place of the emulated machine: the same Debian in namespaces of this kernel, in seconds."""

import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

from .init_systems import SYSTEMD
from .machine import Failure

INIT = Path(__file__).parent / "container-init"
NAMESPACES = ("mount", "pid", "net", "ipc", "uts", "cgroup")
BOOT_SECONDS = 120
COMMAND_SECONDS = 300
PATHS = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Container:
    """A container of the tree `tree`, with a copy in `folder`. Has the methods of a `Machine`."""

    # Everything is compared: reading the tree takes no time here.
    tree_arguments = "--all"

    def __init__(self, tree, folder, program, manager):
        self.tree, self.folder, self.program, self.manager = tree, folder, program, manager
        self.root = folder / "root"
        self.service = manager.init.service
        self.keeps_sockets = manager.init is SYSTEMD
        self.process = self.init = self.begun = None

    def fresh_disk(self):
        self.copy(self.tree, self.root)
        files = self.root / "root/files"
        files.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.program, files / "zoners")

    def boot(self):
        """Starts the container, and waits until all its services have started."""
        namespaces = [f"--{name}" for name in NAMESPACES]
        command = ["unshare", *namespaces, "--fork", "--kill-child", "--propagation", "private", str(INIT),
                   str(self.root), *self.manager.init.command]
        with open(self.folder / "console", "ab") as console:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                            start_new_session=True)
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.wait_for(lambda: self.process.poll() is None and children.read_text().split(), "has not started")
        self.init = children.read_text().split()[0]
        # The first program is the script until it has changed to the root of the container.
        name = Path(f"/proc/{self.init}/comm")
        first = self.manager.init.process_name
        self.wait_for(lambda: name.read_text().strip() == first, f"does not run {first}")
        self.wait_for(lambda: self.run(self.manager.init.is_up)[0] == 0, "is not up")

    def wait_for(self, condition, failure):
        end = time.monotonic() + BOOT_SECONDS
        while not condition():
            if time.monotonic() > end or self.process.poll() is not None:
                tail = (self.folder / "console").read_text(errors="replace")[-2000:]
                raise Failure(f"the container {failure}: {tail}")
            time.sleep(0.1)

    def run(self, command):
        """The exit code and the output of a command."""
        ended = subprocess.run(self.entered(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, timeout=COMMAND_SECONDS, check=False)
        return ended.returncode, ended.stdout.decode(errors="replace")

    def entered(self, command):
        """The command inside the container."""
        return [*self.entrance(), "bash", "-c", command]

    def entrance(self):
        """What comes before the words of a command that runs inside the container."""
        namespaces = [f"--{name}" for name in NAMESPACES]
        return ["nsenter", "--target", self.init, *namespaces, "--root", "--wd", "env", "-i", PATHS, "HOME=/root"]

    def must_beside(self, command):
        """The output of a program of this machine in the network of the container; ZONERS reaches the one inside."""
        environment = os.environ | {"ZONERS": shlex.join([*self.entrance(), "zoners"])}
        ended = subprocess.run(["nsenter", "--target", self.init, "--net", *command], env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if ended.returncode != 0:
            raise Failure(f"exit code {ended.returncode} of {command}: {ended.stdout}")
        return ended.stdout

    def start(self, command):
        """Begins a command and does not wait."""
        self.begun = subprocess.Popen(self.entered(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)

    def must(self, command):
        """The output of a command that has to succeed."""
        code, output = self.run(command)
        if code != 0:
            raise Failure(f"exit code {code} of {command!r}: {output.strip()}")
        return output

    def reboot(self):
        self.run(self.manager.init.shut_down)
        try:
            self.process.wait(BOOT_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"the container does not end by {self.manager.init.shut_down!r}") from None
        self.boot()

    def cut_power(self):
        """Kills every process, and loses what is in memory alone: `/run`. Writes to the disk are not lost."""
        if self.process:
            self.process.kill()
            self.process.wait()
            if self.begun:
                self.begun.wait()
            self.process = self.begun = None

    def save(self, saved):
        """Keeps the disk, and turns the container off."""
        self.cut_power()
        self.copy(self.root, saved)

    def resume(self, saved):
        """Goes on with a copy: by a boot, as memory cannot be kept."""
        self.copy(saved, self.root)
        self.boot()

    @staticmethod
    def copy(source, target):
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)

    def remove(self):
        self.cut_power()
        shutil.rmtree(self.folder, ignore_errors=True)
