"""The package for Fedora, openSUSE and their kin, by rpmbuild."""

import os
import pathlib
import re
import subprocess
import tempfile

from . import archives, contents

PROCESSORS = {'amd64': 'x86_64', 'arm64': 'aarch64'}

# Folders that a system without these shells lacks, and our own.
OWN_FOLDERS = 'etc/zoners', 'usr/share/doc/zoners', 'usr/share/fish', 'usr/share/zsh', 'usr/share/bash-completion'

# rpm calls scripts with the number of packages that are left: 0 at a removal, 1 at an upgrade.
SPEC = '''Name: zoners
Version: {version}
Release: 1
Summary: DNS server that a machine can rely on all day
License: MIT OR Apache-2.0
AutoReqProv: no
Requires(pre): /usr/sbin/useradd
{needs}
%description
Zoners resolves names from the root down and checks their signatures. The
package starts nothing and leaves the DNS settings alone: `zoners install`
makes Zoners the resolver of this machine.
%pre
if ! getent passwd zoners >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir /var/lib/zoners --shell /usr/sbin/nologin zoners
fi
%post
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl try-restart zoners.service
fi
%preun
set -e
if [ "$1" = 0 ]; then
    # Whoever has called `zoners install` gets the former DNS back; without an install this changes nothing.
    /usr/bin/zoners uninstall --yes
    if [ -d /run/systemd/system ]; then
        systemctl disable --now zoners.service
    fi
fi
%postun
# rpm knows no purge: state and user stay, as those of other packages do. So no file gets another owner some day.
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
%files
%defattr(-,root,root)
{files}
'''
# No stripping, no build host, no time but that of the commit.
MACROS = {
    '_buildhost': 'localhost', '_build_id_links': 'none', '__os_install_post': '%{nil}', 'debug_package': '%{nil}',
    '_binary_payload': 'w6.gzdio', 'use_source_date_epoch_as_buildtime': '1', 'clamp_mtime_to_source_date_epoch': '1',
    '_rpmfilename': 'package.rpm',
}


def package(files, version, architecture, program, time):
    """The octets of the package."""
    files = {path.replace('zsh/vendor-completions', 'zsh/site-functions'): file for path, file in files.items()}
    glibc = sorted({tuple(map(int, found.split(b'.'))) for found in re.findall(rb'\0GLIBC_(\d+\.\d+)', program)})
    needs = f'Requires: libc.so.6(GLIBC_{".".join(map(str, glibc[-1]))})(64bit)\n' if glibc else ''
    listed = [f'%config(noreplace) /{path}' if path == contents.CONFIGURATION else f'/{path}' for path in sorted(files)]
    # A folder has every package that needs it as an owner: rpm removes none without one.
    folders = {parent for path in files for parent in archives.parents(path) if parent.startswith(OWN_FOLDERS)}
    listed += [f'%dir /{folder}' for folder in sorted(folders)]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for path, (octets, mode) in files.items():
            place = folder / 'root' / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(octets)
            place.chmod(mode)
        for place in [folder / 'root', *(folder / 'root').rglob('*')]:
            os.utime(place, (time, time))
        spec = folder / 'zoners.spec'
        spec.write_text(SPEC.format(version=version, needs=needs, files='\n'.join(listed)))
        defined = {**MACROS, '_topdir': folder / 'top', '_rpmdir': folder / 'out', '_dbpath': folder / 'db'}
        words = [word for macro, value in defined.items() for word in ('--define', f'{macro} {value}')]
        subprocess.run(['rpmbuild', '--quiet', '-bb', '--target', f'{PROCESSORS[architecture]}-linux', *words,
                        '--buildroot', folder / 'root', spec],
                       check=True, env={**os.environ, 'SOURCE_DATE_EPOCH': str(time)})
        return (folder / 'out/package.rpm').read_bytes()
