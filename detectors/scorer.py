"""A batch of redacted interactions to findings: embed the texts of all detectors in one pass, judge, decide.

No interaction can spoil another's result: what fails on a batch is tried again one by one.
"""

from __future__ import annotations

import logging
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable, Vectors
from watchline.detectors.pii.redaction import Redacted
from watchline.detectors.runtime.plan import Passes, Plan, Share
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.errors import raise_if_out_of_memory, where
from watchline.schemas.records import Finding
from watchline.schemas.texts import RedactedInteraction

if TYPE_CHECKING:  # loads torch, which a scorer without detectors does without
    from watchline.detectors.runtime.encoder import Encoder

log = logging.getLogger(__name__)

OVERLOAD, BUDGET = "overload", "budget"  # why a finding is shed: no time for it, or its app has had enough
MAX_SPANS = 1_000  # of a finding: a text full of addresses would make one that Kafka refuses
NONE_SHED: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Scored:
    """An interaction as it is stored, and what the detectors say of it: one finding for each that was planned.

    `prompt_embedding` is that of its input; empty where there is no input or no detector needs the encoder.
    """

    interaction: RedactedInteraction
    findings: tuple[Finding, ...]
    planned: Mapping[str, str]
    redactions: Mapping[str, int]
    prompt_embedding: Vectors


class InvalidScoreError(ValueError):
    """A detector gave other labels than its own, or a score that is no probability."""


@dataclass(slots=True)
class _Draft:
    """An interaction on its way, with what each detector made of it; a detector that it was shed for makes nothing."""

    interaction: RedactedInteraction
    redactions: Mapping[str, int]
    shed: str | None
    results: dict[str, Evaluation | NotApplicable | Exception]
    prepared: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, Sequence[str]] = field(default_factory=dict)


