"""Personal data in every format: how much of what is planted is found, and what that is nobody's is replaced.

A planted value counts as found where each of its letters and digits is covered by finds that are replaced, of whatever
label. A find is right where its letters and digits all lie in planted values. Names are measured by characters, as in
the model card. Organisations are neither planted nor counted: they stay in the text.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.personal_data.records import FORMATS, KEPT_OUT, Place, Record, records
from tests.personal_data.values import DEVELOPMENT, FIELDS, HELD_OUT, Values
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.entities import LEFT_IN_PLACE
from watchline.schemas.checksums import luhn

SEED = 18
CHECKED = ("CREDIT_CARD", "IBAN_CODE", "IMEI", "VIN", "NATIONAL_ID")  # with a checksum or a check digit
_BATCH = 256
_COLUMNS = 7  # of a table of text
Find = tuple[int, int, str]  # start, end, label
Finder = Callable[[Sequence[str]], Iterable[Sequence[Find]]]


@dataclass
class Counts:
    """What was found of what was planted, by (format, label), and what was found besides."""

    planted: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    right: Counter[tuple[str, str]] = field(default_factory=Counter)  # finds
    wrong: Counter[tuple[str, str]] = field(default_factory=Counter)
    benign: Counter[str] = field(default_factory=Counter)  # by kind
    damaged: Counter[str] = field(default_factory=Counter)
    names: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # characters
    examples: list[str] = field(default_factory=list)  # of what is missed or wrong

    def add(self, record: Record, finds: Iterable[Find]) -> None:
        """Counts one record's finds."""
        finds = [find for find in finds if find[2] not in LEFT_IN_PLACE]
        signs = {place for place, sign in enumerate(record.text) if sign.isalnum()}
        covered = {at for start, end, _ in finds for at in range(start, end)}
        meant = {at for place in record.planted for at in range(place.start, place.end)}
        for place in record.planted:
            key = record.format, place.kind
            self.planted[key] += 1
            if signs & set(range(place.start, place.end)) <= covered:
                self.found[key] += 1
            else:
                self._example("missed", record, place.kind, place.start, place.end)
        for start, end, label in finds:
            is_right = signs & set(range(start, end)) <= meant
            (self.right if is_right else self.wrong)[record.format, label] += 1
            if not is_right and label in FIELDS:
                self._example("wrong", record, label, start, end)
        for place in record.benign:
            kind = _kind(place)
            self.benign[kind] += 1
            self.damaged[kind] += bool(signs & covered & set(range(place.start, place.end)))
        persons = {at for place in record.planted if place.kind == "PERSON" for at in range(place.start, place.end)}
        said = {at for start, end, label in finds if label == "PERSON" for at in range(start, end)}
        counts = self.names[record.format]
        counts["right"] += len(persons & said & signs)
        counts["wrong"] += len(signs & said - persons)
        counts["missed"] += len(signs & persons - said)

    def recall(self, formats: Iterable[str], labels: Iterable[str]) -> float | None:
        """Of the planted values of these formats and labels; None without any."""
        keys = [(form, label) for form in formats for label in labels]
        return _share(sum(self.found[key] for key in keys), sum(self.planted[key] for key in keys))

    def _example(self, what: str, record: Record, label: str, start: int, end: int) -> None:
        around = record.text[max(start - 30, 0) : start], record.text[start:end], record.text[end : end + 15]
        self.examples.append(
            f"{what:6} {label:22} {record.format:15} {'«'.join(around[:2])}»{around[2]}".replace("\n", "⏎")
        )


def _kind(place: Place) -> str:
    if place.kind != "16 digits":
        return place.kind
    return "16 digits, pass Luhn" if luhn(place.value) else "16 digits, fail Luhn"


def measure(rows: Sequence[Record], finder: Finder) -> Counts:
    """What a finder makes of records."""
    counts = Counts()
    for first in range(0, len(rows), _BATCH):
        batch = rows[first : first + _BATCH]
        for row, finds in zip(batch, finder([row.text for row in batch]), strict=True):
            counts.add(row, finds)
    return counts


def ours(finder: PersonalData) -> Finder:
    """The shipped detector as a finder."""

    def find(texts: Sequence[str]) -> Iterator[list[Find]]:
        for entities in finder.find(texts, [True] * len(texts)):
            yield [(entity.start, entity.end, entity.type) for entity in entities]

    return find


def generated(part: int, formats: Sequence[str], number: int) -> list[Record]:
    """So many records of each format, always the same."""
    return list(records(Values(SEED, part), formats, number, list(FIELDS)))


