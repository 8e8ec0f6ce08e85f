"""The worker's side of the scoring processes: gives them jobs, kills one that takes too much, finds out what did it.

A batch whose process was killed, or has died twice, is scored in eight parts, the part that kills again in eight, and
so on down to one event. That becomes a dead letter of the kind `killed`, and everything else is scored.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from watchline.schemas.errors import FatalError, Kind, PoisonError
from watchline.streams.child import WaitForProcessor, resident_bytes
from watchline.streams.dead_letters import WHOLE_MESSAGE, DeadLetter
from watchline.streams.messages import Message
from watchline.streams.settings import Settings
from watchline.streams.worker.scoring import process
from watchline.streams.worker.scoring.part import Place, ScoredPart, together
from watchline.streams.worker.scoring.process import Job, Ready, Redacted, Waiting

log = logging.getLogger(__name__)

START_TIMEOUT_S = 300.0  # models load slowly on a machine that is busy
TICK_S = 0.1
STARTS = 5
PARTS = 8
PART_OF_LIMIT = 4  # parts of what was killed get a quarter of the time, but for an event alone
END_TIMEOUT_S = 5.0


class KilledError(Exception):
    """The scoring process is gone. `reason` is `time`, `memory` or `death`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class ScoringProcess:
    """One process. For one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=process.run, args=(theirs, settings), name="scoring", daemon=True)
        self._process.start()
        theirs.close()  # so that its end is seen here
        self.planned: Mapping[str, str] | None = None
        self._idle_bytes = 0

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid

    def wait(self) -> None:
        """Returns when the models are loaded. Raises what kept them from it, KilledError where it died or hangs."""
        if self.planned is not None:
            return
        answer = self._answer(START_TIMEOUT_S)
        assert isinstance(answer, Ready)
        self.planned = answer.planned
        self._idle_bytes = resident_bytes(self.pid)

    def do(self, job: Job, limit_s: float, *, strained: Callable[[], None] = lambda: None) -> Any:
        """Gives a job and returns the answer.

        Parameters
        ----------
        job : Job
        limit_s : float
            Seconds after which the process is killed. A machine that stands still counts as a tick, and what the
            process waits for a processor, because others use them all, doesn't count.
        strained : callable
            Called once when a third of the time is over.

        Raises
        ------
        KilledError
            The process was killed, or has died.
        """
        try:
            self._pipe.send(job)
        except OSError:
            raise self._dead() from None
        return self._answer(limit_s, strained, self._idle_bytes + self._settings.scoring_memory_bytes)

    def show_stacks(self) -> None:
        """Has it write its stacks to the log: files, lines and functions, no values."""
        if self.planned is not None and self._process.is_alive() and self.pid:
            os.kill(self.pid, process.SHOW_STACKS)

    def end(self) -> None:
        """Lets it end, else kills it. Safe to call twice."""
        self._pipe.close()
        self._process.join(END_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """Kills it. Safe to call twice."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._pipe.close()

    def _answer(
        self, limit_s: float, strained: Callable[[], None] = lambda: None, limit_bytes: int | None = None
    ) -> Any:
        """The next answer; raises it where it is an error."""
        used, told, last, waited = 0.0, False, time.monotonic(), WaitForProcessor(self.pid)
        while True:
            try:
                if self._pipe.poll(TICK_S):
                    answer = self._pipe.recv()
                    if isinstance(answer, Waiting):
                        used, last, _ = 0.0, time.monotonic(), waited()
                        continue
                    if isinstance(answer, Exception):
                        raise answer
                    return answer
            except (EOFError, ConnectionError):
                raise self._dead() from None
            now = time.monotonic()
            used, last = used + max(0.0, min(now - last, 2 * TICK_S) - waited()), now
            if used > limit_s:
                self.show_stacks()
                time.sleep(TICK_S)
                self.kill()
                raise KilledError("time", f"over {limit_s:g} s")
            if limit_bytes is not None and (held := resident_bytes(self.pid)) > limit_bytes:
                self.kill()
                raise KilledError("memory", f"{held >> 20} MiB of memory")
            if used > limit_s / 3 and not told:
                told = True
                strained()

    def _dead(self) -> KilledError:
        self.kill()
        code = self._process.exitcode
        why = "it had no memory left" if code == process.OUT_OF_MEMORY else f"it ended with code {code}"
        return KilledError("death", why)


