"""Whether the pages say what the program knows: commands, options, settings, counters, links."""

import re
import shlex

from . import reference, sources
from .pages import COMMANDS, PROJECT, README, SOURCE, Page, all_pages, anchor

MAX_NOT_RUN = 10
# Commands that pages name and no block runs; each counts as a block that is not run.
NEVER_RUN = {('policy', 'accept'): 'takes a list that has shrunk or grown much'}
# Lines of the README: what is longer belongs into the book.
MAX_README = 150
# The page whose tables name keys of this program in the last column, without their tables too; and the fewest such keys.
COMING_FROM, MIN_COMING_FROM = SOURCE / 'coming-from.md', 40
# Pages whose tables have the defaults of keys in the second column, and the fewest rows of each.
WITH_DEFAULTS = {SOURCE / 'limits.md': 10, SOURCE / 'resolving.md': 4}
FIGURE = re.compile(r'(\d[\d.,]*)\s*(ms|s|[KMG]iB)?\b')
# Milliseconds and octets.
UNITS = {'': 1, 'ms': 1, 's': 1000, 'KiB': 1 << 10, 'MiB': 1 << 20, 'GiB': 1 << 30}
# Texts in backquotes that look like a key, and are none: names, files, domains.
NO_KEY = re.compile(r'.*\.(md|toml|txt|example|local|lan|box|arpa|com|net|org|demo|conf|pem|mobileconfig)$')


def faults():
    """Each fault as a line for a person."""
    pages = all_pages()
    if len(README.read_text().splitlines()) > MAX_README:
        yield f'README.md: more than {MAX_README} lines'
    yield from strays(pages)
    yield from links(pages)
    yield from marks(pages)
    commands = reference.command_paths()
    yield from quoted(pages, commands)
    yield from never_run(pages, commands)
    yield from coming_from()
    yield from defaults()
    yield from figures(pages)
    yield from reference_is_whole()


def strays(pages):
    """Files that no reader finds."""
    listed = {page.path for page in pages}
    for path in SOURCE.rglob('*.md'):
        if path not in listed and path.name != 'SUMMARY.md':
            yield f'{path.relative_to(PROJECT)}: not in SUMMARY.md'


def links(pages):
    for page in pages:
        for link in page.links():
            if re.match(r'(https?|mailto):', link):
                continue
            target, _, heading = link.partition('#')
            path = (page.path.parent / target).resolve() if target else page.path
            if not path.exists():
                yield f'{page.name}: a link to {link}, which is not there'
            elif page.path != README and target and not path.is_relative_to(SOURCE):
                yield f'{page.name}: a link to {link}, which the site does not have'
            elif heading and path.suffix == '.md' and heading not in headings(Page(path)):
                yield f'{page.name}: {link} has no such heading'


def headings(page):
    filled = page.text if not reference.PLACE.search(page.text) else reference.fill(page.text)
    return {anchor(head) for head in re.findall(r'^#+ (.*)$', filled, flags=re.MULTILINE)}


def marks(pages):
    marked = [block for page in pages for block in page.blocks() if block.mark == 'not run']
    for block in marked:
        if not block.detail:
            yield f'{block.place}: not run, without a reason'
    total = len(marked) + len(NEVER_RUN)
    if total > MAX_NOT_RUN:
        yield f'{total} blocks are not run, {MAX_NOT_RUN} may be: {", ".join(block.place for block in marked)}'
    for page in pages:
        for block in page.blocks():
            if block.mark and block.language not in (*COMMANDS, 'toml'):
                yield f'{block.place}: a mark, and nothing that could be run'
            if block.language not in (*COMMANDS, 'toml', 'text', 'yaml', 'dockerfile', 'ini'):
                yield f'{block.place}: {block.language} is no language of this book'


def quoted(pages, commands):
    known, files = sources.keys(), set(sources.state_files())
    tables = {key.split('.')[0] for key in known if re.fullmatch(r'[a-z0-9-]+\.[a-z0-9-]+', key)}
    names = {counter.name for counter in sources.counters()}
    prefixes = {name.split('_')[0] for name in names}
    for page in pages:
        for text in page.quoted():
            if re.match(r'(sudo )?zoners( |$)', text):
                yield from (f'{page.name}: `{text}`: {what}' for what in command_faults(text, commands))
            elif sources.HEADING.fullmatch(text) and text not in known:
                yield f'{page.name}: no table {text}'
            elif is_key(text) and text.split('.')[0] in tables and text not in known | files:
                yield f'{page.name}: no setting {text}'
            elif re.fullmatch(r'[a-z]+(_[a-z0-9]+)+', text) and text.split('_')[0] in prefixes and text not in names:
                yield f'{page.name}: no counter {text}'


def is_key(text):
    return re.fullmatch(r'[a-z0-9-]+(\.[a-z0-9-]+)+', text) and not NO_KEY.fullmatch(text)


