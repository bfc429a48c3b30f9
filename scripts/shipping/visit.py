"""A visit of one artefact on a machine: install, serve, upgrade, remove; then nothing may be left."""

import contextlib
import os
import pathlib
import platform
import shutil
import subprocess
import tarfile
import time

# Ends of the names of artefacts.
KINDS = '.deb', '.rpm', '.tar.gz'
PROCESSORS = {'amd64': 'x86_64', 'arm64': 'aarch64', 'x86_64': 'x86_64', 'aarch64': 'aarch64'}
# Files of dpkg and shadow that tell of every change; their backups are no trace of ours.
OF_THE_MACHINE = ('var/lib/dpkg/', 'var/log/', 'var/cache/', 'etc/passwd-', 'etc/group-', 'etc/shadow-', 'etc/gshadow-',
                  'etc/passwd', 'etc/group', 'etc/shadow', 'etc/gshadow', 'etc/subuid', 'etc/subgid', 'etc/subuid-',
                  'etc/subgid-', 'etc/.pwd.lock', 'run/', 'tmp/', 'dev/', 'proc/')
MOUNTED_EMPTY = 'proc', 'run', 'tmp', 'dev'
PORT = '5300'
NAME = 'printer.lan'
ADDRESS = '192.0.2.7'
CONFIGURATION = f'[server]\nlisten = ["127.0.0.1:{PORT}"]\nuser = "zoners"\n[local]\nrecords = ["{NAME}. A {ADDRESS}"]\n'
PATIENCE_S = 60
SKIPPED = 77


class Fault(Exception):
    pass


def obstacle(artefact, machine):
    """Why the artefact cannot run on a machine with this root; nothing if it can."""
    word = artefact.name.split('_')[2] if artefact.suffix == '.deb' else artefact.name.split('-')[2]
    processor = PROCESSORS[word]
    if artefact.suffix == '.rpm' and not any((machine / path / 'rpm').exists() for path in ('bin', 'usr/bin')):
        return 'there is no rpm (apt install rpm)'
    if processor == platform.machine() or pathlib.Path(f'/proc/sys/fs/binfmt_misc/qemu-{processor}').exists():
        return ''
    # An archive has no scripts that would start the program without the emulator.
    if artefact.suffix == '.gz' and emulator(artefact):
        return ''
    return f'there is no qemu-user for {processor} (apt install qemu-user-static), or the kernel does not start it'


def emulator(artefact):
    """The emulator of an archive for another processor, if this machine has one."""
    processor = artefact.name.split('-')[2]
    return '' if processor == platform.machine() else shutil.which(f'qemu-{processor}-static') or ''


def visit(artefact, machine):
    """The exit code; called in namespaces, with a folder in VISIT."""
    folder = pathlib.Path(os.environ['VISIT'])
    root, upper = folder / 'root', folder / 'memory/upper'
    command('mount', '--make-rprivate', '/')
    for path in root, folder / 'memory':
        path.mkdir()
    command('mount', '-t', 'tmpfs', 'tmpfs', folder / 'memory')
    for path in upper, folder / 'memory/work':
        path.mkdir()
    layers = f'lowerdir={machine},upperdir={upper},workdir={folder}/memory/work'
    if subprocess.run(['mount', '-t', 'overlay', 'overlay', '-o', layers, root], check=False).returncode != 0:
        print(f'SKIPPED: {artefact.name}: there is no overlayfs')
        return SKIPPED
    for name in MOUNTED_EMPTY:
        command('mount', '-t', 'proc' if name == 'proc' else 'tmpfs', name, root / name)
    command('mount', '--rbind', '/dev', root / 'dev')
    command('ip', 'link', 'set', 'lo', 'up')
    users = {name: (root / 'etc' / name).read_text() for name in ('passwd', 'group')}
    resolver = (root / 'etc/resolv.conf').read_bytes()
    try:
        guest = {'.deb': Debian, '.rpm': Rpm, '.gz': Archive}[artefact.suffix](root, artefact)
        guest.install()
        serves(root, guest.program)
        guest.keeps_changes_over_an_upgrade()
        guest.remove()
        left = traces(upper, machine)
        if left:
            raise Fault(f'left behind: {" ".join(left)}')
        if any((root / 'etc' / name).read_text() != text for name, text in users.items()):
            raise Fault('users or groups are not as before')
        if (root / 'etc/resolv.conf').read_bytes() != resolver:
            raise Fault('the DNS settings are not as before')
    except (Fault, subprocess.CalledProcessError) as fault:
        print(f'FAULT {artefact.name}: {fault}')
        return 1
    return 0


class Debian:
    """By dpkg."""
    program = ['/usr/bin/zoners']
    configuration = 'etc/zoners/zoners.toml'

    def __init__(self, root, artefact):
        self.root, self.artefact = root, artefact

    def dpkg(self, *words):
        command('chroot', self.root, 'dpkg', '--force-confold', *words, quiet=True)

    def install(self):
        shutil.copyfile(self.artefact, self.root / 'tmp/package.deb')
        # Packages for another processor have a libc of their own there; the static ones need none.
        self.dpkg('--force-architecture', '--install', '/tmp/package.deb')
        enabled = list((self.root / 'etc/systemd/system').rglob('zoners*'))
        if enabled:
            raise Fault(f'the package enables {enabled}')

    def keeps_changes_over_an_upgrade(self):
        changed = self.root / self.configuration
        changed.write_text('# changed\n')
        self.dpkg('--force-architecture', '--install', '/tmp/package.deb')
        if changed.read_text() != '# changed\n':
            raise Fault('an upgrade loses the configuration')

    def remove(self):
        kept = with_state(self.root)
        self.dpkg('--remove', 'zoners')
        stays(self.root, kept)
        if not (self.root / self.configuration).exists():
            raise Fault('a removal loses the configuration')
        self.dpkg('--purge', 'zoners')


