"""Numbers of cards, people and telephones: runs of digits, however they are grouped, told apart by checksum and form.

What has a checksum or a form of its own is found wherever it stands; other digits need a word before them that says
what they are, or the form of a telephone number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii import cards
from watchline.detectors.pii.entities import Entity
from watchline.detectors.pii.said import line, said

# Digits with at most three signs between them: a number as people write it, or several in a row. What looks like one
# and isn't is passed over: UUIDs and DOIs.
_RUN = re.compile(
    r"(?P<none>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|10\.(?<![\d.]10\.)\d{4,9}/[\w.;()/:-]{1,200})"
    r"|(?<![^\W_])(?<!\d\.)(?:\+ ?)?\(?\d(?:[ .\-()/]{0,3}\d){6,199}(?:(?![^\W_])|(?=x\d))"
)
# What a run is glued to: the cell before it (of CSV), or thousands, a sentence or a name of which it may be a part.
_GLUED = re.compile(r"(?P<thousands>(?<![^\W_])\d{1,3},)$|(?P<word>\w\.)$|\w,$")
_NANP = re.compile(r"(?<!\d)(?:\+? ?1[ .-]?)?\(?[2-9]\d{2}\)?[ .-]{0,2}\d{3}[ .-]{1,2}\d{4}(?!\d)")
_EXTENSION = re.compile(rf",? ?(?:{ENGLISH.personal.extension}) ?\d{{1,6}}\b", re.IGNORECASE)
_DAY = re.compile(r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d(?!\d)")
# Never given out: area 000, 666 and 900 to 999, group 00, serial 0000 (Social Security Administration, POMS RM 10201).
_SSN = re.compile(r"(?!000|666|9)\d{3}(?!00)\d\d(?!0000)\d{4}")
_OTHERS = ("no_phone", "no_card")
_AFTER = re.compile(rf" ?[(,]? ?(?:{ENGLISH.personal.phone_after})(?![^\W_])", re.IGNORECASE)
_COUNTED = re.compile(rf" (?:{ENGLISH.personal.counted})(?![^\W_])", re.IGNORECASE)


def find(text: str) -> Iterator[Entity]:
    """Cards, social security numbers and telephone numbers: each run of digits is one of them or none.

    Parameters
    ----------
    text
        Folded (see `folding`).

    Examples
    --------
    >>> text = "Order 1234567890, card 4111 1111 1111 1111, phone +1 212 555 0123"
    >>> [(entity.type, text[entity.start : entity.end]) for entity in find(text)]
    [('CREDIT_CARD', '4111 1111 1111 1111'), ('PHONE_NUMBER', '+1 212 555 0123')]
    """
    found = [*_in_runs(text)]
    yield from found
    spans = {(entity.start, entity.end) for entity in found}
    yield from (card for card in cards.find(text) if (card.start, card.end) not in spans)


def _in_runs(text: str) -> Iterator[Entity]:
    for run in _RUN.finditer(text):
        if not run["none"]:
            groups = [group.span() for group in re.finditer(r"\d+", run[0])]
            if len(groups) > 1 or len(run[0]) < 20:
                yield from _whole_or_rest(text, run.start(), [(run.start() + a, run.start() + b) for a, b in groups])


def _whole_or_rest(text: str, start: int, groups: list[tuple[int, int]]) -> Iterator[Entity]:
    """A run, or what is left of it without a first group that belongs to what stands before it."""
    glued = _GLUED.search(text[max(start - 5, 0) : start])
    is_part = glued and (glued["word"] or (glued["thousands"] and groups[0][1] - groups[0][0] == 3))
    is_whole = not is_part or not text[start].isdigit() or _NANP.match(text, start, groups[-1][1])
    entities: list[Entity] = []
    if is_whole or _card(text, groups) or _ssn(text, groups):
        entities += _classify(text, start, groups)
    if glued and not entities and groups[1:]:
        entities += _classify(text, groups[1][0], groups[1:])
    yield from entities


def _classify(text: str, start: int, groups: list[tuple[int, int]]) -> Iterator[Entity]:
    """`start` is where the run begins, a plus or bracket before its first digit included."""
    certain = _card(text, groups) or _ssn(text, groups) or _day(text, groups)
    if certain:
        first, last, type_ = certain
        if first:
            yield from _classify(text, start, groups[:first])
        if type_:
            yield Entity(groups[first][0], groups[last][1], type_, 0.99 if type_ == "CREDIT_CARD" else 0.95)
        if groups[last + 1 :]:
            yield from _classify(text, groups[last + 1][0], groups[last + 1 :])
        return
    end = groups[-1][1]
    digits = "".join(text[a:b] for a, b in groups)
    lengths = tuple(b - a for a, b in groups)
    says, beside = said(text, start)
    if len(digits) == 9 and (
        ENGLISH.personal.social_security.search(text[line(text, start) : start])
        or (lengths == (3, 2, 4) and _SSN.fullmatch(digits))
    ):
        yield Entity(groups[0][0], end, "US_SSN", 0.95)
    elif text[start] == "+" and digits[0] != "0" and len(digits) >= 8 and not _is_sum(text, start):
        while len(digits) > 15 and groups[1:]:  # more numbers in the same row
            digits = digits[: groups[-1][0] - groups[-1][1]]
            groups = groups[:-1]
        if len(digits) <= 15:
            yield Entity(start, _with_extension(text, groups[-1][1]), "PHONE_NUMBER", 0.95)
    elif nanp := [] if says in _OTHERS and beside else [*_NANP.finditer(text, start, end)]:
        for each in nanp:
            yield Entity(each.start(), _with_extension(text, each.end()), "PHONE_NUMBER", 0.95)
    elif 7 <= len(digits) <= 15 and (
        (says == "phone" and not _COUNTED.match(text, end))
        or (says not in _OTHERS and len(lengths) > 1 and _AFTER.match(text, end))
        or (says not in _OTHERS and _is_written_as_phone(digits, lengths, text[start:end]))
    ):
        yield Entity(start, _with_extension(text, end), "PHONE_NUMBER", 0.8)


def _is_sum(text: str, start: int) -> bool:
    """Whether a plus with a blank behind it adds."""
    return text[start + 1] == " " and re.search(r"[\w)\]] ?\Z", text[max(start - 2, 0) : start]) is not None


def _with_extension(text: str, end: int) -> int:
    extension = _EXTENSION.match(text, end)
    return extension.end() if extension else end


def _is_written_as_phone(digits: str, lengths: tuple[int, ...], written: str) -> bool:
    """Whether groups of digits look like a telephone number rather than like a range, a sum or thousands."""
    if max(lengths) == 1:  # digit by digit
        return len(digits) in (10, 11) and digits[-10] > "1" and digits[-7] > "1"
    if not (7 <= len(digits) <= 12 and 2 <= len(lengths) <= 6 and min(lengths) >= 2) or digits.startswith("00"):
        return False
    signs = set(re.sub(r"[\d()]", "", written))
    thousands = lengths[0] <= 3 and set(lengths[1:]) == {3} and (digits.endswith("000") or lengths != (3, 3, 3))
    is_range = len(lengths) == 2 and (
        (digits[0] != "0" and signs != {" "}) or (lengths[0] == lengths[1] and (digits[0] != "0" or signs == {"-"}))
    )
    is_row = set(lengths) == {4} and digits[0] != "0"
    is_postcode = lengths == (5, 4) and signs == {"-"}
    is_colour = len(lengths) == 3 and max(map(int, re.findall(r"\d+", written))) < 256
    is_none = thousands or is_range or is_row or is_postcode or is_colour
    return len(signs) == 1 and signs <= {" ", "-"} and not is_none


def _card(text: str, groups: list[tuple[int, int]]) -> tuple[int, int, str] | None:
    place = cards.among(text, groups)
    return (*place, "CREDIT_CARD") if place else None


def _day(text: str, groups: list[tuple[int, int]]) -> tuple[int, int, str] | None:
    """First and last group of a day among other numbers: it is none of them, and parts them."""
    for first in range(len(groups) - 2):
        if _DAY.match(text, groups[first][0]) and (not first or text[groups[first][0] - 1] == " "):
            return first, first + 2, ""
    return None


def _ssn(text: str, groups: list[tuple[int, int]]) -> tuple[int, int, str] | None:
    """First and last group of a social security number with its dashes, among other numbers."""
    for first in range(len(groups) - 2):
        a, _, b = groups[first : first + 3]
        written = text[a[0] : b[1]]
        if (
            re.fullmatch(r"\d{3}-\d\d-\d{4}", written)
            and _SSN.fullmatch(written.replace("-", ""))
            and text[max(a[0] - 1, 0)] != "-" != text[b[1] : b[1] + 1]
        ):
            return first, first + 2, "US_SSN"
    return None