class Scorers:
    """All scoring processes of a worker. Any thread may ask; more than there are processes wait for one another.

    Parameters
    ----------
    settings : Settings
        How many, their limits, their models.
    moved : callable
        Called whenever a part of a batch is done or given up, so that a long search is no standstill.
    died : callable
        Called with the reason for each death.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        moved: Callable[[], None] = lambda: None,
        died: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._settings = settings
        self._moved = moved
        self._died = died
        self._spare: ScoringProcess | None = None
        self._all = [ScoringProcess(settings) for _ in range(settings.scorers)]
        self._free: queue.SimpleQueue[ScoringProcess] = queue.SimpleQueue()
        self._lock = threading.Lock()

    def wait(self) -> Mapping[str, str]:
        """Returns when all are ready: the planned detectors, with their versions. Raises what keeps them from it."""
        try:
            for scoring in self._all:
                scoring.wait()
                self._free.put(scoring)
        except KilledError as error:
            raise FatalError(f"the scoring process did not start: {error}") from None
        planned = self._all[0].planned
        assert planned is not None
        return planned

    def score(self, messages: Sequence[Message], *, apart: bool = False) -> ScoredPart:
        """What becomes of messages of the raw topic; `apart`: of each event by itself."""
        limit_s = self._settings.scoring_timeout_s
        parts = self._one_by_one(messages) if apart else [Job(messages)]
        return together([scored for part in parts for scored in self._scored(part, limit_s)])

    def redact_feedback(self, messages: Sequence[Message]) -> Redacted:
        """What becomes of messages of the feedback topic."""
        answers = [*self._feedback(Job(messages, feedback=True), self._settings.scoring_timeout_s)]
        return [item for received, _ in answers for item in received], [item for _, dead in answers for item in dead]

    def letters(self, messages: Sequence[Message], errors: Mapping[Place, PoisonError]) -> list[DeadLetter]:
        """Events of these messages as dead letters, for these reasons."""
        by_place = {(message.partition, message.offset): message for message in messages}
        letters = []
        for (partition, offset, index), error in errors.items():
            message = by_place[partition, offset]
            if index == WHOLE_MESSAGE:
                letters.append(message.dead_letter(error))
            else:
                letters += self._letter(message, index, error).dead_letters
        return letters

    def show_stacks(self) -> None:
        """Has all of them write their stacks to the log."""
        for scoring in list(self._all):
            scoring.show_stacks()

    def end(self) -> None:
        """Ends all of them."""
        for scoring in (*self._all, *filter(None, [self._spare])):
            scoring.end()

    def _one_by_one(self, messages: Sequence[Message]) -> Iterator[Job]:
        for message in messages:
            decoded = self._decoded(message)
            if decoded is None or not decoded.size:
                yield Job([message])
            else:
                yield from (Job([message], range(index, index + 1)) for index in range(decoded.size))

    def _scored(self, job: Job, limit_s: float) -> Iterator[ScoredPart]:
        try:
            yield self._do(job, limit_s)
            return
        except KilledError as error:
            killed = error
        self._moved()
        message, indices = job.messages[0], job.indices
        if len(job.messages) > 1:
            yield from self._in_parts([replace(job, messages=messages) for messages in _cut(job.messages)])
            return
        if indices is None:
            decoded = self._decoded(message)
            if decoded is None or not decoded.size:
                yield decoded or _whole(message, _killed(killed))
                return
            indices = range(decoded.size)
        if len(indices) == 1 and limit_s == self._settings.scoring_timeout_s:
            yield self._letter(message, indices[0], _killed(killed))
        else:
            yield from self._in_parts([replace(job, indices=part) for part in _cut(indices)])

    def _in_parts(self, parts: Sequence[Job]) -> Iterator[ScoredPart]:
        for part in parts:
            alone = part.indices is not None and len(part.indices) == 1
            yield from self._scored(part, self._settings.scoring_timeout_s / (1 if alone else PART_OF_LIMIT))
            self._moved()

    def _feedback(self, job: Job, limit_s: float) -> Iterator[Redacted]:
        try:
            yield self._do(job, limit_s)
            return
        except KilledError as error:
            killed = error
        self._moved()
        if len(job.messages) == 1:
            yield [], [job.messages[0].dead_letter(_killed(killed))]
            return
        for messages in _cut(job.messages):
            yield from self._feedback(replace(job, messages=messages), limit_s)

    def _decoded(self, message: Message) -> ScoredPart | None:
        """What a message holds beside events, and how many of these; None where decoding it kills."""
        try:
            decoded: ScoredPart = self._do(Job([message], range(0)), self._settings.scoring_timeout_s)
        except KilledError:
            return None
        return decoded

    def _letter(self, message: Message, index: int, error: PoisonError) -> ScoredPart:
        letter: ScoredPart = self._do(Job([message], range(index, index + 1), error), self._settings.scoring_timeout_s)
        return letter

    def _do(self, job: Job, limit_s: float) -> Any:
        """The answer to a job. One whose process dies by itself is given once more, to another."""
        for again in (True, False):
            scoring = self._free.get()
            try:
                return scoring.do(job, limit_s, strained=self._prepare_spare)
            except KilledError as error:
                self._died(error.reason)
                log.error(
                    "a scoring process with %d messages is gone (%s: %s); another goes on", len(job.messages),
                    error.reason, error,
                )  # fmt: skip
                scoring = self._replacement(scoring)
                if not again or error.reason != "death":
                    raise
            finally:
                self._free.put(scoring)
        raise AssertionError

    def _prepare_spare(self) -> None:
        """Starts another process, so that it is ready when the one in trouble is killed."""
        with self._lock:
            self._spare = self._spare or ScoringProcess(self._settings)

    def _replacement(self, gone: ScoringProcess) -> ScoringProcess:
        for _ in range(STARTS):
            with self._lock:
                new, self._spare = self._spare or ScoringProcess(self._settings), None
                self._all[self._all.index(gone)] = new
            try:
                new.wait()
                return new
            except KilledError as error:
                log.error("a scoring process did not start: %s", error)
                gone = new
        raise FatalError(f"{STARTS} scoring processes did not start; is the memory too small for the models?")


def _cut(messages: Sequence[Any]) -> list[Any]:
    """In at most eight parts of about the same length, none of them empty."""
    parts = min(PARTS, len(messages))
    ends = [len(messages) * part // parts for part in range(parts + 1)]
    return [messages[start:end] for start, end in pairwise(ends)]


def _whole(message: Message, error: PoisonError) -> ScoredPart:
    """A message that is a dead letter."""
    apps = {(message.partition, message.offset): {WHOLE_MESSAGE: ""}}
    return ScoredPart(dead_letters=[message.dead_letter(error)], apps=apps)


def _killed(error: KilledError) -> PoisonError:
    return PoisonError(Kind.KILLED, f"scoring it ended the scoring process ({error.reason}: {error})")
