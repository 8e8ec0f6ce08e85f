"""The blend: experts count as a text reads like their register, and learn where its annotators draw the line."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from watchline.detectors.base import NotApplicable
from watchline.detectors.harm.blend import EXPERTS, LABELS, OUTPUTS, REGISTERS, Blend, experts, mixed, registers
from watchline.detectors.harm.multitask import MultitaskModel
from watchline.detectors.harm.ngrams import row
from watchline.detectors.harm.toxicity import Toxicity
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.training.harm.blending import train, weigh
from watchline.detectors.training.harm.corpora import Example
from watchline.schemas.records import Interaction, Message

pytestmark = pytest.mark.slow

FORUM, TWEETS = "stormfront", "davidson"


def outputs(*registers: str, log_odds: float = 0.0) -> np.ndarray:
    """What the multitask model says of texts that are each of one register for certain."""
    found = np.full((len(registers), OUTPUTS), log_odds, np.float32)
    for each, register in zip(found, registers, strict=True):
        each[len(LABELS) + len(EXPERTS) :] = [50.0 if known == register else 0.0 for known in REGISTERS]
    return found


def test_an_expert_counts_as_the_text_is_of_its_register() -> None:
    chances = {"hate": np.full(4, 0.2)} | {
        f"hate@{register}": np.full(4, chance) for register, chance in ((TWEETS, 0.6), (FORUM, 0.8), ("hatemoji", 0.9))
    }
    said = outputs(TWEETS, FORUM, "other", "other")
    said[3, len(LABELS) + len(EXPERTS) :] = 0.0  # as likely of one as of any other
    # No expert of hate: edos, toxic_spans, redditbias, other.
    expected = [0.6, 0.8, 0.2, (0.6 + 0.8 + 0.9 + 4 * 0.2) / 7]
    assert mixed("hate", chances, registers(said)) == pytest.approx(expected)
    assert chances["hate"].tolist() == [0.2] * 4
    assert mixed("sexual", {"sexual": np.full(2, 0.3)}, registers(outputs(TWEETS, "other"))) == pytest.approx(
        [0.3, 0.3]
    )


def test_experts_are_of_labels_and_registers_that_there_are() -> None:
    for expert in EXPERTS:
        label, register = expert.split("@")
        assert label in LABELS and register in REGISTERS[:-1]
        assert experts(label)[register] == expert
    assert experts("injection") == {}


def test_what_a_label_means_is_learnt_register_by_register(tmp_path: Path) -> None:
    # The same words: the forum's annotators call "swear" hateful, the others don't; all agree on "loathe".
    dice = random.Random(7)
    fillers = ("today", "again", "at home", "in town", "with my friends", "all day", "as ever", "so often")
    examples = []
    for number in range(160):
        for register in (FORUM, TWEETS, "hatemoji"):
            said_to_be = {"we loathe them": 1, "they swear": int(register == FORUM), "we read": 0}
            verb = list(said_to_be)[number % 3]
            text = f"{verb} {' '.join(dice.sample(fillers, 3))} {number}"
            examples.append(Example(text, register, f"{register}-{number}", {"hate": said_to_be[verb]}))
    said = outputs(*(example.source for example in examples))
    tensors, judged = train(examples, said, ("hate",))
    for register in (FORUM, TWEETS):
        rows = [place for place, example in enumerate(examples) if example.source == register]
        truth, chance = judged["hate"].truth[rows], judged["hate"].probability[rows]
        assert ((chance > 0.5) == (truth == 1)).all()
    save_file(tensors, tmp_path / "model.safetensors")
    blend = Blend(tmp_path / "model.safetensors", ("hate",))
    scores = np.stack([blend.ngram_scores("they swear all day in town")] * 2)
    forum, tweets = blend.probabilities(scores, outputs(FORUM, TWEETS))[:, 0]
    assert forum > 0.6 > 0.4 > tweets
    [alone] = blend.probabilities(scores[:1], outputs(FORUM))
    assert alone[0] == forum
    assert blend.ngram_scores("x").shape == (1 + len(experts("hate")),)


def test_who_weighs_what() -> None:
    examples = [Example(str(number), FORUM, "", {"hate": 0}) for number in range(9)]
    examples += [Example("a", TWEETS, "", {"hate": 1}), Example("b", "clinc", "", {"hate": 0})]
    examples += [Example("c", FORUM, "", {"insult": 1}), Example("d", "groups", "", {"hate": 1})]
    truth = np.array([example.labels.get("hate", np.nan) for example in examples])
    label = weigh(examples, truth, "hate")
    # A source counts by the root of its size, 1 on average.
    assert label[:9].sum() == pytest.approx(3 * label[9])
    assert label[truth >= 0].mean() == pytest.approx(1) and label[11] == 0
    # An expert learns from its own source, and from ordinary traffic a little.
    assert weigh(examples, truth, f"hate@{FORUM}").tolist() == [1.0] * 9 + [0.0, 0.2, 0.0, 0.0]


def test_a_row_of_ngrams_times_weights() -> None:
    assert row("abc").dot(np.ones((2, 1 << 17), np.float32)) == pytest.approx([row("abc").values.sum()] * 2)


def test_what_ngrams_find_clearly_harmless_the_tower_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        "The function returns a new list that contains the elements of the given sequence in order.",
        "You are a stupid idiot.",
        "Based on the passage, the oven should be set to 350 degrees and the mixture baked for about twenty minutes.",
    ]
    asked = [Interaction(event_id="0", time=1, app="test", input_messages=(Message("user", text),)) for text in texts]
    detector, encoder = Toxicity(), Embedded(Encoder("cpu"), [])
    all_prepared = [detector.prepare(each) for each in asked]
    assert not any(isinstance(prepared, NotApplicable) for prepared in all_prepared)
    read: list[str] = []
    judge = MultitaskModel.judge
    monkeypatch.setattr(
        MultitaskModel, "judge", lambda self, some, found: read.extend(some) or judge(self, some, found)
    )
    cascaded = detector.evaluate(all_prepared, encoder)  # type: ignore[arg-type]
    assert read == [texts[1]]
    monkeypatch.setattr(detector._blend, "clear_below", -np.inf)
    whole = detector.evaluate(all_prepared, encoder)  # type: ignore[arg-type]
    assert read[1:] == texts
    assert cascaded[1] == whole[1]
    for one, other in zip(cascaded, whole, strict=True):
        assert one.scored_fraction == other.scored_fraction == 1
        assert one.scores == pytest.approx(other.scores, abs=0.05)
