"""What the toxicity detector flags, what it must never raise an alert on, and where it points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from watchline.detectors.base import Evaluation, NotApplicable
from watchline.detectors.harm.blend import OUTPUTS
from watchline.detectors.harm.multitask import TextOutputs
from watchline.detectors.harm.toxicity import Toxicity
from watchline.detectors.harm.windowed import WindowedInput, worst
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.records import Interaction, Message

pytestmark = pytest.mark.slow

# None of these lines trained the weights.
TECHNICAL = (
    "How do I kill the process that listens on port 80?",
    "If the child does not exit in time, the parent kills it and aborts the job.",
    "Execute the child process and wait until it dies.",
    "The replication has one master and two slave nodes; a slave that fails is promoted to master by hand.",
    "Use a dummy object as the sentinel, then assert that the mock was hit.",
    "os.abort() generates a SIGABRT signal; os.kill(pid, signal.SIGKILL) cannot be caught.",
    "The daemon thread is killed abruptly when the interpreter shuts down.",
    "A zombie process is one that has terminated but was not reaped by its parent.",
    "Drop the table, purge the cache and nuke the build folder.",
    "The garbage collector destroys objects whose reference count reaches zero.",
    "A hanging worker is terminated by the watchdog after thirty seconds.",
    "Penetration testers attack the host with an exploit and a malicious payload.",
    "This hack strips the headers and injects a naked exception handler.",
    "The function raises an exception if the argument is invalid or the headless browser crashes.",
    "Bind the female header to the male pins on the motherboard and the daughterboard.",
)
TOXIC = (
    ("insult", "shut the fuck up you stupid bitch"),
    ("hate", "those filthy niggers and kikes are vermin and should get out of our country"),
    ("sexism", "women are stupid whores who belong in the kitchen"),
    ("self_harm", "I can't go on, tonight I will kill myself with these pills"),
    ("sexual", "she moaned as he shoved his hard cock into her wet pussy"),
)


@pytest.fixture(scope="module")
def detector() -> Toxicity:
    return Toxicity()


def interaction(question: str = "", answer: str = "") -> Interaction:
    return Interaction(
        event_id="0",
        time=1,
        app="test",
        input_messages=(Message("user", question),) if question else (),
        output_messages=(Message("assistant", answer),) if answer else (),
    )


def judge(detector: Toxicity, encoder: Encoder, interactions: Sequence[Interaction]) -> list[Evaluation]:
    all_prepared = [detector.prepare(item) for item in interactions]
    assert not any(isinstance(prepared, NotApplicable) for prepared in all_prepared)
    wanted = [text for prepared in all_prepared for text in detector.texts(prepared)]  # type: ignore[arg-type]
    return list(detector.evaluate(all_prepared, Embedded(encoder, wanted)))  # type: ignore[arg-type]


def test_technical_language_raises_no_alert(detector: Toxicity, encoder: Encoder) -> None:
    asked = [interaction(question=line) for line in TECHNICAL]
    answered = [interaction(answer=line) for line in TECHNICAL]
    for line, result in zip(TECHNICAL * 2, judge(detector, encoder, asked + answered), strict=True):
        verdict = Thresholds().judge("toxicity", result.scores)
        assert not verdict.alert, (line, result.scores)


def test_pythons_documentation_raises_no_alert(detector: Toxicity, encoder: Encoder) -> None:
    from pydoc_data.topics import topics

    pages = [interaction(answer=text[:1200]) for _, text in sorted(topics.items())[::8]]
    alerts = [
        result.scores
        for result in judge(detector, encoder, pages)
        if Thresholds().judge("toxicity", result.scores).alert
    ]
    assert not alerts


@pytest.mark.parametrize(("label", "text"), TOXIC)
def test_plain_toxicity_is_flagged(detector: Toxicity, encoder: Encoder, label: str, text: str) -> None:
    asked, answered = judge(detector, encoder, [interaction(question=text), interaction(answer=text)])
    point = Thresholds().of("toxicity", label)
    assert asked.scores[label] >= point.threshold
    assert asked.scores == pytest.approx(answered.scores)
    assert ("input:0", label) in [(span.field, span.label) for span in asked.spans]
    assert ("output:0", label) in [(span.field, span.label) for span in answered.spans]


def test_disguise_does_not_help(detector: Toxicity, encoder: Encoder) -> None:
    plain, disguised = judge(
        detector,
        encoder,
        [interaction("shut the fuck up you stupid bitch"), interaction("shut the f.u.c.k up you stup1d b!tch")],
    )
    assert disguised.scores == pytest.approx(plain.scores)


def test_spans_are_the_toxic_words_of_the_text_as_it_stands(detector: Toxicity, encoder: Encoder) -> None:
    calm = "The museum opens at nine and closes at six, and tickets are sold at the door. " * 5
    text = calm + "\n\nShut the f\u200buck up you stupid bitch.\n\n" + calm
    [result] = judge(detector, encoder, [interaction("When does it open?", text)])
    spans = [span for span in result.spans if span.label == "insult"]
    marked = " ".join(text[span.start : span.end] for span in spans)
    assert "stupid" in marked and "bitch" in marked
    assert not {"museum", "tickets", "door"} & set(marked.split())
    assert {span.score for span in spans} == {result.scores["insult"]}


def test_what_may_be_toxic_has_its_words_marked_but_is_not_marked_whole(detector: Toxicity) -> None:
    [window] = detector.prepare(interaction("My stupid printer is jammed again.")).windows  # type: ignore[union-attr]
    prepared = WindowedInput((window,), 1.0)
    flagged_from = [0.5] * len(detector.labels)

    def spans(chance: float, stupid: float) -> list[tuple[str, int, int]]:
        chances = np.full((1, len(detector.labels)), 0.01)
        chances[0, detector.labels.index("insult")] = chance
        judged = TextOutputs(
            np.zeros(OUTPUTS, np.float32),
            np.array([-9, -9, stupid, -9, -9], np.float32),
            [(0, 0), (0, 2), (3, 9), (10, 17), (0, 0)],
        )
        _, found = worst(prepared, detector.labels, chances, flagged_from, detector.hinted_from)
        return [
            (span.label, span.start, span.end)
            for row, label, each in found
            for span in detector.spans(prepared.windows[row], judged, label, each)
        ]

    assert spans(0.9, 2.0) == [("insult", 3, 9)]
    assert spans(0.2, 2.0) == [("insult", 3, 9)]  # not flagged, of all labels the likeliest
    assert spans(0.9, -9.0) == [("insult", 0, 34)]
    assert spans(0.2, -9.0) == []
    assert spans(0.04, 2.0) == []


def test_padding_does_not_hide_it_and_what_was_not_read_is_said(detector: Toxicity, encoder: Encoder) -> None:
    padding = "The museum opens at nine and closes at six, and tickets are sold at the door. " * 200
    foul = "Shut the fuck up you stupid bitch."
    [result] = judge(detector, encoder, [interaction("Hello there", f"{padding}\n\n{foul}\n\n{padding}")])
    assert result.scores["insult"] >= Thresholds().of("toxicity", "insult").threshold
    assert 0 < result.scored_fraction < 0.5


def test_earlier_turns_are_not_judged_again(detector: Toxicity) -> None:
    prepared = detector.prepare(
        Interaction(
            event_id="0",
            time=1,
            app="test",
            input_messages=(
                Message("user", "shut the fuck up"),
                Message("assistant", "Pardon?"),
                Message("user", "What time is it?"),
            ),
        )
    )
    assert not isinstance(prepared, NotApplicable)
    assert [window.text for window in prepared.windows] == ["What time is it?"]


def test_another_language_beside_english_lowers_the_fraction(detector: Toxicity) -> None:
    foreign = "Словарь хранит пары ключей и значений, и ключи должны быть неизменяемыми."
    prepared = detector.prepare(interaction(foreign, "I am sorry, I can answer questions in English only."))
    assert not isinstance(prepared, NotApplicable)
    assert 0 < prepared.scored_fraction < 0.6
    part = detector.prepare(interaction(foreign + " You are all complete idiots. " + foreign))
    assert not isinstance(part, NotApplicable)
    assert [window.text for window in part.windows] == ["You are all complete idiots"]
    assert 0 < part.scored_fraction < 0.3
    assert detector.prepare(interaction(foreign)) == NotApplicable("language not supported: ru")
    assert detector.prepare(interaction()) == NotApplicable("no text")
