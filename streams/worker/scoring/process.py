"""The scoring process: decode, shed, redact, enrich, score. It reads what apps send: it may hang or die, and be killed.

It gets jobs through a pipe and answers each. It has no connection to Kafka or ClickHouse, and ends with the worker.
"""

from __future__ import annotations

import ctypes
import faulthandler
import logging
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection

from threadpoolctl import threadpool_info, threadpool_limits

from watchline.schemas.codec import Registry
from watchline.schemas.errors import FatalError, PoisonError, WatchlineError, where
from watchline.streams.child import killed_with_parent
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.kafka import schema_registry
from watchline.streams.messages import Message
from watchline.streams.settings import Settings
from watchline.streams.worker import feedback
from watchline.streams.worker.process import collect_seldom, configure_logging
from watchline.streams.worker.scoring.part import Part, ScoredPart, letters, result
from watchline.streams.worker.stages.publish import finding_records, severe_findings

SHOW_STACKS = signal.SIGUSR1
OUT_OF_MEMORY = 4  # the exit code
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


@dataclass(frozen=True, slots=True)
class Job:
    """What the scoring process is asked for.

    Parameters
    ----------
    messages : sequence of Message
        Of the raw topic or of the feedback topic. Never empty.
    indices : range, optional
        Of a single message, the events that are meant. None: all.
    error : PoisonError, optional
        The events are not scored, but become dead letters for this reason.
    feedback : bool
        Whether the messages are feedback.
    """

    messages: Sequence[Message]
    indices: range | None = None
    error: PoisonError | None = None
    feedback: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """Said once: the models are loaded. `planned` are the detectors with their versions."""

    planned: Mapping[str, str]


class Waiting:
    """Said now and then while the process waits for the schema registry, which is no fault of what it reads."""


Redacted = tuple[list[feedback.ReceivedFeedback], list[DeadLetter]]
Answer = Ready | Waiting | ScoredPart | Redacted | Exception


def run(connection: Connection, settings: Settings) -> None:
    """Loads the models and does jobs until the other end of the pipe is closed."""
    killed_with_parent()
    if (parent := parent_process()) is not None and not parent.is_alive():
        return  # before the kernel could see to it
    faulthandler.register(SHOW_STACKS, all_threads=True)  # without the interpreter lock, which may be held for good
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # for the worker, which finishes what it has begun
    configure_logging(settings)
    keep_freed_memory()
    try:
        jobs = Jobs(settings, waiting=lambda: connection.send(Waiting()))
    except Exception as error:
        _end_if_out_of_memory(error)
        connection.send(_told(error))
        return
    collect_seldom()
    connection.send(Ready(jobs.planned))
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        answer: Answer
        try:
            answer = jobs.do(job)
        except Exception as error:
            _end_if_out_of_memory(error)
            answer = _told(error)
        connection.send(answer)


class Jobs:
    """Does jobs: the stages of scoring, and what they hold. `waiting` is told of waits for the schema registry."""

    def __init__(self, settings: Settings, waiting: Callable[[], None]) -> None:
        # Imported late: torch takes seconds, and the worker, which imports this module, does without it.
        from watchline.detectors import registry as detectors
        from watchline.detectors.pii.redactor import Redactor
        from watchline.detectors.scorer import Scorer
        from watchline.streams.worker.prices import Prices
        from watchline.streams.worker.stages.decode import Decode
        from watchline.streams.worker.stages.enrich import Enrich
        from watchline.streams.worker.stages.redact import Redact
        from watchline.streams.worker.stages.score import Score
        from watchline.streams.worker.stages.shed import Shed

        self._registry: Registry | None = schema_registry.connect(
            settings.schema_registry, settings.topic_prefix, timeout_s=settings.store_timeout_s
        )
        if self._registry is not None:
            self._registry.failed = waiting
        self._scorer = Scorer(
            detectors.load(
                settings.detectors, settings.models, device=settings.encoder_device, thresholds=settings.thresholds
            ),
            device=settings.encoder_device,
            thresholds=settings.thresholds,
        )
        self._redactor = Redactor(
            enabled=settings.redaction,
            pseudonym_key=settings.pseudonym_key.get_secret_value(),
            device=self._scorer.device,
            no_names=settings.no_names,
            policy=settings.policy(),
        )
        self._worker = settings.group_instance_id
        self._decode = Decode(self._registry)
        self._stages = (
            self._decode,
            Shed(settings.budgets(share=1 / settings.scorers)),
            Redact(self._redactor),
            Enrich(Prices(settings.prices)),
            Score(self._scorer, batch_size=settings.batch_size, shed_after_s=settings.shed_after_s),
        )
        share_threads(settings.scorers)

    @property
    def planned(self) -> Mapping[str, str]:
        """The planned detectors, with their versions."""
        return self._scorer.planned

    def do(self, job: Job) -> ScoredPart | Redacted:
        """The answer to a job."""
        if job.feedback:
            return feedback.unpack(job.messages, self._redactor, self._registry)
        part = Part(job.messages, job.indices)
        if job.error is not None:
            return letters(self._decode.run(part), job.error)
        return self._scored(part)

    def _scored(self, part: Part) -> ScoredPart:
        seconds: dict[str, float] = {}
        known = Counter(self._scorer.cache_lookups)
        for stage in self._stages:
            started = time.monotonic()
            part = stage.run(part)
            seconds[stage.name] = time.monotonic() - started
        lookups = Counter(self._scorer.cache_lookups)
        lookups.subtract(known)
        # What is over budget has lost the lengths that the monitors compare; the events within stand for it.
        records = finding_records([event for event in part.scored if not event.origin.over_budget], self._registry)
        severe = severe_findings(part.scored, self._scorer.thresholds)
        return result(part, records, worker=self._worker, stages=seconds, lookups=lookups, severe=severe)


def share_threads(scorers: int) -> None:
    """Leaves as many processes their part of the machine's cores: torch's threads, and those of numpy's BLAS."""
    if scorers == 1:
        return
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]  # torch has OpenMP's
    threadpool_limits({pool["prefix"]: max(1, pool["num_threads"] // scorers) for pool in pools})
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(max(1, torch.get_num_threads() // scorers))


def keep_freed_memory() -> None:
    """Has glibc keep up to 256 MiB of what is freed for the next arrays.

    The kernel clears every page that it gives: with glibc's defaults, at each array of a network's layer, that is a
    third of redaction's time. Elsewhere than with glibc nothing changes.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most that it takes
        libc.mallopt(M_TRIM_THRESHOLD, 256 << 20)


def _end_if_out_of_memory(error: Exception) -> None:
    """Ends the process where memory lacks, its own or a GPU's: a fresh one has what this one may have kept.

    What needs more than there is ends that one too, and is found as what kills is.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, which may not be loaded
        os._exit(OUT_OF_MEMORY)


def _told(error: Exception) -> Exception:
    """The error as the worker may have it: others than ours may quote an event, or be no use to it."""
    if isinstance(error, WatchlineError):
        return error
    stack = "".join(traceback.format_tb(error.__traceback__))  # without the message
    logging.getLogger(__name__).error("%s in the scoring process:\n%s", type(error).__name__, stack)
    return FatalError(f"the scoring process failed: {where(error)}")
