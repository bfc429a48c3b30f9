"""Builds the site with mdBook, and looks at every link of what came out."""

import html.parser
import os
import subprocess
import sys
import urllib.parse

from .pages import BOOK, PROJECT

TOOLS = PROJECT / 'target/book-tools'
OUTPUT = PROJECT / 'target/book'
REQUIREMENTS = PROJECT / '.ci/mdbook.txt'


def build():
    # mdBook tells of nothing but faults then.
    environment = {**os.environ, 'PATH': f'{mdbook().parent}:{os.environ["PATH"]}', 'RUST_LOG': 'warn', 'MDBOOK_LOG': 'warn'}
    built = subprocess.run(['mdbook', 'build', str(BOOK), '--dest-dir', str(OUTPUT)], env=environment, text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if built.returncode or built.stdout.strip():
        yield f'mdbook: {built.stdout}'
    if not built.returncode:
        yield from broken()
        print(f'the site is in {OUTPUT}')


def mdbook():
    """The program, installed as a binary with a known hash."""
    program, mark = TOOLS / 'bin/mdbook', TOOLS / 'installed'
    if not mark.exists() or mark.read_text() != REQUIREMENTS.read_text():
        pip = [sys.executable, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--root-user-action=ignore']
        subprocess.run([*pip, '--require-hashes', '--no-deps', '--upgrade', '--target', str(TOOLS),
                        '--requirement', str(REQUIREMENTS)], check=True)
        mark.write_text(REQUIREMENTS.read_text())
    return program


class Reader(html.parser.HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self):
        super().__init__()
        self.links, self.anchors = [], set()

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.links += [named[key] for key in ('href', 'src') if named.get(key)]
        self.anchors |= {named[key] for key in ('id', 'name') if named.get(key)}


def broken():
    pages = {}
    for path in OUTPUT.rglob('*.html'):
        pages[path] = Reader()
        pages[path].feed(path.read_text())
    for path, page in pages.items():
        if path.name in ('404.html', 'toc.html'):
            # Its links begin at the root of the site.
            continue
        for link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f'{path.relative_to(OUTPUT)}: {link} is not there'
            elif parts.fragment and target in pages and urllib.parse.unquote(parts.fragment) not in pages[target].anchors:
                yield f'{path.relative_to(OUTPUT)}: {link} has no such anchor'
