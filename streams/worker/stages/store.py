"""Scored events and reports of drops into ClickHouse; what it will never take becomes a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from watchline.schemas.errors import Kind, PoisonError
from watchline.streams.clickhouse import producer_reports, rows
from watchline.streams.clickhouse.sink import Rejected
from watchline.streams.clickhouse.tables import Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import DecodedMessage, Origin, ScoredEvent


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
