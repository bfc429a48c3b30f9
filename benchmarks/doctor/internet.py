"""A small Internet for `zoners doctor`: root servers, a resolver that intercepts, and HTTP servers.

    internet.py root ADDRESS…            authoritative root servers, UDP and TCP, port 53
    internet.py liar ADDRESS PORT        a resolver that answers for everybody: RA, no AA, no signatures
    internet.py proxy ADDRESS PORT       a server that answers as every root server, signatures included
    internet.py dns64 ADDRESS PORT       a resolver of a network with a NAT64: ipv4only.arpa tells 64:ff9b::/96
    internet.py ask ADDRESS SECONDS NAME…    a client: all names at once; waits that long for the replies
    internet.py page ADDRESS PORT WORD   an HTTP server: "success" for open, a redirection otherwise

Options of root by the environment: CLOCK (seconds by which the time of signatures is off), STRIP (no signatures),
DELAY (seconds until a reply leaves), REWRITE (an address for each name that does not exist)."""

import email.utils
import os
import select
import socket
import struct
import sys
import time

CLOCK = int(os.environ.get('CLOCK', '0'))
STRIP = 'STRIP' in os.environ
REWRITE = 'REWRITE' in os.environ
DELAY = float(os.environ.get('DELAY', '0'))
ROOT, NS, SOA, A, TXT, AAAA, DNSKEY, RRSIG, OPT = 0, 2, 6, 1, 16, 28, 48, 46, 41
# Names of the servers below the root, all at the first address of the list.
SERVER = b'\x01a\x04root\x00'
KEY = bytes(range(256)) + bytes(2)
ADVERTISEMENTS = socket.inet_aton('203.0.113.80')
ADDRESSES4 = ['198.51.100.1']


def name_at(octets, at):
    start = at
    while octets[at]:
        at += 1 + octets[at]
    return octets[start:at + 1], at + 1


def record(owner, kind, data, ttl=3600, klass=1):
    return owner + struct.pack('!HHIH', kind, klass, ttl, len(data)) + data


def signature(kind, octets=256):
    now = int(time.time()) + CLOCK
    data = struct.pack('!HBBIIIH', kind, 8, 0, 3600, now + 10 * 86400, now - 86400, 4711)
    return record(b'\0', RRSIG, data + b'\0' + bytes(octets))


def soa():
    return record(b'\0', SOA, SERVER + SERVER + struct.pack('!IIIII', 1, 1800, 900, 604800, 300))


def nameservers(owner):
    return record(owner, NS, SERVER)


def opt(size=1232, options=b''):
    return b'\0' + struct.pack('!HHIH', OPT, size, 0x8000, len(options)) + options


class Query:
    def __init__(self, octets):
        self.id, flags, questions, _, _, extra = struct.unpack('!HHHHHH', octets[:12])
        self.flags = flags
        self.name, at = name_at(octets, 12)
        self.kind, self.klass = struct.unpack('!HH', octets[at:at + 4])
        self.question = octets[12:at + 4]
        self.edns, self.size = extra > 0, 512
        if self.edns:
            self.size = max(512, struct.unpack('!H', octets[at + 7:at + 9])[0])

    def reply(self, flags, rcode=0, answer=(), authority=(), additional=(), options=b''):
        extra = list(additional) + ([opt(1232, options)] if self.edns else [])
        head = struct.pack('!HHHHHH', self.id, 0x8000 | flags | self.flags & 0x0110 | rcode, 1, len(answer), len(authority), len(extra))
        return head + self.question + b''.join([*answer, *authority, *extra])


def root(query, address):
    """What a root server says, and below it the servers of each top-level domain: they have the same addresses."""
    aa = 0x0400
    sign = (lambda kind: []) if STRIP else (lambda kind: [signature(kind)])
    # The name of the server at this address.
    own = f'lab-{address}'.encode()
    nsid = struct.pack('!HH', 3, len(own)) + own
    if query.klass == 3:
        return query.reply(aa, answer=[record(query.name, TXT, bytes([len(own)]) + own, klass=3)])
    labels = query.name.lower()
    if query.name == b'\0':
        answers = {SOA: [soa()], NS: [nameservers(b'\0')], DNSKEY: [record(b'\0', DNSKEY, struct.pack('!HBB', 257, 3, 8) + KEY) for _ in range(2)]}
        answer = answers.get(query.kind, [])
        if answer:
            answer = answer + sign(query.kind) * (2 if query.kind == DNSKEY else 1)
            return query.reply(aa, answer=answer, options=nsid)
        return query.reply(aa, authority=[soa()] + sign(SOA), options=nsid)
    if labels.endswith(b'\x04root\0'):
        addresses = [record(query.name, A, socket.inet_aton(ADDRESSES4[0]))] if query.kind == A else []
        return query.reply(aa, answer=addresses, authority=[] if addresses else [soa()])
    if labels.endswith(b'\x04dead\0'):
        # A delegation to an address where nothing is.
        owner = b'\x04dead\0'
        server = b'\x02ns' + owner
        return query.reply(0, authority=[record(owner, NS, server)], additional=[record(server, A, socket.inet_aton('198.51.100.99'))])
    if labels.endswith(b'\x04test\0'):
        addresses = [record(query.name, A, socket.inet_aton('198.51.100.80'))] if query.kind == A else []
        return query.reply(aa, answer=addresses, authority=[] if addresses else [soa()])
    if REWRITE:
        return query.reply(aa, answer=[record(query.name, A, ADVERTISEMENTS)] if query.kind == A else [], options=nsid)
    return query.reply(aa, rcode=3, authority=[soa()] + sign(SOA), options=nsid)


