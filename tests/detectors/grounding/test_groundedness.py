import json
from pydoc_data.topics import topics

import numpy as np
import pytest

from tests.detectors.grounding.answers import interaction
from watchline.detectors.base import Evaluation, NotApplicable
from watchline.detectors.grounding.claims import claims_something
from watchline.detectors.grounding.groundedness import MAX_CLAIMS, Groundedness
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.runtime.words import words
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.records import Interaction, Message, ToolCall

pytestmark = pytest.mark.slow

ASSERT = topics["assert"]
LAMBDA = topics["lambda"]
RETURNS = "Returns are accepted within 30 days. Shipping is free for orders over $50."
GERMAN = "Rückgaben werden innerhalb von 30 Tagen angenommen. Der Versand ist ab 50 Euro kostenlos."
HOTEL = "The hotel was built in Paris. It opened in 1978, and it has 40 rooms and a pool on the roof of its house."
THRESHOLD = Thresholds().of("groundedness", "unsupported").threshold


@pytest.fixture(scope="module")
def detector() -> Groundedness:
    return Groundedness()


def evaluate(detector: Groundedness, encoder: Encoder, *some: Interaction) -> list[Evaluation]:
    all_prepared = [prepared for each in some if not isinstance(prepared := detector.prepare(each), NotApplicable)]
    assert len(all_prepared) == len(some)
    texts = [text for prepared in all_prepared for text in detector.texts(prepared)]
    return list(detector.evaluate(all_prepared, Embedded(encoder, texts)))


def score(detector: Groundedness, encoder: Encoder, answer: str, *documents: str, question: str = "") -> float:
    return evaluate(detector, encoder, interaction(answer, *documents, asked=question))[0].scores["unsupported"]


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        (LAMBDA, "A lambda expression creates an anonymous function."),
        (LAMBDA, "Lambda expressions are used to create anonymous functions. They cannot contain statements."),
        (ASSERT, "`__debug__` is True under normal circumstances and False when optimization is requested with -O."),
        (ASSERT, "Assert statements let you insert debugging checks into a program."),
        (RETURNS, "You can return items within 30 days."),
        (RETURNS, "Within 30 days."),
    ],
)
def test_supported_short_answers_are_not_flagged(
    detector: Groundedness, encoder: Encoder, document: str, answer: str
) -> None:
    assert score(detector, encoder, answer, document) < THRESHOLD


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        (RETURNS, "I don't know. The documents don't say who pays for it."),
        (RETURNS, "I'm sorry, but the provided context does not mention refunds."),
        (RETURNS, "Which item do you mean?"),
        (RETURNS, "Yes."),
        (RETURNS, "See https://shop.example/returns?id=8841."),
        (ASSERT, "```python\nassert total > 100, 'whatever'\n```"),
    ],
)
def test_an_answer_that_claims_nothing_is_not_judged(detector: Groundedness, document: str, answer: str) -> None:
    assert detector.prepare(interaction(answer, document)) == NotApplicable("no claim")


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        (LAMBDA, "Lambda was introduced by Guido van Rossum in 1994 and is the most popular feature of Python."),
        (LAMBDA, "A lambda is a tiny robot chef that cooks dinner for the whole village."),
        (ASSERT, "Yes, assert statements always run, and they are three times faster since Python 3.7."),
        (RETURNS, "The sky is blue because of Rayleigh scattering."),
        (RETURNS, "The documents don't mention a price, but courier pickup costs 12 euros in Spain."),
    ],
)
def test_invented_short_answers_are_flagged_where_they_stand(
    detector: Groundedness, encoder: Encoder, document: str, answer: str
) -> None:
    (evaluation,) = evaluate(detector, encoder, interaction(answer, document))
    assert evaluation.scores["unsupported"] >= THRESHOLD
    assert evaluation.spans[0].field == "output:0"
    assert answer[evaluation.spans[0].start : evaluation.spans[0].end] == answer
    (evidence,) = evaluation.evidence
    assert (evidence.span, evidence.field) == (0, "document:0")
    assert 0 <= evidence.start < evidence.end <= len(document)


