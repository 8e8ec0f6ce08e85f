"""The alert rules. A label is a column of the rows that are judged and never changes while an incident lasts."""

from __future__ import annotations

from watchline.dashboards.alert_rules import cost, governance, latency_and_errors, losses, pipeline, quality, signals
from watchline.dashboards.definitions import Rule


def all_rules() -> tuple[Rule, ...]:
    """Every rule, those of a group together."""
    modules = (pipeline, quality, signals, latency_and_errors, losses, cost, governance)
    return tuple(rule for module in modules for rule in module.RULES)
