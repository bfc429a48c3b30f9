"""Trees of entries, before and after."""

import ast

NAMES = ("mode", "owner", "group", "content", "attributes", "time")
# Programs write these at each boot or, as openresolv for Unbound, at each change of the network, whether or not anything
# is installed; the time alone is not compared.
REWRITTEN = ("/etc/resolv.conf", "/etc/mtab", "/etc/network/run", "/var/lib/dbus/machine-id",
             "/etc/unbound/unbound.conf.d/resolvconf_resolvers.conf")


def read(machine):
    """The tree of the running machine: path to what was found."""
    text = machine.must(f"sync; vm-tree /run/vm-list {machine.tree_arguments} && cat /run/vm-list")
    entries = (ast.literal_eval(line) for line in text.splitlines())
    return {path: described for path, *described in entries}


def differences(before, after):
    """A line for each difference. The time of a folder is that of the last entry made in the folder."""
    lines = [f"{path} is missing" for path in sorted(before.keys() - after.keys())]
    lines += [f"{path} was left behind" for path in sorted(after.keys() - before.keys())]
    for path in sorted(before.keys() & after.keys()):
        for name, former, current in zip(NAMES, before[path], after[path]):
            is_folder = before[path][0].startswith("0o4")
            if former == current or name == "time" and (is_folder or path in REWRITTEN):
                continue
            lines.append(f"{path}: {name} was {former}, is {current}")
    return lines
