"""Pages of the book: blocks of code with their marks, text in backquotes, links."""

import dataclasses
import pathlib
import re

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
BOOK = PROJECT / 'docs/book'
SOURCE = BOOK / 'src'
README = PROJECT / 'README.md'
# Why a block is not run, how it ends, with which code, or what it writes: the line above the block.
MARK = re.compile(r'<!-- test: (not run|until Ctrl-C|answers y|code|says)(?::? (.+))? -->')
LINK = re.compile(r'(?<!`)!?\[[^\]\[]*\]\(([^()\s]+)\)')
# Languages of blocks with commands.
COMMANDS = 'sh', 'console'


@dataclasses.dataclass
class Block:
    """A block of code. `mark` is `not run`, `until Ctrl-C`, `answers y`, `code`, `says`, or nothing."""
    page: str
    line: int
    language: str
    text: str
    mark: str = ''
    detail: str = ''

    @property
    def place(self):
        return f'{self.page}:{self.line}'


@dataclasses.dataclass
class Page:
    path: pathlib.Path

    def __post_init__(self):
        self.text = self.path.read_text()
        self.name = str(self.path.relative_to(PROJECT))

    def blocks(self):
        """The blocks in order. A block without a language is an error: nobody could say whether it is run."""
        found, block, mark = [], None, ('', '')
        for number, line in enumerate(self.text.splitlines(), 1):
            fence = re.match(r'\s*```(\S*)', line)
            if block is None and fence:
                block = Block(self.name, number, fence[1], '', *mark)
                if not block.language:
                    raise SystemExit(f'{block.place}: a block without a language')
            elif fence:
                found.append(block)
                block, mark = None, ('', '')
            elif block is not None:
                block.text += line + '\n'
            elif line.strip():
                said = MARK.fullmatch(line.strip())
                if line.strip().startswith('<!-- test') and not said:
                    raise SystemExit(f'{self.name}:{number}: an unknown mark: {line}')
                mark = (said[1], said[2] or '') if said else ('', '')
        if block is not None:
            raise SystemExit(f'{block.place}: the block has no end')
        return found

    def prose(self):
        """The text without blocks."""
        return re.sub(r'^[ ]*```.*?^[ ]*```', '', self.text, flags=re.MULTILINE | re.DOTALL)

    def quoted(self):
        """Texts in backquotes outside of blocks, also over the end of a line."""
        paragraphs = re.split(r'\n\s*\n', self.prose())
        return [' '.join(text.split()) for paragraph in paragraphs for text in paragraph.split('`')[1::2]]

    def rows(self):
        """The rows of tables, as cells without the spaces around."""
        rows = re.findall(r'^\|(.*)\|$', self.prose(), flags=re.MULTILINE)
        return [[cell.strip() for cell in row.split('|')] for row in rows]

    def links(self):
        return LINK.findall(self.prose())

    def anchors(self):
        """The anchors of headings, as mdBook and forges make them."""
        heads = re.findall(r'^#+ (.*)$', self.prose(), flags=re.MULTILINE)
        return {anchor(head) for head in heads}


def anchor(heading):
    kept = ''.join(letter for letter in heading.lower() if letter.isalnum() or letter in '-_ ')
    return kept.strip().replace(' ', '-')


def summary():
    """The pages of SUMMARY.md, in its order."""
    text = (SOURCE / 'SUMMARY.md').read_text()
    return [Page(SOURCE / target) for target in re.findall(r'\]\(([^)]+)\)', text)]


def all_pages():
    return [Page(README), *summary()]
