"""What two versions of a prompt did in production while both ran: by measure, version and day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.comparison.impact import Measure
from watchline.streams.comparison.intervals import Sample
from watchline.streams.query.run import Queries

ERRORS, LATENCY, COST = Measure("errors"), Measure("latency", bounded=False), Measure("cost", bounded=False)
SATISFACTION = Measure("satisfaction", more_is_better=True)

# A prompt under all names that it has had.
NAMED = """(i.prompt_name = {name:String} OR (i.app, i.prompt_name) IN (
        SELECT app, name FROM v_prompt_names WHERE kind = 'prompt' AND (app, first_name) IN (
            SELECT app, first_name FROM v_prompt_names WHERE kind = 'prompt' AND name = {name:String})))"""
_OF = f"""i.source = 'production' AND i.prompt_version IN ({{a:String}}, {{b:String}}) AND {NAMED}
    AND i.time >= parseDateTime64BestEffort({{since:String}}, 6, 'UTC')
    AND i.time <= parseDateTime64BestEffort({{until:String}}, 6, 'UTC')
    AND ({{app:String}} = '' OR i.app = {{app:String}})
    AND ({{environment:String}} = '' OR i.environment = {{environment:String}})"""
_RAN = f"""
SELECT i.app AS app, i.environment AS environment, i.prompt_version AS version, count() AS answers,
    min(i.time) AS first_time, max(i.time) AS last_time
FROM v_interactions AS i
WHERE {_OF}
GROUP BY app, environment, version
ORDER BY app, environment, version
"""  # noqa: S608
# What stands in no conversation is one by itself.
_UNIT = "i.tenant AS tenant, if(i.conversation_id = '', toString(i.event_id), i.conversation_id) AS unit"
_CALLS = f"""
SELECT version, toString(day) AS on_day, sum(answers) AS answers,
    count() AS error_count, sum(error) AS error_sum, sum(error * error) AS error_squares,
    count(latency) AS latency_count, sum(latency) AS latency_sum, sum(latency * latency) AS latency_squares,
    count(cost_each) AS cost_count, sum(cost_each) AS cost_sum, sum(cost_each * cost_each) AS cost_squares
FROM
(
    SELECT i.prompt_version AS version, {_UNIT}, toDate(min(i.time)) AS day, count() AS answers,
        countIf(i.error_type != '') / count() AS error, avgIf(i.latency_s, i.error_type = '') AS latency,
        avg(i.cost) AS cost_each
    FROM v_interactions AS i
    WHERE {_OF}
    GROUP BY version, tenant, unit
)
GROUP BY version, day
"""  # noqa: S608
_EVENTS = f"SELECT i.event_id AS event_id, i.prompt_version AS version, {_UNIT} FROM v_interactions AS i WHERE {_OF}"  # noqa: S608
_FLAGGED = f"""
SELECT version, toString(day) AS on_day, detector, count() AS counted, sum(flagged) AS total,
    sum(flagged * flagged) AS squares
