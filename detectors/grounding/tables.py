"""Tables in documents, row by row with the names of their columns: a cell alone ("$29") says nothing."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise

from watchline.detectors.grounding import structured
from watchline.detectors.grounding.evidence import Unit, units
from watchline.detectors.runtime.text import sentences

_RULE = re.compile(r"[ \t]*+\|?[ \t]*+:?-{2,}+:?[ \t]*+(?:\|[ \t]*+:?-{2,}+:?[ \t]*+)*+\|?[ \t]*+")
_LINE = re.compile(r"[^\n]+")
_CELL = re.compile(r"(?<!\\)\|")
_SEPARATORS = ",;\t"
_MAX_NAME = 40  # characters; longer cells in the first line are no names of columns
_READ_OF_NAME = 100  # characters of a name in a Markdown table: it stands in every row's reading
csv.field_size_limit(sys.maxsize)  # for the whole process: a cell may be as long as its document, not only 128 KiB


def is_rule(line: str) -> bool:
    """Whether a line parts the head of a Markdown table from its rows."""
    return "|" in line and _RULE.fullmatch(line) is not None


def separator(text: str) -> str | None:
    """The separator of columns (comma, semicolon or tab) where the whole text is a table of at least three, else None.

    The last line may be cut. With one row only, the names above it must be as in a file: without blanks.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < 2 or (len(lines) == 2 and " " in lines[0]) or lines[0].rstrip().endswith((".", "!", "?", ":")):
        return None
    for mark in _SEPARATORS:
        count = lines[0].count(mark) + 1
        names = _cells(lines[0], mark) if count >= 3 else []
        # A line of a CSV file can hold no more cells than separators: most texts are told apart without reading cells.
        if (
            names
            and all(0 < len(name) <= _MAX_NAME for name in names)
            and all(line.count(mark) + 1 >= count for line in lines[:-1])
            and mark in lines[1]
            and all(len(_cells(line, mark)) == len(names) for line in lines[1:-1])
        ):
            return mark
    return None


def document_units(field: str, text: str) -> list[Unit]:
    r"""The units of any document: JSON pair by pair, a table row by row, the rest sentence by sentence.

    Examples
    --------
    >>> [unit.embedded for unit in document_units("document:0", "| Plan | Price |\n|---|---|\n| Pro | $29 |")]
    ['Plan: Pro; Price: $29']
    """
    pairs = structured.pairs(text)
    return structured.structured_units(field, text, pairs) if pairs else prose_units(field, text)


def prose_units(field: str, text: str) -> list[Unit]:
    """The units of a document that isn't JSON: its sentences; of tables (Markdown, CSV) the rows."""
    lines = [match.span() for match in _LINE.finditer(text)]
    if columns := separator(text):
        return list(_rows(field, text, lines[1:], _cells(text[slice(*lines[0])], columns), columns))
    out: list[Unit] = []
    done = 0
    for place, (head, rule) in enumerate(pairwise(lines)):
        names = [name[:_READ_OF_NAME] for name in _cells(text[slice(*head)], "|")]
        if head[0] < done or len(names) < 2 or not is_rule(text[slice(*rule)]):
            continue
        rows = place + 2
        while rows < len(lines) and "|" in text[slice(*lines[rows])]:
            rows += 1
        out += _prose(field, text, done, head[0])
        out += _rows(field, text, lines[place + 2 : rows], names, "|")
        done = lines[rows - 1][1]
    return out + _prose(field, text, done, len(text))


def _prose(field: str, text: str, start: int, end: int) -> list[Unit]:
    return units(field, text, [(start + first, start + last) for first, last in sentences(text[start:end])])


def _rows(
    field: str, text: str, lines: Sequence[tuple[int, int]], names: Sequence[str], separator: str
) -> Iterator[Unit]:
    for start, end in lines:
        cells = zip(names, _cells(text[start:end], separator), strict=False)
        if reading := "; ".join(f"{name}: {cell}" if name else cell for name, cell in cells if cell):
            yield Unit(field, start, end, reading)


def _cells(line: str, separator: str) -> list[str]:
    if separator == "|":
        return [cell.strip() for cell in _CELL.split(line.strip().removeprefix("|").removesuffix("|"))]
    # A lone carriage return would be an error.
    return [cell.strip() for cell in next(csv.reader([line.replace("\r", " ")], delimiter=separator), [])]