class Rpm:
    """By rpm, with a data base of its own: on Debian none of the needs is a package of rpm."""
    program = ['/usr/bin/zoners']
    configuration = 'etc/zoners/zoners.toml'

    def __init__(self, root, artefact):
        self.root, self.artefact = root, artefact

    def rpm(self, *words):
        command('chroot', self.root, 'rpm', '--dbpath', '/tmp/rpm', '--nodeps', *words, quiet=True)

    def install(self):
        shutil.copyfile(self.artefact, self.root / 'tmp/package.rpm')
        self.rpm('--install', '/tmp/package.rpm')
        enabled = list((self.root / 'etc/systemd/system').rglob('zoners*'))
        if enabled:
            raise Fault(f'the package enables {enabled}')

    def keeps_changes_over_an_upgrade(self):
        changed = self.root / self.configuration
        original = changed.read_bytes()
        changed.write_text('# changed\n')
        self.rpm('--upgrade', '--force', '/tmp/package.rpm')
        if changed.read_text() != '# changed\n':
            raise Fault('an upgrade loses the configuration')
        # rpm keeps a changed file as .rpmsave, which is no trace but the operator's.
        changed.write_bytes(original)

    def remove(self):
        kept = with_state(self.root)
        self.rpm('--erase', 'zoners')
        stays(self.root, kept)
        # As the documentation says to whoever wants no trace.
        shutil.rmtree(self.root / 'var/lib/zoners')
        command('chroot', self.root, 'userdel', 'zoners', quiet=True)


class Archive:
    """Unpacked by hand, and removed by its list of files."""

    def __init__(self, root, artefact):
        self.root, self.artefact = root, artefact
        self.program = [f'/opt/{artefact.name.removesuffix(".tar.gz")}/usr/bin/zoners']

    def install(self):
        (self.root / 'opt').mkdir(exist_ok=True)
        with tarfile.open(self.artefact) as archive:
            archive.extractall(self.root / 'opt', filter='data')
        if emulator(self.artefact):
            shutil.copy(emulator(self.artefact), self.root / 'tmp/qemu')
            self.program.insert(0, '/tmp/qemu')
        command('chroot', self.root, 'useradd', '--system', '--user-group', '--no-create-home', 'zoners')

    def keeps_changes_over_an_upgrade(self):
        pass

    def remove(self):
        shutil.rmtree(self.root / 'opt' / self.artefact.name.removesuffix('.tar.gz'))
        shutil.rmtree(self.root / 'var/lib/zoners', ignore_errors=True)
        command('chroot', self.root, 'userdel', 'zoners', quiet=True)


def with_state(root):
    """A file of the state folder, as a server leaves them."""
    kept = root / 'var/lib/zoners/kept'
    kept.parent.mkdir(exist_ok=True)
    kept.write_text('kept\n')
    return kept


def stays(root, kept):
    if not kept.exists():
        raise Fault('a removal loses the state')
    if 'zoners:' not in (root / 'etc/passwd').read_text():
        raise Fault('a removal loses the user, and its files get another owner some day')


def serves(root, program):
    """Starts the server as its unit does, asks for a name, and stops the server."""
    (root / 'tmp/zoners.toml').write_text(CONFIGURATION)
    with subprocess.Popen(['chroot', root, *program, 'serve', '--config', '/tmp/zoners.toml'],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            if not answers(server):
                raise Fault(f'no answer for {NAME}; the server said {said(server)}')
            command('chroot', root, *program, 'check', '/tmp/zoners.toml', quiet=True)
        finally:
            server.terminate()
            server.wait()


def answers(server):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        asked = subprocess.run(['dig', '+short', '+tries=1', '+time=1', '-p', PORT, '@127.0.0.1', NAME],
                               stdout=subprocess.PIPE, text=True, check=False)
        if asked.stdout.strip() == ADDRESS:
            return True
        time.sleep(0.1)
    return False


def said(server):
    server.terminate()
    return server.communicate()[0]


def traces(upper, machine):
    """Paths of the overlay that are no file of the machine; folders count only if the machine has them not."""
    found = []
    for path in sorted(upper.rglob('*')):
        name = str(path.relative_to(upper))
        below = path.is_dir() and not path.is_symlink() and (machine / name).is_dir()
        is_of_machine = any(name == known or (known.endswith('/') and name.startswith(known)) for known in OF_THE_MACHINE)
        # A file that was deleted is a character device in an overlay.
        was_ours = path.is_char_device() and not (machine / name).exists()
        if not (below or is_of_machine or was_ours):
            found.append(name)
    return found


def command(*words, quiet=False):
    ended = subprocess.run([str(word) for word in words], check=False, text=True, capture_output=quiet)
    if ended.returncode != 0:
        with contextlib.suppress(TypeError):
            print((ended.stdout or '') + (ended.stderr or ''))
        raise Fault(f'{" ".join(map(str, words))}: {ended.returncode}')
