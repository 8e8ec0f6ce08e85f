"""Scored events and reports of drops into ClickHouse; what it will never take becomes a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from watchline.schemas.errors import FatalError, Kind, PoisonError
from watchline.streams.clickhouse.sink import Rejected
from watchline.streams.clickhouse.tables import Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import Message
from watchline.streams.worker import ledger, offset_gaps
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.scoring.part import Place, ScoredPart
from watchline.streams.worker.stages.stage import Stage

Write = Callable[[Table], list[Rejected]]


def store(scored: ScoredPart, write: Write) -> dict[Place, PoisonError]:
    """Writes findings, then interactions: whoever sees an interaction sees its findings. Then reports of drops.

    Returns the events and reports that ClickHouse will never take a row of, and why.
    """
    refused = {scored.owners[rejected.index]: rejected.reason for rejected in write(scored.findings)}
    rows = scored.interactions.rows
    kept = [index for index in range(len(rows)) if index not in refused]
    for rejected in write(replace(scored.interactions, rows=[rows[index] for index in kept])):
        refused[kept[rejected.index]] = rejected.reason
    errors = {scored.places[index]: refusal(reason) for index, reason in sorted(refused.items())}
    for rejected in write(scored.reports):
        errors[scored.report_places[rejected.index]] = refusal(rejected.reason)
    return errors


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
    """

    name = "store"

    def __init__(
        self, write: Write, letters: Callable[[Sequence[Message], Mapping[Place, PoisonError]], list[DeadLetter]]
    ) -> None:
        self._write = write
        self._letters = letters

    def run(self, batch: Batch, /) -> Batch:
        refused = store(batch.scored, self._write)
        letters = self._letters(batch.messages, refused) if refused else []
        write_all(batch.scored.canaries, self._write)
        write_all(offset_gaps.table(batch.gaps), self._write)
        write_all(ledger.table(batch.messages, batch.scored, refused), self._write)
        return replace(batch, refused=refused, dead_letters=[*batch.scored.dead_letters, *letters])


def write_all(table: Table, write: Write) -> None:
    """Writes rows of our own making. Raises FatalError where ClickHouse refuses one."""
    if table.rows and (refused := write(table)):
        raise FatalError(f"ClickHouse refuses {len(refused)} rows of {table.name}: {refused[0].reason}")
