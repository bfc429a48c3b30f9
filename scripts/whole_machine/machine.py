"""The emulated machine: boot, commands, reboot, power cut, and a copy of a running machine to begin from."""

import base64
import json
import shlex
import shutil
import socket
import subprocess
import time

from .init_systems import SYSTEMD

# A machine with much to do beside may take minutes for what an idle one does in seconds.
BOOT_SECONDS = 600
COMMAND_SECONDS = 600
# An emulator that gets no CPU time for a while fails the kernel's check of the timer.
KERNEL_ARGUMENTS = (
    "root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 mitigations=off no_timer_check systemd.show_status=no"
)


class Failure(Exception):
    """A machine that does not do what it should; the text says which machine and what."""


class Machine:
    """A machine of an image, with a disk of its own in `folder`."""

    tree_arguments = ""
    service = SYSTEMD.service
    # The manager keeps the sockets while the daemon restarts, so that queries wait.
    keeps_sockets = True

    def __init__(self, image, folder, files, accel="tcg"):
        self.image, self.folder, self.files, self.accel = image, folder, files, accel
        self.disk = folder / "disk"
        self.process = self.agent = self.monitor = None

    def fresh_disk(self):
        self.copy(self.image / "disk", self.disk)

    def boot(self):
        """Turns the machine on, and waits until all its services have started."""
        self.turn_on()
        self.wait_up()

    def turn_on(self, saved=None):
        agent, monitor = self.folder / "agent", self.folder / "monitor"
        for path in (agent, monitor):
            path.unlink(missing_ok=True)
        accel = "tcg,thread=multi" if self.accel == "tcg" else self.accel
        command = [
            "qemu-system-x86_64", "-accel", accel, "-m", "640", "-smp", "2", "-display", "none",
            "-kernel", self.image / "kernel", "-initrd", self.image / "initrd",
            "-append", KERNEL_ARGUMENTS,
            "-drive", f"file={self.disk},format=raw,if=virtio,cache=unsafe",
            "-drive", f"file={self.files},format=raw,if=virtio,readonly=on",
            "-nic", "none",
            "-netdev", "hubport,id=near,hubid=0", "-device", "virtio-net-pci,netdev=near,mac=52:54:00:00:00:01",
            "-netdev", "hubport,id=far,hubid=0", "-device", "virtio-net-pci,netdev=far,mac=52:54:00:00:00:02",
            "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={agent},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=zoners",
            "-monitor", "none", "-qmp", f"unix:{monitor},server=on,wait=off", "-serial", f"file:{self.folder / 'console'}",
        ]
        if saved:
            command += ["-incoming", f"exec:cat {shlex.quote(str(saved / 'memory'))}"]
        with open(self.folder / "qemu.log", "wb") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
        self.agent = self.connect(agent)
        self.monitor = self.connect(monitor).makefile("rw", encoding="utf-8")
        self.tell("qmp_capabilities")

    def connect(self, path):
        for _ in range(600):
            if self.process.poll() is not None:
                raise Failure(f"qemu has ended: {(self.folder / 'qemu.log').read_text()}")
            end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                end.connect(str(path))
                return end
            except OSError:
                end.close()
                time.sleep(0.1)
        raise Failure(f"qemu does not listen on {path}")

    def wait_up(self):
        while self.line(BOOT_SECONDS) != "@up":
            pass
        self.run("timeout 300 systemctl is-system-running --wait; true")
        self.run("mkdir -p /root/files && tar -C /root/files -xf /dev/vdb")

    def start(self, command):
        """Begins a command and does not wait."""
        self.agent.sendall(base64.b64encode(command.encode()) + b"\n")

    def finish(self):
        """The exit code and the output of the command that was begun."""
        output = self.line(COMMAND_SECONDS)
        while output == "@up":
            output = self.line(COMMAND_SECONDS)
        end = self.line(COMMAND_SECONDS)
        if not end.startswith("@end "):
            raise Failure(f"unexpected line of the agent: {end!r}")
        return int(end.split()[1]), base64.b64decode(output).decode(errors="replace")

    def run(self, command):
        self.start(command)
        return self.finish()

    def must(self, command):
        """The output of a command that has to succeed."""
        code, output = self.run(command)
        if code != 0:
            raise Failure(f"exit code {code} of {command!r}: {output.strip()}")
        return output

    def line(self, seconds):
        """The next line of the agent."""
        self.agent.settimeout(seconds)
        octets = bytearray()
        while not octets.endswith(b"\n"):
            try:
                part = self.agent.recv(1)
            except TimeoutError:
                tail = (self.folder / "console").read_text(errors="replace")[-2000:]
                raise Failure(f"no answer within {seconds} seconds; the console: {tail}") from None
            if not part:
                raise Failure("the machine has turned itself off")
            octets += part
        return octets.decode().strip()

    def reboot(self):
        self.start("systemctl reboot")
        self.wait_up()

    def cut_power(self):
        """As a plug that is pulled: nothing is written that the machine has not sent to its disk."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.agent.close()
            self.monitor.close()
            self.process = None

    def save(self, saved):
        """Copies the running machine, memory and disk, and turns it off."""
        saved.mkdir(parents=True, exist_ok=True)
        memory = saved / "memory"
        memory.unlink(missing_ok=True)
        self.must("sync")
        self.tell("stop")
        self.tell("migrate-set-parameters", **{"max-bandwidth": 4 << 30})
        self.tell("migrate", uri=f"exec:cat > {shlex.quote(str(memory))}")
        self.wait_for(lambda: self.tell("query-migrate").get("status") == "completed", "its memory cannot be copied")
        self.cut_power()
        self.copy(self.disk, saved / "disk")

    def resume(self, saved):
        """Goes on with a copy."""
        self.copy(saved / "disk", self.disk)
        self.turn_on(saved)
        self.wait_for(lambda: self.tell("query-status")["status"] != "inmigrate", "its memory cannot be read")
        self.tell("cont")

    @staticmethod
    def wait_for(condition, failure):
        for _ in range(1200):
            if condition():
                return
            time.sleep(0.1)
        raise Failure(failure)

    def tell(self, command, **arguments):
        """Says something to the monitor of qemu (QMP), and returns the reply."""
        self.monitor.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.monitor.flush()
        for line in self.monitor:
            reply = json.loads(line)
            if "error" in reply:
                raise Failure(f"{command}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]
        raise Failure("qemu has ended")

    @staticmethod
    def copy(source, target):
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(target)], check=True)

    def remove(self):
        self.cut_power()
        shutil.rmtree(self.folder, ignore_errors=True)
