"""Rules on the share of bad ones among calls or answers: SQL for busy slices, for quiet ones, and for the usual share.

Nothing is judged by few: the lower end of the 99.7 % interval counts, of at least `MINIMUM` in the last 15 minutes.
(Each slice is judged each minute: by that of 95 %, one with 2 % of bad answers was beyond a limit of 5 % up to 20 times
a month.) A slice that has fewer is judged by its last `LATEST` of the last day, so that little traffic alerts too, and
is quiet again once its latest are good. A version or model that answers no more while others of its prompt do is gone,
not bad.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchline.dashboards.sql import COMPLETE, LABELS, named, wilson

MINIMUM, LATEST, FEWEST = 20, 30, 10
WINDOW_S, DAY_S = 900, 86_400
WEEK_S = 8 * DAY_S
_LATE_S = 3600
UNUSUAL, _HASTE = 0.05, 0.05  # by how much a share is more than usual; by so much more in 15 minutes, which are many
# A slice that fires stays so while it has too few answers to be judged: after an hour the rule for quiet ones has it.
KEEP_S = 3600
OVER_S = 600  # what is good again for less may be so by chance
# Silent for so many times its mean gap while others of its prompt answer: gone.
_GAPS, _GONE_S, _LONG_GONE_S = 5, 300, 900
# Of the last hour, the latest first.
_QUARTERS = [
    f"r.time > complete - INTERVAL {15 * (number + 1)} MINUTE AND r.time <= complete - INTERVAL {15 * number} MINUTE"
    for number in range(4)
]


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

    @property
    def _silent_s(self) -> str:
        """For how long a slice (alias `last`) has been silent while others of its prompt answered."""
        prompt = ", ".join(name for name in self.labels if name not in ("prompt_version", "model"))
        return f"dateDiff('second', last, max(last) OVER (PARTITION BY {prompt}))"

    def busy(self, value: str = "") -> str:
        """SQL for the slices with enough in the last 15 minutes. `value`: of `n` and `bad`; else the lower end.

        The lower end of those that are gone is 0, so that they are over at once.
        """
        return f"""WITH {COMPLETE}
SELECT $__toTime AS time, {self._slices}, round({value or f"if(is_gone, 0, {_surely('bad', 'n')})"}, 4) AS value
FROM
(
    SELECT {named("r", *self.labels)}, countIf(r.time > complete - INTERVAL {WINDOW_S} SECOND) AS n,
        countIf(r.time > complete - INTERVAL {WINDOW_S} SECOND AND {self.bad}) AS bad, max(r.time) AS last,
        {self._silent_s} > greatest({_GONE_S}, {_GAPS} * {KEEP_S} / count()) AS is_gone
    FROM {self.view} AS r
    WHERE r.time > complete - INTERVAL {KEEP_S} SECOND AND r.time <= complete AND r.source = 'production'
        AND {self.where}
    GROUP BY {self._slices}
)
WHERE n >= {MINIMUM} OR is_gone"""

    def quiet(self, value: str = "") -> str:
        """SQL for those that had too few in each quarter of the last hour: by their latest of the last day.

        The lower end of `LATEST`, and the share of the last `FEWEST`, whichever is less: what is good again is over.
        """
        quarters = ", ".join(f"countIf({each})" for each in _QUARTERS)
        now_bad = f"{_bad_of(f'arraySlice(latest, 1, {FEWEST})')} / {FEWEST}"
        surely_bad = f"least({now_bad}, {_surely('bad', 'n')})"
        return f"""WITH {COMPLETE}
SELECT $__toTime AS time, {self._slices}, round({value or surely_bad}, 4) AS value
FROM
(
    SELECT {named("r", *self.labels)}, greatest({quarters}) AS busiest,
        {_latest(self.bad, LATEST)} AS latest,
        length(latest) AS n, {_bad_of("latest")} AS bad,
        (toUnixTimestamp64Micro(complete) + latest[-1] / 2) / 3.6e9 AS hours, max(r.time) AS last,
        {self._silent_s} > greatest({_LONG_GONE_S}, {_GAPS} * hours * 3600 / n) AS is_gone
    FROM {self.view} AS r
    WHERE r.time > complete - INTERVAL {DAY_S} SECOND AND r.time <= complete AND r.source = 'production'
        AND {self.where}
    GROUP BY {self._slices}
)
WHERE n >= {FEWEST} AND busiest < {MINIMUM} AND NOT is_gone"""


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
    hours = "dateDiff('second', {}(r.time), toDateTime64($__toTime, 6, 'UTC')) / 3600"
    of_label = [f"detector = '{name}', '{about}'" for name, (_, _, about) in kinds.items()]
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, app, environment, prompt_name, detector, multiIf({", ".join(of_label)}, '') AS about,
    round({value or "low - too_much"}, 4) AS value
FROM
(
    SELECT {named("r", "app", "environment", "prompt_name", "detector")}, count() AS n,
        countIf({_by_detector({name: bad for name, (bad, _, _) in kinds.items()}, "false")}) AS bad,
        {hours.format("min")} AS oldest, {hours.format("max")} AS newest, {_surely("bad", "n")} AS low,
        {_by_detector({name: str(limit) for name, (_, limit, _) in kinds.items()}, "1.")} AS too_much
    FROM v_findings AS r
    WHERE {is_late("r")} AND r.decision = 'evaluated'
        AND r.detector IN ({", ".join(f"'{name}'" for name in kinds)})
        AND toDate(r.time) IN (SELECT DISTINCT toDate(l.time) FROM v_findings AS l WHERE {is_late("l")})
    GROUP BY app, environment, prompt_name, detector
)
WHERE n >= {MINIMUM}"""


