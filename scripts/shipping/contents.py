"""The files of an artefact, by path: the program, and what `zoners install` writes into the folder of an image."""

import pathlib
import subprocess
import tempfile

from .build import PROJECT

UNIT = 'usr/lib/systemd/system/zoners.service'
CONFIGURATION = 'etc/zoners/zoners.toml'
LICENCES = 'LICENSE-APACHE', 'LICENSE-MIT'
# Units of the package are its own; `zoners install` writes others to /etc, which win.
WRITTEN_BY = ("# Written by `zoners install`. `zoners uninstall` removes this file; changes belong into a drop-in\n"
              "# (`systemctl edit zoners`).\n")


def files(program, describer):
    """Each path below `/` with the octets and the mode. The describer is a program that runs on this machine."""
    found = {'usr/bin/zoners': (program.read_bytes(), 0o755)}
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder)
        make_image(image)
        told = subprocess.run([describer, 'install', '--yes', '--root', image], capture_output=True, text=True, check=False)
        if told.returncode != 0:
            raise SystemExit(f'{describer} install --root: {told.stderr or told.stdout}')
        for path in sorted((image / 'usr/local/share').rglob('*')):
            if path.is_file():
                name = 'usr/share/' + str(path.relative_to(image / 'usr/local/share'))
                found[name.replace('zsh/site-functions', 'zsh/vendor-completions')] = (path.read_bytes(), 0o644)
        found[CONFIGURATION] = (packaged(image / CONFIGURATION), 0o644)
        found[UNIT] = (packaged(image / 'etc/systemd/system/zoners.service'), 0o644)
    for name in LICENCES:
        found[f'usr/share/doc/zoners/{name}'] = ((PROJECT / name).read_bytes(), 0o644)
    return found


def make_image(image):
    """As little as `zoners install` takes for a system with systemd."""
    for path in 'usr/sbin/useradd', 'usr/sbin/userdel', 'usr/lib/systemd/systemd', 'etc/resolv.conf', 'var/lib/x':
        (image / path).parent.mkdir(parents=True, exist_ok=True)
    (image / 'usr/lib/systemd/systemd').touch()
    (image / 'etc/resolv.conf').write_text('nameserver 192.0.2.1\n')
    # It runs after chroot(8), where no library is.
    subprocess.run(['cc', '-static', '-x', 'c', '-o', image / 'usr/sbin/useradd', '-'], input='int main(void) { return 0; }',
                   text=True, check=True)


def packaged(path):
    text = path.read_text().replace(WRITTEN_BY, '# Changes belong into a drop-in (`systemctl edit zoners`).\n')
    return text.replace('/usr/local/', '/usr/').encode()
