"""The network of the stage: a machine at home, and a router that is the whole Internet."""

import pathlib
import select
import subprocess
import sys

from . import authority

HERE = pathlib.Path(__file__).resolve().parent
MACHINE = '192.168.1.2/24', '2001:db8:1::2/64'
ROUTER = '192.168.1.1/24', '2001:db8:1::1/64'
# Names in the certificate of the Internet's servers.
NAMES = *authority.HOSTS, 'dns.quad9.net'
# Seconds until a server is ready, on a machine ten times slower.
READY_TIME = 60


def build(stage):
    """Links, a server for names, and servers for lists, pages and queries over TLS."""
    # The router waits for its links.
    script = f'echo ready; read go; exec {sys.executable} {HERE / "authority.py"} {stage.anchor}'
    router = stage.start(['unshare', '--net', 'sh', '-c', script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_for(router)
    links('link set lo up', f'link add eth0 type veth peer name lan netns {router.pid}', 'link set eth0 up',
          *addresses(MACHINE, 'eth0'))
    served = [*(address for _, address in authority.hints()), authority.WEB, *authority.RESOLVERS]
    links('link set lo up', 'link set lan up', *addresses(ROUTER, 'lan'), *addresses(served, 'lo'), inside=router.pid)
    links(*(f'route add default via {address.split("/")[0]}' for address in ROUTER))
    router.stdin.write(b'go\n')
    router.stdin.flush()
    wait_for(router)
    certify(stage)
    files = stage.home / 'web.pem', stage.home / 'web.key'
    services = ['nsenter', '--net', '--target', router.pid, sys.executable, HERE / 'services.py', *files]
    wait_for(stage.start(services, stdout=subprocess.PIPE))


def wait_for(server):
    ready, _, _ = select.select([server.stdout], [], [], READY_TIME)
    if not ready or server.stdout.readline() != b'ready\n':
        raise SystemExit(f'{server.args} does not start')


def certify(stage):
    """A certificate for the servers, by an authority that the machine trusts."""
    names = ','.join(f'DNS:{name}' for name in NAMES)
    key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    stage.run(f"""
        exec 2>/dev/null
        cd {stage.home}
        openssl req -x509 {key} -days 30 -subj /CN=stage -keyout ca.key -out ca.pem
        openssl req {key} -subj /CN=web -keyout web.key -out web.csr
        echo 'subjectAltName = {names}' >web.ext
        openssl x509 -req -in web.csr -CA ca.pem -CAkey ca.key -days 30 -extfile web.ext -out web.pem
        cat ca.pem >>/etc/ssl/certs/ca-certificates.crt""")


def links(*lines, inside=None):
    """Commands of `ip`, perhaps in the network namespace of another process."""
    enter = ['nsenter', '--net', '--target', str(inside)] if inside else []
    subprocess.run([*enter, 'ip', '-batch', '-'], input='\n'.join(lines).encode(), check=True, stdout=subprocess.DEVNULL)


def addresses(these, link):
    return [f'addr add {address} dev {link} {"nodad" if ":" in address else ""}' for address in these]
