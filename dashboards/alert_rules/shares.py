"""Rules on the share of bad ones among calls or answers: SQL for busy slices, for quiet ones, and for the usual share.

Nothing is judged by few: the lower end of the 95 % interval counts, of at least `MINIMUM` in the last 15 minutes. A
slice that has fewer is judged by its last `LATEST` of the last day, so that little traffic alerts too, and is quiet
again once its latest are good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchline.dashboards.sql import COMPLETE, LABELS, named, wilson

MINIMUM, LATEST, FEWEST = 20, 30, 10
WINDOW_S, DAY_S = 900, 86_400
WEEK_S = 8 * DAY_S
LATE_S = 3600
# A slice that fires stays so while it has too few answers to be judged: after an hour the rule for quiet ones has it.
KEEP_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What is counted: rows of `view` (alias `r`) that meet `where`, bad where `bad` holds."""

    view: str
    where: str
    bad: str
    labels: tuple[str, ...] = LABELS

    @property
    def _slices(self) -> str:
        return ", ".join(self.labels)

    def busy(self, value: str = "") -> str:
        """SQL for the slices with enough in the last 15 minutes. `value`: of `n` and `bad`; else the lower end."""
        return f"""WITH {COMPLETE}
SELECT $__toTime AS time, {self._slices}, round({value or wilson("bad", "n")}, 4) AS value
FROM
(
    SELECT {named("r", *self.labels)}, count() AS n, countIf({self.bad}) AS bad
    FROM {self.view} AS r
    WHERE r.time > complete - INTERVAL {WINDOW_S} SECOND AND r.time <= complete AND r.source = 'production'
        AND {self.where}
    GROUP BY {self._slices}
)
WHERE n >= {MINIMUM}"""

    def quiet(self, value: str = "") -> str:
        """SQL for those that had too few in each quarter of the last hour: by their latest of the last day.

        `latest` has one number for each, the newest first: twice its time, negative, and one more where it is bad.
        """
        quarters = ", ".join(
            f"countIf(r.time > complete - INTERVAL {15 * (quarter + 1)} MINUTE AND "
            f"r.time <= complete - INTERVAL {15 * quarter} MINUTE)"
            for quarter in range(4)
        )
        return f"""WITH {COMPLETE}
SELECT $__toTime AS time, {self._slices}, round({value or wilson("bad", "n")}, 4) AS value
FROM
(
    SELECT {named("r", *self.labels)}, greatest({quarters}) AS busiest,
        arraySlice(arraySort(groupArray(toUInt8({self.bad}) - 2 * toUnixTimestamp64Micro(r.time))), 1,
            {LATEST}) AS latest,
        length(latest) AS n, arraySum(arrayMap(each -> positiveModulo(each, 2), latest)) AS bad,
        (toUnixTimestamp64Micro(complete) + latest[-1] / 2) / 3.6e9 AS hours
    FROM {self.view} AS r
    WHERE r.time > complete - INTERVAL {DAY_S} SECOND AND r.time <= complete AND r.source = 'production'
        AND {self.where}
    GROUP BY {self._slices}
)
WHERE n >= {FEWEST} AND busiest < {MINIMUM}"""


def late(kinds: Mapping[str, tuple[str, float, str]], value: str = "") -> str:
    """SQL for what was stored in the last 15 minutes though its event is more than an hour older than that.

    Of many days it reads only those that have such events.

    Parameters
    ----------
    kinds : mapping of str to tuple
        By detector: what a bad one is, what share of them is too much, and what an alert of it is about.
    value : str
        Of `n`, `bad`, `low` (the lower end of the share of bad ones), `too_much`, and of `oldest` and `newest`, hours
        before the window's end; else by how much `low` is beyond `too_much`.
    """
    is_late = "{0}.time > complete - INTERVAL 8 DAY AND {0}.time <= complete - INTERVAL 1 HOUR" + (
        f" AND {{0}}.stored_at > $__toTime - INTERVAL {WINDOW_S} SECOND AND {{0}}.stored_at <= $__toTime"
        f" AND {{0}}.stored_at > {{0}}.time + INTERVAL {LATE_S} SECOND AND {{0}}.source = 'production'"
    )
    hours = "dateDiff('second', {}(r.time), toDateTime64($__toTime, 6, 'UTC')) / 3600"
    of_label = [f"detector = '{name}', '{about}'" for name, (_, _, about) in kinds.items()]
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, app, environment, prompt_name, detector, multiIf({", ".join(of_label)}, '') AS about,
    round({value or "low - too_much"}, 4) AS value
