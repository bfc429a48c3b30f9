"""Real programs of this machine in the network of the laptop: what each makes of the answers."""

import shlex
import shutil
import subprocess
import time

from .laptop import PORTAL, WWW
from .machine import Failure

PATIENCE_SECONDS = 30
# A program without a network says so within this time.
MAX_OFFLINE_SECONDS = 6
NSSWITCH = "hosts: files dns\n"
MUSL = """
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
int main(int count, char **words) {
    struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found, *each;
    char text[INET_ADDRSTRLEN];
    if (count != 2 || getaddrinfo(words[1], 0, &wanted, &found)) return 1;
    for (each = found; each; each = each->ai_next)
        puts(inet_ntop(AF_INET, &((struct sockaddr_in *)each->ai_addr)->sin_addr, text, sizeof text));
    return 0;
}
"""
PYTHON = """
import socket, sys
for found in socket.getaddrinfo(sys.argv[1], None, socket.AF_INET, socket.SOCK_STREAM):
    print(found[4][0])
"""
NODE = """const dns=require('dns'), name=process.argv[2], done=(error,found)=>{if(error)process.exit(1)
found.forEach(it=>console.log(it.address||it))};"""
LOOKUP = NODE + "dns.lookup(name,{all:true,family:4},done)"
RESOLVE = NODE + "dns.resolve4(name,done)"


class Clients:
    """The programs that are there, each by the words before the name."""

    def __init__(self, laptop, folder):
        self.laptop, self.folder = laptop, folder
        (folder / "nsswitch.conf").write_text(NSSWITCH, encoding="utf-8")
        self.programs = {"glibc": ["getent", "ahostsv4"]}
        self.add("python", "python3", ["-c", PYTHON])
        for name, text in (("node lookup", LOOKUP), ("node c-ares", RESOLVE)):
            file = folder / f"{name.replace(' ', '-')}.js"
            file.write_text(text, encoding="utf-8")
            self.add(name, "node", [str(file)])
        self.add_musl()
        self.add("curl", "curl", ["-s", "-m", "20", "-o", "/dev/null", "-w", "%{remote_ip}\n"])
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--no-first-run"]
        options += [f"--user-data-dir={folder}/chromium", "--virtual-time-budget=5000", "--dump-dom"]
        self.add("chromium", "chromium", options)

    def add(self, name, program, words):
        if shutil.which(program):
            self.programs[name] = [program, *words]

    def add_musl(self):
        if not shutil.which("musl-gcc"):
            return
        source, program = self.folder / "ask.c", self.folder / "ask"
        source.write_text(MUSL, encoding="utf-8")
        subprocess.run(["musl-gcc", "-static", "-o", program, source], check=True)
        self.programs["musl"] = [str(program)]

    def ask(self, program, name, nameserver="127.0.0.1", search=""):
        """What a program printed for a name, and the seconds; nothing printed means an error."""
        resolv_conf = self.folder / "resolv.conf"
        resolv_conf.write_text(f"{search and f'search {search}'}\nnameserver {nameserver}\n", encoding="utf-8")
        target = f"http://{name}/" if program in ("curl", "chromium") else name
        files = ("resolv.conf", "nsswitch.conf")
        mounts = "; ".join(f"mount --bind {self.folder}/{file} /etc/{file}" for file in files)
        words = shlex.join([*self.programs[program], target])
        command = ["nsenter", "--target", self.laptop.machine.init, "--net", "unshare", "--mount", "sh", "-c",
                   f"{mounts}; exec timeout {PATIENCE_SECONDS} {words}"]
        began = time.monotonic()
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        lines = ended.stdout.split("\n")
        if program == "glibc":
            # After the address, getent(1) tells the kind of socket and the name.
            lines = [line.split(" ")[0] for line in lines]
        return sorted(set(lines) - {""}), time.monotonic() - began

    def __iter__(self):
        return iter(self.programs)


def table(laptop, folder):
    """Asks with every program on a healthy network, behind a portal and without a network."""
    clients, faults, rows = Clients(laptop, folder), [], {}

    def check(condition, program, name, is_right, **how):
        found, seconds = clients.ask(program, name, **how)
        is_page_source = any("<" in line for line in found)
        shown = "a page" if is_page_source else f"{len(found)} addresses" if len(found) > 2 else " ".join(found) or "error"
        rows.setdefault(program, {})[condition] = f"{shown}, {seconds:.1f} s"
        if not is_right(found, seconds):
            faults.append(f"{program}, {condition}: {found[:3]} after {seconds:.1f} s")

    def is_page(found, right):
        return found == [right] or "a page" in " ".join(found)

    for program in clients:
        check("healthy", program, "www.example.com", lambda found, _: is_page(found, WWW))
        check("by resolved", program, "www.example.com", lambda found, _: is_page(found, WWW), nameserver="127.0.0.53")
        check("NXDOMAIN", program, "gone.iana.org", lambda found, _: not found or "<html" in " ".join(found))
        if program in ("curl", "chromium"):
            continue
        # Node's `dns.resolve` uses no search list.
        check("single label", program, "printer", lambda found, _: found == ["10.1.0.33"] or program == "node c-ares",
              search="fritz.box")
        # musl before 1.2.4 asks no server over TCP.
        check("100 addresses", program, "many.example.com", lambda found, _: len(found) == 100 or program == "musl")
    laptop.close_hotel()
    laptop.must("vm-roam hotel")
    laptop.until("the portal is seen", lambda: laptop.strategy_name() == "portal")
    for program in clients:
        check("portal", program, "login.hotel.example", lambda found, _: found == [PORTAL] or "log in" in " ".join(found))
    laptop.rules("hotel")
    laptop.must("vm-join nothing")
    laptop.until("the network is gone", lambda: not laptop.run("ip route show default"))
    for program in clients:
        check("offline", program, f"off-{program.replace(' ', '')}.iana.org",
              lambda found, seconds: (not found or "<html" in " ".join(found)) and
              (seconds < MAX_OFFLINE_SECONDS or program == "chromium"))
    for program, row in rows.items():
        laptop.say(f"{program:12} " + "; ".join(f"{condition}: {told}" for condition, told in row.items()))
    if faults:
        raise Failure("\n  ".join(faults))
