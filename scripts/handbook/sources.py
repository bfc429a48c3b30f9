"""What the program itself says: counters, errors, log lines and settings, read from its sources."""

import dataclasses
import re

from .pages import PROJECT

CRATES = PROJECT / 'crates'
LEVELS = 'error', 'warn', 'info', 'debug', 'trace'


@dataclasses.dataclass
class Counter:
    group: str
    name: str
    unit: str
    help: str


def counters():
    """The table of crates/dns/src/counters.rs."""
    text = (CRATES / 'dns/src/counters.rs').read_text()
    text = text[text.index('\ncounters! {'):text.index('\n}\n', text.index('\ncounters! {'))]
    found, group = [], ''
    for line in text.splitlines():
        literals = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
        if line.endswith('{') and len(literals) == 2:
            group = literals[1]
        elif line.strip().endswith(';') and len(literals) == 3:
            found.append(Counter(group, *literals))
    return found


@dataclasses.dataclass
class ErrorCode:
    number: int
    meaning: str
    constant: str
    is_sent: bool


def error_codes():
    """The codes of RFC 8914 that crates/dns/src/edns.rs names, and whether this program itself sends them."""
    text = (CRATES / 'dns/src/edns.rs').read_text()
    table = re.search(r'^ede_codes! \{\n(.*?)^\}', text, flags=re.MULTILINE | re.DOTALL)[1]
    constants = {int(number): name for name, number in re.findall(r'^    (\w+) = (\d+);', table, flags=re.MULTILINE)}
    named = {name for _, code in production() for name in re.findall(r'EdeCode::([A-Z_0-9]+)', code)}
    sent = {number for number, name in constants.items() if name in named}
    listed = re.findall(r'^\s+(\d+) => "([^"]+)",$', text, flags=re.MULTILINE)
    return [ErrorCode(int(number), meaning, constants.get(int(number), ''), int(number) in sent)
            for number, meaning in listed]


def production():
    """Each source file of a crate with its text, without tests and comments."""
    for path in sorted(CRATES.glob('*/src/**/*.rs')):
        parts = path.relative_to(CRATES).parts
        is_test = 'tests' in parts or path.stem.endswith('tests') or parts[0] in ('sim', 'bench')
        if is_test or parts == ('dns', 'src', 'edns.rs'):
            continue
        text = re.split(r'#\[cfg\((?:all\()?test\b[^\n]*\n(?:#\[[^\n]*\n)*\s*mod \w+ \{', path.read_text())[0]
        yield path, re.sub(r'^\s*//.*$', '', text, flags=re.MULTILINE)


@dataclasses.dataclass(order=True, frozen=True)
class LogLine:
    subsystem: str
    level: str
    text: str


# The text of a line, behind fields such as `%error`.
LITERAL = re.compile(r'\s*(?:[%?]?[\w.]+(?: = [^,"]+)?,\s*)*"((?:[^"\\]|\\.)*)"', re.DOTALL)


def log_lines():
    """The lines that the program can write to its log. What a line names is in capitals."""
    found = set()
    for _, text in production():
        for call in re.finditer(r'tracing::(error|warn|info|debug|trace)!\(', text):
            literal = LITERAL.match(text, call.end())
            if not literal:
                raise SystemExit(f'a log line without a literal: {text[call.start():call.end() + 60]!r}')
            line = re.sub(r'\\\n\s*', '', literal[1]).replace('\\"', '"').replace('\\n', ' ').strip()
            line = re.sub(r'\{(\w*)[^{}]*\}', lambda hole: f'\0{hole[1].upper() or "…"}\0', line)
            # `zone ZONE: …` is of the subsystem `zone`.
            subsystem = re.sub(r'\0[^\0]*\0', '', line.split(':')[0]).strip() if ':' in line else ''
            line = line.replace('\0', '')
            found.add(LogLine(subsystem, call[1], line))
    return sorted(found)


def state_files():
    """Names of files in the state folder, as the server tells its own files from others."""
    server = CRATES / 'server/src'
    text = (server / 'daemon/state_folder.rs').read_text()
    listed = text[text.index('fn is_own_file'):].split('];')[0].split('[')[1]
    for module, constant in re.findall(r'(?:(\w+)::)?(\w+),', listed):
        for path in server.rglob(f'{module or "state_folder"}.rs'):
            yield from re.findall(rf'const {constant}: &str = "([^"]+)"', path.read_text())


@dataclasses.dataclass
class Table:
    """A table of zoners.example.toml: `heading` is such as `[server]`; parts are prose, or lines of settings."""
    heading: str
    parts: list


HEADING = re.compile(r'\[\[?[a-z0-9.-]+\]\]?')


def goes_on(line):
    """Whether a line belongs to the setting above: another setting, or the rest of its value."""
    bare = line.removeprefix('# ')
    is_setting = re.match(r'[a-z0-9-]+ = ', bare) or not line.startswith('#')
    return line.strip() and not HEADING.fullmatch(bare) and is_setting


def settings():
    """zoners.example.toml in parts. Settings without a default are comments there."""
    tables, prose = [Table('', [])], []
    lines = (PROJECT / 'zoners.example.toml').read_text().splitlines()
    at = 0
    while at < len(lines):
        line, at = lines[at], at + 1
        bare = line.removeprefix('# ')
        if not line.strip() or line == '#':
            if prose:
                tables[-1].parts.append((prose, []))
            prose = []
        elif HEADING.fullmatch(bare):
            tables.append(Table(bare, [(prose, [])] if prose else []))
            prose = []
        elif re.match(r'[a-z0-9-]+ = ', bare) or not line.startswith('#'):
            values = [line]
            while at < len(lines) and goes_on(lines[at]):
                values.append(lines[at])
                at += 1
            tables[-1].parts.append((prose, values))
            prose = []
        else:
            prose.append(bare)
    return tables


def defaults():
    """The values of settings that have a default, as they are written, by key."""
    found = {}
    for table in settings():
        for _, lines in table.parts:
            for line in lines:
                setting = re.match(r'([a-z0-9-]+) = ([^#]+)', line)
                if setting:
                    found[f'{table.heading.strip("[]")}.{setting[1]}'] = setting[2].strip(' "')
    return found


def keys():
    """Keys as `server.listen`, and headings as `[server]` and `[[forward]]`."""
    known = set()
    for table in settings():
        name = table.heading.strip('[]')
        if name:
            known |= {table.heading, f'[{name}]', name}
        for _, lines in table.parts:
            for line in lines:
                key = re.match(r'(?:# )?([a-z0-9-]+) = ', line)
                if key:
                    known.add(f'{name}.{key[1]}')
    return known
