"""A service manager that speaks as systemd does: `service_manager.py FOLDER PROGRAM ARGUMENT…`.

The program is started with NOTIFY_SOCKET in FOLDER. Sockets sent with FDSTORE=1 are kept under their FDNAME, and passed
to the next process from descriptor 3 on. The main process alone is heard, and may name a child of this process as the
next one (MAINPID). Commands are lines of standard input: `restart` and `kill` end the process (SIGTERM, SIGKILL) and
start the program anew, `stop` ends it and closes the store, `end` ends this program too. Said on standard output:
`ready PROCESS`, `alive PROCESS`, `main PROCESS`, `unheard PROCESS`, `kept NAME`, `removed NAME`, `ended CODE`, `stopped CODE`.

The file FOLDER/sockets has addresses, one a line, whose sockets are given to each process, as by a unit of sockets.

The program `systemctl` in FOLDER/bin knows `show` (of MainPID alone), `reload` and `restart`. `reload` runs PROGRAM with the arguments of the unit
of `zoners install`, or with those in FOLDER/reload.
"""

import array, ctypes, os, select, signal, socket, struct, subprocess, sys

SYSTEMCTL = """#!/usr/bin/env python3
import socket, sys
manager = socket.socket(socket.AF_UNIX)
manager.connect("%s")
manager.sendall(sys.argv[1].encode())
reply = manager.recv(16).decode()
if sys.argv[1] != "show":
    sys.exit(int(reply))
print(reply)
"""

folder, command = sys.argv[1], sys.argv[2:]
path = os.path.join(folder, "notify")
notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notices.bind(path)
os.chmod(path, 0o666)
notices.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
# Processes without a parent come to this one (PR_SET_CHILD_SUBREAPER).
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
os.mkdir(os.path.join(folder, "bin"))
with open(os.path.join(folder, "bin/systemctl"), "w") as script:
    script.write(SYSTEMCTL % os.path.join(folder, "systemctl"))
os.chmod(script.name, 0o755)
calls = socket.socket(socket.AF_UNIX)
calls.bind(os.path.join(folder, "systemctl"))
calls.listen()
# The sockets of the unit, those for the next process, its number, the reload command with its caller, a caller waiting for readiness.
given, store, process, reloading, restarting, former = [], [], None, None, None, []


def say(*words):
    print(*words, flush=True)


def start():
    """Starts the program with the kept sockets, by a shell, which knows the number of the process."""
    global process
    sockets = [("zoners.socket", one.fileno()) for one in given] + store
    names = ":".join(name for name, _ in sockets)
    environment = dict(os.environ, NOTIFY_SOCKET=path)
    shell = 'LISTEN_PID=$$ exec "$@"' if sockets else 'exec "$@"'
    if sockets:
        environment.update(LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=names)

    def arrange():
        high = [os.dup2(descriptor, 200 + at, inheritable=False) for at, (_, descriptor) in enumerate(sockets)]
        for at, descriptor in enumerate(high):
            os.dup2(descriptor, 3 + at, inheritable=True)

    process = subprocess.Popen(
        ["sh", "-c", shell, "sh"] + command, env=environment, preexec_fn=arrange, close_fds=False
    ).pid


def wait(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def end(how):
    os.kill(process, how)
    say("stopped", wait(process))


def reload(caller):
    """As a process of the service, but without the way of notifications (NotifyAccess=main)."""
    global reloading
    arguments = ["reload", "--in-service", "--config", os.path.join(folder, "zoners.toml")]
    if os.path.exists(os.path.join(folder, "reload")):
        arguments = open(os.path.join(folder, "reload")).read().split()
    environment = dict(os.environ, MAINPID=str(process))
    reloading = caller, subprocess.Popen(command[:1] + arguments, env=environment)


def take_call():
    global restarting
    caller, _ = calls.accept()
    verb = caller.recv(16)
    if verb == b"show":
        return caller.sendall(str(process).encode())
    if verb == b"reload":
        return reload(caller)
    end(signal.SIGTERM)
    start()
    restarting = caller


def look():
    """Notices ends of processes."""
    global reloading
    if reloading and reloading[1].poll() is not None:
        reloading[0].sendall(str(reloading[1].returncode).encode())
        reloading = None
    for child in former[:]:
        gone, status = os.waitpid(child, os.WNOHANG)
        if gone:
            former.remove(child)
            say("ended", os.waitstatus_to_exitcode(status))


def hear():
    """Carries out one notification."""
    global process, restarting
    octets, beside, _, _ = notices.recvmsg(4096, socket.CMSG_SPACE(16 * 4) + socket.CMSG_SPACE(12))
    descriptors, sender = array.array("i"), 0
    for _, kind, data in beside:
        if kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data)
        else:
            sender = struct.unpack("3i", data)[0]
    lines = octets.decode().splitlines()
    if sender != process:
        for descriptor in descriptors:
            os.close(descriptor)
        return say("unheard", sender)
    name = next((line[7:] for line in lines if line.startswith("FDNAME=")), "stored")
    if "FDSTORE=1" in lines:
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
            store.append((name, descriptor))
        say("kept", name)
        return
    for descriptor in descriptors:
        os.close(descriptor)
    if "FDSTOREREMOVE=1" in lines:
        for _, descriptor in [entry for entry in store if entry[0] == name]:
            os.close(descriptor)
        store[:] = [entry for entry in store if entry[0] != name]
        say("removed", name)
    named = next((int(line[8:]) for line in lines if line.startswith("MAINPID=")), process)
    if named != process:
        with open(f"/proc/{named}/stat") as stat:
            assert int(stat.read().rsplit(") ", 1)[1].split()[1]) == os.getpid(), "not a child of the manager"
        former.append(process)
        process = named
        say("main", process)
    if "WATCHDOG=1" in lines:
        say("alive", process)
    if "READY=1" in lines:
        say("ready", process)
        if restarting:
            restarting.sendall(b"0")
            restarting = None


def has_ended():
    """Whether the main process has ended; the status is left for `wait`."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


if os.path.exists(os.path.join(folder, "sockets")):
    for line in open(os.path.join(folder, "sockets")):
        host, port = line.strip().rsplit(":", 1)
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            given.append(socket.socket(socket.AF_INET, kind))
            given[-1].bind((host, int(port)))
        given[-1].listen()
stopped = False
start()
while True:
    ready, _, _ = select.select([notices, calls, sys.stdin], [], [], 0.05 if reloading or former else 1)
    look()
    if not ready and not stopped and has_ended():
        sys.exit("the program has ended by itself")
    if notices in ready:
        hear()
        continue
    if calls in ready:
        take_call()
        continue
    if sys.stdin not in ready:
        continue
    word = sys.stdin.readline().strip()
    if word == "restart":
        end(signal.SIGTERM)
        start()
    elif word == "kill":
        end(signal.SIGKILL)
        start()
    elif word == "stop":
        end(signal.SIGTERM)
        for _, descriptor in store:
            os.close(descriptor)
        store.clear()
        stopped = True
    else:
        if not stopped and not has_ended():
            end(signal.SIGKILL)
        break