class Scorer:
    """Runs the planned detectors over batches. Not for two threads at once.

    Parameters
    ----------
    detectors
        Those planned for every interaction; see `registry.load`.
    device
        Of the encoder; by default CUDA where there is one.
    thresholds
        A file whose sections replace shipped operating points.

    Attributes
    ----------
    planned : mapping of str to str
        Detector names to versions.
    thresholds : Thresholds
        The operating points in force.
    device : str
        What the encoder runs on; `cpu` where no detector needs it.

    Raises
    ------
    ConfigurationError
        The file of thresholds is missing or wrong, or has no operating point for a label of a detector.

    Examples
    --------
    >>> from watchline.detectors.pii.redactor import Redactor
    >>> from watchline.detectors.registry import load
    >>> from watchline.schemas.records import Interaction, Message
    >>> answer = Message("assistant", "Ask jane@example.com.")
    >>> event = Interaction(event_id="1", time=0, app="shop", output_messages=(answer,))
    >>> (scored,) = Scorer(load(["pii"])).score(Redactor().redact([event]))
    >>> scored.interaction.output, scored.findings[0].flagged
    ('Ask [EMAIL_ADDRESS_1].', True)
    """

    def __init__(
        self,
        detectors: Sequence[Detector[Any]] = (),
        *,
        device: str | None = None,
        thresholds: Path | str | None = None,
    ) -> None:
        self.planned: Mapping[str, str] = {detector.name: detector.version for detector in detectors}
        self.thresholds = Thresholds(thresholds)
        for detector in detectors:
            for label in detector.labels:
                self.thresholds.of(detector.name, label)  # a missing section is found now, not at the first event
        self._detectors = detectors
        self._encoder = _encoder(device) if any(detector.on_device for detector in detectors) else None
        self.device = self._encoder.device if self._encoder else "cpu"
        self._devices = {detector.name: self.device if detector.on_device else "cpu" for detector in detectors}

    @property
    def cache_lookups(self) -> Mapping[str, int]:
        """Of the encoder since it was loaded: distinct texts that were known (`hit`) and that weren't (`miss`)."""
        if self._encoder is None:
            return {}
        return {"hit": self._encoder.cache_hits, "miss": self._encoder.cache_misses}

    def score(self, redacted: Sequence[Redacted], *, shed: Mapping[int, str] = NONE_SHED) -> list[Scored]:
        """Judges a batch with every planned detector.

        Parameters
        ----------
        redacted
            What the redactor made of the interactions. Where it reports what a detector judges, the report is that
            detector's finding.
        shed
            Interactions that no detector judges, by index, and why: `OVERLOAD` or `BUDGET`.

        Returns
        -------
        list of Scored
            One for each interaction, in order. A detector that fails on one gives it a finding that says so.
        """
        drafts, embeddings, seconds = self._run(redacted, shed)
        batch_size = sum(draft.shed is None for draft in drafts)
        return [self._scored(draft, embeddings, seconds, batch_size) for draft in drafts]

    def explain(self, redacted: Sequence[Redacted]) -> Plan:
        """Scores a batch, and says how: what each detector read, which texts they shared, and how long it took."""
        models, known = {name: replace(passes) for name, passes in self._passes().items()}, dict(self.cache_lookups)
        drafts, _, seconds = self._run(redacted)
        asked = {name: {text for draft in drafts for text in draft.texts.get(name, ())} for name in self.planned}
        wanted_by = Counter(chain.from_iterable(asked.values()))
        lookups = {name: count - known[name] for name, count in self.cache_lookups.items()}
        return Plan(
            events=len(drafts),
            device=self.device,
            detectors={
                name: _share(
                    version,
                    [draft.results[name] for draft in drafts],
                    texts=len(asked[name]),
                    shared=sum(wanted_by[text] > 1 for text in asked[name]),
                    seconds=seconds[name],
                )
                for name, version in self.planned.items()
            },
            models={name: passes - models.get(name, Passes()) for name, passes in self._passes().items()},
            texts=sum(lookups.values()),
            known=lookups.get("hit", 0),
        )

    def _run(
        self, redacted: Sequence[Redacted], shed: Mapping[int, str] = NONE_SHED
    ) -> tuple[Sequence[_Draft], Embeddings | None, Mapping[str, float]]:
        """The drafts with all that the detectors say, the embeddings, and the seconds that each detector took."""
        seconds: dict[str, float] = defaultdict(float)
        for redaction in redacted:
            for name in redaction.reports:
                seconds[name] += redaction.seconds
        all_drafts = [
            _Draft(redaction.interaction, redaction.counts, shed.get(index), dict(redaction.reports))
            for index, redaction in enumerate(redacted)
        ]
        drafts = [draft for draft in all_drafts if draft.shed is None]
        for detector in self._detectors:
            with _timed(seconds, detector.name):
                _prepare(detector, drafts)
        embeddings = self._embed(drafts, seconds)
        for detector in self._detectors:
            with _timed(seconds, detector.name):
                _evaluate(detector, drafts, embeddings)
        return all_drafts, embeddings, seconds

    def _passes(self) -> Mapping[str, Passes]:
        passes = dict(self._encoder.passes) if self._encoder else {}
        for detector in self._detectors:
            passes |= detector.passes
        return passes

    def _embed(self, drafts: Sequence[_Draft], seconds: dict[str, float]) -> Embeddings | None:
        """Embeds what the detectors asked for and every input; the time is shared out by texts asked for."""
        if self._encoder is None:
            return None
        from watchline.detectors.runtime.encoder import Embedded

        asked = {
            detector.name: [text for draft in drafts for text in draft.texts.get(detector.name, ())]
            for detector in self._detectors
        }
        start = perf_counter()
        embedded = Embedded(
            self._encoder, [*chain.from_iterable(asked.values()), *(draft.interaction.input for draft in drafts)]
        )
        per_text = (perf_counter() - start) / max(sum(map(len, asked.values())), 1)
        for name, wanted in asked.items():
            seconds[name] += per_text * len(wanted)
        return embedded

    def _scored(
        self, draft: _Draft, embeddings: Embeddings | None, seconds: Mapping[str, float], batch_size: int
    ) -> Scored:
        prompt = "" if draft.shed else draft.interaction.input
        return Scored(
            interaction=draft.interaction,
            findings=tuple(self._finding(draft, name, seconds[name], batch_size) for name in self.planned),
            planned=self.planned,
            redactions=draft.redactions,
            prompt_embedding=embeddings[[prompt]][0] if embeddings and prompt else np.empty(0, np.float32),
        )

    def _finding(self, draft: _Draft, name: str, seconds: float, batch_size: int) -> Finding:
        common: dict[str, Any] = {
            "event_id": draft.interaction.event_id,
            "detector": name,
            "detector_version": self.planned[name],
            "calibration_version": self.thresholds.version,
            "duration_us": round(seconds / max(batch_size, 1) * 1e6),
            "batch_size": batch_size,
            "device": self._devices[name],
        }
        match draft.results.get(name):
            case None:
                shed = {**common, "duration_us": 0, "batch_size": 0}
                return Finding(decision="shed", reason=draft.shed, scored_fraction=0.0, **shed)
            case NotApplicable(reason):
                return Finding(decision="not_applicable", reason=reason, scored_fraction=0.0, **common)
            case Evaluation(scores, spans, evidence, scored_fraction):
                verdict = self.thresholds.judge(name, scores)
                return Finding(
                    decision="evaluated",
                    scores=scores,
                    score=verdict.score,
                    threshold=verdict.threshold,
                    alert_threshold=verdict.alert_threshold,
                    flagged=verdict.flagged,
                    alert=verdict.alert,
                    severity=verdict.severity,
                    spans=spans[:MAX_SPANS],
                    evidence=tuple(each for each in evidence if each.span < MAX_SPANS),
                    scored_fraction=scored_fraction,
                    **common,
                )
            case error:
                return Finding(decision="failed", reason=type(error).__name__, scored_fraction=0.0, **common)


