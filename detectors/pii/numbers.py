"""Numbers of cards, people and telephones: runs of digits, however they are grouped, told apart by checksum and form.

What has a checksum or a form of its own is found wherever it stands; other digits need a word before them that says
what they are, or the form of a telephone number. Checksum: Luhn (ISO/IEC 7812-1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii.entities import Entity
from watchline.schemas.checksums import luhn

# Digits with at most three signs between them: a number as people write it, or several in a row. UUIDs are passed over.
_RUN = re.compile(
    r"(?P<uuid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
    r"|(?<![^\W_])(?<!\d\.)(?:\+ ?)?\(?\d(?:[ .\-()/]{0,3}\d){6,199}(?:(?![^\W_])|(?=x\d))"
)
# What a run is glued to: the cell before it (of CSV), or thousands, a sentence or a name of which it may be a part.
_GLUED = re.compile(r"(?P<thousands>(?<![^\W_])\d{1,3},)$|(?P<word>\w\.)$|\w,$")
_CARD = re.compile(
    r"4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3[068]\d{12}"
    r"|35\d{14}|(?:1800|2131)\d{11}|(?:50|5[6-8]|6\d)\d{10,17}"
)
_NANP = re.compile(r"(?:\+? ?1[ .-]?)?\(?[2-9]\d{2}\)?[ .-]{0,2}\d{3}[ .-]{1,2}\d{4}")
_EXTENSION = re.compile(rf",? ?(?:{ENGLISH.personal.extension}) ?\d{{1,6}}\b", re.IGNORECASE)
_DAY = re.compile(r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}\b|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d\b")
# Never given out: area 000, 666 and 900 to 999, group 00, serial 0000 (Social Security Administration, POMS RM 10201).
_SSN = re.compile(r"(?!000|666|9)\d{3}(?!00)\d\d(?!0000)\d{4}")
_BEFORE = 40


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
    for run in _RUN.finditer(text):
        if not run["uuid"]:
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
    certain = _card(text, groups) or _ssn(text, groups)
    if certain:
        first, last, type_ = certain
        yield Entity(groups[first][0], groups[last][1], type_, 0.99 if type_ == "CREDIT_CARD" else 0.95)
        if first:
            yield from _classify(text, start, groups[:first])
        if groups[last + 1 :]:
            yield from _classify(text, groups[last + 1][0], groups[last + 1 :])
        return
    end = groups[-1][1]
    digits = "".join(text[a:b] for a, b in groups)
    lengths = tuple(b - a for a, b in groups)
    before = text[max(start - _BEFORE, 0) : start].rpartition("\n")[2]
    nanp = _NANP.search(text, start, end)
    if len(digits) == 9 and (
        ENGLISH.personal.social_security.search(before) or (lengths == (3, 2, 4) and _SSN.fullmatch(digits))
    ):
        yield Entity(groups[0][0], end, "US_SSN", 0.95)
    elif text[start] == "+" and digits[0] != "0" and 8 <= len(digits) <= 15:
        yield Entity(start, _with_extension(text, end), "PHONE_NUMBER", 0.95)
    elif _DAY.match(text, groups[0][0]):
        return
    elif nanp:
        yield Entity(nanp.start(), _with_extension(text, nanp.end()), "PHONE_NUMBER", 0.95)
    elif 7 <= len(digits) <= 15 and (
        ENGLISH.personal.phone.search(before) or _is_written_as_phone(digits, lengths, text[start:end])
    ):
        yield Entity(start, _with_extension(text, end), "PHONE_NUMBER", 0.8)


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
    thousands = lengths[0] <= 3 and set(lengths[1:]) == {3} and digits.endswith("000")
    is_range = len(lengths) == 2 and signs != {" "} and lengths[0] == lengths[1]
    return len(signs) == 1 and signs <= {" ", "-"} and not thousands and not is_range


def _card(text: str, groups: list[tuple[int, int]]) -> tuple[int, int, str] | None:
    """First and last group of the longest card number among whole groups.

    Of more than six groups only the whole run counts: single digits in a row hold a valid number somewhere by chance.
    """
    for size in dict.fromkeys((len(groups), *range(min(len(groups), 6), 0, -1))):
        for first in range(len(groups) - size + 1):
            part = groups[first : first + size]
            if 12 <= sum(b - a for a, b in part) <= 19:
                digits = "".join(text[a:b] for a, b in part)
                if _CARD.fullmatch(digits) and luhn(digits):
                    return first, first + size - 1, "CREDIT_CARD"
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