def command_faults(text, commands):
    """What a text such as `zoners nta add NAME --for 2h` names and the program has not."""
    words = shlex.split(text.removeprefix('sudo '))[1:]
    path = path_of(words, commands)
    words, help_text = words[len(path):], commands[path]
    takes_command = not path or '<COMMAND>\n' in help_text
    if takes_command and words and not words[0].startswith(('-', 'help')):
        yield f'no command {words[0]}'
    for word in words:
        if word.startswith('-') and word != '-' and not re.search(rf'(^|[\s,]){re.escape(word.split("=")[0])}\b', help_text):
            yield f'no option {word}'


def path_of(words, commands):
    """The command at the beginning of the words, such as `nta add`."""
    path = ()
    for word in words:
        if (*path, word) not in commands:
            break
        path = (*path, word)
    return path


def never_run(pages, commands):
    """Commands that pages name, and that no block runs."""
    run = set(NEVER_RUN)
    blocks = [block for page in pages for block in page.blocks()]
    for block in (block for block in blocks if block.language in COMMANDS and block.mark != 'not run'):
        for call in re.finditer(r'\bzoners ([^\n|;)]*)', block.text):
            run.add(path_of(call[1].split(), commands))
    for page in pages:
        for text in page.quoted():
            if re.match(r'(sudo )?zoners ', text):
                path = path_of(text.removeprefix('sudo ').split()[1:], commands)
                if path and '<COMMAND>\n' not in commands[path] and path not in run:
                    yield f'{page.name}: `{text}`: no block runs zoners {" ".join(path)}'


def coming_from():
    """Keys in the last column of the tables of other servers: no commands, and no values."""
    known = sources.keys()
    known |= {key.rpartition('.')[2] for key in known}
    page, told = Page(COMING_FROM), set()
    for row in page.rows():
        keys = [text.partition(' = ')[0] for text in row[-1].split('`')[1::2]]
        told |= {key for key in keys if not key.startswith('zoners ') and not set('"/') & set(key)}
    yield from (f'{page.name}: no setting {key}' for key in sorted(told - known))
    if len(told) < MIN_COMING_FROM:
        yield f'{page.name}: names {len(told)} settings alone'


def defaults():
    """Figures in the row of a key are the default of the key."""
    values = sources.defaults()
    for path, least in WITH_DEFAULTS.items():
        page, compared = Page(path), 0
        for cells in page.rows():
            for key in re.findall(r'`([a-z0-9-]+\.[a-z0-9-]+)`', ' '.join(cells)):
                expected, told = figure(values.get(key, '')), figure(re.sub('`[^`]*`', '', cells[1]))
                if expected is None or told is None:
                    continue
                compared += 1
                if told != expected:
                    yield f'{page.name}: the default of {key} is {values[key]}, not as in {cells[1]!r}'
        if compared < least:
            yield f'{page.name}: tells {compared} defaults alone'


def figure(text):
    """The first figure of a text in milliseconds, in octets or as a number; None without one."""
    found = FIGURE.search(text)
    return found and float(found[1].strip('.,').replace(',', '')) * UNITS[found[2] or '']


def figures(pages):
    """Figures beside those of other resolvers are figures of benchmarks/README.md."""
    measured = set(re.findall(r'\d[\d.]*', (PROJECT / 'benchmarks/README.md').read_text()))
    for page in pages:
        for table in re.findall(r'^\|.*Unbound \d.*\n\|[-|]+\n((?:\|.*\n)+)', page.text, flags=re.MULTILINE):
            for row in table.splitlines():
                cells = [cell.strip(' *') for cell in row.split('|')[2:-1]]
                yield from (f'{page.name}: {cell} is not in benchmarks/README.md' for cell in cells if cell not in measured)


def reference_is_whole():
    """The written words about what is derived: each subsystem of the log and each code has some."""
    said = (SOURCE / 'reference/log.md').read_text()
    for subsystem in {line.subsystem for line in sources.log_lines()} - {''}:
        if f'`{subsystem}`' not in said:
            yield f'reference/log.md says nothing of `{subsystem}`'
    rows = (SOURCE / 'reference/errors.md').read_text()
    told = {int(number) for number in re.findall(r'^\| (\d+) \|', rows, flags=re.MULTILINE)}
    sent = {code.number: code for code in sources.error_codes() if code.is_sent}
    for number in sent.keys() - told:
        yield f'reference/errors.md says nothing of {number} ({sent[number].meaning})'
    for number in told - sent.keys():
        yield f'reference/errors.md tells of {number}, which Zoners does not send'
    for code in sent.values():
        if not re.search(rf'^\| {code.number} \| {re.escape(code.meaning)} \|', rows, flags=re.MULTILINE):
            yield f'reference/errors.md: {code.number} is {code.meaning}'
    files = (SOURCE / 'reference/files.md').read_text()
    for name in sources.state_files():
        if f'`{name}`' not in files:
            yield f'reference/files.md says nothing of `{name}`'
    for name in reference.PARTS:
        if not any(f'{{{{reference: {name}}}}}' in path.read_text() for path in SOURCE.rglob('*.md')):
            yield f'no page has {{{{reference: {name}}}}}'
