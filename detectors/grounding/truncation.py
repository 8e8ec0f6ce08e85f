"""Whether a document was cut: what an answer says may then stand in the part that is missing."""

from __future__ import annotations

import json
import re

from watchline.detectors.grounding import tables
from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.runtime.text import sentences
from watchline.schemas.texts import CUT

_READ = 2000  # characters of its end that are read
_SAID = re.compile(rf"(?:\.\.\.|\u2026|[\[(](?:{ENGLISH.records.cut})[\])])\Z", re.IGNORECASE)
_CLOSED = re.compile(r"[.!?:;\"'\u201d\u2019)\]}>*_`]\Z")
_JSON = re.compile(r"\{\s*[\"}]|\[\s*[\[{\"]")
_SMALL = re.compile(r"(?<!\S)[a-z]+(?!\S)")
_ITEM = re.compile(r"[-*+#\u2022>]|\d+[.)]")


def is_cut(text: str) -> bool:
    """Whether the text ends amid a sentence, a table's row or a JSON value, or says that it goes on or lost its middle.

    Examples
    --------
    >>> is_cut("Returns are free. Orders over fifty dollars are"), is_cut("Returns are free.")
    (True, False)
    """
    text = text.strip()
    if CUT in text:
        return True
    if _SAID.search(text):
        return True
    if _JSON.match(text):
        return not _parses(text)
    last = text[text.rfind("\n") + 1 :]
    if last.startswith("|"):
        return not last.endswith("|")
    if separator := tables.separator(text):
        return last.count(separator) < text[: text.find("\n")].count(separator)
    if _CLOSED.search(text):
        return False
    end = text[-_READ:]
    *before, (start, _) = sentences(end) or [(0, 0)]
    prose = [span for span in before if not _ITEM.match(end, span[0])]
    closed = sum(_CLOSED.search(end, *span) is not None for span in prose)
    if not closed or closed < 0.5 * len(prose) or _ITEM.match(end, start) or "://" in end[start:]:
        return False
    # On a line of its own it may be a signature.
    return "\n" not in end[before[-1][1] : start] or len(_SMALL.findall(end, start)) > 1


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
