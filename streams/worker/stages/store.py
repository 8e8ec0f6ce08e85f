"""Scored events and reports of drops into ClickHouse; what it will never take becomes a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from watchline.schemas.errors import FatalError, Kind, PoisonError
from watchline.streams.clickhouse import producer_reports, rows
from watchline.streams.clickhouse.sink import Rejected
from watchline.streams.clickhouse.tables import Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.health import canary
from watchline.streams.messages import DecodedMessage, Origin, ScoredEvent
from watchline.streams.worker import offset_gaps
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.stages.stage import Stage


def store(
    scored: Sequence[ScoredEvent], write: Callable[[Table], list[Rejected]]
) -> tuple[list[ScoredEvent], list[tuple[Origin, PoisonError]]]:
    """Writes findings, then interactions: whoever sees an interaction sees its findings.

    Returns the events that are stored, and which ones ClickHouse will never take a row of. Their dead letters, which
    hold what the app sent, are made where that is still at hand.
    """
    findings, owner = rows.findings_table(scored)
    refused = {owner[rejected.index]: rejected.reason for rejected in write(findings)}
    kept = [index for index in range(len(scored)) if index not in refused]
    for rejected in write(rows.interactions_table([scored[index] for index in kept])):
        refused[kept[rejected.index]] = rejected.reason
    stored = [item for index, item in enumerate(scored) if index not in refused]
    return stored, [(scored[index].origin, refusal(reason)) for index, reason in sorted(refused.items())]


def store_reports(batch: Sequence[DecodedMessage], write: Callable[[Table], list[Rejected]]) -> list[DeadLetter]:
    """Writes the reports among these messages; returns as dead letters those that ClickHouse will never take."""
    reports = [(unpacked.message, unpacked.report) for unpacked in batch if unpacked.report is not None]
    rejected = write(producer_reports.table([report for _, report in reports]))
    return [reports[rejection.index][0].dead_letter(refusal(rejection.reason)) for rejection in rejected]


def refusal(reason: str) -> PoisonError:
    """What becomes of an event whose row ClickHouse refuses for this reason."""
    return PoisonError(Kind.REFUSED, f"row refused: {reason}")


class Store(Stage):
    """Writes the scored events, the reports of drops, the canaries and the gaps before the messages.

    Parameters
    ----------
    write : callable
        `Sink.write`.
    worker : str
        The name that stands beside stored canaries.
    """

    name = "store"

    def __init__(self, write: Callable[[Table], list[Rejected]], *, worker: str) -> None:
        self._write = write
        self._worker = worker

    def run(self, batch: Batch) -> Batch:
        stored, refused = store(batch.scored, self._write)
        letters = batch.dead(refused) + store_reports(batch.decoded, self._write)
        write_all(canary.table(batch.canaries, self._worker), self._write)
        write_all(offset_gaps.table(batch.gaps), self._write)
        return replace(batch, stored=stored, dead_letters=[*batch.dead_letters, *letters])


def write_all(table: Table, write: Callable[[Table], list[Rejected]]) -> None:
    """Writes rows of our own making. Raises FatalError where ClickHouse refuses one."""
    if table.rows and (refused := write(table)):
        raise FatalError(f"ClickHouse refuses {len(refused)} rows of {table.name}: {refused[0].reason}")
