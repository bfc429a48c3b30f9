"""An adversary's day: plays each attack against each resolver, and prints what it cost.

    ZONERS=target/dist/zoners python3 benchmarks/adversary [--only zoners,unbound] [--rows dead,wrong]
        [--list] [--output FILE]

Needs root, `ip`, and Unbound, Knot Resolver, PowerDNS Recursor and BIND as far as they are to be compared;
no packet leaves the machine. `--rows` are beginnings of the names that `--list` tells."""

import argparse
import os
import sys
import traceback

if __package__ in (None, ''):
    # Run by the folder's name.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = 'adversary'
    import adversary  # noqa: F401 # the package of the modules below

from . import dead, forged, heavy, hoards, network, resolvers, world  # noqa: F401 # they make rows
from .rows import ROWS, Lab
from .servers import Servers


def main():
    parser = argparse.ArgumentParser(prog='adversary', description=__doc__.split('\n')[0])
    parser.add_argument('--only', default=','.join(resolvers.KINDS), help='resolvers, with commas between')
    parser.add_argument('--rows', default='', help='beginnings of the names of rows')
    parser.add_argument('--list', action='store_true', help='tell the rows and end')
    parser.add_argument('--output', help='a file for the table, beside standard output')
    options = parser.parse_args()
    begins = tuple(options.rows.split(','))
    rows = [row for row in ROWS if row.name.startswith(begins)]
    if options.list:
        print('\n'.join(f'{row.name}: {row.what}' for row in rows))
        return 0
    if os.environ.get('ADVERSARY') != 'inside':
        return network.inside([sys.executable, *sys.argv])
    kinds = [kind for kind in options.only.split(',') if resolvers.version(kind)]
    zones = world.root(rows)
    network.prepare({zone.address for zone in zones})
    servers, sink = Servers(zones), network.Sink()
    told = {(kind, row.name): play(kind, row, servers, sink) for kind in kinds for row in rows}
    text = table(kinds, rows, told)
    print(text)
    if options.output:
        with open(options.output, 'w', encoding='utf-8') as file:
            file.write(text + '\n')
    return 0


def play(kind, row, servers, sink):
    """The figures of a row, of a resolver that was started for it."""
    try:
        resolver = resolvers.Resolver(kind, row.cache)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return ['-'] * len(row.figures)
    try:
        figures = [str(figure) for figure in row.run(Lab(resolver, servers, sink))]
        if not resolver.is_running():
            figures = [f'{figure} (died)' for figure in figures]
    except Exception:  # noqa: BLE001 # the other rows go on
        traceback.print_exc()
        figures = ['-'] * len(row.figures)
    finally:
        resolver.stop()
    print(f'{kind} {row.name}: {", ".join(figures)}', file=sys.stderr, flush=True)
    return figures


def table(kinds, rows, told):
    """A Markdown table: a line for each figure of each row, a column for each resolver."""
    lines = ['| attack | figure | ' + ' | '.join(map(resolvers.version, kinds)) + ' |',
             '|---|---' + '|---' * len(kinds) + '|']
    for row in rows:
        for at, figure in enumerate(row.figures):
            values = [told[kind, row.name][at] for kind in kinds]
            lines.append(f'| {row.what if at == 0 else ""} | {figure} | ' + ' | '.join(values) + ' |')
    return '\n'.join(lines)


if __name__ == '__main__':
    sys.exit(main())