def _share(
    version: str, results: Sequence[Evaluation | NotApplicable | Exception], *, texts: int, shared: int, seconds: float
) -> Share:
    reasons = Counter(result.reason for result in results if isinstance(result, NotApplicable))
    evaluated = sum(isinstance(result, Evaluation) for result in results)
    failed = len(results) - evaluated - reasons.total()
    return Share(version, evaluated, dict(reasons.most_common()), failed, texts, shared, seconds)


def _prepare(detector: Detector[Any], drafts: Sequence[_Draft]) -> None:
    for draft in drafts:
        if detector.name in draft.results:
            continue
        try:
            prepared = detector.prepare(draft.interaction)
            if isinstance(prepared, NotApplicable):
                draft.results[detector.name] = prepared
            else:
                draft.texts[detector.name] = detector.texts(prepared)
                draft.prepared[detector.name] = prepared
        except Exception as error:
            raise_if_out_of_memory(error)
            _fail(detector, draft, error)


def _evaluate(detector: Detector[Any], drafts: Sequence[_Draft], embeddings: Embeddings | None) -> None:
    pending = [draft for draft in drafts if detector.name in draft.prepared]
    if not pending:
        return
    try:
        # There are none only where no detector asks for any.
        prepared = [draft.prepared[detector.name] for draft in pending]
        evaluations = detector.evaluate(prepared, cast(Embeddings, embeddings))
        pairs = list(zip(pending, evaluations, strict=True))
    except Exception as error:
        raise_if_out_of_memory(error)
        if len(pending) == 1:
            _fail(detector, pending[0], error)
        else:
            for draft in pending:
                _evaluate(detector, [draft], embeddings)
        return
    for draft, evaluation in pairs:
        try:
            draft.results[detector.name] = _checked(detector, evaluation)
        except InvalidScoreError as error:
            _fail(detector, draft, error)


def _checked(detector: Detector[Any], evaluation: Evaluation) -> Evaluation:
    scores = {label: float(score) for label, score in evaluation.scores.items()}
    if scores.keys() != set(detector.labels) or not all(0 <= score <= 1 for score in scores.values()):
        raise InvalidScoreError
    if not math.isfinite(evaluation.scored_fraction):
        raise InvalidScoreError
    return Evaluation(scores, evaluation.spans, evaluation.evidence, float(evaluation.scored_fraction))


def _fail(detector: Detector[Any], draft: _Draft, error: Exception) -> None:
    draft.results[detector.name] = error
    log.warning("%s failed: %s", detector.name, where(error))


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = perf_counter()
    yield
    seconds[name] += perf_counter() - start


def _encoder(device: str | None) -> Encoder:
    from watchline.detectors.runtime.encoder import Encoder

    return Encoder(device)
