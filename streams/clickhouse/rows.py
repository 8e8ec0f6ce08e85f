"""Scored events as rows of `interactions` and `findings`."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.schemas import values
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.messages import ScoredEvent


def interactions_table(scored: Sequence[ScoredEvent]) -> Table:
    """The rows of `interactions`."""
    rows: list[Row] = []
    for item in scored:
        interaction, origin = item.scored.interaction, item.origin
        row = values.interaction(interaction)
        row += (
            interaction.model or "",
            item.scored.redactions,
            item.scored.planned,
            origin.producer_id,
            origin.producer_sequence,
            origin.producer_dropped,
            origin.topic_id,
            origin.partition,
            origin.offset,
            origin.index,
            origin.sent_time,
            origin.invalid_fields,
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


def _row_key(interaction: RedactedInteraction) -> str:
    return f"{interaction.time}/{interaction.tenant or ''}/{interaction.app}/{interaction.event_id}"
