"""What is in the program, for those who look for faults of dependencies: an SBOM in the form of CycloneDX."""

import json
import re
import subprocess

from .build import PROJECT


def bill(target, version):
    """The crates of a build, by `cargo tree`; hashes are those of Cargo.lock."""
    told = subprocess.run(['cargo', 'tree', '--locked', '--package', 'zoners', '--target', target, '--edges', 'normal',
                           '--prefix', 'none', '--format', '{p}\t{l}'],
                          cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True).stdout
    locked = (PROJECT / 'Cargo.lock').read_text()
    hashes = {(name, number): octets for name, number, octets in re.findall(
        r'name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "(\w+)"', locked)}
    parts = []
    for name, number, licence in sorted(set(re.findall(r'^(\S+) v(\S+)[^\t\n]*\t([^\n]*)', told, flags=re.MULTILINE))):
        if (name, number) in hashes:
            parts.append({
                'type': 'library', 'name': name, 'version': number, 'purl': f'pkg:cargo/{name}@{number}',
                'hashes': [{'alg': 'SHA-256', 'content': hashes[name, number]}],
                'licenses': [{'expression': re.sub(r'\s*/\s*', ' OR ', licence.removesuffix(' (*)'))}],
            })
    document = {
        'bomFormat': 'CycloneDX', 'specVersion': '1.5', 'version': 1,
        'metadata': {'component': {'type': 'application', 'name': 'zoners', 'version': version}},
        'components': parts,
    }
    return (json.dumps(document, indent=1) + '\n').encode()
