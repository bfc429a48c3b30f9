"""A service manager that speaks as systemd does: `service_manager.py FOLDER PROGRAM ARGUMENT…`.

The program is started with NOTIFY_SOCKET in FOLDER. Sockets sent with FDSTORE=1 are kept under their FDNAME, and passed
to the next process from descriptor 3 on. Commands are lines of standard input: `restart` and `kill` end the process
(SIGTERM, SIGKILL) and start the program anew, `stop` ends it and closes the store, `end` ends this program too. Said on
standard output: `ready PROCESS`, `kept NAME`, `removed NAME`, `stopped CODE`.
"""

import array, os, select, signal, socket, subprocess, sys

folder, command = sys.argv[1], sys.argv[2:]
path = os.path.join(folder, "notify")
notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notices.bind(path)
os.chmod(path, 0o666)
store, process = [], None


def say(*words):
    print(*words, flush=True)


def start():
    """Starts the program with the kept sockets, by a shell, which knows the number of the process."""
    global process
    names = ":".join(name for name, _ in store)
    environment = dict(os.environ, NOTIFY_SOCKET=path)
    shell = 'LISTEN_PID=$$ exec "$@"' if store else 'exec "$@"'
    if store:
        environment.update(LISTEN_FDS=str(len(store)), LISTEN_FDNAMES=names)

    def arrange():
        high = [os.dup2(descriptor, 200 + at, inheritable=False) for at, (_, descriptor) in enumerate(store)]
        for at, descriptor in enumerate(high):
            os.dup2(descriptor, 3 + at, inheritable=True)

    process = subprocess.Popen(
        ["sh", "-c", shell, "sh"] + command, env=environment, preexec_fn=arrange, close_fds=False
    )


def end(how):
    process.send_signal(how)
    say("stopped", process.wait())


def hear():
    """Carries out one notification."""
    octets, beside, _, _ = notices.recvmsg(4096, socket.CMSG_SPACE(16 * 4))
    descriptors = array.array("i")
    for _, _, data in beside:
        descriptors.frombytes(data)
    lines = octets.decode().splitlines()
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
    if "READY=1" in lines:
        say("ready", process.pid)


stopped = False
start()
while True:
    ready, _, _ = select.select([notices, sys.stdin], [], [], 1)
    if not ready and process.poll() is not None and not stopped:
        sys.exit("the program has ended by itself")
    if notices in ready:
        hear()
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
        if process.poll() is None:
            end(signal.SIGKILL)
        break
