"""The program for a target: built with paths and times that no machine adds."""

import os
import pathlib
import shutil
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGETS = {
    'x86_64-unknown-linux-gnu': 'amd64',
    'x86_64-unknown-linux-musl': 'amd64',
    'aarch64-unknown-linux-gnu': 'arm64',
    'aarch64-unknown-linux-musl': 'arm64',
}
# Profiles, each with its folder; `dev` is for tests of the script.
PROFILES = {'dist': 'dist', 'release': 'release', 'dev': 'debug'}
# The oldest glibc of a build, by which zig links.
OLDEST_GLIBC = '2.28'
TOOLS = PROJECT / 'target/shipping-tools'
PINNED = PROJECT / '.ci/shipping.txt'
# Writes the list of crates into the program. It comes from crates.io, where a version keeps its octets.
AUDITABLE = '0.7.7'


def commit_time():
    """Seconds since 1970 of the commit: the time of every file of an artefact."""
    told = subprocess.run(['git', 'log', '-1', '--format=%ct'], cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return int(os.environ.get('SOURCE_DATE_EPOCH', told.stdout))


def version():
    line = next(line for line in (PROJECT / 'Cargo.toml').read_text().splitlines() if line.startswith('version = '))
    return line.split('"')[1]


def build(target, profile, folder, source=PROJECT):
    """The path of the program, built from a folder of sources in a target folder of cargo."""
    install_tools()
    add_library(target)
    home = pathlib.Path(os.environ.get('CARGO_HOME', pathlib.Path.home() / '.cargo'))
    names = {source.resolve(): '/zoners', home.resolve(): '/cargo', folder.resolve(): '/target'}
    environment = {
        **os.environ,
        'SOURCE_DATE_EPOCH': str(commit_time()),
        'RUSTFLAGS': ' '.join(f'--remap-path-prefix={path}={name}' for path, name in names.items()),
        'CFLAGS': ' '.join(f'-ffile-prefix-map={path}={name}' for path, name in names.items()),
        'CARGO_INCREMENTAL': '0',
        'CARGO_TARGET_DIR': str(folder),
        'CARGO_ZIGBUILD_CACHE_DIR': str(TOOLS / 'cache'),
        f'CARGO_PROFILE_{profile.upper()}_STRIP': 'symbols',
        'PATH': f'{TOOLS / "bin"}:{os.environ["PATH"]}',
        'PYTHONPATH': str(TOOLS),
    }
    linked = f'{target}.{OLDEST_GLIBC}' if target.endswith('-gnu') else target
    subprocess.run(['cargo', 'auditable', 'zigbuild', '--locked', '--profile', profile, '--package', 'zoners', '--target', linked],
                   cwd=source, env=environment, check=True)
    return folder / target / PROFILES[profile] / 'zoners'


def install_tools():
    """zig as compiler of C and linker, by pip, and cargo-auditable, by cargo."""
    marker, pinned = TOOLS / 'installed', f'{PINNED.read_text()}cargo-auditable {AUDITABLE}\n'
    if marker.exists() and marker.read_text() == pinned:
        return
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check',
                    '--root-user-action=ignore', '--require-hashes', '--no-deps', '--upgrade', '--target', TOOLS,
                    '--requirement', PINNED], check=True)
    subprocess.run(['cargo', 'install', 'cargo-auditable', '--version', f'={AUDITABLE}', '--locked', '--quiet', '--force',
                    '--no-track', '--root', TOOLS, '--target-dir', TOOLS / 'build'], check=True)
    shutil.rmtree(TOOLS / 'build')
    marker.write_text(pinned)


def add_library(target):
    """The standard library of the target, by rustup."""
    root = subprocess.run(['rustc', '--print', 'sysroot'], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    if not (pathlib.Path(root) / 'lib/rustlib' / target).exists():
        subprocess.run(['rustup', 'target', 'add', target], check=True)
