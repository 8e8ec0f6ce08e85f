"""Scored events as rows of `interactions` and `findings`."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.schemas import values
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
            origin.price_version,
        )
        rows.append(Row(row, f"{_row_key(item)}/{sorted(item.scored.planned.items())}", interaction.time))
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
            interaction.source,
        ]
        row_key = _row_key(item)
        for finding in item.scored.findings:
            score = "" if finding.score is None else f"{finding.score:.2f}"
            key = f"{row_key}/{finding.detector}/{finding.detector_version}/{finding.decision}/{score}"
            rows.append(Row(shared + values.finding(finding), key, interaction.time))
            owner.append(index)
    return Table.of("findings", rows), owner


def _row_key(item: ScoredEvent) -> str:
    """The key of the event, and its message: an id that comes in another message is no repeated insert."""
    interaction, origin = item.scored.interaction, item.origin
    return (
        f"{interaction.time}/{interaction.tenant or ''}/{interaction.app}/{interaction.event_id}/"
        f"{origin.topic_id}/{origin.partition}/{origin.offset}/{origin.index}"
    )
