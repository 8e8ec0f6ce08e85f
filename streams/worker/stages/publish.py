"""Stored events as records of the findings topic, for the monitors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Container, Iterator, Sequence
from dataclasses import replace

from watchline.detectors.declarations import NOT_SUPPORTED
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.codec import Registry, decode, encode
from watchline.schemas.properties import is_withheld
from watchline.schemas.records import Finding, FindingBatch, ScoredInteraction
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.clickhouse.tables import Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.kafka import replay, topics
from watchline.streams.messages import Message, Record, ScoredEvent
from watchline.streams.monitor.event_order import state_key
from watchline.streams.severe import Severe, short, utc
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.scoring.part import Place
from watchline.streams.worker.stages.stage import LoopStage

log = logging.getLogger(__name__)


def finding_batches(scored: Sequence[ScoredEvent]) -> list[FindingBatch]:
    """What the monitors get: one batch for each app, environment and prompt name, items in the raw topic's order."""
    groups: dict[tuple[str, str, str | None], list[ScoredInteraction]] = {}
    for item in scored:
        interaction = item.scored.interaction
        key = (interaction.app, interaction.environment, interaction.prompt_name)
        groups.setdefault(key, []).append(_scored_interaction(item))
    return [
        FindingBatch(app=app, environment=environment, prompt_name=prompt_name, items=tuple(items))
        for (app, environment, prompt_name), items in groups.items()
    ]


def encode_within(batch: FindingBatch, max_bytes: int, registry: Registry | None = None) -> Iterator[bytes]:
    """The batch as Kafka takes it: halved until each part fits. An item that is too large by itself is left out.

    Its row is stored all the same. Kafka would refuse the record, which ends the worker at every start again.
    """
    data = encode(batch, registry)
    if len(data) <= max_bytes:
        yield data
        return
    if len(batch.items) == 1:
        log.warning("an event's findings are larger than Kafka takes: the monitors don't get them")
        return
    middle = len(batch.items) // 2
    for items in (batch.items[:middle], batch.items[middle:]):
        yield from encode_within(replace(batch, items=items), max_bytes, registry)


def _scored_interaction(item: ScoredEvent) -> ScoredInteraction:
    interaction, origin = item.scored.interaction, item.origin
    return ScoredInteraction(
        event_id=interaction.event_id,
        time=interaction.time,
        prompt_version=interaction.prompt_version,
        prompt_hash=interaction.prompt_hash,
        model=interaction.model,
        tenant=interaction.tenant,
        system_fingerprint=interaction.system_fingerprint,
        document_set=interaction.document_set,
        language=_language(item.scored.findings),
        latency_s=None if interaction.cancelled or interaction.error_type else interaction.latency_s,
        time_to_first_chunk_s=interaction.time_to_first_chunk_s,
        cost=interaction.cost,
        input_tokens=interaction.input_tokens,
        output_tokens=interaction.output_tokens,
        input_length=len(interaction.input),
        output_length=len(interaction.output),
        error=interaction.error_type is not None,
        prompt_embedding=tuple(map(float, item.scored.prompt_embedding)),
        findings=item.scored.findings,
        raw_topic_id=origin.topic_id,
        raw_partition=origin.partition,
        raw_offset=origin.offset,
        raw_index=origin.index,
        raw_time=origin.time,
        source=interaction.source,
        is_step=interaction.is_step,
        cancelled=interaction.cancelled,
        refused=_refused(interaction),
    )


def _language(findings: Sequence[Finding]) -> str | None:
    """The language of an event's text where a detector says that it can't read it, which costs nothing to know."""
    for finding in findings:
        reason, _, code = (finding.reason or "").partition(": ")
        if reason == NOT_SUPPORTED:
            return code
    return None


def _refused(interaction: RedactedInteraction) -> bool | None:
    """Whether there is no answer for what it would say; None where there is none for another reason."""
    if any(map(is_withheld, interaction.finish_reasons)):
        return True
    if interaction.is_step or interaction.error_type or not interaction.output.strip():
        return None
    from watchline.detectors.grounding.claims import is_refusal  # the scoring process has it; the worker does without

    return is_refusal(interaction.output)