def dns64(query, address):
    del address
    ra = 0x0080
    if query.name.lower() == b'\x08ipv4only\x04arpa\0' and query.kind == AAAA:
        return query.reply(ra, answer=[record(query.name, AAAA, socket.inet_pton(socket.AF_INET6, '64:ff9b::192.0.0.170'))])
    return query.reply(ra, rcode=2)


def liar(query, address):
    """A resolver of a network: recursion for everybody, an address for every name."""
    del address
    ra = 0x0080
    if query.klass == 3:
        return query.reply(ra, answer=[record(query.name, TXT, b'\x05dnsmq', klass=3)])
    answers = {A: [record(query.name, A, ADVERTISEMENTS)], SOA: [soa()], NS: [nameservers(b'\0')]}
    return query.reply(ra, answer=answers.get(query.kind, []))


def handle(octets, respond, limit, address):
    try:
        query = Query(octets)
    except (IndexError, struct.error):
        return None
    reply = respond(query, address)
    if reply and limit and len(reply) > min(limit, query.size):
        head = struct.unpack('!HH', reply[:4])
        return struct.pack('!HHHHHH', head[0], head[1] | 0x0200, 1, 0, 0, 0) + query.question
    return reply


def serve(respond, addresses, port=53):
    poll = select.poll()
    sockets = {}
    for address in addresses:
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
            server = socket.socket(family, kind)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((address, port))
            if kind == socket.SOCK_STREAM:
                server.listen(64)
            server.setblocking(False)
            sockets[server.fileno()] = server
            poll.register(server, select.POLLIN)
    print('ready', flush=True)
    streams, late = {}, []
    name = lambda end: end.getsockname()[0]  # noqa: E731
    while True:
        # Replies leave in the order of the queries.
        pause = max(0, late[0][0] - time.monotonic()) * 1000 if late else None
        ready = poll.poll(pause)
        while late and late[0][0] <= time.monotonic():
            _, send = late.pop(0)
            try:
                send()
            except OSError:
                pass
        for number, _ in ready:
            try:
                if number in streams:
                    stream = streams[number]
                    octets = stream.recv(4096)
                    if len(octets) > 2:
                        reply = handle(octets[2:], respond, None, name(stream))
                        if reply:
                            framed = struct.pack('!H', len(reply)) + reply
                            late.append((time.monotonic() + DELAY, lambda stream=stream, framed=framed: stream.sendall(framed)))
                    else:
                        poll.unregister(number)
                        streams.pop(number).close()
                elif sockets[number].type == socket.SOCK_DGRAM:
                    octets, client = sockets[number].recvfrom(4096)
                    reply = handle(octets, respond, 4096, name(sockets[number]))
                    if reply:
                        server = sockets[number]
                        late.append((time.monotonic() + DELAY, lambda server=server, reply=reply, client=client: server.sendto(reply, client)))
                else:
                    stream, _ = sockets[number].accept()
                    streams[stream.fileno()] = stream
                    poll.register(stream, select.POLLIN)
            except OSError:
                if number in streams:
                    poll.unregister(number)
                    streams.pop(number).close()


def page(address, port, word):
    server = socket.create_server((address, port))
    print('ready', flush=True)
    while True:
        stream, _ = server.accept()
        try:
            stream.recv(4096)
            date = email.utils.formatdate(time.time() + CLOCK, usegmt=True)
            if word == 'success':
                head = f'HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 8\r\n\r\nsuccess\n'
            else:
                head = f'HTTP/1.1 302 Found\r\nDate: {date}\r\nLocation: http://{word}/\r\nContent-Length: 0\r\n\r\n'
            stream.sendall(head.encode())
        except OSError:
            pass
        stream.close()


def ask(address, seconds, names):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((address, 53))
    for number, name in enumerate(names):
        labels = b''.join(bytes([len(label)]) + label.encode() for label in name.split('.') if label)
        client.send(struct.pack('!HHHHHH', number, 0x0100, 1, 0, 0, 0) + labels + b'\0' + struct.pack('!HH', A, 1))
    end, left = time.monotonic() + seconds, len(names)
    while left and (rest := end - time.monotonic()) > 0:
        client.settimeout(rest)
        try:
            client.recv(4096)
            left -= 1
        except OSError:
            pass


if __name__ == '__main__':
    what, *rest = sys.argv[1:]
    if what == 'root':
        ADDRESSES4 = [address for address in rest if ':' not in address]
        serve(root, rest)
    elif what == 'ask':
        ask(rest[0], float(rest[1]), rest[2:])
    elif what == 'proxy':
        # One name, whatever the address that was asked.
        serve(lambda query, _: root(query, 'proxy'), [rest[0]], int(rest[1]))
    elif what in ('liar', 'dns64'):
        serve({'liar': liar, 'dns64': dns64}[what], [rest[0]], int(rest[1]))
    else:
        page(rest[0], int(rest[1]), rest[2])
