"""Texts with their entities marked, for the recogniser of personal data: templates filled, real prose, and neither.

Three sources. Templates of our own, and those of presidio-research's synthetic set, are filled with values afresh each
time they are drawn. Real prose has no labels: there spaCy's own recogniser says what is a name, and half of its finds
are replaced by values of many countries. Python's documentation and code have no entity at all.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from watchline.detectors.pii.recogniser import TYPES
from watchline.detectors.training.harm.corpora import Example as Benign
from watchline.detectors.training.harm.corpora import benign, held_back, read
from watchline.detectors.training.pii import look_alikes
from watchline.detectors.training.pii.marked import Example, Marked
from watchline.detectors.training.pii.records import WRITERS, Records, as_read
from watchline.detectors.training.pii.texts import HARD, PLAIN, TEMPLATES
from watchline.detectors.training.pii.values import Values

_SLOT = re.compile(r"\{([a-z]+)\}")
_TYPE = {
    **dict.fromkeys(("name", "full", "first", "last", "turned", "worded", "marked"), "PERSON"),
    **dict.fromkeys(("address", "street", "block"), "ADDRESS"),
    **dict.fromkeys(("city", "country", "place"), "LOCATION"),
    **dict.fromkeys(("org", "brand", "team"), "ORGANIZATION"),
}
_SILVER = {"PERSON": "PERSON", "ORG": "ORGANIZATION", "GPE": "LOCATION", "LOC": "LOCATION"}
_SLOT_OF = {"PERSON": "name", "ORGANIZATION": "org", "LOCATION": "city"}
# What may stand between two parts of one address: blanks and commas, and marks that begin a line.
_JOINED = re.compile(r"[\s,.;]*")
SEPARATED = re.compile(r"[\s,.;]*[>?#*|•-]*\s*")
PLACES = ("ADDRESS", "LOCATION", "ZIP_CODE")
_UNIT = re.compile(r"(?:apt|suite|unit|flat|floor)\b", re.IGNORECASE)
_AUTHOR = re.compile(r"@|[Cc]opyright|[Aa]uthor|[Ww]ritten|\b[Bb]y [A-Z]|[A-Z][a-z]+ [A-Z][a-z]+")
# Questions of CLINC that may hold a name, in small letters.
_NAMING = re.compile(
    r"clinc-(?:(?:change_)?(?:user|ai)_name|what_is_your_name|text|make_call|spelling|share_location|restaurant_\w+"
    r"|schedule_meeting|meeting_schedule|calendar|reminder_update)"
)
_PROSE = {"ragtruth_response": 4000, "ragtruth_context": 4000, "bold": 4000, "halueval_response": 2000}
_ORDINARY = {"pydoc": 1500, "clinc": 2500, "halueval_query": 700, "ragtruth_question": 200}


def presidio(data: Path) -> list[tuple[int, Example]]:
    """presidio-research's synthetic texts (MIT) as (template, example); the town of an address is part of it."""
    examples_of_templates = []
    for row in read(data, "pii/presidio"):
        spans = [(span["start_position"], span["end_position"], span["entity_type"]) for span in row["spans"]]
        examples_of_templates.append((row["template_id"], Example(row["full_text"], tuple(spans))))
    return examples_of_templates


