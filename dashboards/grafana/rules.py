"""Rules as Grafana's provisioning YAML.

A query of a rule becomes two: its SQL, and its last value under its own name, which is what texts know as `$values`.
The limit stands last. In files, Grafana reads `$` in labels and titles as its environment's; in SQL and annotations it
doesn't.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from watchline.dashboards.definitions import Rule

DATASOURCE_UID = "watchline-clickhouse"
FOLDER = "Watchline"
CONDITION = "fires"
_NO_DATA = {"ok": "OK", "alerting": "Alerting", "keep_last": "KeepLast"}
_ERROR = {"ok": "OK", "alerting": "Alerting", "keep_last": "KeepLast"}
# Grafana's root address, which one setting says: GF_SERVER_ROOT_URL. It ends with a slash.
_RUNBOOKS = "{{ externalURL }}public/watchline/runbooks/"


def documents(rules: Iterable[Rule]) -> Mapping[str, dict[str, Any]]:
    """A file for each group of rules, by name."""
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.group, []).append(rule)
    return {
        name.removeprefix("watchline-"): {"apiVersion": 1, "groups": [_group(name, members)]}
        for name, members in groups.items()
    }


def _group(name: str, rules: list[Rule]) -> dict[str, Any]:
    """Grafana evaluates a group at one interval, which `check` holds its rules to."""
    return {
        "orgId": 1,
        "name": name,
        "folder": FOLDER,
        "interval": f"{rules[0].interval_s}s",
        "rules": [_rule(rule) for rule in rules],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    about = {} if " AS about" in rule.queries["A"] else {"about": rule.about}
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": CONDITION,
        "for": f"{rule.for_s}s",
        "keepFiringFor": f"{rule.keep_firing_for_s}s",
        "missing_series_evals_to_resolve": rule.missing_evaluations,
        "noDataState": _NO_DATA[rule.no_data],
        "execErrState": _ERROR[rule.error],
        "dashboardUid": rule.board,
        "panelId": rule.panel,
        "labels": {"severity": rule.severity, **about, **rule.labels},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": f"{_RUNBOOKS}{rule.runbook}",
        },
        "data": [query for name, sql in rule.queries.items() for query in _query(rule, name, sql)] + [_limit(rule)],
    }


def _query(rule: Rule, name: str, sql: str) -> Iterable[dict[str, Any]]:
    span = {"from": rule.window_s, "to": 0}
    rows = f"{name}_rows"
    yield {
        "refId": rows,
        "datasourceUid": DATASOURCE_UID,
        "relativeTimeRange": span,
        "model": {
            "refId": rows,
            "editorType": "sql",
            "format": 0,
            "queryType": "timeseries",
            "intervalMs": 60_000,  # the default is one second
            "maxDataPoints": 43_200,
            "rawSql": sql + "\n",
        },
    }
    yield _expression(name, type="reduce", expression=rows, reducer="last", settings={"mode": "dropNN"})


def _limit(rule: Rule) -> dict[str, Any]:
    kind, other, limit = ("gt", "lt", rule.above) if rule.above is not None else ("lt", "gt", rule.below)
    condition: dict[str, Any] = {"evaluator": {"type": kind, "params": [limit]}}
    if rule.recovery is not None:
        condition["unloadEvaluator"] = {"type": other, "params": [rule.recovery]}
    return _expression(CONDITION, type="threshold", expression="A", conditions=[condition])


def _expression(name: str, **model: Any) -> dict[str, Any]:
    return {
        "refId": name,
        "datasourceUid": "__expr__",
        "relativeTimeRange": {"from": 0, "to": 0},
        "model": {"refId": name, "datasource": {"type": "__expr__", "uid": "__expr__"}, **model},
    }