FROM
(
    SELECT e.version AS version, e.tenant AS tenant, e.unit AS unit, toString(f.detector) AS detector,
        toDate(min(f.time)) AS day, avg(toFloat64(f.flagged)) AS flagged
    FROM v_findings AS f
    INNER JOIN ({_EVENTS}) AS e ON f.event_id = e.event_id
    WHERE f.decision = 'evaluated' AND f.app = {{app:String}} AND f.prompt_version IN ({{a:String}}, {{b:String}})
        AND f.time >= parseDateTime64BestEffort({{since:String}}, 6, 'UTC')
        AND f.time <= parseDateTime64BestEffort({{until:String}}, 6, 'UTC')
    GROUP BY version, tenant, unit, detector
)
GROUP BY version, day, detector
"""  # noqa: S608
_RATED = f"""
SELECT version, toString(day) AS on_day, count() AS counted, sum(rated) AS total, sum(rated * rated) AS squares
FROM
(
    SELECT e.version AS version, e.tenant AS tenant, e.unit AS unit, toDate(min(f.time)) AS day,
        avg(ifNull(toFloat64(f.score), if(f.rating > 0, 1, 0))) AS rated
    FROM v_feedback AS f
    INNER JOIN ({_EVENTS}) AS e ON f.event_id = e.event_id
    WHERE f.rating IS NOT NULL AND f.app = {{app:String}}
        AND f.time >= parseDateTime64BestEffort({{since:String}}, 6, 'UTC')
    GROUP BY version, tenant, unit
)
GROUP BY version, day
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Ran:
    """How long and how often one version ran: times are ISO 8601 in UTC."""

    answers: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What both versions did in the time in which both ran.

    `ran` and `values` are by version, `values` then by measure and day; `answers` are those of both in that time. Where
    they did not run side by side, there are no values.
    """

    app: str
    environment: str
    ran: Mapping[str, Ran]
    since: str = ""
    until: str = ""
    measures: Sequence[Measure] = ()
    values: Mapping[str, Mapping[str, Mapping[str, Sample]]] | None = None
    answers: int = 0


def read(
    queries: Queries, name: str, a: str, b: str, *, app: str, environment: str, since: datetime, until: datetime
) -> SideBySide:
    """What two versions of a prompt did in production; `app` and `environment` may be empty where there is one.

    Raises ConfigurationError where there are several, or one of the versions has no answers.
    """
    chosen = {"name": name, "a": a, "b": b, "app": app, "environment": environment}
    rows = queries.query(_RAN, {**chosen, "since": since.isoformat(), "until": until.isoformat()}).by_column
    places = sorted({(row["app"], row["environment"]) for row in rows})
    if len(places) > 1:
        listed = "; ".join(f"app {app!a}, environment {environment!a}" for app, environment in places[:9])
        raise ConfigurationError(f"there are several, name one by --app and --environment: {listed}")
    ran = {row["version"]: Ran(row["answers"], row["first_time"], row["last_time"]) for row in rows}
    if missing := [version for version in (a, b) if version not in ran]:
        raise ConfigurationError(
            f"no answers of {name} version {' and '.join(missing)} in production since {since:%Y-%m-%d %H:%M} UTC"
        )
    (chosen["app"], chosen["environment"]), both = places[0], (ran[a], ran[b])
    begun, ended = max(each.first for each in both), min(each.last for each in both)
    if begun > ended:
        return SideBySide(*places[0], ran)
    return _values(queries, {**chosen, "since": begun, "until": ended}, ran)


def _values(queries: Queries, chosen: Mapping[str, str], ran: Mapping[str, Ran]) -> SideBySide:
    values: dict[str, dict[str, dict[str, Sample]]] = {version: {} for version in ran}
    answers: dict[str, dict[str, int]] = {version: {} for version in ran}

    def keep(row: Mapping[str, Any], measure: str, *columns: str) -> None:
        if row[columns[0]]:
            sample = Sample(*(float(row[column]) for column in columns))
            values[row["version"]].setdefault(measure, {})[row["on_day"]] = sample

    for row in queries.query(_CALLS, chosen).by_column:
        answers[row["version"]][row["on_day"]] = row["answers"]
        for measure, column in ((ERRORS, "error"), (LATENCY, "latency"), (COST, "cost")):
            keep(row, measure.name, f"{column}_count", f"{column}_sum", f"{column}_squares")
    flagged = queries.query(_FLAGGED, chosen).by_column
    for row in flagged:
        keep(row, row["detector"], "counted", "total", "squares")
    for row in queries.query(_RATED, chosen).by_column:
        keep(row, SATISFACTION.name, "counted", "total", "squares")
    one, two = answers.values()
    shared = one.keys() & two.keys()
    return SideBySide(
        chosen["app"],
        chosen["environment"],
        ran,
        since=chosen["since"],
        until=chosen["until"],
        measures=[*map(Measure, sorted({row["detector"] for row in flagged})), ERRORS, LATENCY, COST, SATISFACTION],
        values=values if shared else None,
        answers=sum(one[day] + two[day] for day in shared),
    )