def test_only_the_invented_sentence_is_marked_and_offsets_are_of_its_message(
    detector: Groundedness, encoder: Encoder
) -> None:
    invented = "Returned items are inspected by robots in Lisbon."
    whole = interaction("", "An unrelated page about gardening and roses.", RETURNS)
    messages = (
        Message("assistant", "Hello!"),
        Message("assistant", f"Returns are accepted within 30 days. {invented}"),
    )
    (evaluation,) = evaluate(
        detector,
        encoder,
        Interaction(event_id="e", time=0, app="t", output_messages=messages, documents=whole.documents),
    )
    (span,) = evaluation.spans
    assert span.field == "output:1"
    assert messages[1].content[span.start : span.end] == invented
    assert evaluation.evidence[0].field == "document:1"


def test_another_number_is_less_supported(detector: Groundedness, encoder: Encoder) -> None:
    assert score(detector, encoder, "Returns are accepted within 90 days.", RETURNS) > 3 * score(
        detector, encoder, "Returns are accepted within 30 days.", RETURNS
    )


@pytest.mark.parametrize(
    ("answer", "document", "label", "said", "instead"),
    [
        ("You may return items within 90 days of delivery.", RETURNS, "unsupported:number", "90 days", "30 days"),
        ("The hotel opened in 1987 and has 40 rooms.", HOTEL, "unsupported:date", "1987", "1978"),
        ("The hotel was built in Lyon.", HOTEL, "unsupported:name", "Lyon", "Paris"),
    ],
)
def test_what_differs_is_marked_and_named(
    detector: Groundedness, encoder: Encoder, answer: str, document: str, label: str, said: str, instead: str
) -> None:
    """Both places are those of the stored texts, not of the sentence and the passage."""
    before = "Shipping is free for orders over $50. "
    document = f"An unrelated page about gardening.\n\n{document}"
    (evaluation,) = evaluate(detector, encoder, interaction(before + answer, document))
    (named,) = (place for place, span in enumerate(evaluation.spans) if span.label == label)
    span, evidence = evaluation.spans[named], next(each for each in evaluation.evidence if each.span == named)
    assert (before + answer)[span.start : span.end] == said
    assert document[evidence.start : evidence.end] == instead


@pytest.mark.parametrize(
    "document",
    [
        "| Plan | Price |\n|---|---|\n| Pro | $29 a month |\n| Team | $79 a month |",
        json.dumps({"plan": "Pro", "price": "$29 a month", "seats": 5, "trial": False, "city": "Leeds", "stars": 4.0}),
    ],
)
def test_what_reads_otherwise_than_it_is_written_is_marked_as_before(
    detector: Groundedness, encoder: Encoder, document: str
) -> None:
    (evaluation,) = evaluate(detector, encoder, interaction("The Pro plan costs $59 a month.", document))
    assert evaluation.spans
    assert {span.label for span in evaluation.spans} == {"unsupported"}


def test_a_record_is_read_by_key_and_value(detector: Groundedness, encoder: Encoder) -> None:
    record = json.dumps(
        {
            "name": "Corner Table",
            "OutdoorSeating": False,
            "WiFi": "free",
            "TakeOut": True,
            "city": "Leeds",
            "stars": 4.0,
        }
    )
    right, wrong = evaluate(
        detector,
        encoder,
        interaction("Corner Table in Leeds has free WiFi and no outdoor seating.", record),
        interaction("Corner Table in Leeds has free WiFi and outdoor seating.", record),
    )
    assert wrong.scores["unsupported"] > right.scores["unsupported"] + 0.1
    place = wrong.evidence[0]
    assert record[place.start : place.end] == '"OutdoorSeating": false'


def test_repeating_the_question_is_no_invention(detector: Groundedness, encoder: Encoder) -> None:
    answer = "Orders from Montevideo shipped by Acme Freight can be returned within 30 days."
    asked = "Can orders from Montevideo shipped by Acme Freight be returned?"
    found = score(detector, encoder, answer, RETURNS, question=asked)
    assert found < THRESHOLD
    assert found < score(detector, encoder, answer, RETURNS)


def test_tool_results_stand_beside_the_documents(detector: Groundedness, encoder: Encoder) -> None:
    asked = interaction("Parcel 4471 left Rotterdam on Tuesday.", RETURNS)
    told = Interaction(
        event_id="e",
        time=0,
        app="t",
        output_messages=asked.output_messages,
        documents=asked.documents,
        tool_calls=(ToolCall("track", result="Parcel 4471: left Rotterdam on Tuesday."),),
    )
    without, with_result = evaluate(detector, encoder, asked, told)
    assert with_result.scores["unsupported"] < THRESHOLD <= without.scores["unsupported"]


