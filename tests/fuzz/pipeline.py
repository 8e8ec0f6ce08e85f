"""Payloads through a worker's agent in process, and what became of each, read back from ClickHouse.

Only Kafka is a stand-in: a member that keeps what is sent, and messages that take acknowledgements.
Everything else is the worker's own, on chDB. Bytes are read a second time by fastavro alone, so that an event that the
worker's decoder leaves out is missed.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from fastavro import schemaless_reader, schemaless_writer

from tests.fuzz.payloads import RECEIVED
from watchline.schemas import codec
from watchline.schemas.columns import INTERACTION
from watchline.schemas.identifiers import is_identifier
from watchline.schemas.migrate import migrate
from watchline.schemas.records import FindingBatch, RawProgress
from watchline.schemas.validation import DAY, YEAR_2000
from watchline.streams.clickhouse.connect import connect
from watchline.streams.dead_letters import WHOLE_MESSAGE
from watchline.streams.embedded import store
from watchline.streams.health.progress import ConsumerState
from watchline.streams.kafka import topics
from watchline.streams.kafka.tombstones import Tombstones
from watchline.streams.messages import Record
from watchline.streams.monitor import signals
from watchline.streams.monitor.monitor import Monitor
from watchline.streams.monitor.partition import FindingsPartition
from watchline.streams.settings import Settings, load
from watchline.streams.worker.pipeline import Pipeline
from watchline.streams.worker.prices import Prices
from watchline.streams.worker.runner import Runner
from watchline.streams.worker.scoring.process import Job, Jobs
from watchline.streams.worker.scoring.scorers import Scorers

PRICES = Prices()

TABLES = ("interactions", "findings", "dead_letters", "producer_reports", "signals")
Place = tuple[int, int]  # offset and index in the envelope


@dataclass
class Outcome:
    """What became of some payloads; `failures` names the offsets where that isn't what it must be."""

    payloads: int = 0
    stored: int = 0  # events
    stored_payloads: int = 0  # with all their events
    dead: Counter[str] = field(default_factory=Counter)  # by reason, numbers and hexadecimal left out
    crashes: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    slowest_s: float = 0.0  # of the messages that a worker takes at once

    def add(self, other: Outcome) -> None:
        """Takes another one's counts in."""
        self.payloads += other.payloads
        self.stored += other.stored
        self.stored_payloads += other.stored_payloads
        self.dead += other.dead
        self.crashes += other.crashes
        self.failures |= other.failures
        self.slowest_s = max(self.slowest_s, other.slowest_s)

    @property
    def unaccounted(self) -> int:
        """Payloads that didn't crash and yet aren't where they must be."""
        return len(self.failures) - self.crashes


class _Taken:
    """Messages that were read together, acknowledged in order."""

    def __init__(self, payloads: dict[int, bytes]) -> None:
        self.messages = [
            SimpleNamespace(
                topic="fuzz", partition=0, offset=offset, timestamp=RECEIVED / 1e6, value=value, headers=None
            )
            for offset, value in payloads.items()
        ]
        self.acknowledged: list[int] = []

    async def acknowledge(self, count: int) -> None:
        done = len(self.acknowledged)
        self.acknowledged += [message.offset for message in self.messages[done : done + count]]


async def _ids(messages: object) -> dict[str, str]:
    return {"fuzz": "fuzz"}


class _Member:
    """A stand-in for the member of the group: keeps what is sent, by topic."""

    stopping = False

    def __init__(self) -> None:
        self.sent: dict[str, list[Record]] = {}

    def committed(self, partition: tuple[str, int]) -> None:
        return None

    async def skip(self, partition: tuple[str, int], offset: int) -> None:
        raise AssertionError("the offsets follow one another")

    async def begin_anew(self, partition: tuple[str, int]) -> None:
        raise AssertionError("the topic stays the same")

    async def publish(self, topic: str, records: Sequence[Record]) -> int:
        self.sent.setdefault(topic, []).extend(records)
        return 0

    def consumer_state(self, ends: Mapping[tuple[str, int], int]) -> ConsumerState:
        return ConsumerState()


