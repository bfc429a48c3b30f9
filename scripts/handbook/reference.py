"""Pages of the reference, written from the sources of the program while the site is built: so they cannot drift.

A line `{{reference: counters}}` in a page becomes the table."""

import json
import os
import re
import subprocess
import sys

from . import sources

PLACE = re.compile(r'^\{\{reference: (\w+)\}\}$', re.MULTILINE)


def fill(text):
    return PLACE.sub(lambda place: PARTS[place[1]](), text)


def cell(text):
    """A text in which only backquotes mean something."""
    parts = text.split('`')
    parts[::2] = [re.sub(r'([*_])', r'\\\1', part).replace('<', '&lt;') for part in parts[::2]]
    return '`'.join(parts).replace('|', '\\|')


def code(text):
    return f'`{text.replace("|", chr(92) + "|")}`'


def table(heads, rows):
    lines = [heads, ['---'] * len(heads), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines) + '\n'


def grouped(items, key):
    groups = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def counters():
    text = ''
    for group, members in grouped(sources.counters(), lambda counter: counter.group).items():
        rows = [[f'`{counter.name}`', counter.unit, cell(counter.help)] for counter in members]
        text += f'## {group}\n\n' + table(['counter', 'counts', 'meaning'], rows) + '\n'
    return text


def log():
    text = ''
    for subsystem, lines in grouped(sources.log_lines(), lambda line: line.subsystem).items():
        order = sorted(lines, key=lambda line: (sources.LEVELS.index(line.level), line.text))
        rows = [[line.level, code(line.text)] for line in order]
        text += f'## {subsystem or "Without a subsystem"}\n\n' + table(['level', 'line'], rows) + '\n'
    return text


def settings():
    text = ''
    for part in sources.settings():
        text += f'## `{part.heading}`\n\n' if part.heading else ''
        for prose, lines in part.parts:
            text += f'{cell(" ".join(prose))}\n\n' if prose else ''
            if lines:
                text += '```toml\n' + '\n'.join(line.removeprefix('# ') for line in lines) + '\n```\n\n'
    return text


def words():
    """The glossary of CONTRIBUTING.md."""
    text = (sources.PROJECT / 'CONTRIBUTING.md').read_text()
    return text[text.index('\n| term |'):].split('\n\n')[0].lstrip() + '\n'


def program():
    return os.environ.get('ZONERS', 'zoners')


def help_of(*words):
    ended = subprocess.run([program(), *words, '--help'], capture_output=True, text=True, check=True,
                           env={**os.environ, 'NO_COLOR': '1', 'COLUMNS': '100'})
    return ended.stdout.replace(f'Usage: {os.path.basename(program())}', 'Usage: zoners')


def command_paths(*words):
    """Every command as words, with its help; those below after it."""
    text = help_of(*words)
    found = {words: text}
    listed = re.search(r'^Commands:\n((?:  .*\n|\n(?=  ))+)', text, flags=re.MULTILINE)
    for name in re.findall(r'^  (\S+)', listed[1], flags=re.MULTILINE) if listed else []:
        if name != 'help':
            found |= command_paths(*words, name)
    return found


def commands():
    text = ''
    for words, said in command_paths().items():
        text += f'## zoners {" ".join(words)}'.rstrip() + f'\n\n```text\n{said.rstrip()}\n```\n\n'
    return text


PARTS = {'counters': counters, 'log': log, 'settings': settings, 'words': words, 'commands': commands}


def preprocess():
    """mdBook gives the book as JSON, and takes the book with its tables."""
    _, book = json.load(sys.stdin)
    chapters = list(book.get('items') or book.get('sections') or [])
    while chapters:
        chapter = chapters.pop()
        chapter = chapter.get('Chapter') if isinstance(chapter, dict) else None
        if chapter:
            chapter['content'] = fill(chapter['content'])
            chapters += chapter['sub_items']
    json.dump(book, sys.stdout)
