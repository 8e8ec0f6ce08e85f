from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from tests.detectors.redacted import redacted
from watchline.detectors import scorer as scorer_module
from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.redactor import Redactor, unredacted
from watchline.detectors.runtime.encoder import DIMENSIONS
from watchline.detectors.scorer import BUDGET, MAX_SPANS, OVERLOAD, Scorer
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import Document, Interaction, Message, Span
from watchline.schemas.texts import texts

pytestmark = pytest.mark.slow

MAIL = "jane.doe@example.com"


def event(number: int, text: str, **fields: Any) -> Interaction:
    return Interaction(
        event_id=f"0193b6c5-0000-7000-8000-{number:012}",
        time=1,
        app="test",
        input_messages=(Message("user", text),) if text else (),
        **fields,
    )


class Length(Detector[str]):
    """P grows with the length of the input; says what it saw, fails where the input says so."""

    name = "length"
    labels: ClassVar = ("any", "long")
    VERSION = "1"
    seen: list[str]
    batches: list[int]

    def __init__(self) -> None:
        self.seen, self.batches = [], []

    def prepare(self, interaction: Interaction) -> str | NotApplicable:
        if "fail in prepare" in interaction.input:
            raise KeyError(interaction.input)
        return interaction.input or NotApplicable("no text")

    def texts(self, prepared: str) -> Sequence[str]:
        return [prepared]

    def evaluate(self, batch: Sequence[str], embeddings: Embeddings) -> Sequence[Evaluation]:
        self.batches.append(len(batch))
        self.seen += batch
        if any("fail in evaluate" in text for text in batch):
            raise ZeroDivisionError(batch)
        assert embeddings[batch].shape == (len(batch), DIMENSIONS)
        return [self._evaluation(text) for text in batch]

    def _evaluation(self, text: str) -> Evaluation:
        score = float("nan") if "nan" in text else 1.5 if "above" in text else min(len(text) / 100, 1)
        scores = {"any": score} if "label" in text else {"any": score, "long": score / 2}
        return Evaluation(scores, (Span("input:0", 0, 1, "long", score),), scored_fraction=0.5)


class StubEncoder:
    device = "cpu"
    texts: list[str]

    def __init__(self) -> None:
        self.texts = []

    def encode(self, texts: Sequence[str]) -> Any:
        self.texts += texts
        return np.full((len(texts), DIMENSIONS), 0.5, np.float32)


@pytest.fixture
def thresholds(tmp_path: Path) -> Path:
    path = tmp_path / "thresholds.toml"
    path.write_text('version = "test"\n[length.default]\nthreshold = 0.5\n')
    return path


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> StubEncoder:
    stub = StubEncoder()
    monkeypatch.setattr(scorer_module, "_encoder", lambda device: stub)
    return stub


@pytest.fixture(scope="module")
def personal_data() -> PersonalData:
    return PersonalData()


@pytest.fixture(scope="module")
def redactor(personal_data: PersonalData) -> Redactor:
    return Redactor(personal_data)


def test_every_planned_detector_gives_one_finding(
    encoder: StubEncoder, personal_data: PersonalData, redactor: Redactor, thresholds: Path
) -> None:
    length = Length()
    scorer = Scorer([personal_data, length], thresholds=thresholds)
    (result,) = scorer.score(redacted([event(1, f"Write to {MAIL}, please.")], redactor))
    assert result.planned == scorer.planned == {"pii": personal_data.version, "length": length.version}
    assert [finding.detector for finding in result.findings] == ["pii", "length"]
    pii, length_ = result.findings
    assert pii.decision == length_.decision == "evaluated"
    assert pii.scores["EMAIL_ADDRESS"] > 0.9 and pii.scores["PERSON"] == 0
    assert length_.score == length_.scores["any"]
    assert length_.scored_fraction == 0.5
    assert (length_.batch_size, length_.device, pii.event_id) == (1, "cpu", result.interaction.event_id)
    assert length_.duration_us > 0 and pii.duration_us > 0 and pii.device == "cpu"
    assert length_.calibration_version
    assert result.prompt_embedding.shape == (DIMENSIONS,)


def test_what_is_shed_is_redacted_and_not_scored(
    encoder: StubEncoder, personal_data: PersonalData, redactor: Redactor, thresholds: Path
) -> None:
    length = Length()
    scorer = Scorer([personal_data, length], thresholds=thresholds)
    kept, shed = scorer.score(redacted([event(1, "kept"), event(2, f"shed {MAIL}")], redactor), shed={1: OVERLOAD})
    assert [finding.decision for finding in kept.findings] == ["evaluated", "evaluated"]
    assert kept.findings[1].batch_size == 1
    pii, length_ = shed.findings
    assert MAIL not in shed.interaction.input and pii.decision == "evaluated"
    assert (length_.decision, length_.reason, length_.score, length_.duration_us) == ("shed", "overload", None, 0)
    assert length.seen == ["kept"] and set(encoder.texts) == {"kept"}
    assert shed.prompt_embedding.size == 0
    assert shed.planned == kept.planned
    (alone,) = Scorer([length], thresholds=thresholds).score([unredacted(event(3, "all"))], shed={0: BUDGET})
    assert [(finding.decision, finding.reason) for finding in alone.findings] == [("shed", "budget")]


def test_detectors_and_encoder_see_redacted_text_only(
    encoder: StubEncoder, personal_data: PersonalData, redactor: Redactor, thresholds: Path
) -> None:
    length = Length()
    (result,) = Scorer([length, personal_data], thresholds=thresholds).score(
        redacted([event(1, f"I am {MAIL}.", documents=(Document(MAIL),))], redactor)
    )
    assert length.seen == encoder.texts == ["I am [EMAIL_ADDRESS_1]."]
    assert result.redactions == {"EMAIL_ADDRESS": 2}
    assert MAIL not in repr(result)
    fields = dict(texts(result.interaction))
    pii = result.findings[1]
    assert [fields[span.field][span.start : span.end] for span in pii.spans] == ["[EMAIL_ADDRESS_1]"] * 2


