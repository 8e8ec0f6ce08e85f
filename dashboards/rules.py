"""The alert rules in `alerts/`, and what they would say now: Grafana's evaluation in small, for the demo and the tests.

Covers what our rules use: ClickHouse queries in the time-series format, reduce (last), threshold, and in texts
`$labels.X`, `$values.X.Value`, `humanizePercentage` and `printf "%.Nf"`. Waiting (`for`) and routing are Grafana's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from watchline.dashboards.macros import Request, expand
from watchline.schemas.errors import ConfigurationError

FOLDER = Path(__file__).parent / "alerts"

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that fires for one set of labels, with its texts as on-call gets them."""

    title: str
    labels: Mapping[str, str]
    values: Mapping[str, float]
    summary: str
    description: str
    runbook_url: str


def load() -> list[dict[str, Any]]:
    """Every rule, as the provisioning files give it."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def evaluate(rule: Mapping[str, Any], client: Any, now: datetime) -> list[Alert]:
    """The alerts that a rule gives at a time; `client` is a clickhouse-connect client on Watchline's database."""
    results: dict[str, dict[Labels, float]] = {}
    for query in rule["data"]:
        model = query["model"]
        if query["datasourceUid"] != "__expr__":
            results[query["refId"]] = _last_values(client, statement(query, now))
        elif model["type"] == "reduce":
            results[query["refId"]] = results[model["expression"]]
        elif model["type"] == "threshold":
            results[query["refId"]] = {
                labels: float(_exceeds(value, model["conditions"][0]["evaluator"]))
                for labels, value in results[model["expression"]].items()
            }
        else:
            raise ConfigurationError(f"rule {rule['uid']}: expression {model['type']} is not known here")
    return [
        _alert(rule, dict(labels), {ref: values[labels] for ref, values in results.items() if labels in values})
        for labels, fires in sorted(results[rule["condition"]].items())
        if fires
    ]


def statement(query: Mapping[str, Any], now: datetime) -> str:
    """The SQL that a rule's query runs at a time."""
    span, model = query["relativeTimeRange"], query["model"]
    start, end = now - timedelta(seconds=span["from"]), now - timedelta(seconds=span["to"])
    return expand(model["rawSql"], Request(start=start, end=end, interval_s=model["intervalMs"] // 1000))


def _last_values(client: Any, sql: str) -> dict[Labels, float]:
    """Text columns are labels, the one numeric column is the value; the latest row of each set of labels counts."""
    result = client.query(sql)
    latest: dict[Labels, float] = {}
    for row in sorted(result.result_rows, key=lambda row: row[0]):
        columns = list(zip(result.column_names[1:], row[1:], strict=True))
        labels = tuple((name, value) for name, value in columns if isinstance(value, str))
        (value,) = (value for _, value in columns if not isinstance(value, str))
        if value is not None:
            latest[labels] = float(value)
    return latest


def _exceeds(value: float, evaluator: Mapping[str, Any]) -> bool:
    limit = evaluator["params"][0]
    return bool({"gt": value > limit, "lt": value < limit}[evaluator["type"]])


def _alert(rule: Mapping[str, Any], labels: Mapping[str, str], values: Mapping[str, float]) -> Alert:
    texts = {name: _render(text, labels, values) for name, text in rule["annotations"].items()}
    return Alert(
        title=rule["title"],
        labels={**labels, **rule["labels"]},
        values=values,
        summary=texts["summary"],
        description=texts["description"],
        runbook_url=texts["runbook_url"],
    )


_FIELD = re.compile(r"\{\{ (?:(humanizePercentage|printf \"%\.\df\") )?\$(labels|values)\.(\w+)(?:\.Value)? \}\}")


def _render(text: str, labels: Mapping[str, str], values: Mapping[str, float]) -> str:
    def field(match: re.Match[str]) -> str:
        function, kind, name = match[1], match[2], match[3]
        if kind == "labels":
            return labels[name]
        if function == "humanizePercentage":
            return f"{values[name] * 100:.4g}%"
        return (function or 'printf "%g"').split('"')[1] % values[name]

    rendered = _FIELD.sub(field, text)
    if "{{" in rendered:
        raise ConfigurationError(f"a template that is not known here: {rendered}")
    return rendered
