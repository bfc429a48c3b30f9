"""Starts servers in a folder of their own, each on a port of loopback, and stops them again."""

import os
import shutil
import subprocess
import time

from wire import ask


class Server:
    """A server at work."""

    def __init__(self, name, port, command, folder):
        self.name, self.port, self.log = name, port, open(os.path.join(folder, f"{name}.log"), "wb")
        self.process = subprocess.Popen(command, cwd=folder, stdout=self.log, stderr=self.log)

    def wait(self, zone, seconds=30):
        """Waits until the server has the zone."""
        for _ in range(seconds * 10):
            try:
                if self.process.poll() is not None:
                    break
                if ask(self.port, zone, "SOA").rcode == "NOERROR":
                    return self
            except (OSError, EOFError):
                pass
            time.sleep(0.1)
        raise SystemExit(f"{self.name} does not serve {zone}: see {self.log.name}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def named(folder, port, zones, options="", extra=""):
    """`zones`: from name to the body of its zone statement."""
    if not shutil.which("named"):
        return None
    body = "".join(f'zone "{zone}" {{ {text} }};\n' for zone, text in zones.items())
    path = write(folder, "named.conf", f'''
{extra}
options {{ directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; minimal-responses no-auth;
  dnssec-validation no; check-names primary ignore; {options} }};
controls {{ }};
{body}''')
    return Server("named", port, ["named", "-g", "-c", path, "-n", "1"], folder)


def knotd(folder, port, zones, extra=""):
    """`zones`: from name to the lines of its zone section."""
    if not shutil.which("knotd"):
        return None
    body = "".join(f"  - domain: {zone}\n" + "".join(f"    {line}\n" for line in lines)
                   for zone, lines in zones.items())
    path = write(folder, "knot.conf", f'''
server:
    rundir: {folder}/knot-run
    listen: 127.0.0.1@{port}
    user: root:root
log:
  - target: stderr
    any: info
database:
    storage: {folder}/knot-db
{extra}
zone:
{body}''')
    os.makedirs(f"{folder}/knot-run", exist_ok=True)
    os.makedirs(f"{folder}/knot-db", exist_ok=True)
    return Server("knotd", port, ["knotd", "-c", path], folder)


def nsd(folder, port, zones):
    """`zones`: from name to its zone file."""
    if not shutil.which("nsd"):
        return None
    body = "".join(f'zone:\n  name: "{zone}"\n  zonefile: "{path}"\n' for zone, path in zones.items())
    path = write(folder, "nsd.conf", f'''
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  minimal-responses: no
remote-control:
  control-enable: no
{body}''')
    return Server("nsd", port, ["nsd", "-d", "-c", path], folder)


def zoners(program, folder, port, tables, control=""):
    """`tables`: the tables of zones. The root servers are addresses where no server is."""
    hints = write(folder, "root.hints", ". 3600000 NS a.root.\na.root. 3600000 A 127.0.0.99\n")
    path = write(folder, "zoners.toml", f'''
[server]
listen = ["127.0.0.1:{port}"]
state = "{folder}/state"
control = "{control}"
allow = ["127.0.0.0/8"]
[resolver]
root-hints = "{hints}"
ipv6 = false
probe-uplink = false
[network]
use-domains = false
portal-probes = []
{tables}''')
    os.makedirs(f"{folder}/state", mode=0o700, exist_ok=True)
    return Server("zoners", port, [program, "serve", "--config", path], folder)
