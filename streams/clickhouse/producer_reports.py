"""What producers report to have dropped, as rows of `producer_reports`."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.schemas.records import InteractionBatch
from watchline.streams.clickhouse.sink import Table, month


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
