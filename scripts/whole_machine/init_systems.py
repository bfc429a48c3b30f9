"""The first programs of a machine, and their commands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InitSystem:
    """How a container is started, asked whether it is up, and shut down; and the commands for a service."""

    command: tuple
    is_up: str
    shut_down: str
    service: str

    @property
    def process_name(self):
        """The name of the first process, of at most 15 letters."""
        program = self.command[1] if self.command[0].endswith("/vm-init") else self.command[0]
        return program.rsplit("/", 1)[-1][:15]


SYSTEMD = InitSystem(
    ("/lib/systemd/systemd",), "systemctl is-system-running | grep -qE '^(running|degraded)$'",
    "systemctl reboot", "systemctl {verb} {name}",
)
OPENRC = InitSystem(
    ("/usr/local/sbin/vm-init", "/sbin/openrc-init"), "rc-status --runlevel | grep -q default",
    "openrc-shutdown --reboot now", "rc-service {name} {verb}",
)
RUNIT = InitSystem(
    ("/usr/local/sbin/vm-init", "/usr/bin/runsvdir", "-P", "/etc/service"), "pgrep -x runsvdir",
    "sv force-stop /etc/service/*; kill -HUP 1", "sv {verb} {name}",
)