FROM
(
    SELECT {named("r", "app", "environment", "prompt_name", "detector")}, count() AS n,
        countIf({_by_detector({name: bad for name, (bad, _, _) in kinds.items()}, "false")}) AS bad,
        {hours.format("min")} AS oldest, {hours.format("max")} AS newest, {wilson("bad", "n")} AS low,
        {_by_detector({name: str(limit) for name, (_, limit, _) in kinds.items()}, "1.")} AS too_much
    FROM v_findings AS r
    WHERE {is_late.format("r")} AND r.decision = 'evaluated'
        AND r.detector IN ({", ".join(f"'{name}'" for name in kinds)})
        AND toDate(r.time) IN (SELECT DISTINCT toDate(l.time) FROM v_findings AS l WHERE {is_late.format("l")})
    GROUP BY app, environment, prompt_name, detector
)
WHERE n >= {MINIMUM}"""


def _by_detector(values: Mapping[str, str], otherwise: str) -> str:
    """An expression for each detector, of the row that `r` is.

    >>> _by_detector({"bias": "r.flagged"}, "false")
    "multiIf(r.detector = 'bias', r.flagged, false)"
    """
    cases = ", ".join(f"r.detector = '{name}', {sql}" for name, sql in values.items())
    return f"multiIf({cases}, {otherwise})"


def usual(detector: str, value: str = "low - usual_high") -> str:
    """SQL that holds a prompt's last whole hour against the same hour of the seven days before, of one detector.

    Of at least 20 and 100 answers, the latter on at least three days.
    """
    return f"""WITH {COMPLETE},
    (
        SELECT toStartOfHour(least(complete, toDateTime64(max(u.refreshed_at), 6, 'UTC'))) - INTERVAL 1 HOUR
        FROM v_quality_hourly AS u WHERE u.hour > $__toTime - INTERVAL 1 DAY
    ) AS last_hour
SELECT $__toTime AS time, app, environment, prompt_name, round({value}, 4) AS value
FROM
(
    SELECT {named("q", "app", "environment", "prompt_name")},
        sumIf(q.evaluated, q.hour = last_hour) AS n, sumIf(q.flagged_events, q.hour = last_hour) AS bad,
        sumIf(q.evaluated, q.hour < last_hour) AS usual_n, sumIf(q.flagged_events, q.hour < last_hour) AS usual_bad,
        uniqExactIf(q.hour, q.hour < last_hour AND q.evaluated > 0) AS days,
        {wilson("bad", "n")} AS low, {wilson("usual_bad", "usual_n", upper=True)} AS usual_high
    FROM v_quality_hourly AS q
    WHERE q.hour IN (SELECT last_hour - INTERVAL arrayJoin(range(8)) DAY) AND q.detector = '{detector}'
    GROUP BY app, environment, prompt_name
)
WHERE n >= {MINIMUM} AND usual_n >= 100 AND days >= 3"""


def same(alias: str, labels: tuple[str, ...] = LABELS) -> str:
    """The condition, in the SQL of details, that a row is of the incident's slice.

    >>> same("f", ("app", "environment"))
    "if(f.app = '', 'unknown', f.app) = {app:String} AND f.environment = {environment:String}"
    """
    return " AND ".join(f"{named(alias, name).rpartition(' AS ')[0]} = {{{name}:String}}" for name in labels)