class InProcess(Scorers):
    """Scores in this process: nothing is killed, and a test can plant a fault."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jobs = Jobs(settings, waiting=lambda: None)

    def wait(self) -> Mapping[str, str]:
        return self._jobs.planned

    def end(self) -> None:
        pass

    def _do(self, job: Job, limit_s: float) -> Any:
        return self._jobs.do(job)


class FuzzedWorker:
    """A worker without Kafka, on an embedded store of its own.

    Thorough: texts are searched for personal data and redacted, monitors take the findings, and their signals are
    stored; a fifth as fast. Else what is stored is compared with what came, text by text.
    """

    def __init__(self, folder: Path, *, thorough: bool) -> None:
        self.thorough = thorough
        settings = load(
            data_dir=folder / ("thorough" if thorough else "plain"),
            detectors="pii" if thorough else "",
            redaction=thorough,
            store_timeout_s=5,
            dead_letter_max_consecutive=10**9,
            dead_letter_max_ratio=1,
        )
        self._store = ExitStack()
        self._store.enter_context(store.own(settings))
        with closing(connect(settings, database="")) as client:
            migrate(client, settings.clickhouse_database)
        self._client = connect(settings)
        self._member = _Member()
        self._pipeline = Pipeline(settings, self._member, scorers=InProcess(settings))
        self._pipeline.topics.ids = _ids  # else the broker is asked
        self._pipeline.starts.read = dict  # likewise
        self._pipeline.tombstones = Tombstones()  # nothing was erased
        self._dead_letters, self._findings = (
            name(settings.topic_prefix) for name in (topics.dead_letters, topics.findings)
        )
        self._take = 2 * settings.buffer_messages
        self._loop = asyncio.new_event_loop()

    def run(self, payloads: Sequence[bytes], first_offset: int) -> Outcome:
        """All payloads, as messages from an offset on; the tables are emptied before."""
        for table in TABLES:
            self._client.command(f"TRUNCATE TABLE {table}")
        self._member.sent.clear()
        self._pipeline.gaps.forget({("fuzz", 0)})
        outcome = Outcome(payloads=len(payloads))
        waiting = list(enumerate(payloads, first_offset))
        while waiting:
            taken, waiting = _Taken(dict(waiting[: self._take])), waiting[self._take :]
            started = time.monotonic()
            try:
                self._consume(taken)
            except Exception:
                # One by one, to find whose fault it is.
                for message in taken.messages[len(taken.acknowledged) :]:
                    try:
                        self._consume(_Taken({message.offset: message.value}))
                    except Exception:
                        outcome.crashes += 1
                        outcome.failures[message.offset] = traceback.format_exc()
            outcome.slowest_s = max(outcome.slowest_s, time.monotonic() - started)
        if self.thorough:
            self._watch()
        _Reconciliation(self._client, self._member.sent.get(self._dead_letters, []), self.thorough).add_to(
            outcome, dict(enumerate(payloads, first_offset))
        )
        return outcome

    def close(self) -> None:
        """Ends threads and store."""
        self._pipeline.close()
        self._client.close()
        self._store.close()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _consume(self, taken: _Taken) -> None:
        self._loop.run_until_complete(self._go(taken))
        if taken.acknowledged != [message.offset for message in taken.messages]:
            raise AssertionError("messages are not acknowledged, or not in order")

    async def _go(self, taken: _Taken) -> None:
        pipeline = self._pipeline
        pipeline.runner = Runner(pipeline._steps(), max_bytes=pipeline.settings.batch_bytes)  # one that failed stays so
        try:
            await pipeline.interactions(taken)
        finally:
            await pipeline.runner.drain()

    def _watch(self) -> None:
        """What the agent on the findings topic does with them."""
        unreadable: list[str] = []
        partition = FindingsPartition({}, unreadable.append, lambda what: None)
        for record in self._member.sent.get(self._findings, []):
            partition.take(record.value, RECEIVED, max_decoded_bytes=0)
        all_done = FindingBatch(app="", environment="", items=(), progress=(RawProgress(0, 2 * RECEIVED, 1),))
        partition.take(codec.encode(all_done), 2 * RECEIVED, max_decoded_bytes=0)
        found = partition.look(max_held_bytes=0)
        if partition.order.events:
            raise AssertionError(f"{partition.order.events} events were not looked at")
        if found.signals and self._pipeline.sink.write(signals.table(found.signals)):
            raise AssertionError("ClickHouse refuses a signal")
        for signal in found.signals:
            codec.encode(signal)
        for state in found.states.values():
            Monitor.load(state or b"", unreadable.append)
        if unreadable:
            raise AssertionError(f"a monitor's own state can't be read: {unreadable[0]}")


class _Reconciliation:
    """Holds what was sent against what the views show, by offset and index."""

    def __init__(self, client: Any, dead_letters: Sequence[Record], redacted: bool) -> None:
        self._redacted = redacted
        result = client.query("SELECT *, toUnixTimestamp64Micro(time) AS micros FROM v_interactions")
        found = [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
        self._read: dict[Place, dict[str, Any]] = {(row["raw_offset"], row["raw_index"]): row for row in found}
        self._identities = {(row["micros"] // DAY, row["tenant"], row["app"], row["event_id"]) for row in found}
        self._reports = set(
            client.query("SELECT producer_id, toUnixTimestamp64Micro(time) FROM producer_reports FINAL").result_rows
        )
        self._judged = {row[0] for row in client.query("SELECT event_id FROM v_findings").result_rows}
        self._letters: dict[int, dict[int, str]] = {}
        for offset, index, reason in client.query("SELECT offset, event_index, reason FROM v_dead_letters").result_rows:
            self._letters.setdefault(offset, {})[index] = reason
        self._bytes = {
            (int(record.headers["watchline-offset"]), int(record.headers["watchline-index"])): record.value
            for record in dead_letters
        }

    def add_to(self, outcome: Outcome, payloads: dict[int, bytes]) -> None:
        """Counts, and names each payload that isn't where it must be."""
        for offset, value in payloads.items():
            batch = read_plain(value)
            letters = self._letters.get(offset, {})
            stored = self._stored(offset, batch) if WHOLE_MESSAGE not in letters else set()
            fault = self._fault(offset, value, batch, stored, letters)
            if fault:
                outcome.failures.setdefault(offset, fault)
            outcome.stored += len(stored)
            outcome.stored_payloads += bool(stored) and not letters
            outcome.dead.update(re.sub(r"(?<=fingerprint )[0-9a-f]*|\b\d+", "N", reason) for reason in letters.values())

    def _stored(self, offset: int, batch: dict[str, Any] | None) -> set[int]:
        """The events of a payload that the store has, by themselves or replaced by a later one of the same identity."""
        events = batch["interactions"] if batch else ()
        dead = self._letters.get(offset, {})
        return {
            index
            for index, event in enumerate(events)
            if (offset, index) in self._read
            or (index not in dead and identity(event, self._redacted) in self._identities)
        }

    def _fault(
        self, offset: int, value: bytes, batch: dict[str, Any] | None, stored: set[int], letters: dict[int, str]
    ) -> str | None:
        """What is wrong with where a payload is; None where nothing is."""
        for index in letters:
            if not _is_of(self._bytes.get((offset, index)), value, batch, index):
                return f"the dead letter of event {index} holds other bytes"
        if letters.keys() == {WHOLE_MESSAGE}:
            if any((offset, index) in self._read for index in range(len(batch["interactions"]) if batch else 0)):
                return "a dead letter as a whole, yet events are stored"
            if batch is not None and _is_fine(batch) and _written(batch) == value[10:]:
                return "a valid envelope is a dead letter as a whole"
            return None
        if batch is None or not _is_fine(batch):
            return f"not readable, yet no dead letter as a whole: stored {sorted(stored)}, dead {sorted(letters)}"
        if stored & letters.keys() or stored | letters.keys() != set(range(len(batch["interactions"]))):
            return f"of {len(batch['interactions'])} events stored: {sorted(stored)}, dead: {sorted(letters)}"
        if batch["time"] and (UUID(batch["producer_id"]), stored_time(batch["time"])) not in self._reports:
            return "the report is not stored"
        if not batch["time"] and not batch["interactions"]:
            return "neither events nor a report, and no dead letter"
        for index in stored:
            row = self._read.get((offset, index))
            if row is not None and (wrong := self._differences(row, batch, index)):
                return f"event {index} is stored with another {', '.join(wrong)}"
        return None

    def _differences(self, row: dict[str, Any], batch: dict[str, Any], index: int) -> list[str]:
        """The columns of a row that don't hold what was sent."""
        event = batch["interactions"][index]
        expected: dict[str, Any] = {
            "event_id": UUID(event["event_id"]),
            "micros": stored_time(event["time"]),
            "sent_time": None if stored_time(event["time"]) == event["time"] else event["time"],
            "producer_id": UUID(batch["producer_id"]),
            "producer_sequence": batch["first_sequence"] + index,
            "producer_dropped": max(batch["dropped"], 0),
        }
        if self._redacted:
            if row["event_id"] not in self._judged:
                return ["finding: none"]
        else:
            for column in INTERACTION:
                if column.name not in ("event_id", "time"):
                    text = column.type in ("String", "LowCardinality(String)")
                    expected[column.name] = event[column.name] or "" if text else event[column.name]
            for name in ("input_messages", "output_messages"):
                expected[name] = [(each["role"], each["content"]) for each in event[name]]
            expected["documents"] = [
                (each["content"], each["id"] or "", finite(each["score"])) for each in event["documents"]
            ]
            for name in ("input_parts", "output_parts"):
                expected[name] = [
                    (each["message"], each["type"], each["content"], each["name"] or "", each["id"] or "")
                    for each in event[name]
                    if 0 <= each["message"] < 1 << 32
                ]
            expected["truncated"] = {name: length for name, length in event["truncated"].items() if length >= 0}
            for column in INTERACTION:
                if column.type.startswith("Nullable("):
                    expected[column.name] = finite(event[column.name], least=0)
            for name, digits in (("trace_id", 32), ("span_id", 16), ("prompt_hash", 64)):
                if not re.fullmatch(f"[0-9a-f]{{{digits}}}", expected[name]):
                    expected[name] = ""
            expected["tool_calls"] = [
                (each["name"], each["arguments"], each["result"] or "", each["id"] or "")
                for each in event["tool_calls"]
            ]
            if expected["cost"] is None:  # the worker looks it up
                expected["cost"] = PRICES.cost(SimpleNamespace(**expected))  # type: ignore[arg-type]
        return [name for name, value in expected.items() if _plain(row[name]) != value]