def is_late(alias: str) -> str:
    """The condition that a row was stored in the last 15 minutes, though its event is more than an hour older."""
    return (
        f"{alias}.time > complete - INTERVAL 8 DAY AND {alias}.time <= complete - INTERVAL 1 HOUR"
        f" AND {alias}.stored_at > $__toTime - INTERVAL {WINDOW_S} SECOND AND {alias}.stored_at <= $__toTime"
        f" AND {alias}.stored_at > {alias}.time + INTERVAL {_LATE_S} SECOND AND {alias}.source = 'production'"
    )


def _by_detector(values: Mapping[str, str], otherwise: str) -> str:
    """An expression for each detector, of the row that `r` is.

    >>> _by_detector({"bias": "r.flagged"}, "false")
    "multiIf(r.detector = 'bias', r.flagged, false)"
    """
    cases = ", ".join(f"r.detector = '{name}', {sql}" for name, sql in values.items())
    return f"multiIf({cases}, {otherwise})"


def _surely(bad: str, n: str) -> str:
    """SQL for the lower end of a share's interval of 99.7 %: three standard deviations."""
    return wilson(bad, n, z=3.0)


def _latest(bad: str, count: int) -> str:
    """SQL for a number of each of the latest rows, the newest first: twice its time, negative, one more where bad."""
    return f"arraySlice(arraySort(groupArray(toUInt8({bad}) - 2 * toUnixTimestamp64Micro(r.time))), 1, {count})"


def _bad_of(latest: str) -> str:
    """SQL for how many of them are bad."""
    return f"arraySum(arrayMap(each -> positiveModulo(each, 2), {latest}))"


def usual(detector: str, bad: str, value: str = "") -> str:
    """SQL that holds a prompt's last hour against the same hour of the seven days before, of one detector.

    By how much the intervals are apart, of at least 20 and 100 answers, the latter on at least three days. The last 15
    minutes count too, by `_HASTE` less, where they have 20. It is over once they, or else the latest 20 answers, have
    no two bad ones or are half as bad as the worst quarter of the hour: what was bad before stays in it.
    """
    prompt = ("app", "environment", "prompt_name")
    soon = f"if(quarter_n >= {MINIMUM}, {_surely('quarter_bad', 'quarter_n')} - {_HASTE}, 0)"
    over = "recent_bad < 2 OR recent < greatest(bad / n, worst) / 2"
    still = f"if({over}, 0, least(recent, greatest({_surely('bad', 'n')}, {soon})))"
    worst = ", ".join(
        f"if(countIf({each}) >= {FEWEST}, countIf({each} AND {bad}) / countIf({each}), 0)" for each in _QUARTERS
    )
    apart = f"{still} - {wilson('usual_bad', 'usual_n', upper=True)}"
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, {", ".join(prompt)}, round({value or apart}, 4) AS value
FROM
(
    SELECT {", ".join(prompt)}, sum(of_hour) AS n, sum(bad_of_hour) AS bad,
        sum(of_quarter) AS quarter_n, sum(bad_of_quarter) AS quarter_bad,
        if(quarter_n >= {MINIMUM}, (quarter_bad, quarter_n), (sum(bad_of_latest), {MINIMUM})) AS latest,
        latest.1 AS recent_bad, recent_bad / latest.2 AS recent, max(of_worst) AS worst,
        sum(of_others) AS usual_n, sum(bad_of_others) AS usual_bad, uniqExactIf(day, of_others > 0) AS days
    FROM
    (
        SELECT {named("r", *prompt)}, count() AS of_hour, countIf({bad}) AS bad_of_hour,
            countIf(r.time > complete - INTERVAL {WINDOW_S} SECOND) AS of_quarter,
            countIf(r.time > complete - INTERVAL {WINDOW_S} SECOND AND {bad}) AS bad_of_quarter,
            {_latest(bad, MINIMUM)} AS of_latest, {_bad_of("of_latest")} AS bad_of_latest,
            greatest({worst}) AS of_worst, 0 AS of_others, 0 AS bad_of_others, toDate(0) AS day
        FROM v_findings AS r
        WHERE r.time > complete - INTERVAL 1 HOUR AND r.time <= complete AND r.source = 'production'
            AND r.detector = '{detector}' AND r.decision = 'evaluated'
        GROUP BY {", ".join(prompt)}
        UNION ALL
        SELECT {named("q", *prompt)}, 0, 0, 0, 0, [], 0, 0, sum(q.evaluated), sum(q.flagged_events), toDate(q.hour)
        FROM v_quality_hourly AS q
        WHERE q.hour IN (SELECT toStartOfHour(complete - INTERVAL 30 MINUTE) - INTERVAL arrayJoin(range(1, 8)) DAY)
            AND q.detector = '{detector}'
        GROUP BY {", ".join(prompt)}, q.hour
    )
    GROUP BY {", ".join(prompt)}
)
WHERE n >= {MINIMUM} AND usual_n >= 100 AND days >= 3"""


def same(alias: str, labels: tuple[str, ...] = LABELS) -> str:
    """The condition, in the SQL of details, that a row is of the incident's slice.

    >>> same("f", ("app", "environment"))
    "if(f.app = '', 'unknown', f.app) = {app:String} AND f.environment = {environment:String}"
    """
    return " AND ".join(f"{named(alias, name).rpartition(' AS ')[0]} = {{{name}:String}}" for name in labels)