class Publish(LoopStage[Batch]):
    """Sends severe findings and dead letters to their topics and findings to the monitors; notes what became of letters
    sent back.

    Parameters
    ----------
    send : async callable
        Takes records of the findings topic; returns when the broker has them.
    dead_letters : async callable
        Takes dead letters; returns when topic and table have them.
    write : async callable
        Takes a table of our own making; returns when it is stored.
    alert : async callable
        Takes records of the topic of alerts; returns when the broker has them.
    done : callable
        Takes messages of the raw topic whose findings are published.
    registry : Registry or None
        Whose framing the findings have.
    """

    name = "publish"

    def __init__(
        self,
        send: Callable[[Sequence[Record]], Awaitable[object]],
        dead_letters: Callable[[Sequence[DeadLetter]], Awaitable[None]],
        write: Callable[[Table], Awaitable[None]],
        alert: Callable[[Sequence[Record]], Awaitable[object]],
        done: Callable[[Sequence[Message]], None],
        registry: Registry | None = None,
    ) -> None:
        self._send = send
        self._dead_letters = dead_letters
        self._write = write
        self._alert = alert
        self._done = done
        self._registry = registry

    async def run(self, batch: Batch, /) -> Batch:
        left_out = batch.left_out
        severe = [each for place, each in batch.scored.severe if place not in left_out]
        if severe:  # first: somebody waits for them
            await self._alert([Record(each.encoded, (short(each.app) or "").encode()) for each in severe])
        await self._dead_letters(batch.dead_letters)
        apps = batch.scored.apps
        messages = [(message, len(apps[message.partition, message.offset])) for message in batch.messages]
        await self._write(replay.table(messages, batch.dead_letters))
        records = batch.scored.records
        await self._send(without(records, left_out, self._registry) if left_out else records)
        self._done(batch.messages)
        return batch


def without(records: Sequence[Record], refused: Container[Place], registry: Registry | None = None) -> Sequence[Record]:
    """The records of the findings topic less the items of these events."""
    left = []
    for record in records:
        findings = decode(record.value, FindingBatch, registry)
        items = tuple(
            item for item in findings.items if (item.raw_partition, item.raw_offset, item.raw_index) not in refused
        )
        if items:
            left.append(replace(record, value=encode(replace(findings, items=items), registry)))
    return left


def finding_records(scored: Sequence[ScoredEvent], registry: Registry | None = None) -> list[Record]:
    """Scored events as records of the findings topic; events of one prompt go to one partition, in order."""
    return [
        Record(data, key)
        for findings in finding_batches(scored)
        for key in [state_key(findings)]
        for data in encode_within(findings, topics.MAX_RECORD_BYTES - len(key), registry)
    ]


def severe_findings(scored: Sequence[ScoredEvent], thresholds: Thresholds) -> list[tuple[Place, Severe]]:
    """The severe findings of production's events, a label each, with the places of their events."""
    return [
        ((item.origin.partition, item.origin.offset, item.origin.index), _severe(item, finding, label))
        for item in scored
        if item.scored.interaction.source == "production"
        for finding in item.scored.findings
        if finding.alert
        for label in thresholds.severe(finding.detector, finding.scores)
    ]


def _severe(item: ScoredEvent, finding: Finding, label: str) -> Severe:
    interaction = item.scored.interaction
    return Severe(
        event_id=interaction.event_id,
        app=short(interaction.app) or "",
        environment=short(interaction.environment) or "",
        detector=finding.detector,
        detector_version=finding.detector_version,
        label=label,
        score=round(float(finding.scores[label]), 6),
        time=utc(interaction.time),
        prompt_name=short(interaction.prompt_name),
        prompt_version=short(interaction.prompt_version),
        model=short(interaction.model),
    )
