"""Printing what came out of the store. It holds other people's text: nothing in it may steer the terminal."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

# Control characters, and what turns the direction of text around or can't be seen.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
LONGEST_CELL = 400
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


def write(columns: Sequence[str], rows: Sequence[Sequence[Any]], how: str) -> None:
    """Prints a table: `table` for people, `plain` (the same without lines and counts), `csv` (NULL as \\N, as
    ClickHouse does), `json` (a list of objects)."""
    if how == "json":
        out("[" + ",\n ".join(as_json(dict(zip(columns, row, strict=True))) for row in rows) + "]")
    elif how == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        keep = (lambda text: text) if not sys.stdout.isatty() else safe
        writer.writerows([keep("\\N" if value is None else _text(value)) for value in row] for row in rows)
    elif how != "plain" and sys.stdout.isatty():
        _write_rich(columns, rows)
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


def _write_rich(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(color_system="auto" if colourful() else None, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        numbers = all(isinstance(row[index], int | float | None) for row in rows)
        table.add_column(Text(safe(name)), overflow="fold", justify="right" if numbers and rows else "left")
    for row in rows:
        cells = [_cell(value) for value in row]
        table.add_row(
            *(
                Text(
                    cell if len(cell) <= LONGEST_CELL else cell[:LONGEST_CELL] + "…",
                    style="dim" if value is None else "",
                )
                for cell, value in zip(cells, row, strict=True)
            )
        )
    console.print(table)
    console.print(f"{len(rows):,} row{'' if len(rows) == 1 else 's'}", style="dim")
