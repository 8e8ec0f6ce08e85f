"""What is known of redacted events beside what the app sent: what the call has cost."""

from __future__ import annotations

import dataclasses

from watchline.streams.messages import RedactedEvent
from watchline.streams.worker.prices import Prices
from watchline.streams.worker.scoring.part import Part
from watchline.streams.worker.stages.stage import Stage


class Enrich(Stage[Part]):
    """Fills in the cost where the app doesn't say it, and by which table.

    Parameters
    ----------
    prices : Prices
    """

    name = "enrich"

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    def run(self, part: Part, /) -> Part:
        return dataclasses.replace(part, redacted=[self._with_cost(event) for event in part.redacted])

    def _with_cost(self, event: RedactedEvent) -> RedactedEvent:
        interaction = event.redacted.interaction
        if interaction.cost is not None or (cost := self._prices.cost(interaction)) is None:
            return event
        priced = dataclasses.replace(interaction, cost=cost)
        return RedactedEvent(
            dataclasses.replace(event.origin, price_version=self._prices.version),
            dataclasses.replace(event.redacted, interaction=priced),
        )
