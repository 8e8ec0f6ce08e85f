"""Records of any format in one form: a line for each value, its field's name in words before it.

JSON, XML and HTML, CSV and TSV, Markdown tables, SQL, query strings, YAML, logs: the recogniser of names reads none of
them. It reads lines such as `first name: Jane`, which a person could have typed, and so does every pattern that needs a
word before a number. Texts are often cut, or have a record in the midst of a sentence, so this is no parser: a cell is
taken where one can be seen, and what is left stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby

from watchline.detectors.runtime.mapped_text import PUT_IN, MappedText

_KEY = r"[A-Za-z_@$][\w.:@$-]{0,60}"
# Names of HTML's elements say nothing where they stand between cells.
_ELEMENTS = (
    "a|b|body|br|button|center|code|d[dlt]|div|em|form|h[1-6r]|head|header|html|i|img|input|label|li|link|main|meta|nav|ol|p|pre"
    "|section|select|small|span|strong|style|table|tbody|td|tfoot|th|thead|title|tr|u|ul"
)
_START = re.compile(
    r"\"(?P<json>[^\"\n]{1,60})\"\s{0,9}:\s{0,9}(?=[\"'\[\w+-])"
    r"|'(?P<single>[^'\n]{1,60})'\s{0,9}:\s{0,9}(?=[\"'\[\w+-])"
    rf"|<(?P<tag>{_KEY})(?:\s[^<>]{{0,500}})?>(?P<content>[^<>]*)(?=</)"
    rf"|(?<![\w.$-])(?P<list>{_KEY})\s{{0,3}}=\s{{0,3}}(?=\[\s{{0,9}}[\"'])"
    rf"|(?<![\w.$-])(?P<name>{_KEY})\s{{0,3}}=\s{{0,3}}(?P<quoted>\"[^\"\n]*\"|'[^'\n]*')"
    # Of a query string, percent-decoded: a value may hold anything but its separator.
    rf"|(?<![\w.$-])(?P<first>{_KEY})=(?P<encoded>[^&\n\"<>#=]{{1,200}})(?=&{_KEY}=)"
    rf"|(?<=[?&])(?P<last>{_KEY})=(?P<rest>[^\s&\"<>#=]{{1,200}})"
    rf"|(?<![\w.$-])(?P<parameter>{_KEY})=(?P<value>[^\s&;,\"'`<>()\[\]{{}}=]+)"
    rf"|^[ \t]*(?:-[ \t]+)?(?P<yaml>{_KEY}):[ \t]+(?P<line>[^\s\"'\[{{|>&*][^\n]*|\"[^\"\n]*\"|'[^'\n]*')[ \t]*$"
    r"|^[ \t]*(?:[*+-][ \t]+)?(?:\*\*|__)(?P<bold>[^*:\n]{1,60})(?::(?:\*\*|__)|(?:\*\*|__):)[ \t]+(?P<entry>\S[^\n]*)$"
    r"|\bVALUES\s{0,9}(?=\()",
    re.MULTILINE | re.IGNORECASE,
)
# Without one of these there is no cell to look for: prose has none.
_HINT = re.compile(r"[\"']\s{0,9}:|=|</|\*\*:|:\*\*|__:|:__|[^\W_][_.A-Z-][\w.-]{0,60}:[ \t]|\bVALUES\b", re.IGNORECASE)
_ELEMENT = re.compile(r"\s{0,99}(?:,\s{0,99})?(?=\"|')")
_SCALAR = re.compile(r"[^\s,\]}\"']{1,200}")
_COLUMNS = re.compile(r"\(([^()]{1,2000})\)\s{0,9}\Z")
_SQL_VALUE = re.compile(r"\s{0,99}(?:'([^']*+(?:''[^']*+)*+)'|\"([^\"]*)\"|([^\s,()'\"]+))\s{0,99}([,)])")
_SQL_ROW = re.compile(r"\s{0,99},?\s{0,99}\(")
_WHOLE = re.compile(
    r"\s{0,99}(?:[{\[]\s{0,99}[\"{]|<[\w?!].*>\s{0,99}\Z)", re.DOTALL
)  # JSON, XML: values may hold tables
_CLOSES = re.compile(r"\s{0,99}(?:[,}\])\n]|\Z)")
_MARKS = re.compile(
    rf"</[\w:.-]{{1,60}}>|</?(?i:{_ELEMENTS})(?=[\s/>])"
    r"|[{}\[\]|<>*]|\"(?=\s{0,3}[,:}\])]|\s*$)|(?<=[{\[(,:])\"|(?<=[{\[(,:]\s)\"",
    re.MULTILINE,
)
_WORDS = re.compile(r"[^\W\d_]+|\d+")
_PLUS = re.compile(r"(?<!\A)\+")  # but for that of a telephone number
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FEWEST = {"\t": 1, "|": 2, ";": 2, ",": 2}  # separators in a line of a table
_LEVELS, _SHORTEST = 2, 20  # of records in values of records; characters of one
_LONGEST = 120  # characters of a header's cell
_MORE = 60  # characters of a cell on average
_FURTHEST = 2100  # characters between the columns' names and the values
_AROUND = " \t\r\n\"'"
_KEY_OF = {
    "content": "tag", "quoted": "name", "encoded": "first", "rest": "last", "value": "parameter", "line": "yaml",
    "entry": "bold",
}  # fmt: skip
_HTML = re.compile("a|b|body|center|code|dd|div|dt|em|h[1-6]|i|li|p|pre|small|span|strong|td|th|u", re.IGNORECASE)
_NEW_ROW = re.compile("<tr", re.IGNORECASE)
_NO_ROW = re.compile(r"[{}<>\[\]()=]|: ")


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a record in a text.

    Attributes
    ----------
    start, end : int
        Where it stands.
    key : str
        Its field's name, in words, or "".
    first : int
        Where what belongs to it begins: its key.
    begins : bool
        Whether a record begins with it.
    pluses : bool
        Whether a plus in it stands for a blank, as in forms that are sent.
    """

    start: int
    end: int
    key: str
    first: int
    begins: bool = False
    pluses: bool = False


