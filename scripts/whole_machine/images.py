"""Images and trees: a Debian for each owner of the DNS settings, made by debootstrap."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .init_systems import OPENRC, RUNIT, SYSTEMD, InitSystem

GUEST = Path(__file__).parent / "guest"
SUITE = "bookworm"
COMMON = ["systemd", "systemd-sysv", "dbus", "iproute2", "procps", "udev", "kmod", "python3-minimal", "knot"]
KERNEL = ["initramfs-tools", "linux-image-amd64"]
# What the emulated machine needs before its disk can be read.
MODULES = ["virtio_pci", "virtio_blk", "ext4"]
# Jobs of a Debian that slow the boot down and write at moments of their own.
MASKED = [
    "knot.service", "apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "dpkg-db-backup.timer", "systemd-timesyncd.service", "NetworkManager-wait-online.service",
    "serial-getty@ttyS0.service", "getty@tty1.service", "console-getty.service", "man-db.timer",
]
PROGRAMS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}

BY_HAND = "# by hand\nnameserver 192.0.2.1\n"


@dataclass(frozen=True)
class Manager:
    """An owner of the DNS settings: its packages, services, and `/etc/resolv.conf` as its package leaves the file
    (the target of a link, or a text)."""

    name: str
    packages: tuple
    services: tuple = ()
    resolv_conf: str | None = None
    resolv_conf_text: str | None = None
    init: InitSystem = SYSTEMD


MANAGERS = {
    manager.name: manager
    for manager in (
        Manager("resolved", ("systemd-resolved",), ("systemd-networkd", "systemd-resolved"),
                "../run/systemd/resolve/stub-resolv.conf"),
        Manager("network-manager", ("network-manager",), ("NetworkManager",)),
        Manager("resolvconf", ("ifupdown", "resolvconf"), ("networking", "resolvconf"),
                "/run/resolvconf/resolv.conf"),
        Manager("openresolv", ("ifupdown", "openresolv"), ("networking",)),
        Manager("dhcpcd", ("dhcpcd", "dnsmasq-base"), ("dhcpcd",), resolv_conf_text=""),
        Manager("dhclient", ("ifupdown", "isc-dhcp-client", "dnsmasq-base"), ("networking",)),
        Manager("openrc", ("openrc",), resolv_conf_text=BY_HAND, init=OPENRC),
        Manager("runit", ("runit",), resolv_conf_text=BY_HAND, init=RUNIT),
    )
}
# Without a choice, the emulator runs these.
EMULATED = ("resolved", "network-manager", "resolvconf")


def make(manager, folder, root=None):
    """Makes `folder/root`, the kernel and the disk. A `root` that is there already is only set up."""
    folder.mkdir(parents=True, exist_ok=True)
    tree = folder / "root"
    if root is not None:
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(["cp", "-a", str(root), str(tree)], check=True)
    elif not (tree / "opt/internet").exists():
        bootstrap([*COMMON, *KERNEL, *manager.packages], tree)
    set_up(manager, tree)
    set_up_boot(tree)
    kernel = sorted((tree / "boot").glob("vmlinuz-*"))[-1]
    initrd = sorted((tree / "boot").glob("initrd.img-*"))[-1]
    shutil.copy(kernel, folder / "kernel")
    shutil.copy(initrd, folder / "initrd")
    unfinished = folder / "disk.new"
    unfinished.unlink(missing_ok=True)
    with open(unfinished, "wb") as disk:
        disk.truncate(3 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-d", str(tree), str(unfinished)], check=True)
    unfinished.rename(folder / "disk")


def make_container(manager, folder):
    """Makes `folder/NAME/root`, without a kernel: a copy of `folder/base` with the packages of the manager."""
    base, tree = folder / "base/root", folder / manager.name / "root"
    if not (base / "etc/hostname").exists():
        bootstrap(COMMON, base)
        (base / "etc/hostname").write_text("vm\n", encoding="utf-8")
    unfinished = tree.with_name("unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(tree, ignore_errors=True)
    tree.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(unfinished)], check=True)
    # Packages are fetched as this machine does; the scripts of packages start no service.
    for file in ("/etc/resolv.conf", "/etc/hosts"):
        shutil.copyfile(file, unfinished / file[1:])
    policy = unfinished / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    policy.chmod(0o755)
    inside(unfinished, "apt-get", "install", "--yes", "--no-install-recommends", *manager.packages)
    policy.unlink()
    set_up(manager, unfinished)
    unfinished.rename(tree)


def bootstrap(packages, tree):
    shutil.rmtree(tree, ignore_errors=True)
    tree.parent.mkdir(parents=True, exist_ok=True)
    log = tree.parent / "debootstrap.log"
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, str(tree), mirror()]
    with open(log, "w", encoding="utf-8") as out:
        ended = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"debootstrap failed: {log}")


def mirror():
    """The mirror of this machine, so that no other server is asked."""
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        text = path.read_text(encoding="utf-8") if path.is_file() and path.suffix in (".list", ".sources") else ""
        found = re.search(r"^(?:URIs:|deb(?: +\[[^]]*\])?) +(https?://\S*debian\S*)", text, re.MULTILINE)
        if found:
            return found[1]
    return "http://deb.debian.org/debian"


def set_up(manager, tree):
    # What an earlier version has left.
    shutil.rmtree(tree / "etc/zoners", ignore_errors=True)
    for layer in ("common", manager.name):
        if (GUEST / layer).exists():
            subprocess.run(["cp", "-r", "--preserve=mode", f"{GUEST / layer}/.", str(tree)], check=True)
    for secret in (tree / "etc/NetworkManager/system-connections").glob("*"):
        secret.chmod(0o600)
    (tree / "etc/hostname").write_text("vm\n", encoding="utf-8")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost vm\n", encoding="utf-8")
    resolv_conf = tree / "etc/resolv.conf"
    resolv_conf.unlink(missing_ok=True)
    if manager.resolv_conf:
        os.symlink(manager.resolv_conf, resolv_conf)
    elif manager.resolv_conf_text is not None:
        resolv_conf.write_text(manager.resolv_conf_text, encoding="utf-8")
    inside(tree, "passwd", "--delete", "root")
    inside(tree, "systemctl", "set-default", "graphical.target")
    inside(tree, "systemctl", "enable", "vm-internet", "vm-agent", *manager.services)
    inside(tree, "systemctl", "mask", *MASKED)
    foreign = {name for other in MANAGERS.values() for name in other.services} - set(manager.services)
    inside(tree, "systemctl", "mask", *sorted(f"{name}.service" for name in foreign))
    if "systemd-networkd" in foreign:
        inside(tree, "systemctl", "mask", "systemd-networkd.socket")
    keys(tree)


def set_up_boot(tree):
    (tree / "etc/initramfs-tools/modules").write_text("\n".join(MODULES) + "\n", encoding="utf-8")
    (tree / "etc/initramfs-tools/conf.d/vm").write_text("MODULES=list\n", encoding="utf-8")
    inside(tree, "update-initramfs", "-u")


def keys(tree):
    """The key of the root zone, and the trust anchor that says so."""
    tool = ["keymgr", "--config", "/opt/internet/knot.conf", "."]
    if not list((tree / "opt/internet").glob("keys/data.mdb")):
        inside(tree, *tool, "generate", "algorithm=ECDSAP256SHA256", "ksk=yes", "zsk=yes")
    ds = inside(tree, *tool, "ds")
    # Digests of type 2 (SHA-256) are read everywhere.
    line = next(line for line in ds.splitlines() if line.split()[4] == "2")
    anchor = tree / "opt/internet/root.key"
    anchor.write_text(line.replace("DS", "IN DS", 1) + "\n", encoding="utf-8")


def inside(tree, *command):
    ended = subprocess.run(["chroot", str(tree), *command], capture_output=True, text=True,
                           env={**os.environ, **PROGRAMS}, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed in {tree}: {ended.stderr.strip()}")
    return ended.stdout
