from pydoc_data.topics import topics

import pytest

from tests.detectors.grounding.answers import (
    API,
    CASES,
    LEAFLET,
    MANUAL,
    NEWS,
    NO_CLAIM,
    PLANS,
    RECORD,
    RETURNS,
    interaction,
)
from watchline.detectors.base import Evaluation, NotApplicable
from watchline.detectors.grounding.question import MAX_CHARS, question
from watchline.detectors.grounding.relevance import Relevance
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.thresholds import Thresholds

pytestmark = pytest.mark.slow

LAMBDA = topics["lambda"]
WITH = topics["with"]
ROSES = "Roses need sun, a light soil, and water in dry weeks. Prune them in early spring, before the buds open."
THRESHOLDS = {label: Thresholds().of("relevance", label).threshold for label in Relevance.labels}


@pytest.fixture(scope="module")
def detector() -> Relevance:
    return Relevance()


def scores(detector: Relevance, encoder: Encoder, asked: str, answer: str, *documents: str) -> dict[str, float]:
    prepared = detector.prepare(interaction(answer, *documents, asked=asked))
    assert not isinstance(prepared, NotApplicable)
    (evaluation,) = detector.evaluate([prepared], Embedded(encoder, detector.texts(prepared)))
    assert isinstance(evaluation, Evaluation)
    return dict(evaluation.scores)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("What does a lambda expression create?", "A lambda expression creates an anonymous function."),
        ("When should I prune roses?", "Prune them in early spring, before the buds open."),
        ("What does the with statement do?", "The with statement wraps a block with methods of a context manager."),
    ],
)
def test_an_answer_to_the_question_is_relevant(detector: Relevance, encoder: Encoder, asked: str, answer: str) -> None:
    assert scores(detector, encoder, asked, answer)["answer_irrelevant"] < THRESHOLDS["answer_irrelevant"]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("What does a lambda expression create?", "Prune roses in early spring, before the buds open."),
        ("When should I prune roses?", "The capital of Peru is Lima, which has ten million inhabitants."),
    ],
)
def test_an_answer_to_something_else_is_not(detector: Relevance, encoder: Encoder, asked: str, answer: str) -> None:
    assert scores(detector, encoder, asked, answer)["answer_irrelevant"] >= THRESHOLDS["answer_irrelevant"]


def test_documents_are_held_against_the_question(detector: Relevance, encoder: Encoder) -> None:
    asked, answer = "What does a lambda expression create?", "An anonymous function."
    threshold = THRESHOLDS["context_irrelevant"]
    assert scores(detector, encoder, asked, answer, LAMBDA)["context_irrelevant"] < threshold
    assert scores(detector, encoder, asked, answer, ROSES)["context_irrelevant"] >= threshold
    # One good passage among others is enough.
    assert scores(detector, encoder, asked, answer, ROSES, LAMBDA)["context_irrelevant"] < threshold


@pytest.mark.parametrize(
    "answer", ["I don't know.", "I'm sorry, but I can't answer that.", "Which rose do you mean?", "```\nprint(1)\n```"]
)
def test_a_refusal_is_not_irrelevant(detector: Relevance, encoder: Encoder, answer: str) -> None:
    assert scores(detector, encoder, "How do I prune roses?", answer, ROSES)["answer_irrelevant"] == 0.0


def test_without_documents_there_is_no_context_to_blame(detector: Relevance, encoder: Encoder) -> None:
    assert scores(detector, encoder, "How do I prune roses?", "In early spring.")["context_irrelevant"] == 0.0


def test_a_request_about_the_documents_makes_them_the_subject(detector: Relevance, encoder: Encoder) -> None:
    found = scores(detector, encoder, "Summarize the following text.", "Roses need sun; prune them in spring.", ROSES)
    assert found["context_irrelevant"] == 0.0
    assert found["answer_irrelevant"] < THRESHOLDS["answer_irrelevant"]
    off = scores(detector, encoder, "Summarize the following text.", "Lima is the capital of Peru.", ROSES)
    assert off["answer_irrelevant"] > found["answer_irrelevant"]


@pytest.mark.parametrize(
    ("asked", "answer", "reason"),
    [
        ("", "An answer.", "no input"),
        ("A question?", " ", "no output"),
        ("Wann muss ich die Rosen schneiden und wie oft ist das zu tun?", "In spring.", "language not supported: de"),
        ("Wann blühen Rosen?", "I can only answer questions in English, I am sorry.", "language not supported: de"),
    ],
)
def test_not_applicable(detector: Relevance, asked: str, answer: str, reason: str) -> None:
    assert detector.prepare(interaction(answer, asked=asked)) == NotApplicable(reason)


def test_a_document_in_another_language_is_not_held_against_the_question(detector: Relevance) -> None:
    german = "Rosen brauchen Sonne; geschnitten werden sie im Frühjahr."
    prepared = detector.prepare(interaction("In early spring.", ROSES, german, asked="When should roses be pruned?"))
    assert prepared == NotApplicable("language not supported: de")