class Examples:
    """Draws training examples.

    Parameters
    ----------
    rows
        Those of presidio's set to train on.
    prose
        Real texts with their silver entities; see `silver`.
    ordinary
        Texts without entities.
    """

    def __init__(self, rows: Sequence[Example], prose: Sequence[Example], ordinary: Sequence[str], seed: int) -> None:
        values_of: dict[str, list[str]] = {"name": [], "org": [], "address": [], "city": []}
        slots = {**_SLOT_OF, "ADDRESS": "address"}
        for row in rows:
            for start, end, type_ in row.spans:
                value = row.text[start:end]
                if type_ in slots and not (type_ == "ADDRESS" and len(value) < 12):
                    values_of[slots[type_]].append(value)
        known = {slot: sorted(set(some)) for slot, some in values_of.items() if some}
        self._values = Values(seed, known, _words([*(example.text for example in prose), *ordinary]))
        self._rows, self._prose, self._ordinary = rows, prose, ordinary
        self._templates, self._plain, self._hard, self._look_alikes = (
            [line.replace("\\n", "\n") for line in text.strip().splitlines()]
            for text in (TEMPLATES, PLAIN, HARD, look_alikes.TEMPLATES)
        )
        self._records = Records(self._values, *([*filter(_is_line, some)] for some in (self._templates, self._plain)))
        self._writers = [*WRITERS.values()]

    def draw(self) -> Example:
        """One example, its letters and marks varied."""
        chance = self._values.chance
        form = chance.random()
        if form < 0.11 and self._rows:
            example = whole(chance.choice(self._rows))
        elif form < 0.28 and self._rows:
            example = whole(self._refilled(chance.choice(self._rows)))
        elif form < 0.46:
            example = self._filled(chance.choice(self._templates))
        elif form < 0.57:
            example = self._filled(chance.choice(self._hard))
        elif form < 0.66:
            example = self._filled(chance.choice(self._look_alikes))
        elif form < 0.77:
            example = self._records.draw(chance.choice(self._writers))
        elif form < 0.82:
            example = self._filled(chance.choice(self._plain))
        elif form < 0.94:
            example = chance.choice(self._prose)
            example = self._swapped(example) if chance.random() < 0.6 else example
        else:
            example = Example(chance.choice(self._ordinary), ())
        if chance.random() < 0.12:
            example = _joined(example, self._filled(chance.choice(self._templates)), chance.choice((" ", "\n", "\n\n")))
        return self._varied(as_read(example))

    def _filled(self, template: str) -> Example:
        pieces: list[tuple[str, str | None]] = []
        place = 0
        for match in _SLOT.finditer(template):
            pieces.append((template[place : match.start()], None))
            place = match.end()
            slot = match[1]
            if slot == "block":
                prefix = template[template.rfind("\n", 0, match.start()) + 1 : match.start()]
                for number, line in enumerate(self._values.block()):
                    pieces += [("\n" + prefix, None)] if number else []
                    pieces.append((line, "ADDRESS"))
            else:
                pieces.append((self._values.of(slot), _TYPE.get(slot)))
        return whole(_example([*pieces, (template[place:], None)]))

    def _refilled(self, row: Example) -> Example:
        return self._replaced(row, 1.0)

    def _swapped(self, example: Example) -> Example:
        return self._replaced(example, 0.7)

    def _replaced(self, example: Example, share: float) -> Example:
        """The example with that share of its entities replaced by others like them."""
        pieces: list[tuple[str, str | None]] = []
        place = 0
        for start, end, type_ in sorted(example.spans):
            value = example.text[start:end]
            pieces.append((example.text[place:start], None))
            if self._values.chance.random() < share:
                value = self._like(value, type_)
            pieces.append((value, type_))
            place = end
        return _example([*pieces, (example.text[place:], None)])

    def _like(self, value: str, type_: str) -> str:
        chance = self._values.chance
        if type_ == "PERSON":
            return self._values.of("name" if " " in value else chance.choice(("first", "last", "first", "name")))
        if type_ == "ADDRESS":
            if value.isdigit():
                return str(chance.randrange(10 ** max(1, len(value) - 1), 10 ** len(value)))
            if len(value) < 9 or _UNIT.match(value):
                return value
            return self._values.of("address" if "\n" in value or len(value) > 34 else "street")
        if type_ == "LOCATION" and len(value) > 2:
            return self._values.of(chance.choice(("city", "country")))
        return self._values.of("org") if type_ == "ORGANIZATION" else value

    def _varied(self, example: Example) -> Example:
        """In small letters, in capitals, without accents' marks at its end, quoted: as people write."""
        chance = self._values.chance
        text = example.text
        form = chance.random()
        if form < 0.14:
            text = _same_length(text, str.lower)
        elif form < 0.17:
            text = _same_length(text, str.upper)
        elif form < 0.21:  # entities alone in small letters
            for start, end, _ in example.spans:
                text = text[:start] + _same_length(text[start:end], str.lower) + text[end:]
        elif form < 0.24:
            for start, end, _ in example.spans:
                text = text[:start] + _same_length(text[start:end], str.upper) + text[end:]
        if chance.random() < 0.1 and text[-1:] in ".!?" and all(end < len(text) for _, end, _ in example.spans):
            text = text[:-1]
        if chance.random() < 0.06:
            before = chance.choice(("> ", "- ", "* ", '"', "User: ", "  ", "Note: ", "1. ", "Re: "))
            return Example(before + text, tuple((a + len(before), b + len(before), t) for a, b, t in example.spans))
        return Example(text, example.spans)