def normal_form(text: str, masked: str | None = None) -> MappedText:
    """The text with its records in one form; itself where it has none.

    Parameters
    ----------
    text
        As it means: see `decoding`.
    masked
        The text, as long, from which what stands outside of the cells is taken; by default the same.

    Examples
    --------
    >>> print(normal_form('Found: {"firstName":"Jane","city":"Oslo"}').text)
    Found:
    first name: Jane
    city: Oslo
    """
    between = text if masked is None else masked
    lines = _Lines()
    done = 0
    for cell in cells(text):
        lines.between(between, done, cell.first)
        lines.put_in("\n" * cell.begins + (f"{cell.key}: " if cell.key else ""))
        value = text[cell.start : cell.end]
        lines.keep(_PLUS.sub(" ", value) if cell.pluses else value, cell.start)
        done = cell.end
    if not done:
        return MappedText(between)
    lines.between(between, done, len(text))
    return MappedText("".join(lines.parts), tuple(lines.offsets))


class _Lines:
    """A text in the making, with the way back."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.offsets: list[int] = []

    def put_in(self, new: str) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            new = f"\n{new}"
        self.parts.append(new)
        self.offsets += [PUT_IN] * len(new)

    def keep(self, piece: str, start: int) -> None:
        self.parts.append(piece)
        self.offsets += range(start, start + len(piece))

    def between(self, text: str, start: int, end: int) -> None:
        """What stands between cells, without the signs of their format; nothing if it says nothing."""
        piece = _MARKS.sub(lambda marks: " " * len(marks[0]), text[start:end])
        if _WORDS.search(piece) is not None:
            if start:
                self.put_in("")
                start += len(piece) - len(piece.lstrip())
                piece = piece.lstrip()
            self.keep(piece.rstrip(), start)


def words(key: str) -> str:
    """The name of a field as a person would write it.

    Examples
    --------
    >>> words("customer.firstName"), words("SSN_last4")
    ('customer first name', 'ssn last 4')
    """
    return " ".join(_WORDS.findall(_CAMEL.sub(" ", key))).lower()


def cells(text: str, level: int = 0) -> Iterator[Cell]:
    """The cells of the records in a text, in order; of a record in a value those, in place of it."""
    for cell in _cells(text):
        inner = []
        if level < _LEVELS and cell.end - cell.start >= _SHORTEST:
            value = text[cell.start : cell.end + (text[cell.end : cell.end + 1] in ('"', "'"))]  # what it may end with
            if "\n" in value or _HINT.search(value) is not None:
                inner = [*cells(value, level + 1)]
        if len(inner) > 1:
            for each in inner:
                start, end, first = (place + cell.start for place in (each.start, each.end, each.first))
                yield replace(each, start=start, end=end, first=first, pluses=each.pluses or cell.pluses)
        else:
            yield cell


def _cells(text: str) -> Iterator[Cell]:
    done = 0
    for start, end, sign, rows in () if _WHOLE.match(text) else _tables(text):
        yield from _pairs(text, done, start)
        yield from _of_table(text, sign, rows)
        done = end
    yield from _pairs(text, done, len(text))


def _pairs(text: str, start: int, end: int) -> Iterator[Cell]:
    """Cells that have their field's name with them, and rows of SQL."""
    if _HINT.search(text, start, end) is None:
        return
    place, header = start, _Header()
    while (match := _START.search(text, place, end)) is not None:
        place = match.end()
        kind = match.lastgroup
        if kind in ("json", "single", "list"):
            cells_of_key, place = _json(text, match, end, words(match[kind]))
            yield from cells_of_key
        elif kind is None:
            columns = _COLUMNS.search(text, max(start, match.start() - _FURTHEST), match.start())
            keys = [words(column) for column in columns[1].split(",")] if columns else []
            rows, place = _sql(text, match, end, keys)
            yield from rows
        else:
            if kind == "content" and match.end("tag") + 1 < match.start("content"):
                yield from _pairs(text, match.end("tag"), match.start("content") - 1)  # attributes
            name = match[_KEY_OF[kind]]
            key = header.of(text, match) if match["tag"] and _HTML.fullmatch(name) else words(name)
            value = _trimmed(text, *match.span(kind), key, match.start())
            if kind == "line" and key == match["yaml"].lower() and match[0][0].isalpha():  # as a person writes it
                continue
            if value.start < value.end:
                yield replace(value, pluses=kind in ("encoded", "rest"))


