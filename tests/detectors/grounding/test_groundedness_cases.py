"""The groundedness detector on answers as assistants write them: a case for each way to be a trivial detector."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import chain

import pytest

from tests.detectors.grounding.answers import (
    API,
    CASES,
    CONTRADICTED,
    FALSE_ALARMS,
    FORMS,
    MISSES,
    NEWS,
    NO_CLAIM,
    NUMBERS,
    RECORD,
    RETURNS,
    ROSES,
    SHORT,
    STOCK,
    WRONG_NUMBERS,
    interaction,
)
from watchline.detectors.base import Evaluation, NotApplicable
from watchline.detectors.grounding.groundedness import Groundedness
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.runtime.text import sentences
from watchline.detectors.thresholds import Thresholds

pytestmark = pytest.mark.slow

Judge = Callable[..., Evaluation]

POINT = Thresholds().of("groundedness", "unsupported")
FLAGGED, ALERT = POINT.threshold, POINT.alert_threshold or 1.0


@pytest.fixture(scope="module")
def judge() -> Judge:
    """`judge(answer, *documents, asked="")` gives the detector's evaluation; one encoder, which remembers texts."""
    encoder, detector = Encoder("cpu"), Groundedness()

    def evaluated(answer: str, *documents: str, asked: str = "") -> Evaluation:
        prepared = detector.prepare(interaction(answer, *documents, asked=asked))
        if prepared == NotApplicable("no claim"):  # not flagged, which is what matters here
            return Evaluation({"unsupported": 0.0})
        assert not isinstance(prepared, NotApplicable)
        return detector.evaluate([prepared], Embedded(encoder, detector.texts(prepared)))[0]

    return evaluated


def score(evaluation: Evaluation) -> float:
    return evaluation.scores["unsupported"]


def with_fault(answer: str, fault: str) -> str:
    """The fault stands where an assistant would write it: on a line of its own after lists, tables and code."""
    last = answer.rpartition("\n")[2]
    return f"{answer}\n{fault}" if last != answer or fault[0] in "|-*" else f"{answer} {fault}"


by_domain = pytest.mark.parametrize(("asked", "document", "answer", "fault"), CASES.values(), ids=CASES)
forms = pytest.mark.parametrize(
    ("document", "answer", "fault"),
    [pytest.param(*case, id=f"{form}-{n}") for form, cases in FORMS.items() for n, case in enumerate(cases)],
)


@by_domain
def test_a_supported_answer_is_not_flagged_and_a_planted_fault_is(
    judge: Judge, asked: str, document: str, answer: str, fault: str
) -> None:
    assert score(judge(answer, document, asked=asked)) < FLAGGED
    found = judge(f"{answer} {fault}", document, asked=asked)
    assert score(found) >= FLAGGED
    assert all(span.start > len(answer) for span in found.spans) and found.spans


@by_domain
def test_the_order_of_sentences_changes_nothing(
    judge: Judge, asked: str, document: str, answer: str, fault: str
) -> None:
    for text in (answer, f"{answer} {fault}"):
        parts = [text[start:end] for start, end in sentences(text)]
        turned = (parts[::-1], parts[1:] + parts[:1], random.Random(5).sample(parts, len(parts)))
        scores = [score(judge(" ".join(order), document, asked=asked)) for order in (parts, *turned)]
        assert max(scores) - min(scores) < 0.01


@by_domain
def test_an_irrelevant_document_neither_flags_nor_clears(
    judge: Judge, asked: str, document: str, answer: str, fault: str
) -> None:
    alone = score(judge(answer, document, asked=asked))
    others = [other for _, other, _, _ in CASES.values() if other != document]
    for documents in [(ROSES, document), (document, ROSES), *((other, document) for other in others)]:
        beside = score(judge(answer, *documents, asked=asked))
        assert beside < FLAGGED
        assert beside == pytest.approx(alone, abs=0.1)
        assert score(judge(f"{answer} {fault}", *documents, asked=asked)) >= FLAGGED


@by_domain
def test_a_document_cut_amid_a_sentence_is_a_hedge_and_not_an_alarm(
    judge: Judge, asked: str, document: str, answer: str, fault: str
) -> None:
    for share in (0.3, 0.5, 0.7):
        end = int(len(document) * share)
        while not document[end - 1 : end + 1].isalpha():
            end += 1
        assert score(judge(answer, document[:end], asked=asked)) < ALERT
        assert score(judge(answer, ROSES, document[:end], asked=asked)) < ALERT
        assert score(judge(f"{answer} {fault}", document[:end], asked=asked)) >= FLAGGED  # nor silence


