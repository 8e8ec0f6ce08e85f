"""Scored events and reports of drops into ClickHouse; what it will never take becomes a dead letter.

What was erased, and comes again, is not stored: it is counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from watchline.schemas.errors import FatalError, Kind, PoisonError
from watchline.streams.clickhouse.sink import Rejected
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.kafka.tombstones import Tombstones
from watchline.streams.messages import Message
from watchline.streams.worker import ledger, offset_gaps
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.scoring.part import Place, ScoredPart
from watchline.streams.worker.stages.stage import Stage

log = logging.getLogger(__name__)
Write = Callable[[Table], list[Rejected]]


def store(scored: ScoredPart, write: Write, erased: Collection[Place] = ()) -> dict[Place, PoisonError]:
    """Writes findings, then interactions: whoever sees an interaction sees its findings. Then reports of drops.

    Nothing of the events that were `erased`. Returns the events and reports that ClickHouse will never take a row of,
    and why.
    """
    rows = scored.interactions.rows
    gone = {index for index, place in enumerate(scored.places) if place in erased}
    findings = [index for index, owner in enumerate(scored.owners) if owner not in gone]
    rejections = write(replace(scored.findings, rows=[scored.findings.rows[index] for index in findings]))
    refused = {scored.owners[findings[rejected.index]]: rejected.reason for rejected in rejections}
    kept = [index for index in range(len(rows)) if index not in refused and index not in gone]
    for rejected in write(replace(scored.interactions, rows=[rows[index] for index in kept])):
        refused[kept[rejected.index]] = rejected.reason
    errors = {scored.places[index]: refusal(reason) for index, reason in sorted(refused.items())}
    for rejected in write(scored.reports):
        errors[scored.report_places[rejected.index]] = refusal(rejected.reason)
    return errors


def erased_events(scored: ScoredPart, tombstones: Tombstones) -> tuple[dict[Place, str], Table]:
    """The events that were erased, each with its erasure, and the rows of `erased` that count them."""
    columns = scored.interactions.columns
    app, environment, time, tenant, event, subject, conversation, producer, sequence = (
        columns.index(name)
        for name in (
            "app", "environment", "time", "tenant", "event_id", "subject", "conversation_id", "producer_id",
            "producer_sequence",
        )
    )  # fmt: skip
    found: dict[Place, str] = {}
    rows = []
    for place, (values, key, moment) in zip(scored.places, scored.interactions.rows, strict=True):
        ids = {"subject": subject, "tenant": tenant, "event": event, "conversation": conversation}
        texts = {kind: str(values[column] or "") for kind, column in ids.items()}
        if erasure := tombstones.erasure_of(values[app], texts):
            found[place] = erasure
            shown = "" if tombstones.erasure_of(values[app], {"tenant": texts["tenant"]}) else texts["tenant"]
            numbers = values[producer], values[sequence], erasure
            row = ["interactions", values[event], values[time], values[app], values[environment], shown, *numbers]
            rows.append(Row(row, f"{key}/{erasure}", moment))
    return found, Table.of("erased", rows)


def refusal(reason: str) -> PoisonError:
    """What becomes of an event whose row ClickHouse refuses for this reason."""
    return PoisonError(Kind.REFUSED, f"row refused: {reason}")


class Store(Stage[Batch]):
    """Writes the scored events, the reports of drops, the canaries and the gaps before the messages; then the ledger.

    The ledger comes last: what it says is stored.

    Parameters
    ----------
    write : callable
        `Sink.write`.
    letters : callable
        Makes dead letters of what ClickHouse refuses: what the app sent is no longer at hand here.
    tombstones : Tombstones
        What was erased. Where they can't be read, nothing is stored.
    """

    name = "store"

    def __init__(
        self,
        write: Write,
        letters: Callable[[Sequence[Message], Mapping[Place, PoisonError]], list[DeadLetter]],
        tombstones: Tombstones,
    ) -> None:
        self._write = write
        self._letters = letters
        self._tombstones = tombstones

    def run(self, batch: Batch, /) -> Batch:
        self._tombstones.refresh()
        erased, counted = erased_events(batch.scored, self._tombstones)
        write_all(counted, self._write)
        refused = store(batch.scored, self._write, erased)
        letters = self._letters(batch.messages, refused) if refused else []
        write_all(batch.scored.canaries, self._write)
        write_all(offset_gaps.table(batch.gaps), self._write)
        write_all(ledger.table(batch.messages, batch.scored, refused, erased), self._write)
        if self._tombstones.refresh():  # while it was being written: whoever erases may have looked before
            late, hidden = erased_events(batch.scored, self._tombstones)
            if late.keys() - erased.keys():
                write_all(hidden, self._write)
                log.warning("hidden, and not deleted yet: `watchline erase resume %s`", next(iter(late.values())))
        return replace(batch, refused=refused, erased=erased, dead_letters=[*batch.scored.dead_letters, *letters])


def write_all(table: Table, write: Write) -> None:
    """Writes rows of our own making. Raises FatalError where ClickHouse refuses one."""
    if table.rows and (refused := write(table)):
        raise FatalError(f"ClickHouse refuses {len(refused)} rows of {table.name}: {refused[0].reason}")
