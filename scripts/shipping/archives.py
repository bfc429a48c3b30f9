"""Archives whose octets depend on the content alone: sorted, of root, with one time."""

import gzip
import hashlib
import io
import tarfile


def tar_gz(files, time, prefix=''):
    """The octets of a .tar.gz; folders are added before their files."""
    folders = {parent for path in files for parent in parents(path)}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode='w', format=tarfile.GNU_FORMAT) as archive:
        for path in sorted({*folders, *files}):
            octets, mode = files.get(path, (b'', 0o755))
            entry = tarfile.TarInfo(prefix + path)
            entry.mtime, entry.mode, entry.size = time, mode, len(octets)
            entry.uname = entry.gname = 'root'
            entry.type = tarfile.DIRTYPE if path in folders else tarfile.REGTYPE
            archive.addfile(entry, io.BytesIO(octets))
    return gzip.compress(stream.getvalue(), mtime=time)


def parents(path):
    steps = path.split('/')[:-1]
    return ['/'.join(steps[:count]) for count in range(1, len(steps) + 1)]


def deb(control, files, scripts, conffiles, time):
    """The octets of a Debian package (deb(5)): an ar(1) archive of three members."""
    md5sums = ''.join(f'{hashlib.md5(octets).hexdigest()}  {path}\n' for path, (octets, _) in sorted(files.items()))
    texts = {'control': (control, 0o644), 'md5sums': (md5sums, 0o644)}
    texts['conffiles'] = (''.join(f'/{path}\n' for path in conffiles), 0o644)
    texts |= {name: (text, 0o755) for name, text in scripts.items()}
    inner = {name: (text.encode(), mode) for name, (text, mode) in texts.items()}
    members = (('debian-binary', b'2.0\n'), ('control.tar.gz', tar_gz(inner, time, './')),
               ('data.tar.gz', tar_gz(files, time, './')))
    octets = b'!<arch>\n'
    for name, member in members:
        octets += f'{name:<16}{time:<12}{0:<6}{0:<6}{"100644":<8}{len(member):<10}`\n'.encode() + member
        octets += b'\n' * (len(member) % 2)
    return octets