class _Header:
    """The names of fields in HTML: a row of `th`, or the `th` or `dt` before a cell."""

    def __init__(self) -> None:
        self._names: list[str] = []  # of the columns
        self._row: list[str] = []  # of the row's own `th`
        self._column = 0
        self._end = 0  # of the last cell

    def of(self, text: str, element: re.Match[str]) -> str:
        """The name of an element's field, or ""."""
        tag = element["tag"].lower()
        if tag not in ("th", "td", "dt", "dd"):
            return ""
        if _NEW_ROW.search(text, self._end, element.start()):
            if len(self._row) == self._column > 1:
                self._names = self._row
            self._row, self._column = [], 0
        self._end = element.end()
        self._column += 1
        named = self._names[self._column - 1] if self._column <= len(self._names) else ""
        if tag in ("th", "dt"):
            self._row = [*self._row, words(element["content"])]
            return named
        return named or (self._row[-1] if self._row and not self._names else "")


def _json(text: str, key_match: re.Match[str], end: int, key: str) -> tuple[list[Cell], int]:
    """The value, or the values of a list, after a key; and where to go on."""
    first, place = key_match.span()
    found: list[Cell] = []
    is_list = text[place] == "["
    if is_list:
        place += 1
    while place < end:
        if is_list:
            gap = _ELEMENT.match(text, place, end)
            if gap is None:
                break
            place = gap.end()
        if text[place] in "\"'":
            close = _close(text, place, end)
            if close is None:
                return found, place + 1
            if text[place + 1 : close].strip():
                found.append(Cell(place + 1, close, key, first))
            first = place = close + 1
        elif not is_list and (scalar := _SCALAR.match(text, place, end)) is not None:
            found.append(Cell(*scalar.span(), key, first))
            place = scalar.end()
        if not is_list:
            break
    return found, place


