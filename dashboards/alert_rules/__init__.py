"""The alert rules. A label is a column of the rows that are judged and never changes while an incident lasts."""

from __future__ import annotations

from watchline.dashboards.alert_rules import cost, latency_and_errors, losses, pipeline, quality, signals
from watchline.dashboards.definitions import Rule


def all_rules() -> tuple[Rule, ...]:
    """Every rule, those of a group together."""
    return (*pipeline.RULES, *quality.RULES, *signals.RULES, *latency_and_errors.RULES, *losses.RULES, *cost.RULES)