def read_plain(data: bytes) -> dict[str, Any] | None:
    """The envelope as fastavro alone reads it; None where it can't be read or bytes are left."""
    writer = codec._writers("InteractionBatch").get(data[2:10])
    if data[:2] != codec.MAGIC or writer is None:
        return None
    ours = codec.schema("InteractionBatch")
    body = BytesIO(data[10:])
    try:
        found: dict[str, Any] = schemaless_reader(body, writer, None if writer is ours else ours)
    except Exception:  # whatever hostile bytes make it raise
        return None
    return found if body.tell() == len(data) - 10 else None


def identity(event: dict[str, Any], redacted: bool = False) -> tuple[int, str, str, UUID] | None:
    """What ClickHouse knows an event by: of two with the same, it shows one."""
    tenant, app = event["tenant"] or "", event["app"]
    if redacted:
        tenant = tenant if is_identifier(tenant) else ""
        app = app if is_identifier(app, version=True) else ""
    try:
        return stored_time(event["time"]) // DAY, tenant, app, UUID(event["event_id"])
    except ValueError:
        return None


def stored_time(sent: int) -> int:
    """What is stored of a time: Kafka's where it can't be right."""
    return sent if YEAR_2000 <= sent <= RECEIVED + DAY else RECEIVED


def finite(value: float | None, least: float = -math.inf) -> float | None:
    """A number that can be stored; None in place of any other."""
    return value if value is not None and math.isfinite(value) and value >= least else None


def _is_of(letter: bytes | None, value: bytes, batch: dict[str, Any] | None, index: int) -> bool:
    """Whether a dead letter holds the message, or its event in an envelope of its own."""
    if index == WHOLE_MESSAGE or letter is None or batch is None:
        return letter == value
    alone = read_plain(letter)
    return alone is not None and repr(alone["interactions"]) == repr(batch["interactions"][index : index + 1])


def _is_fine(batch: dict[str, Any]) -> bool:
    """Whether the envelope itself is valid, whatever its events are."""
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", batch["producer_id"]):
        return False
    if not 0 <= batch["first_sequence"] < 2**63 - len(batch["interactions"]):
        return False
    if not batch["time"]:
        return bool(batch["interactions"])
    return min(batch["dropped"], batch["feedback_dropped"], *batch["dropped_by"].values()) >= 0


def _written(batch: dict[str, Any]) -> bytes:
    out = BytesIO()
    schemaless_writer(out, codec.schema("InteractionBatch"), batch)
    return out.getvalue()


def _plain(value: Any) -> Any:
    """A column's value with tuples for ClickHouse's named ones."""
    if isinstance(value, list | tuple):
        return [tuple(each.values()) if isinstance(each, dict) else each for each in value]
    return value
