"""The Debian package: its fields and the scripts that dpkg runs."""

import os
import re

from . import archives, contents

# `upgrade` calls these too: the user and the state stay then.
SCRIPTS = {
    'postinst': '''#!/bin/sh
set -e
if [ "$1" = configure ]; then
    if ! getent passwd zoners >/dev/null; then
        useradd --system --user-group --no-create-home --home-dir /var/lib/zoners --shell /usr/sbin/nologin zoners
    fi
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        # A running server becomes the new program. Nothing is enabled or started: Zoners takes port 53.
        systemctl try-restart zoners.service
    fi
fi
''',
    'prerm': '''#!/bin/sh
set -e
if [ "$1" = remove ]; then
    # Whoever has called `zoners install` gets the former DNS back; without an install this changes nothing.
    /usr/bin/zoners uninstall --yes
    if [ -d /run/systemd/system ]; then
        systemctl disable --now zoners.service
    fi
fi
''',
    'postrm': '''#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
if [ "$1" = purge ]; then
    rm -rf /var/lib/zoners
    if getent passwd zoners >/dev/null && command -v userdel >/dev/null; then
        userdel zoners
    fi
fi
''',
}


def package(files, version, architecture, program, time):
    """The octets of the package."""
    size = sum(len(octets) for octets, _ in files.values())
    glibc = sorted({tuple(map(int, found.split(b'.'))) for found in re.findall(rb'\0GLIBC_(\d+\.\d+)', program)})
    needs = 'passwd' + (f', libc6 (>= {".".join(map(str, glibc[-1]))})' if glibc else '')
    # The variables of Debian's own tools.
    maintainer = f'{os.environ.get("DEBFULLNAME", "Zoners")} <{os.environ.get("DEBEMAIL", "root@localhost")}>'
    control = f'''Package: zoners
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Depends: {needs}
Recommends: ca-certificates
Section: net
Priority: optional
Installed-Size: {size // 1024}
Description: DNS server that a machine can rely on all day
 Zoners resolves names from the root down and checks their signatures. The
 package starts nothing and leaves the DNS settings alone: `zoners install`
 makes Zoners the resolver of this machine.
'''
    return archives.deb(control, files, SCRIPTS, [contents.CONFIGURATION], time)
