"""Images: a Debian for each owner of the DNS settings, made by debootstrap."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

GUEST = Path(__file__).parent / "guest"
SUITE = "bookworm"
COMMON = [
    "systemd", "systemd-sysv", "dbus", "iproute2", "procps", "udev", "kmod", "python3-minimal", "knot",
    "initramfs-tools", "linux-image-amd64",
]
# What the emulated machine needs before its disk can be read.
MODULES = ["virtio_pci", "virtio_blk", "ext4"]
# Jobs of a Debian that slow the boot down and write at moments of their own.
MASKED = [
    "knot.service", "apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "dpkg-db-backup.timer", "systemd-timesyncd.service", "NetworkManager-wait-online.service",
    "serial-getty@ttyS0.service", "getty@tty1.service", "man-db.timer",
]


@dataclass(frozen=True)
class Manager:
    """An owner of the DNS settings: its packages, services, and `/etc/resolv.conf` as its package leaves the file."""

    name: str
    packages: tuple
    services: tuple
    resolv_conf: str | None


MANAGERS = {
    manager.name: manager
    for manager in (
        Manager("resolved", ("systemd-resolved",), ("systemd-networkd", "systemd-resolved"),
                "../run/systemd/resolve/stub-resolv.conf"),
        Manager("network-manager", ("network-manager",), ("NetworkManager",), None),
        Manager("resolvconf", ("ifupdown", "resolvconf"), ("networking", "resolvconf"),
                "/run/resolvconf/resolv.conf"),
    )
}


def make(manager, folder, root=None):
    """Makes `folder/root`, the kernel and the disk. A `root` that is there already is only set up."""
    folder.mkdir(parents=True, exist_ok=True)
    tree = folder / "root"
    if root is not None:
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(["cp", "-a", str(root), str(tree)], check=True)
    elif not (tree / "etc/zoners").exists():
        shutil.rmtree(tree, ignore_errors=True)
        bootstrap(manager, tree, folder / "debootstrap.log")
    set_up(manager, tree)
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


def bootstrap(manager, tree, log):
    packages = ",".join([*COMMON, *manager.packages])
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, str(tree), mirror()]
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
    for layer in ("common", manager.name):
        subprocess.run(["cp", "-r", "--preserve=mode", f"{GUEST / layer}/.", str(tree)], check=True)
    for secret in (tree / "etc/NetworkManager/system-connections").glob("*"):
        secret.chmod(0o600)
    (tree / "etc/hostname").write_text("vm\n", encoding="utf-8")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost vm\n", encoding="utf-8")
    resolv_conf = tree / "etc/resolv.conf"
    resolv_conf.unlink(missing_ok=True)
    if manager.resolv_conf:
        os.symlink(manager.resolv_conf, resolv_conf)
    inside(tree, "passwd", "--delete", "root")
    inside(tree, "systemctl", "set-default", "graphical.target")
    inside(tree, "systemctl", "enable", "vm-internet", "vm-agent", *manager.services)
    inside(tree, "systemctl", "mask", *MASKED)
    foreign = {name for other in MANAGERS.values() for name in other.services} - set(manager.services)
    inside(tree, "systemctl", "mask", *sorted(f"{name}.service" for name in foreign))
    if "systemd-networkd" in foreign:
        inside(tree, "systemctl", "mask", "systemd-networkd.socket")
    (tree / "etc/initramfs-tools/modules").write_text("\n".join(MODULES) + "\n", encoding="utf-8")
    (tree / "etc/initramfs-tools/conf.d/vm").write_text("MODULES=list\n", encoding="utf-8")
    inside(tree, "update-initramfs", "-u")
    keys(tree)


def keys(tree):
    """The key of the root zone, and the trust anchor that says so."""
    tool = ["keymgr", "--config", "/opt/internet/knot.conf", "."]
    if not list((tree / "opt/internet").glob("keys/data.mdb")):
        inside(tree, *tool, "generate", "algorithm=ECDSAP256SHA256", "ksk=yes", "zsk=yes")
    ds = inside(tree, *tool, "ds")
    # Digests of type 2 (SHA-256) are read everywhere.
    line = next(line for line in ds.splitlines() if line.split()[4] == "2")
    anchor = tree / "etc/zoners/root.key"
    anchor.write_text(line.replace("DS", "IN DS", 1) + "\n", encoding="utf-8")


def inside(tree, *command):
    environment = {**os.environ, "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    ended = subprocess.run(["chroot", str(tree), *command], capture_output=True, text=True, env=environment,
                           check=False)
    if ended.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed in {tree}: {ended.stderr.strip()}")
    return ended.stdout
