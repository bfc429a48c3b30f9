"""Further servers of the stage's Internet: lists over HTTPS, the pages by which portals are found, and a resolver over TLS.

    python3 services.py CERTIFICATE KEY        serves until it is killed; prints `ready`"""

import http.server
import pathlib
import socket
import socketserver
import ssl
import struct
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import authority  # noqa: E402

# The answers to probes of portals, by host; everything else is a list.
PAGES = {'detectportal.firefox.com': 'success\n', 'nmcheck.gnome.org': 'NetworkManager is online\n'}
LIST = '! a list of the stage\n||ads.example^\n||tracker.example^\n'
AA, RA = 0x04, 0x80


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = PAGES.get(self.headers['Host'], LIST).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Resolver(socketserver.StreamRequestHandler):
    """Answers over TLS as a public resolver does, with what a root server says."""

    def handle(self):
        while head := self.rfile.read(2):
            with socket.create_connection((authority.hints()[0][1], 53)) as stream, stream.makefile('rb') as replies:
                stream.sendall(head + self.rfile.read(struct.unpack('!H', head)[0]))
                length = replies.read(2)
                reply = bytearray(replies.read(struct.unpack('!H', length)[0]))
            reply[2] &= ~AA
            reply[3] |= RA
            self.wfile.write(length + reply)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True

    def __init__(self, address, handler, context=None):
        super().__init__(address, handler)
        self.context = context
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, address):
        try:
            stream = self.context.wrap_socket(request, server_side=True) if self.context else request
            super().finish_request(stream, address)
        except OSError:
            # The client has left.
            pass


if __name__ == '__main__':
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*sys.argv[1:])
    Server((authority.WEB, 80), Page)
    Server((authority.WEB, 443), Page, tls)
    for resolver in authority.RESOLVERS:
        Server((resolver, 853), Resolver, tls)
    print('ready', flush=True)
    threading.Event().wait()
