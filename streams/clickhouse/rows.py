"""Scored events as rows of `interactions` and `findings`."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.schemas import values
from watchline.schemas.records import Interaction
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.messages import ScoredEvent


def interactions_table(scored: Sequence[ScoredEvent]) -> Table:
    """The rows of `interactions`."""
    rows: list[Row] = []
    for item in scored:
        interaction, event, message = item.scored.interaction, item.event, item.event.message
        row = values.interaction(interaction)
        row += (
            interaction.model or "",
            item.scored.redactions,
            item.scored.planned,
            event.batch.producer_id,
            event.batch.first_sequence + event.index,
            event.batch.dropped,
            message.topic_id,
            message.partition,
            message.offset,
            event.index,
        )
        rows.append(Row(row, f"{_row_key(interaction)}/{sorted(item.scored.planned.items())}", interaction.time))
    return Table.of("interactions", rows)


def findings_table(scored: Sequence[ScoredEvent]) -> tuple[Table, list[int]]:
    """The rows of `findings`, and for each the index of its event."""
    rows: list[Row] = []
    owner: list[int] = []
    for index, item in enumerate(scored):
        interaction = item.scored.interaction
        shared = [
            interaction.time,
            interaction.app,
            interaction.environment,
            interaction.tenant or "",
            interaction.prompt_name or "",
            interaction.prompt_version or "",
            interaction.model or "",
        ]
        row_key = _row_key(interaction)
        for finding in item.scored.findings:
            key = f"{row_key}/{finding.detector}/{finding.detector_version}"
            rows.append(Row(shared + values.finding(finding), key, interaction.time))
            owner.append(index)
    return Table.of("findings", rows), owner


def _row_key(interaction: Interaction) -> str:
    return f"{interaction.time}/{interaction.tenant or ''}/{interaction.app}/{interaction.event_id}"
