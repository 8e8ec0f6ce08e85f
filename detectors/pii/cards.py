"""Numbers of payment cards, however they are grouped. Checksum: Luhn (ISO/IEC 7812-1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii.entities import Entity
from watchline.detectors.pii.said import BETWEEN, line, said
from watchline.schemas.checksums import luhn

_CARD = re.compile(
    r"4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3[068]\d{12}"
    r"|35\d{14}|(?:1800|2131)\d{11}|(?:50|5[6-8]|6\d)\d{10,17}"
)
_USUAL = (15, 16)  # digits of almost every card
_MOST_GROUPS = 6
# A number right behind a word for card, whatever its checksum: people mistype. Or glued to any: ref4012888888881881.
_LONG = re.compile(r"(?<!\d)(?<!\d\.)\d(?:[\s.*|_-]{0,4}\d){11,18}(?!\d)")
_SAID = re.compile(rf"(?<![^\W_])(?:{ENGLISH.personal.card})(?![^\W_]){BETWEEN}\Z", re.IGNORECASE)
_WORDED = re.compile(rf"(?<![^\W_])(?:{ENGLISH.personal.card})(?![^\W_])", re.IGNORECASE)
_BEFORE = 60
# The usual groups, with the signs of tables, of bold type or a line's end between them, or tags; or single digits.
_GAP = r"(?:[\s.*|_-]|</?[a-zA-Z]\w{0,9} ?/?>){1,9}"
_SPREAD = re.compile(
    rf"(?<!\d)(?<!\d\.)(?=[2-6])(?:\d{{4}}{_GAP}(?:\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}|\d{{6}}{_GAP}\d{{4,5}})"
    r"|\d(?:[\s.*|_-]{1,3}\d){13,18})(?!\d)"
)
_COLUMN = re.compile(r"[\t|\n]")
_GOES_ON = re.compile(rf"{_GAP}\d")
_WORD = re.compile(r"(?<![^\W_])[A-Za-z]{2,20}\Z")
_HEX = re.compile(rf"(?!(?:{ENGLISH.personal.card})\Z)[a-f]+", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,20}>")


def is_card(digits: str) -> bool:
    """Whether digits have a card's length, its beginning and its checksum.

    Examples
    --------
    >>> is_card("4111111111111111"), is_card("4111111111111112")
    (True, False)
    """
    return _CARD.fullmatch(digits) is not None and luhn(digits)


def among(text: str, groups: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """First and last group of the longest card's number among whole groups of digits.

    Of more than six groups only the whole run counts: single digits in a row hold a valid number somewhere by chance.
    """
    for size in dict.fromkeys((len(groups), *range(min(len(groups), _MOST_GROUPS), 0, -1))):
        for first in range(len(groups) - size + 1):
            part = groups[first : first + size]
            if 12 <= sum(b - a for a, b in part) <= 19:
                digits = "".join(text[a:b] for a, b in part)
                if is_card(digits) and not _is_none(text, part, len(digits)):
                    return first, first + size - 1
    return None


def _is_none(text: str, groups: Sequence[tuple[int, int]], length: int) -> bool:
    """Whether digits are a decimal fraction, or in one piece and something else by the word right before them.

    A tenth of all numbers has the checksum.
    """
    start = groups[0][0]
    if len(groups) > 1:
        return length == 12 or (len(groups) == 2 and text[groups[0][1] : groups[1][0]] == ".")
    if re.search(r"\d\.\Z", text[max(start - 2, 0) : start]):
        return True
    if length == 12 and not _WORDED.search(text, line(text, start), start):  # Maestro's, which few have
        return True
    word, beside = said(text, start)
    return beside and (word == "no_card" or (word == "no_phone" and length not in _USUAL))


def find(text: str) -> Iterator[Entity]:
    r"""Cards that are no run of digits as people write numbers: torn apart, glued to a word, or mistyped.

    Examples
    --------
    >>> text = "**4012** **8888** **8888** **1881**, my card is 4111 1111 1111 1112, ref4012888888881881"
    >>> [text[entity.start : entity.end] for entity in find(text)]
    ['4012** **8888** **8888** **1881', '4111 1111 1111 1112', '4012888888881881']
    """
    for match in _SPREAD.finditer(text):
        between = re.sub(r"\d", "", match[0])
        in_columns = _COLUMN.search(between) and _GOES_ON.match(text, match.end())
        if between.count("\n") <= 1 and not in_columns and is_card(re.sub(r"\D", "", _TAG.sub("", match[0]))):
            yield Entity(*match.span(), "CREDIT_CARD", 0.99)
    for match in _LONG.finditer(text):
        start = match.start()
        before = text[max(start - _BEFORE, 0) : start]
        if _SAID.search(before) is not None:
            digits = ""
            for group in re.finditer(r"\d+", match[0]):
                digits += group[0]
                if len(digits) == _length(digits) and _CARD.fullmatch(digits):
                    yield Entity(start, start + group.end(), "CREDIT_CARD", 0.9)
                    break
        elif (
            (word := _WORD.search(before))
            and not _HEX.fullmatch(word[0])
            and not text[match.end() : match.end() + 1].isalpha()
            and said(text, start) != ("no_card", True)
            and is_card(re.sub(r"\D", "", match[0]))
        ):
            yield Entity(*match.span(), "CREDIT_CARD", 0.99)


def _length(digits: str) -> int:
    """How many digits a card with these first ones has."""
    return 15 if digits[:2] in ("34", "37") else 14 if digits[:2] in ("30", "36", "38") else 16
