"""The recogniser of names, and how training marks and counts. Every name here is made up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from watchline.detectors.pii.recogniser import Recogniser, TaggedSpan
from watchline.detectors.runtime.weights import weights_folder
from watchline.detectors.training.pii.examples import Example, Examples, whole
from watchline.detectors.training.pii.figures import Characters, as_address
from watchline.detectors.training.pii.network import trainable, untrained
from watchline.detectors.training.pii.recogniser import fit

pytestmark = pytest.mark.slow

TEXTS = (
    "Please ask Priya Raman of Northwind Logistics Ltd. to call me.",
    "i live at 48 maple avenue, springfield, il 62704",
    "",
    "The capital of France is Paris.",
)

SPLIT = (  # by spaCy, in ways of its own
    " a",
    "   ",
    "Don't say you can't,\n\n  they've\tgotta  go at 5p.m. in the U.S. :-) (o_O)\r\nx@y.co",
    "\u201cIt\u2019s \xa35.99\u201d \U0001f600 http://a.b/c?d=1&e=2 don't\ndon't",
)


@pytest.fixture(scope="module")
def shipped() -> Recogniser:
    return Recogniser.shipped()


def places(recogniser: Recogniser, texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
    return [[(each.start, each.end, each.type) for each in found] for found in recogniser.find(texts)]


def test_a_text_alone_has_what_it_has_among_others(shipped: Recogniser) -> None:
    together = places(shipped, TEXTS)
    assert together[0] and together[1] and not together[2]
    assert together == [places(shipped, [text])[0] for text in TEXTS]


def test_finds_are_in_order_and_do_not_overlap(shipped: Recogniser) -> None:
    for text, found in zip(TEXTS, shipped.find(TEXTS), strict=True):
        ends = [0, *(place for each in found for place in (each.start, each.end)), len(text)]
        assert ends == sorted(ends)
        assert all(0 <= shipped.probability(each) <= 1 for each in found if each.type in shipped.calibrations)


def test_the_network_is_the_one_that_was_trained(shipped: Recogniser) -> None:
    """Within 1e-5, beside spaCy's tokens and thinc's layers, whatever stands beside what in however many passes."""
    texts = [*TEXTS, *SPLIT, " ".join(f"{number} of {chr(65 + number % 26)}n{number}'s" for number in range(2000))]
    documents = [shipped.nlp.make_doc(text) for text in texts]
    tokens, tags = shipped.tags(texts)
    for number, document in enumerate(documents):
        places = tokens.texts == number
        found = zip(tokens.starts[places], tokens.ends[places], strict=True)
        assert list(found) == [(token.idx, token.idx + len(token)) for token in document]
    theirs = trainable(shipped.tensors()).predict([document for document in documents if len(document)])
    np.testing.assert_allclose(tags, np.concatenate(theirs), atol=1e-5)


def test_it_forgets_words_and_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    recogniser = Recogniser(Recogniser.shipped().tensors())
    first = list(recogniser.find(TEXTS))
    monkeypatch.setattr("watchline.detectors.pii.tokens._MOST_TOKENS", 40)
    for number in range(10):
        assert list(recogniser.find([f"{number} o'{number}", *TEXTS]))[1:] == first
        assert recogniser._words._tokens.length < 100


def test_spacy_keeps_no_word_of_a_text(shipped: Recogniser) -> None:
    list(shipped.find(["Ask Zebulon Quimby-Xanthopoulos about it"]))
    assert "Quimby" not in shipped.nlp.vocab.strings


def test_tensors_make_the_same_recogniser_again(shipped: Recogniser, tmp_path: Path) -> None:
    save_file(shipped.tensors(), tmp_path / "model.safetensors")
    again = Recogniser(load_file(tmp_path / "model.safetensors"))
    assert list(again.find(TEXTS)) == list(shipped.find(TEXTS))
    assert again.calibrations.keys() == shipped.calibrations.keys() == {"PERSON", "ADDRESS", "ORGANIZATION"}


def test_the_weights_are_small() -> None:
    assert (weights_folder("pii") / "model.safetensors").stat().st_size < 6_000_000


def test_a_surer_find_is_likelier_right(shipped: Recogniser) -> None:
    unsure, sure = (TaggedSpan(0, 4, "PERSON", (odds, odds, 0.0, 1.0, 0.0)) for odds in (0.1, 6.0))
    assert shipped.probability(unsure) < 0.5 < 0.9 < shipped.probability(sure)


class Fixed:
    """Draws the same example for ever."""

    def draw(self) -> Example:
        return Example("Ask Zebulon about the order", ((4, 11, "PERSON"),))


def test_training_learns_what_it_is_shown() -> None:
    recogniser = untrained()
    fit(recogniser, cast(Examples, Fixed()), 12)
    assert places(recogniser, ["Ask Zebulon about the order"]) == [[(4, 11, "PERSON")]]


def test_the_town_of_an_address_is_part_of_it() -> None:
    text = "Jo, 12\nOak Row\nLeeds\nUK 4711, then Paris"
    spans = [(0, 2, "PERSON"), (4, 6, "ADDRESS"), (7, 14, "ADDRESS"), (15, 20, "LOCATION"), (21, 23, "LOCATION"),
             (24, 28, "ZIP_CODE"), (35, 40, "LOCATION")]  # fmt: skip
    assert whole(Example(text, tuple(spans))).spans == (
        (0, 2, "PERSON"),
        (4, 28, "ADDRESS"),
        (35, 40, "LOCATION"),
    )


def test_the_marks_that_begin_lines_are_no_part_of_an_address() -> None:
    text = "> 12 Oak Row\n> Leeds"
    example = whole(Example(text, ((2, 12, "ADDRESS"), (15, 20, "LOCATION"))))
    assert example.spans == ((2, 12, "ADDRESS"), (15, 20, "ADDRESS"))


def test_characters_count_by_type() -> None:
    example = Example("Jo of Acme, 1 Oak Row, Leeds", ((0, 2, "PERSON"), (6, 10, "ORGANIZATION"),
                                                       (12, 21, "ADDRESS"), (23, 28, "LOCATION")))  # fmt: skip
    found = [(0, 2, "PERSON"), (6, 10, "PERSON"), (12, 28, "ADDRESS"), (3, 5, "DATE_OF_BIRTH")]
    lenient, strict = Characters(strict=False), Characters(strict=True)
    for counts in (lenient, strict):
        counts.add(example, found)
    assert lenient.figures("PERSON") == (2 / 6, 1.0, 0.5)
    assert lenient.figures("ADDRESS") == (1.0, 1.0, 1.0)
    assert strict.figures("ADDRESS") == (9 / 16, 1.0, 18 / 25)
    assert lenient.figures("ORGANIZATION") == (0.0, 0.0, 0.0)
    assert lenient.figures() == (11 / 15, 11 / 15, 22 / 30)


def test_a_location_is_taken_for_an_address_only_where_one_is() -> None:
    example = Example("at Oak Row in Leeds", ((3, 10, "ADDRESS"), (14, 19, "LOCATION")))
    found = as_address(example, [(3, 6, "LOCATION"), (14, 19, "LOCATION"), (0, 2, "PERSON")])
    assert found == [(3, 4, "ADDRESS"), (4, 5, "ADDRESS"), (5, 6, "ADDRESS"), (0, 2, "PERSON")]