def _close(text: str, place: int, end: int) -> int | None:
    """Where a quoted value ends: at a quote that something of the format follows; None if another key comes first."""
    quote = text[place]
    close = text.find(quote, place + 1, end)
    while close >= 0:
        if _CLOSES.match(text, close + 1):
            return close
        if text[close + 1 : close + 2] == ":":
            return None
        close = text.find(quote, close + 1, end)
    return end


def _sql(text: str, values: re.Match[str], end: int, keys: Sequence[str]) -> tuple[list[Cell], int]:
    first, place = values.span()
    found: list[Cell] = []
    while (row := _SQL_ROW.match(text, place, end)) is not None:
        place = row.end()
        column = 0
        while (value := _SQL_VALUE.match(text, place, end)) is not None:
            group = next(number for number in (1, 2, 3) if value[number] is not None)
            if value[group].strip():
                key = keys[column] if column < len(keys) else ""
                found.append(Cell(*value.span(group), key, first, begins=column == 0))
            first = place = value.end()
            column += 1
            if value[4] == ")":
                break
        else:
            break
    return found, place


def _tables(text: str) -> Iterator[tuple[int, int, str, list[tuple[int, int]]]]:
    """Runs of lines with the same number of a sign in them: start, end, sign, lines."""
    lines = [match.span() for match in re.finditer(r"[^\r\n]+", text)]
    for sign, run in groupby(lines, lambda line: _separators(text, *line)):
        rows = list(run)
        if sign and _is_table(text, sign[0], rows):
            yield rows[0][0], rows[-1][1], sign[0], rows


def _separators(text: str, start: int, end: int) -> tuple[str, int] | None:
    for sign, fewest in _FEWEST.items():
        count = text.count(sign, start, end)
        if count >= fewest:
            if text.find('"', start, end) >= 0:
                count = len([*_row(text, sign, start, end)]) - 1
            if count >= fewest:
                return sign, count
    return None


def _is_table(text: str, sign: str, rows: Sequence[tuple[int, int]]) -> bool:
    """Whether lines that have the same number of a sign are rows, rather than sentences or lines of code."""
    if sign in "\t|":
        return len(rows) > 1 or sign == "\t"
    block = text[rows[0][0] : rows[-1][1]]
    if _NO_ROW.search(block):
        return False
    signs = block.count(sign)
    apart = block.count(f"{sign} ")
    if len(block) > _MORE * (signs + len(rows)):
        return False
    return apart * 4 <= signs if len(rows) > 1 else not apart


def _row(text: str, sign: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    place = start
    while place <= end and (cell := _table_cell(sign).match(text, place, end)) is not None:
        yield cell.span(1) if cell[1] is not None else cell.span(2)
        if cell.end() == end:
            if end > start and text[end - 1] == sign and cell.end() > place:
                yield end, end
            break
        place = cell.end()


@cache
def _table_cell(sign: str) -> re.Pattern[str]:
    sign = re.escape(sign)
    return re.compile(rf"\"((?:[^\"\n]|\"\")*+)\"[ ]{{0,9}}(?:{sign}|\Z)|([^{sign}\n]*+)(?:{sign}|(?=\n)|\Z)")


def _of_table(text: str, sign: str, rows: Sequence[tuple[int, int]]) -> Iterator[Cell]:
    header: list[str] = []
    done = rows[0][0]
    for number, (start, end) in enumerate(rows):
        places = list(_row(text, sign, start, end))
        if number == 0 and len(rows) > 1 and _is_header([text[a:b] for a, b in places]):
            header = [words(text[a:b]) for a, b in places]
            done = end
            continue
        begins = True
        for column, (a, b) in enumerate(places):
            if any(char.isalnum() for char in text[a:b]):
                yield _trimmed(text, a, b, header[column] if column < len(header) else "", done, begins)
                begins = False
                done = b


def _is_header(names: Sequence[str]) -> bool:
    named = [name.strip() for name in names if name.strip()]
    return bool(named) and all(
        len(name) <= _LONGEST and re.match(r"[^\W\d]", name) and "@" not in name for name in named
    )


def _trimmed(text: str, start: int, end: int, key: str, first: int, begins: bool = False) -> Cell:
    while start < end and text[start] in _AROUND:
        start += 1
    while start < end and text[end - 1] in _AROUND:
        end -= 1
    return Cell(start, end, key, first, begins)
