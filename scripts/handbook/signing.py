"""Signatures of the stage's Internet: one zone from the root down, one Ed25519 key, made by openssl."""

import base64
import pathlib
import struct
import subprocess
import tempfile
import time

ALGORITHM, RRSIG, DNSKEY, NSEC, NXNAME = 15, 46, 48, 47, 128
TTL, DAYS = 3600, 86400


class Signer:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.key, self.made = self.folder / 'key', {}
        openssl('genpkey', '-algorithm', 'ed25519', '-out', self.key)
        public = openssl('pkey', '-in', self.key, '-pubout', '-outform', 'DER')
        # The last 32 octets are the point.
        self.dnskey = struct.pack('!HBB', 257, 3, ALGORITHM) + public[-32:]
        pairs = self.dnskey + bytes(len(self.dnskey) % 2)
        total = sum(struct.unpack(f'!{len(pairs) // 2}H', pairs))
        self.tag = (total + (total >> 16)) & 0xFFFF

    def anchor(self):
        """The key as a line of a zone file."""
        return f'. 3600 IN DNSKEY 257 3 {ALGORITHM} {base64.b64encode(self.dnskey[4:]).decode()}\n'

    def signature(self, owner, kind, all_data):
        """The data of an RRSIG record (RFC 4034 section 3), from yesterday until a month from now."""
        place = (owner, kind, tuple(all_data))
        if place not in self.made:
            now, labels = int(time.time()), len(labels_of(owner))
            head = struct.pack('!HBBIIIH', kind, ALGORITHM, labels, TTL, now + 30 * DAYS, now - DAYS, self.tag) + b'\0'
            records = b''.join(owner + struct.pack('!HHIH', kind, 1, TTL, len(data)) + data for data in sorted(all_data))
            message = self.folder / 'message'
            message.write_bytes(head + records)
            self.made[place] = head + openssl('pkeyutl', '-sign', '-rawin', '-inkey', self.key, '-in', message)
        return self.made[place]


def openssl(*words):
    return subprocess.run(['openssl', *words], check=True, capture_output=True).stdout


def labels_of(owner):
    found, at = [], 0
    while owner[at]:
        found.append(owner[at + 1:at + 1 + owner[at]])
        at += 1 + owner[at]
    return found


def denial(owner, kinds):
    """The data of an NSEC record that denies every other type of its owner, and no other name (RFC 9824)."""
    return b'\x01\0' + owner + bitmap({*kinds, RRSIG, NSEC})


def bitmap(kinds):
    """Types below 256, as a window of bits (RFC 4034 section 4.1.2)."""
    bits = bytearray(max(kinds) // 8 + 1)
    for kind in kinds:
        bits[kind // 8] |= 0x80 >> kind % 8
    return bytes([0, len(bits)]) + bits