def handed_over(file: Path) -> list[Record]:
    """Cases in the format of `watchline evaluate`: JSON lines with `output` and `spans`, by their kind."""
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        text = case["output"]
        spans = [(start, end, label) for start, end, label in case.get("expected") or case["spans"]]
        places = tuple(Place(start, end, label, text[start:end]) for start, end, label in spans)
        rows.append(Record(text, case["slices"]["kind"], places, ()))
    return rows


def tables(counts: Counts) -> str:
    """All figures as text."""
    formats = list(dict.fromkeys(form for form, _ in counts.planted))
    labels = [label for label in FIELDS if any(counts.planted[form, label] for form in formats)]
    lines = ["found of what is planted, by label and format ('-': none planted)"]
    for first in range(0, len(formats), _COLUMNS):
        some = formats[first : first + _COLUMNS]
        rows = {label: [counts.recall([form], [label]) for form in some] for label in labels}
        rows["all"] = [counts.recall([form], labels) for form in some]
        lines += ["", *table(some, rows)]
    totals = {
        label: [
            sum(counts.planted[form, label] for form in formats),
            counts.recall(formats, [label]),
            *_precision(counts, formats, label),
        ]
        for label in labels
    }
    lines += ["", "by label", "", *table(["planted", "recall", "precision", "wrong finds"], totals)]
    checked = [label for label in CHECKED if label in labels]
    rows = {form: [counts.recall([form], [label]) for label in checked] for form in formats}
    lines += ["", "numbers with a checksum, recall by format", "", *table(checked, rows)]
    names = {form: [*figures(counts.names[form])] for form in formats if counts.planted[form, "PERSON"]}
    lines += ["", "names, by characters", "", *table(["precision", "recall", "F1"], names)]
    damage = {
        kind: [number, counts.damaged[kind], counts.damaged[kind] / number]
        for kind, number in sorted(counts.benign.items())
    }
    return "\n".join(
        [*lines, "", "nobody's values that are replaced", "", *table(["number", "replaced", "share"], damage)]
    )


def figures(characters: Mapping[str, int]) -> tuple[float, float, float]:
    """Precision, recall and F1 of counts `right`, `wrong`, `missed`."""
    right, wrong, missed = (characters[name] for name in ("right", "wrong", "missed"))
    return (
        right / max(right + wrong, 1),
        right / max(right + missed, 1),
        2 * right / max(2 * right + wrong + missed, 1),
    )


def run(*, number: int, part: str, kept_out: bool, cases: Path | None, examples: Path | None) -> None:
    """Measures and prints; examples of what is missed and wrong go to a file."""
    finder = ours(PersonalData(cache_texts=0))
    formats = list(KEPT_OUT if kept_out else FORMATS)
    rows = generated({"development": DEVELOPMENT, "held-out": HELD_OUT}[part], formats, number)
    counts = measure(rows, finder)
    print(
        f"generated: {len(rows)} records, surnames of {part}, formats {'kept out' if kept_out else 'of development'}\n"
    )
    print(tables(counts))
    if examples is not None:
        examples.write_text("\n".join(counts.examples) + "\n", encoding="utf-8")
    if cases is not None:
        handed = measure(handed_over(cases), finder)
        kinds = sorted({form for form, _ in (*handed.planted, *handed.wrong)})
        shown = {
            kind: [
                sum(number for (form, _), number in handed.planted.items() if form == kind),
                _share(
                    *(
                        sum(n for (form, _), n in some.items() if form == kind)
                        for some in (handed.found, handed.planted)
                    )
                ),
                sum(number for (form, _), number in handed.wrong.items() if form == kind),
            ]
            for kind in kinds
        }
        print("\nhanded-over cases, by kind\n")
        print("\n".join(table(["planted", "recall", "wrong finds"], shown)))


def _precision(counts: Counts, formats: Sequence[str], label: str) -> tuple[float | None, int]:
    right, wrong = (sum(some[form, label] for form in formats) for some in (counts.right, counts.wrong))
    return _share(right, right + wrong), wrong


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def table(head: Sequence[str], rows: Mapping[str, Sequence[float | int | None]]) -> list[str]:
    """Lines of a table: a row for each name, floats with three places, `-` for None."""
    wide = max(22, *(len(name) for name in rows)) if rows else 22
    lines = [" " * wide + "".join(f"{name:>16}" for name in head)]
    for name, values in rows.items():
        shown = ["-" if each is None else f"{each:.3f}" if isinstance(each, float) else str(each) for each in values]
        lines.append(f"{name:{wide}}" + "".join(f"{each:>16}" for each in shown))
    return lines
