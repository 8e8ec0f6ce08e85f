"""Sentences that stand in a document as they are: the document bears them out, unless it doesn't state them itself.

It doesn't where it calls them a myth, asks them, has others say them, denies them, makes them depend on something or
has corrected them since; nor where a quotation's "it" has come to mean something else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from watchline.detectors.grounding.evidence import Unit
from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.runtime.text import sentences
from watchline.detectors.runtime.words import words

UNTRUE = frozenset({"myth", "superseded", "question", "denied"})  # the others may be said by the answer as well

_WORD = re.compile(r"[-\u2212]?\d+(?:[.,:/]\d+)*|[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|[%$\u20ac\u00a3\u00b0]")
_MARK = re.compile(r"[\"\u201c\u201d\u201e\u00ab\u00bb]")
_LEAST = 4  # content words; fewer may stand anywhere
_SHORT = 60  # characters: a heading, or what leads in what follows
_DENIED = 3  # words before what is denied
_LED = 2  # words that a quotation may begin with and its document not


@dataclass(frozen=True, slots=True)
class Quotation:
    """A sentence of an answer that stands in a document.

    Attributes
    ----------
    unit : Unit
        Where.
    doubt : str
        Why the document doesn't state it: myth, superseded, question, reported, denied, condition, reference; empty
        where it does.
    """

    unit: Unit
    doubt: str


@dataclass(frozen=True, slots=True)
class _Piece:
    unit: Unit
    text: str
    words: str  # with a blank on either side
    quoted: bool  # within quotation marks that began before


class Quotable:
    """The sentences of documents.

    Parameters
    ----------
    units
        Of all documents, in order.

    Examples
    --------
    >>> text = "Myth: roof vents must face up when it rains. Roof vents must face down in the rain."
    >>> quotable = Quotable([Unit("document:0", 0, len(text), text)])
    >>> quotable.find("Roof vents must face up when it rains.", "").doubt
    'myth'
    >>> quotable.find("roof vents must face down in the rain", "").doubt
    ''
    >>> quotable.find("Roof vents are cheap in May.", "") is None
    True
    """

    def __init__(self, units: Iterable[Unit]) -> None:
        self._pieces: list[_Piece] = []
        for unit in units:
            marks = 0
            for start, end in sentences(unit.embedded):
                text = unit.embedded[start:end]
                self._pieces.append(_Piece(unit, text, f" {_plain(text)} ", marks % 2 == 1 or bool(_MARK.match(text))))
                marks += len(_MARK.findall(text))
        self._corrections = [
            place for place, piece in enumerate(self._pieces) if ENGLISH.quotation.correction.match(piece.text)
        ]
        self._whole: dict[str, list[int]] = defaultdict(list)
        for place, piece in enumerate(self._pieces):
            self._whole[piece.words].append(place)

    def find(self, sentence: str, before: str) -> Quotation | None:
        """Where a sentence of an answer stands, after the sentence `before`; None where it doesn't.

        Of several places one counts where the document states it. A part of a document's sentence counts where there is
        doubt: what is cut off may be a "not".
        """
        said = f" {_plain(sentence)} "
        if len(words(sentence).content) < _LEAST:
            return None
        found = [
            Quotation(self._pieces[at].unit, self._doubt(at, "", "", sentence, before)) for at in self._whole[said]
        ]
        if not found:
            for at, piece in enumerate(self._pieces):
                if parts := _around(said, piece):
                    doubt = self._doubt(at, *parts, sentence, before)
                    if not doubt:
                        return None
                    found.append(Quotation(piece.unit, doubt))
        return min(found, key=lambda quotation: bool(quotation.doubt), default=None)

    def _doubt(self, at: int, cut_before: str, cut_after: str, sentence: str, before: str) -> str:
        piece = self._pieces[at]
        previous, following = self._beside(at, -1), self._beside(at, 1)
        end = previous.rstrip("*_ ")[-1:]
        leads = previous if end == ":" or (len(previous) < _SHORT and end not in ".!?") else ""
        cut = f"{cut_before} {cut_after}"
        if piece.text.rstrip('"\u201d\u00bb*_ ').endswith("?"):
            return "question"
        if any(map(ENGLISH.quotation.doubted.search, (cut, leads, following[:_SHORT]))):
            return "myth"
        if "~~" in piece.text or ENGLISH.quotation.superseded.search(leads) or self._corrected_after(at, sentence):
            return "superseded"
        if ENGLISH.quotation.conditional.search(cut):
            return "condition"
        if ENGLISH.quotation.denied.search(
            " ".join(cut_before.split()[-_DENIED:])
        ) and not ENGLISH.quotation.denied.search(sentence):
            return "denied"
        if ENGLISH.quotation.reported.search(f"{cut} {leads}") or (piece.quoted and not _MARK.search(sentence)):
            return "reported"
        if ENGLISH.quotation.pointing.match(sentence) and not (
            before and f" {_plain(before)} " in f" {_plain(previous)} "
        ):
            return "reference"
        return ""

    def _corrected_after(self, at: int, sentence: str) -> bool:
        own = self._pieces[at].unit.field
        later = [place for place in self._corrections if place > at and self._pieces[place].unit.field == own]
        about = frozenset(words(sentence).content)
        return any(
            about.intersection(words(f"{self._pieces[place].text} {self._beside(place, 1)}").content) for place in later
        )

    def _beside(self, at: int, step: int) -> str:
        place = at + step
        if 0 <= place < len(self._pieces) and self._pieces[place].unit.field == self._pieces[at].unit.field:
            return self._pieces[place].text
        return ""


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold().replace("\u2019", "'")))


def _around(said: str, piece: _Piece) -> tuple[str, str] | None:
    """What a document's sentence has before and after what is quoted of it."""
    tokens = said.split()
    for led in range(min(_LED, len(tokens) - _LEAST) + 1):
        before, quoted, after = piece.words.partition(f" {' '.join(tokens[led:])} ")
        if quoted:
            return before, after
    return None