def prose(data: Path) -> list[str]:
    """Passages of real prose; none that is held back."""
    return _chosen((item for item in benign(data) if item.source in _PROSE), _PROSE)


def silver(texts: Sequence[str], recogniser: Any) -> list[Example]:
    """The texts with what spaCy's recogniser, a pipeline with its `ner`, finds in them."""
    examples_read = []
    for doc in recogniser.pipe(texts, batch_size=64):
        spans = [(ent.start_char, ent.end_char, _SILVER[ent.label_]) for ent in doc.ents if ent.label_ in _SILVER]
        examples_read.append(Example(doc.text, tuple(spans)))
    return examples_read


def ordinary(data: Path) -> list[str]:
    """Texts in which there is no one to name; none that is held back."""
    return [*_chosen(_quiet(data), _ORDINARY), *_every([block for block in code() if not _AUTHOR.search(block)], 2500)]


def kept_ordinary(data: Path) -> list[str]:
    """The texts of the same kinds that are held back."""
    return [item.text for item in _quiet(data) if held_back(item.group)]


def kept_prose(data: Path, source: str) -> list[str]:
    """The texts of a source of prose that are held back."""
    return [item.text for item in benign(data) if item.source == source and held_back(item.group)]


def code(kept: bool = False) -> Iterator[str]:
    """Python's standard library (PSF licence), block by block; `kept`: of the fifth of its modules to measure on."""
    for path in sorted(Path(os.__file__).parent.glob("*.py")):
        if (zlib.crc32(path.name.encode()) % 5 == 0) == kept:
            for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
                if 40 < len(block) < 800:
                    yield block


def _quiet(data: Path) -> Iterator[Benign]:
    return (item for item in benign(data) if item.source in _ORDINARY and not _NAMING.fullmatch(item.group))


def _is_line(template: str) -> bool:
    return len(template) < 100 and "\n" not in template and "{block}" not in template and "{json}" not in template


def _words(texts: Iterable[str]) -> list[str]:
    """The words in small letters of texts, each once."""
    return sorted({word for text in texts for word in re.findall(r"(?<![\w'-])[a-z]{3,14}(?![\w'-])", text)})


def _chosen(items: Iterable[Benign], sizes: Mapping[str, int]) -> list[str]:
    """About so many texts of each source, none that is held back."""
    free = [item for item in items if not held_back(item.group)]
    return [
        text
        for source, size in sizes.items()
        for text in _every([item.text for item in free if item.source == source], size)
    ]


def _every(texts: Sequence[str], size: int) -> Sequence[str]:
    """About `size` of them, evenly."""
    return texts[:: max(1, len(texts) // size)]


def _example(pieces: Iterable[tuple[str, str | None]]) -> Example:
    text, spans = "", []
    for piece, type_ in pieces:
        if type_ and piece:
            spans.append((len(text), len(text) + len(piece), type_))
        text += piece
    return Example(text, tuple(spans))


def whole(example: Example) -> Example:
    """Parts of an address, its town and postcode included, as one entity, or one a line where marks begin the lines."""
    out: list[Marked] = []
    for run in _runs(example):
        if not any(type_ == "ADDRESS" for *_, type_ in run):
            out += run
            continue
        for start, end, _ in run:
            if out and out[-1][2] == "ADDRESS" and _JOINED.fullmatch(example.text[out[-1][1] : start]):
                out[-1] = (out[-1][0], end, "ADDRESS")
            else:
                out.append((start, end, "ADDRESS"))
    return Example(example.text, tuple(span for span in out if span[2] in TYPES))


def _runs(example: Example) -> Iterator[list[Marked]]:
    """Neighbouring spans of places, with nothing but signs between them; any other span alone."""
    run: list[Marked] = []
    for span in sorted(example.spans):
        if run and not (
            span[2] in PLACES and run[-1][2] in PLACES and SEPARATED.fullmatch(example.text[run[-1][1] : span[0]])
        ):
            yield run
            run = []
        run.append(span)
    if run:
        yield run


def _joined(one: Example, other: Example, by: str) -> Example:
    shift = len(one.text) + len(by)
    return Example(
        one.text + by + other.text, (*one.spans, *((a + shift, b + shift, type_) for a, b, type_ in other.spans))
    )


def _same_length(text: str, change: Any) -> str:
    return "".join(changed if len(changed := change(char)) == 1 else char for char in text)