@pytest.mark.parametrize(
    ("answer", "documents", "reason"),
    [
        ("An answer.", (), "no documents"),
        ("An answer.", ("", "  "), "no documents"),
        (" ", (RETURNS,), "no output"),
        ("", (RETURNS,), "no output"),
        ("Возврат принимается в течение тридцати дней после покупки товара.", (RETURNS,), "language not supported: ru"),
        ("Returns are accepted.", ("退货可在三十天内进行。请联系我们的客服部门。",), "language not supported: zh"),
        ("Returns are accepted within 30 days.", (RETURNS, GERMAN), "language not supported: de"),
        ("Returns are accepted within 30 days.", ("…", "!"), "no text"),
    ],
)
def test_not_applicable(detector: Groundedness, answer: str, documents: tuple[str, ...], reason: str) -> None:
    assert detector.prepare(interaction(answer, *documents)) == NotApplicable(reason)


def test_neither_order_nor_an_irrelevant_document_nor_company_in_the_batch_changes_much(
    detector: Groundedness, encoder: Encoder
) -> None:
    answer = "Returns are accepted within 30 days. Robots in Lisbon inspect the items."
    turned = "Robots in Lisbon inspect the items. Returns are accepted within 30 days."
    some = [
        interaction(answer, RETURNS),
        interaction(turned, RETURNS),
        interaction(answer, RETURNS, "Roses need sun and a light soil."),
    ]
    together = [each.scores["unsupported"] for each in evaluate(detector, encoder, *some)]
    alone = [evaluate(detector, encoder, each)[0].scores["unsupported"] for each in some]
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert together[0] == pytest.approx(together[1], abs=1e-4)
    assert together[0] == pytest.approx(together[2], abs=0.05)


def test_long_input_is_bounded_and_says_what_was_read(detector: Groundedness, encoder: Encoder) -> None:
    filler = "".join(
        f"Item number {n} is kept on the shelf of the northern warehouse for a year. " for n in range(2000)
    )
    answer = "Returns are accepted within 30 days. " * (2 * MAX_CLAIMS)
    prepared = detector.prepare(interaction(answer, filler + RETURNS))
    assert not isinstance(prepared, NotApplicable)
    assert len(detector.texts(prepared)) <= 200 + MAX_CLAIMS + 1
    (evaluation,) = evaluate(detector, encoder, interaction(answer, filler + RETURNS))
    assert evaluation.scored_fraction == pytest.approx(0.5, abs=0.01)
    assert evaluation.scores["unsupported"] < THRESHOLD  # the one passage that matters was found


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Sure, the loop ends at 5.", True),
        ("Sure!", False),
        ("I'm sorry, but I can't help with that.", False),
        ("Sorry, but the loop ends at 5.", True),
        ("The passages do not mention it.", False),
        ("The passages do not mention it, but it costs 5 euros.", True),
        ("The function does not include its argument.", True),
        ("What do you mean?", False),
        ("I'm here to help.", False),
        ("Hope this helps!", False),
        ("Here's a summary of the article in 64 words:", False),
        ("Based on the documents, here is what I found:", False),
        ("According to the provided context, the answer is as follows:", False),
        ("I've summarized the key points below.", False),
        ("Let me know if you need anything else!", False),
        ("Best regards,", False),
        ("Here are the three plans that Acme sells.", True),
        ("Here is the fee: $5.", True),
        ("Note that the fee is $5.", True),
        ("## Returns", False),
        ("## What is covered", False),
        ("### Step 2: Start the server", False),
        ("## Returns are accepted within 90 days", True),
        ("**Refunds take 90 days:**", True),
        ("**The warranty lasts two years:**", True),
    ],
)
def test_what_claims_something(sentence: str, expected: bool) -> None:
    assert claims_something(sentence) is expected


def test_words_are_written_one_way() -> None:
    assert words("from 5:30 PM, 1,200.50 or four").tokens == words("from 17:30 1200.5 or 4").tokens
    assert words("opens at 9 a.m.").numbers == words("opens at 9:00").numbers == {"9:00"}
    assert words("A cafe in Berlin").names == {"berlin"}
