"""What the alert rules would say now: Grafana's evaluation of their files in small, for the demo and the tests.

Covers what our rules use: ClickHouse queries in the time-series format, reduce (last), threshold, and in texts
`$labels.X`, `$values.X.Value`, `humanizePercentage`, `printf "%.Nf"` and `if`. Waiting (`for`) and routing are
Grafana's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from watchline.dashboards.alert_rules import all_rules
from watchline.dashboards.grafana.rules import documents
from watchline.dashboards.macros import Request, expand
from watchline.schemas.errors import ConfigurationError

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
    return [rule for file in documents(all_rules()).values() for group in file["groups"] for rule in group["rules"]]


def evaluate(rule: Mapping[str, Any], client: Any, now: datetime) -> list[Alert]:
    """The alerts that a rule gives at a time; `client` is a clickhouse-connect client on Watchline's database."""
    queries = {query["refId"]: query for query in rule["data"]}

    def result(ref: str) -> dict[Labels, float]:
        model = queries[ref]["model"]
        if queries[ref]["datasourceUid"] != "__expr__":
            return _last_values(client, statement(queries[ref], now))
        if model["type"] == "reduce":
            return result(model["expression"])
        if model["type"] == "threshold":
            evaluator = model["conditions"][0]["evaluator"]
            return {labels: float(_exceeds(value, evaluator)) for labels, value in result(model["expression"]).items()}
        raise ConfigurationError(f"rule {rule['uid']}: expression {model['type']} is not known here")

    firing = [labels for labels, fires in sorted(result(rule["condition"]).items()) if fires]
    if not firing:
        return []
    reduced = {ref: result(ref) for ref, query in queries.items() if query["model"].get("type") == "reduce"}
    return [
        _alert(rule, dict(labels), {ref: values[labels] for ref, values in reduced.items() if labels in values})
        for labels in firing
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


_FIELD = re.compile(r"\{\{ (?:(humanizePercentage|printf \"%(?:\.\df|g)\") )?\$(labels|values)\.(\w+)(?:\.Value)? \}\}")
_CHOICE = re.compile(r"\{\{ if \$values\.(\w+) \}\}(.*?)(?:\{\{ else \}\}(.*?))?\{\{ end \}\}", re.DOTALL)


def _render(text: str, labels: Mapping[str, str], values: Mapping[str, float]) -> str:
    def field(match: re.Match[str]) -> str:
        function, kind, name = match[1], match[2], match[3]
        if kind == "labels":
            return labels[name]
        if function == "humanizePercentage":
            return f"{values[name] * 100:.4g}%"
        return (function or 'printf "%g"').split('"')[1] % values[name]

    chosen = _CHOICE.sub(lambda match: match[2] if match[1] in values else match[3] or "", text)
    rendered = _FIELD.sub(field, chosen.replace("{{ externalURL }}", "http://localhost:3000/"))
    if "{{" in rendered:
        raise ConfigurationError(f"a template that is not known here: {rendered}")
    return rendered