@pytest.fixture(scope="module")
def library() -> list[str]:
    """29 documents, no two alike, that with one more make 20,000 tokens."""
    dice = random.Random(7)  # a draw, not a secret
    templates = (
        "{do} the {part} of the {thing} {when}.",
        "The {part} is {quality}, and {who} can replace it {how}.",
        "Model {n} weighs {m} kilograms and comes from a factory in {place}.",
        "Spare parts such as the {part} cost {n} euros and arrive within {m} days.",
        "If the {part} does not move, press it {how} and wait {m} minutes.",
        "The guarantee on the {part} ends after {m} months unless {who} has registered it in {place}.",
        "A {quality} {thing} should be kept below {n} degrees, away from pets.",
        "In {place}, {who} repaired {n} of them last year, mostly because of a worn {part}.",
    )
    words = {
        "part": ["lid", "handle", "filter", "switch", "cable", "hinge", "blade", "valve", "strap", "sensor", "wheel"],
        "do": ["Check", "Tighten", "Wipe", "Oil", "Inspect", "Loosen", "Adjust", "Dry", "Test"],
        "how": ["by hand", "with a soft cloth", "with the key supplied", "without force", "while it is cold"],
        "when": ["every month", "before the first use", "after each season", "once a year", "if it rattles"],
        "who": ["the dealer", "our workshop", "a technician", "the importer", "the owner"],
        "place": ["Porto", "Graz", "Turku", "Bergen", "Leipzig", "Gdansk", "Nantes", "Bologna"],
        "quality": ["quiet", "light", "waterproof", "foldable", "heavy", "sturdy", "compact", "slippery"],
    }
    things = (
        "kettle,tent,lawn mower,bicycle pump,desk lamp,sewing machine,rice cooker,hiking boot,garden hose,water filter,"
        "air mattress,camera bag,drill,fan heater,bread maker,wall clock,baby monitor,fish tank,office chair,"
        "snow shovel,projector,keyboard,paint roller,ladder,grill,suitcase,guitar stand,blender,vacuum cleaner"
    )

    def sentence(thing: str) -> str:
        slots = {slot: dice.choice(some) for slot, some in words.items()}
        return dice.choice(templates).format(thing=thing, n=dice.randint(10, 400), m=dice.randint(2, 60), **slots)

    return [f"Notes on the {thing}\n\n" + " ".join(sentence(thing) for _ in range(44)) for thing in things.split(",")]


@by_domain
def test_the_one_document_that_matters_is_found_among_thirty(
    judge: Judge, library: list[str], asked: str, document: str, answer: str, fault: str
) -> None:
    assert len(library) == 29
    assert sum(len(text.split()) for text in library) > 15_000  # at least 20,000 tokens
    for place in (0, 15, 29) if document == NEWS else (15,):
        documents = [*library[:place], document, *library[place:]]
        assert score(judge(answer, *documents, asked=asked)) < FLAGGED
        found = judge(f"{answer} {fault}", *documents, asked=asked)
        assert score(found) >= FLAGGED
        assert all(span.start > len(answer) for span in found.spans)


@pytest.mark.parametrize("documents", [(), ("",), (" \n", "\t")])
def test_without_documents_it_is_not_applicable(documents: tuple[str, ...]) -> None:
    for asked, _, answer, _ in CASES.values():
        assert Groundedness().prepare(interaction(answer, *documents, asked=asked)) == NotApplicable("no documents")


@forms
def test_form_is_no_fault_and_hides_none(judge: Judge, document: str, answer: str, fault: str) -> None:
    assert score(judge(answer, document)) < FLAGGED
    whole = with_fault(answer, fault)
    found = judge(whole, document)
    assert score(found) >= FLAGGED
    assert any(whole.find(fault) <= span.start and span.end <= len(whole) for span in found.spans)


@pytest.mark.parametrize("text", [*chain(*NO_CLAIM.values())])
def test_what_claims_nothing_is_not_judged(text: str) -> None:
    for document in (RETURNS, RECORD):
        assert Groundedness().prepare(interaction(text, document)) == NotApplicable("no claim")


@pytest.mark.parametrize(("document", "answer"), SHORT)
def test_short_answers_are_not_flagged(judge: Judge, document: str, answer: str) -> None:
    assert score(judge(answer, document)) < FLAGGED


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        (API, "`503`"),
        (NEWS, "The Queensway ferry."),
        (STOCK, "Teak."),
        (RETURNS, "You have ninety days to return it."),
    ],
)
def test_short_inventions_are(judge: Judge, document: str, answer: str) -> None:
    assert score(judge(answer, document)) >= FLAGGED


@pytest.mark.parametrize(("document", "as_written", "otherwise"), NUMBERS)
def test_a_number_is_the_same_however_it_is_written(
    judge: Judge, document: str, as_written: str, otherwise: str
) -> None:
    expected, found = score(judge(as_written, document)), score(judge(otherwise, document))
    assert found == pytest.approx(expected, abs=0.15)
    assert max(expected, found) < FLAGGED


@pytest.mark.parametrize(("document", "answer"), WRONG_NUMBERS)
def test_a_wrong_number_in_the_documents_own_words_is_flagged(judge: Judge, document: str, answer: str) -> None:
    assert score(judge(answer, document)) >= FLAGGED


@pytest.mark.parametrize("answer", CONTRADICTED)
def test_what_a_record_contradicts_is_flagged(judge: Judge, answer: str) -> None:
    assert score(judge(answer, RECORD)) >= FLAGGED


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        pytest.param(
            *case, marks=pytest.mark.xfail(strict=True, reason=f"{fault}: looks like the document by its words")
        )
        for fault, cases in MISSES.items()
        for case in cases
    ],
)
def test_known_misses(judge: Judge, document: str, answer: str) -> None:
    assert score(judge(answer, document)) >= FLAGGED


@pytest.mark.parametrize(
    ("document", "answer"),
    [pytest.param(*case, marks=pytest.mark.xfail(strict=True, reason=reason)) for reason, case in FALSE_ALARMS.items()],
)
def test_known_false_alarms(judge: Judge, document: str, answer: str) -> None:
    assert score(judge(answer, document)) < FLAGGED
