"""Events of apps that are over their budget lose their texts, which are what costs, and are passed on unscored."""

from __future__ import annotations

from dataclasses import replace

from watchline.schemas.texts import without_texts
from watchline.streams.app_budget import AppBudgets
from watchline.streams.messages import DecodedMessage
from watchline.streams.worker.scoring.part import Part
from watchline.streams.worker.stages.stage import Stage


class Shed(Stage[Part]):
    """Marks the decoded events that don't fit into their app's budget.

    Parameters
    ----------
    budgets : AppBudgets
    """

    name = "shed"

    def __init__(self, budgets: AppBudgets) -> None:
        self._budgets = budgets

    def run(self, part: Part, /) -> Part:
        if not self._budgets.limited:
            return part
        return replace(part, decoded=[self._within_budget(message) for message in part.decoded])

    def _within_budget(self, decoded: DecodedMessage) -> DecodedMessage:
        events = []
        for event in decoded.events:
            size = len(decoded.message.value) / decoded.size
            if not self._budgets.take(event.interaction.app, decoded.message.received, size):
                event = replace(event, interaction=without_texts(event.interaction), over_budget=True)
            events.append(event)
        return replace(decoded, events=events)
