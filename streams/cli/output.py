"""Printing what came out of the store. It holds other people's text: nothing in it may steer the terminal."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any

from watchline.detectors.declarations import GROUNDEDNESS

# Control characters, and what turns the direction of text around or can't be seen.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
LONGEST_CELL, LONGEST_VALUE = 400, 2_000  # characters of a text in a table, and where each field has a line
READABLE, WHOLE_WORD = 24, 36  # a column's least width for texts; and words, such as an event's id, are not broken
GAP = 2  # between columns
LABEL = 15  # what stands before a text
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def out(text: str = "") -> None:
    """One line for people or programs, on standard output."""
    sys.stdout.write(text + "\n")


def progress(done: int, total: int, what: str) -> None:
    """How far long work is, on the terminal's one line; nothing where standard error is no terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} {what}" + ("\n" if done == total else ""))
        sys.stderr.flush()


def colourful() -> bool:
    """Whether standard output is a terminal whose user wants colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def colour(text: str, name: str) -> str:
    """The text in a colour (of `_CODES`) where there is colour. Make it safe first."""
    return f"\x1b[{_CODES[name]}m{text}\x1b[0m" if colourful() else text


def safe(text: str, *, lines: bool = False) -> str:
    """The text with every character that steers a terminal written out. `lines`: line breaks and tabs may stay."""

    def written(match: re.Match[str]) -> str:
        character = match[0]
        if lines and character in "\n\t":
            return character
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character) or (
            f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
        )

    return _UNSAFE.sub(written, text)


def as_json(value: Any, *, indent: int | None = None) -> str:
    """JSON with every character that steers a terminal escaped: the same value to who parses it."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return re.sub(rf"(?!\n){_UNSAFE.pattern}", lambda match: f"\\u{ord(match[0]):04x}", text)


def fault(label: str) -> str:
    """How a span's label reads: the kind of the fault where it has one after the detector's label.

    Examples
    --------
    >>> fault("unsupported:number"), fault("unsupported")
    ('number', 'unsupported')
    """
    return label.removeprefix(f"{GROUNDEDNESS.labels[0]}:")


def cut(text: str) -> str:
    """A text of other people's in short, without its lines."""
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_CELL else words[:LONGEST_CELL] + "…"


def labelled(label: str, text: str) -> None:
    """A text beside its label, on a terminal wrapped between words; nothing where there is no text."""
    if not text:
        return
    lines = [safe(line) for line in text.splitlines()]
    if sys.stdout.isatty():
        width = max(READABLE, shutil.get_terminal_size().columns - LABEL)
        wrapper = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
        lines = [part for line in lines for part in wrapper.wrap(line) or [""]]
    for number, line in enumerate(lines):
        out(f"{'' if number else '  ' + label:<{LABEL}}{line}".rstrip())


def write(columns: Sequence[str], rows: Sequence[Sequence[Any]], how: str) -> None:
    """Prints rows: `table` for people, on a terminal one field a line where it is too narrow; `vertical` (so always),
    `plain` (a table as wide as it is), `csv` (NULL as \\N, as ClickHouse does), `json` (a list of objects)."""
    if how == "json":
        out("[" + ",\n ".join(as_json(dict(zip(columns, row, strict=True))) for row in rows) + "]")
    elif how == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        keep = (lambda text: text) if not sys.stdout.isatty() else safe
        writer.writerows([keep("\\N" if value is None else _text(value)) for value in row] for row in rows)
    elif how == "vertical":
        _write_vertical(columns, rows)
    elif how != "plain" and sys.stdout.isatty():
        _write_table(columns, rows)
    else:
        _write_plain(columns, rows)


def _text(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else as_json(value)


def _cell(value: Any) -> str:
    return safe(f"{value:.6g}" if isinstance(value, float) else _text(value))


def _write_plain(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    table = [[safe(name) for name in columns], *([_cell(value) for value in row] for row in rows)]
    widths = [max(_width(row[index]) for row in table) for index in range(len(columns))]
    for row in table:
        padded = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        out("  ".join(padded).rstrip())


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def _write_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table as wide as the terminal, or one field a line where its columns would be too narrow to be read."""
    from rich.console import Console
    from rich.table import Table

    console = Console(color_system="auto" if colourful() else None, highlight=False)
    cells = [[_cell(value) for value in row] for row in rows]
    widths = _widths(
        [[safe(name), *(row[index] for row in cells)] for index, name in enumerate(columns)], console.width
    )
    if widths is None:
        _write_vertical(columns, rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, (name, width) in enumerate(zip(columns, widths, strict=True)):
        numbers = all(isinstance(row[index], int | float | None) for row in rows)
        table.add_column(safe(name), overflow="fold", width=width, justify="right" if numbers and rows else "left")
    for row, texts in zip(rows, cells, strict=True):
        table.add_row(*(_styled(value, text, LONGEST_CELL) for value, text in zip(row, texts, strict=True)))
    console.print(table)
    _write_count(cells, LONGEST_CELL, console)


def _widths(columns: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """How wide each column of cells gets of `width`; None where one would get less than it needs to be read."""
    wanted = [min(max(map(_width, cells)), LONGEST_CELL + 1) for cells in columns]
    words = [max((_width(word) for cell in cells for word in cell.split()), default=0) for cells in columns]
    needed = [min(want, max(READABLE, min(word, WHOLE_WORD))) for want, word in zip(wanted, words, strict=True)]
    spare = width - sum(needed) - GAP * (len(columns) - 1)
    if spare < 0:
        return None
    # What is left goes to those that lack least, so that as many as can be are not wrapped.
    order = sorted(range(len(columns)), key=lambda index: wanted[index] - needed[index])
    for done, index in enumerate(order):
        more = min(wanted[index] - needed[index], spare // (len(order) - done))
        needed[index] += more
        spare -= more
    return needed


def _write_vertical(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """One field a line, its text wrapped beside its name."""
    names = [safe(name) for name in columns]
    longest = max(map(_width, names), default=0)
    cells = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for texts in cells:
            for name, text in zip(names, texts, strict=True):
                out(f"{name}{' ' * (longest - _width(name))}  {text}".rstrip())
            out()
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(color_system="auto" if colourful() else None, highlight=False)
    for number, (row, texts) in enumerate(zip(rows, cells, strict=True), 1):
        console.print(f"row {number}", style="bold")
        fields = [
            (Text(name, style="dim"), _styled(value, cell, LONGEST_VALUE))
            for name, value, cell in zip(names, row, texts, strict=True)
        ]
        if longest + GAP + WHOLE_WORD > console.width:  # beside its name a text would have no room
            for title, text in fields:
                console.print(title, Padding(text, (0, 0, 0, 2)), overflow="fold", sep="\n")
            continue
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(overflow="fold", width=longest)
        table.add_column(overflow="fold")
        for title, text in fields:
            table.add_row(title, text)
        console.print(table)
    _write_count(cells, LONGEST_VALUE, console)


def _styled(value: Any, text: str, longest: int) -> Any:
    from rich.text import Text

    return Text(text if len(text) <= longest else text[:longest] + "…", style="dim" if value is None else "")


def _write_count(cells: Sequence[Sequence[str]], longest: int, console: Any) -> None:
    text = f"{len(cells):,} row{'' if len(cells) == 1 else 's'}"
    if any(len(cell) > longest for row in cells for cell in row):
        text += f"; texts are cut after {longest:,} characters: --format json has them whole"
    console.print(text, style="dim")