def test_the_question_is_what_the_user_asked_not_the_whole_prompt() -> None:
    filled = f"Documentation:\n{LAMBDA}\n\nQuestion: What is a lambda?"
    assert question(interaction("", LAMBDA, asked=filled)) == "Documentation: Question: What is a lambda?"
    long = question(interaction("", asked="first " + "x " * 5000 + "last"))
    assert len(long) <= MAX_CHARS and long.startswith("first") and long.endswith("last")


@pytest.mark.parametrize(("asked", "document", "answer"), [case[:3] for case in CASES.values()], ids=CASES)
def test_of_many_answers_and_documents_the_question_has_its_own(
    detector: Relevance, encoder: Encoder, asked: str, document: str, answer: str
) -> None:
    own = scores(detector, encoder, asked, answer, document)
    assert own["answer_irrelevant"] < THRESHOLDS["answer_irrelevant"]
    assert own["context_irrelevant"] < THRESHOLDS["context_irrelevant"]
    for _, other_document, other, _ in CASES.values():
        if other != answer:
            foreign = scores(detector, encoder, asked, other, other_document)
            assert foreign["answer_irrelevant"] > own["answer_irrelevant"] + 0.1
            assert foreign["context_irrelevant"] > own["context_irrelevant"]


@pytest.mark.parametrize(
    ("asked", "answer", "document"),
    [
        # Right by the document, about something else in it.
        ("How long do refunds take?", "Customer service answers calls from 9 AM to 5 PM on weekdays.", RETURNS),
        ("How long do refunds take?", "Orders over $1,200 are picked up by courier at no charge.", RETURNS),
        ("Can I wash the milk jug in the dishwasher?", "The machine is covered for two years.", MANUAL),
        ("How much does the repair cost?", "Buses and bicycles may still cross in the northern lane.", NEWS),
        ("Can I take Dolorexin while pregnant?", "Store the tablets below 25 degrees C.", LEAFLET),
        ("Do you have outdoor seating?", "The sourdough is the best in town.", RECORD),
        # Right anywhere.
        ("What are the side effects of Dolorexin?", "The Eiffel Tower was completed in 1889.", LEAFLET),
        ("How do I get a refund?", "Photosynthesis turns carbon dioxide and water into sugar and oxygen.", RETURNS),
        ("How do I create a parcel?", "Roses need at least six hours of sun and a light, well-drained soil.", API),
        ("How much does the repair cost?", "Water boils at 100 degrees Celsius at sea level.", NEWS),
        ("Is Blue Spoon open on Monday?", "Python's lists are mutable, and its tuples are not.", RECORD),
        pytest.param(
            "How much does the Team plan cost?",
            "All plans are billed monthly and can be cancelled at any time.",
            PLANS,
            marks=pytest.mark.xfail(strict=True, reason="on the question's subject, and in its words"),
        ),
    ],
)
def test_a_right_answer_that_is_off_topic_is_caught(
    detector: Relevance, encoder: Encoder, asked: str, answer: str, document: str
) -> None:
    found = scores(detector, encoder, asked, answer, document)
    assert found["answer_irrelevant"] >= THRESHOLDS["answer_irrelevant"]


@pytest.mark.parametrize(
    "answer",
    [
        *NO_CLAIM["refusal"],
        *NO_CLAIM["question back"],
        "I couldn't find that in the policy. You may want to call customer service.",
        "The documents don't say. Please contact customer service for help with your refund.",
        "I'm not able to give medical advice. Please talk to your doctor or pharmacist.",
        "I don't have access to your order. I'd recommend contacting the shop.",
    ],
)
def test_neither_a_refusal_nor_a_question_back_is_irrelevant(
    detector: Relevance, encoder: Encoder, answer: str
) -> None:
    assert scores(detector, encoder, "How do I prune roses?", answer, ROSES)["answer_irrelevant"] == 0.0


@pytest.mark.parametrize(
    ("asked", "answer", "document"),
    [
        ("How many days do I have to return it?", "30 days.", RETURNS),
        ("How much does the repair cost?", "$18 million.", NEWS),
        ("Can I take Dolorexin while pregnant?", "No.", LEAFLET),
        ("Which tunnel should drivers take?", "The Mill Road tunnel.", NEWS),
        ("Is there free WiFi?", "Yes, it's free.", RECORD),
        ("How do I return it?", '1. Sign in to your account\n2. Open "My orders"\n3. Choose "Return an item"', RETURNS),
        ("Who designed the bridge?", "The article doesn't say, but it says that the bridge closes on 3 June.", NEWS),
    ],
)
def test_short_answers_lists_and_answers_in_part_are_relevant(
    detector: Relevance, encoder: Encoder, asked: str, answer: str, document: str
) -> None:
    found = scores(detector, encoder, asked, answer, document)
    assert found["answer_irrelevant"] < THRESHOLDS["answer_irrelevant"]
