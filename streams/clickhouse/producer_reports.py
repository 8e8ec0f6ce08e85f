"""What producers report to have dropped, as rows of `producer_reports`."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.schemas.records import InteractionBatch
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.producer.drop_reasons import known


def table(reports: Sequence[InteractionBatch]) -> Table:
    """The rows of `producer_reports`."""
    rows = [
        Row(
            [
                report.producer_id,
                report.time,
                report.app,
                report.environment,
                report.first_sequence,
                report.dropped,
                known(report.dropped_by),
                report.feedback_dropped,
            ],
            f"{report.time}/{report.producer_id}/{report.dropped}/{report.feedback_dropped}",
            report.time,
        )
        for report in reports
    ]
    return Table.of("producer_reports", rows)
