"""What producers report to have dropped, as rows of `producer_reports`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from watchline.schemas.records import InteractionBatch
from watchline.streams.clickhouse.sink import Rejected, Table, month
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import Unpacked


def store(batch: Sequence[Unpacked], write: Callable[[Table], list[Rejected]]) -> list[DeadLetter]:
    """Writes the reports among these messages; returns as dead letters those that ClickHouse will never take."""
    reports = [(unpacked.message, unpacked.report) for unpacked in batch if unpacked.report is not None]
    rejected = write(table([report for _, report in reports]))
    return [reports[each.index][0].dead_letter(f"row refused: {each.reason}") for each in rejected]


def table(reports: Sequence[InteractionBatch]) -> Table:
    """The rows of `producer_reports`."""
    return Table(
        "producer_reports",
        _COLUMNS,
        [
            [
                report.producer_id,
                report.time,
                report.app,
                report.environment,
                report.first_sequence,
                report.dropped,
                report.dropped_by,
                report.feedback_dropped,
            ]
            for report in reports
        ],
        [f"{report.time}/{report.producer_id}/{report.dropped}/{report.feedback_dropped}" for report in reports],
        [month(report.time) for report in reports],
    )


_COLUMNS = (
    "producer_id",
    "time",
    "app",
    "environment",
    "next_sequence",
    "dropped",
    "dropped_by",
    "feedback_dropped",
)