def test_redaction_needs_no_planned_detector(redactor: Redactor) -> None:
    (result,) = Scorer([]).score(redacted([event(1, MAIL)], redactor))
    assert (result.interaction.input, result.findings, result.redactions) == (
        "[EMAIL_ADDRESS_1]",
        (),
        {"EMAIL_ADDRESS": 1},
    )
    assert result.prompt_embedding.size == 0


def test_without_redaction_the_finding_is_about_the_text_as_it_is(personal_data: PersonalData) -> None:
    (result,) = Scorer([personal_data]).score([unredacted(event(1, f"I am {MAIL}."))])
    assert result.interaction.input == f"I am {MAIL}."
    (span,) = result.findings[0].spans
    assert (span.start, span.end) == (5, 25)
    assert result.redactions == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fail in prepare", "KeyError"),
        ("fail in evaluate", "ZeroDivisionError"),
        ("nan", "InvalidScoreError"),
        ("above", "InvalidScoreError"),
        ("label", "InvalidScoreError"),
    ],
)
def test_a_failing_event_spoils_no_other(
    encoder: StubEncoder, thresholds: Path, caplog: pytest.LogCaptureFixture, text: str, reason: str
) -> None:
    events = [event(1, "one"), event(2, f"{text}: jane"), event(3, ""), event(4, "four")]
    results = Scorer([Length()], thresholds=thresholds).score(list(map(unredacted, events)))
    findings = [result.findings[0] for result in results]
    assert [finding.decision for finding in findings] == ["evaluated", "failed", "not_applicable", "evaluated"]
    assert [finding.reason for finding in findings] == [None, reason, "no text", None]
    assert findings[1].score is None and not findings[1].scores
    assert "jane" not in caplog.text and reason in caplog.text


def test_a_batch_is_evaluated_at_once_and_texts_embedded_once(encoder: StubEncoder, thresholds: Path) -> None:
    length = Length()
    events = [event(1, "same"), event(2, "same"), event(3, "other")]
    Scorer([length], thresholds=thresholds).score(list(map(unredacted, events)))
    assert length.batches == [3]
    assert sorted(encoder.texts) == ["other", "same"]


def test_a_finding_names_so_many_spans_however_many_there_are(
    redactor: Redactor, personal_data: PersonalData, thresholds: Path
) -> None:
    """A text of one address 37,000 times over made a record that Kafka refuses, and the worker ended."""
    text = " ".join(f"u{number % 7}@example.com" for number in range(MAX_SPANS + 50))
    scorer = Scorer([personal_data], thresholds=thresholds)
    (scored,) = scorer.score(redacted([event(1, text)], redactor))
    assert len(scored.findings[0].spans) == MAX_SPANS
    assert scored.redactions == {"EMAIL_ADDRESS": MAX_SPANS + 50}


def test_no_interactions(encoder: StubEncoder, personal_data: PersonalData, thresholds: Path) -> None:
    assert Scorer([personal_data, Length()], thresholds=thresholds).score([]) == []


def test_verdicts_follow_the_thresholds_file(encoder: StubEncoder, tmp_path: Path) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text(
        'version = "mine"\n[length.any]\nthreshold = 0.2\nalert_threshold = 0.6\nseverity = "high"\n'
        "[length.long]\nthreshold = 0.9\n"
    )
    scorer = Scorer([Length()], thresholds=path)
    results = scorer.score([unredacted(event(1, "x" * length)) for length in (10, 40, 80)])
    findings = [result.findings[0] for result in results]
    assert [(f.flagged, f.alert, f.severity) for f in findings] == [
        (False, False, "none"),
        (True, False, "medium"),
        (True, True, "high"),
    ]
    assert {(f.threshold, f.alert_threshold) for f in findings} == {(0.2, 0.6)}
    assert all(f.calibration_version.startswith("mine-") for f in findings)


@pytest.mark.parametrize("content", ["[length.any]\nthreshold = 2", "[length.any]\nlevel = 1", "not toml", None])
def test_a_wrong_thresholds_file_is_refused_at_the_start(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "thresholds.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="thresholds"):
        Scorer([], thresholds=path)


def test_a_detector_without_operating_point_is_refused_at_the_start(encoder: StubEncoder) -> None:
    with pytest.raises(ConfigurationError, match=r"length\.any"):
        Scorer([Length()])


@pytest.mark.parametrize("enabled", [True, False])
def test_an_interaction_without_any_text_is_not_applicable(personal_data: PersonalData, enabled: bool) -> None:
    redactor = Redactor(personal_data, enabled=enabled)
    (result,) = Scorer([personal_data]).score(redacted([event(1, "")], redactor))
    assert (result.findings[0].decision, result.findings[0].reason) == ("not_applicable", "no text")


def test_without_detectors_and_redaction_nothing_is_loaded() -> None:
    code = (
        "import sys; from watchline.detectors.scorer import Scorer; "
        "from watchline.detectors.pii.redactor import Redactor; Scorer().score(Redactor(enabled=False).redact([]));"
        "print([name for name in ('torch', 'spacy', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_memory_that_lacks_for_one_text_ends_the_worker(
    encoder: StubEncoder, thresholds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mock of CUDA: the encoder has halved the batch down to one text by then (test_encoder.py)."""
    import torch

    def full(texts: Sequence[str]) -> Any:
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(encoder, "encode", full)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        Scorer([Length()], thresholds=thresholds).score([unredacted(event(1, "a")), unredacted(event(2, "b"))])
