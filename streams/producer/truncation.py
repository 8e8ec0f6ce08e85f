"""Events cut to a size that Kafka takes, with the length that each cut text had.

A text loses its middle: what it is about stands at its beginning, and the question of a long prompt at its end. The
worker redacts what is left, and would not know half of a card's number for what it is. So a text is broken where no
value goes on: between two words, best at the end of a sentence, never between two of the groups of a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from watchline.schemas.records import Feedback, Interaction
from watchline.schemas.texts import CUT, replace_texts, strings

R = TypeVar("R", Interaction, Feedback)

FIELD_LIMIT = 256 * 1024  # bytes of one text
EVENT_LIMIT = 512 * 1024  # bytes of all texts of an event

_SEARCHED = 1_024  # characters before a limit in which a place to break is looked for
_AROUND = 64  # characters beside them, that the words at their ends are whole
_GAP = re.compile(r"[\s,;|\"<>(){}\[\]]+")
_IN_VALUES = re.compile(r"[\d@]")
_WORD = re.compile(r"[^\W\d_]{5,}")  # longer than the letters of an IBAN
_ENDS_VALUES = re.compile(r"[^\s()]")


def truncate(record: R) -> R:
    """The interaction or feedback with every string within the limits and valid as UTF-8; itself if nothing changes.

    An interaction's `truncated` then names each cut text, as `schemas.texts` does, with its length in bytes before.
    What can't be written as UTF-8 (half of a surrogate pair) becomes a question mark.
    """
    texts_by_field = {
        field: text
        for field, text, rule in strings(record)
        if rule.kind != "uuid" and not field.startswith("truncated_key")
    }
    changed: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for field, text in texts_by_field.items():
        if text.isascii():
            sizes[field] = len(text)
            continue
        encoded = text.encode("utf-8", "replace")
        sizes[field] = len(encoded)
        if b"?" in encoded and encoded.decode() != text:
            changed[field] = encoded.decode()
    longest = min(FIELD_LIMIT, _longest(sizes.values(), EVENT_LIMIT))
    cut = {field: size for field, size in sizes.items() if size > longest}
    for field in cut:
        changed[field] = _cut(texts_by_field[field], longest)
    if not changed:
        return record
    fitting = replace_texts(record, changed)
    return replace(fitting, truncated={**fitting.truncated, **cut}) if isinstance(fitting, Interaction) else fitting


def _longest(sizes: Iterable[int], total: int) -> int:
    """The longest that each may be, so that all fit into `total` and only the longest are cut."""
    ordered = sorted(sizes)
    for index, size in enumerate(ordered):
        share = total // (len(ordered) - index)
        if size > share:
            return share
        total -= size
    return FIELD_LIMIT


def _cut(text: str, limit: int) -> str:
    """A text of more than `limit` bytes, without its middle."""
    if limit < 8 * len(CUT):  # no room for two ends
        return _broken(text, _encoded(text[:limit])[:limit].decode("utf-8", "ignore"), "")
    half = (limit - len(CUT)) // 2
    head = _encoded(text[:half])[:half].decode("utf-8", "ignore")
    tail = _encoded(text[-half:])[-half:].decode("utf-8", "ignore")
    return _broken(text, head, tail)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _broken(text: str, head: str, tail: str) -> str:
    """Both ends of the text, shortened to where it may be broken."""
    searched = min(_SEARCHED, len(head) // 4)
    gap = _gap(text, len(head) - searched, len(head), last=True)
    head = head[: gap[0]] if gap else head[:-_AROUND] + head[-_AROUND:].rstrip("0123456789@.+- ")
    if not tail:
        return head
    start = len(text) - len(tail)
    gap = _gap(text, start, start + searched, last=False)
    tail = tail[gap[1] - start :] if gap else tail[:_AROUND].lstrip("0123456789@.+- ") + tail[_AROUND:]
    return f"{head}{CUT}{tail}"


def _gap(text: str, start: int, stop: int, *, last: bool) -> tuple[int, int] | None:
    """Start and end of the best gap between two words from `start` to `stop`; of equals the first or the last."""
    first = max(0, start - _AROUND)
    piece = text[first : stop + _AROUND]
    gaps = [match.span() for match in _GAP.finditer(piece)]
    best, lowest = None, 4
    for index, (begin, end) in enumerate(gaps):
        if begin + first < start or end + first > stop:
            continue
        left = piece[gaps[index - 1][1] if index else 0 : begin]
        right = piece[end : gaps[index + 1][0] if index + 1 < len(gaps) else len(piece)]
        rank = _rank(left, piece[begin:end], right)
        if rank < lowest or (rank == lowest < 4 and last):
            best, lowest = (begin + first, end + first), rank
    return best


def _rank(left: str, gap: str, right: str) -> int:
    """How surely no value goes on across a gap: 0 the surest, 4 not at all."""
    if not _IN_VALUES.search(left) and not _IN_VALUES.search(right):
        return 0 if "\n" in gap or left.endswith((".", "!", "?")) else 1
    if any(_WORD.search(side) and not _IN_VALUES.search(side) for side in (left, right)):
        return 2
    return 3 if _ENDS_VALUES.search(gap) else 4
