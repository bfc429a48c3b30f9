"""The list of crates in a program, as cargo-auditable writes it and `cargo audit bin` reads it."""

import json
import struct
import zlib

SECTION = b'.dep-v0'


def crates(program):
    """Name and version of each crate that the octets of a program for Linux name; nothing without the list."""
    found = section(program, SECTION)
    listed = json.loads(zlib.decompress(found))['packages'] if found else []
    return {(crate['name'], crate['version']) for crate in listed}


def section(program, wanted):
    """The octets of a section of an ELF file of 64 bits, least octet first."""
    table, = struct.unpack_from('<Q', program, 0x28)
    size, count, of_names = struct.unpack_from('<HHH', program, 0x3a)
    heads = [struct.unpack_from('<I20xQQ', program, table + number * size) for number in range(count)]
    names = heads[of_names][1]
    for name, offset, length in heads:
        if program.startswith(wanted + b'\0', names + name):
            return program[offset:offset + length]
    return b''
