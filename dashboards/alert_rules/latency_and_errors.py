"""Calls that fail or take long: more than a fixed limit, or more than usual at this hour."""

from __future__ import annotations

from watchline.dashboards.alert_rules import shares
from watchline.dashboards.alert_rules.shares import Share, same
from watchline.dashboards.definitions import Rule
from watchline.dashboards.sql import COMPLETE, named

_LABELS = ("app", "environment", "model")
_SLICE = "{{ $labels.app }} ({{ $labels.environment }}) on {{ $labels.model }}"
_FAILED = Share(view="v_interactions", where="1", bad="r.error_type != ''", labels=_LABELS)
ANSWER_S, FIRST_CHUNK_S, TIMES_AS_LONG = 60.0, 10.0, 2.0


def _slow(column: str, value: str) -> str:
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, {named("i", *_LABELS)}, toFloat64({value}) AS value
FROM v_interactions AS i
WHERE i.time > complete - INTERVAL {shares.WINDOW_S} SECOND AND i.time <= complete AND i.source = 'production'
    AND i.{column} IS NOT NULL AND i.error_type = '' AND NOT i.cancelled
GROUP BY app, environment, model
HAVING count() >= {shares.MINIMUM}"""


def _longer(value: str) -> str:
    """The 95th percentile of a model in the last hour, against that hour of the seven days before.

    By its lower limit, of 99.7 % confidence: of 20 values that is the 80th percentile, of 43 the 85th, of 171 the 90th.
    Where the last 15 minutes have enough answers, they must be slow too: what is fast again is over. And where they
    have 20, they are enough alone.
    """
    by_number = "1 + (count() >= 43) + (count() >= 171)"
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, app, environment, model, round({value}, 3) AS value
FROM
(
    SELECT app, environment, model, sum(of_hour) AS answers, max(of_hour_s) AS seconds,
        if(sum(of_quarter) >= {shares.FEWEST}, least(seconds, max(of_quarter_s)), seconds) AS slow_s,
        if(sum(of_quarter) >= {shares.MINIMUM}, greatest(slow_s, max(low_of_quarter_s)), slow_s) AS now_s,
        sum(of_others) AS usual_answers, sum(seconds_of_others) / usual_answers AS usual_seconds,
        uniqExactIf(day, of_others > 0) AS days
    FROM
    (
        SELECT {named("i", *_LABELS)}, count() AS of_hour,
            toFloat64(quantiles(0.8, 0.85, 0.9)(i.latency_s)[{by_number}]) AS of_hour_s,
            countIf(i.time > complete - INTERVAL {shares.WINDOW_S} SECOND) AS of_quarter,
            toFloat64(quantileIf(0.95)(i.latency_s, i.time > complete - INTERVAL {shares.WINDOW_S} SECOND))
                AS of_quarter_s,
            toFloat64(quantileIf(0.8)(i.latency_s, i.time > complete - INTERVAL {shares.WINDOW_S} SECOND))
                AS low_of_quarter_s,
            0 AS of_others, 0. AS seconds_of_others, toDate(0) AS day
        FROM v_interactions AS i
        WHERE i.time > complete - INTERVAL 1 HOUR AND i.time <= complete AND i.source = 'production'
            AND i.latency_s IS NOT NULL
        GROUP BY app, environment, model
        UNION ALL
        SELECT {named("u", *_LABELS)}, 0, 0., 0, 0., 0., sum(u.events), sum(u.latency_p95_s * u.events), toDate(u.hour)
        FROM v_usage_hourly AS u
        WHERE u.hour IN (SELECT toStartOfHour(complete - INTERVAL 30 MINUTE) - INTERVAL arrayJoin(range(1, 8)) DAY)
            AND u.latency_p95_s IS NOT NULL
        GROUP BY app, environment, model, u.hour
    )
    GROUP BY app, environment, model
)
WHERE answers >= {shares.MINIMUM} AND usual_answers >= 100 AND days >= 3 AND now_s > usual_seconds + 1"""


_FAILURES = f"""WITH {COMPLETE}
SELECT arrayStringConcat(topK(3)(i.error_type), ', ') AS errors, count() AS failed, minOrNull(i.time) AS first_of_them,
    uniqExact(i.tenant) AS tenants
FROM v_interactions AS i
WHERE i.time > complete - INTERVAL 1 DAY AND i.time <= complete AND i.source = 'production' AND i.error_type != ''
    AND {same("i", _LABELS)}"""

RULES = (
    Rule(
        uid="watchline-errors",
        title="Failed calls",
        group="watchline-calls",
        severity="warning",
        queries={"A": _FAILED.busy(), "share": _FAILED.busy("bad / n"), "calls": _FAILED.busy("n")},
        above=0.1,
        recovery=0.025,
        window_s=shares.WINDOW_S,
        for_s=0,
        keep_firing_for_s=shares.OVER_S,
        missing_evaluations=shares.KEEP_S // 60,
        summary=f"{_SLICE}: at least {{{{ humanizePercentage $values.A.Value }}}} of the calls fail",
        description="By the last 15 minutes of what is complete, with 99.7 % confidence{{ if $values.calls }}: "
        '{{ humanizePercentage $values.share.Value }} of {{ printf "%.0f" $values.calls.Value }}{{ end }}. What to '
        "do: see which errors, and whether the provider tells of trouble.",
        board="watchline",
        panel=10,
        details=_FAILURES,
        runbook_name="errors",
    ),
    Rule(
        uid="watchline-errors-slow",
        title="Failed calls, little traffic",
        group="watchline-calls-slow",
        severity="warning",
        queries={"A": _FAILED.quiet(), "calls": _FAILED.quiet("n"), "hours": _FAILED.quiet("hours")},
        above=0.2,
        recovery=0.05,
        window_s=shares.DAY_S,
        for_s=0,
        keep_firing_for_s=120,
        interval_s=600,
        summary=f"{_SLICE}: at least {{{{ humanizePercentage $values.A.Value }}}} of the calls fail",
        description="By its latest calls, of which there are few, with 99.7 % confidence{{ if $values.hours }}: "
        '{{ printf "%.0f" $values.calls.Value }} in the last {{ printf "%.1f" $values.hours.Value }} hours{{ end }}. '
        "What to do: see which errors, and whether the provider tells of trouble.",
        board="watchline",
        panel=10,
        details=_FAILURES,
        runbook_name="errors",
    ),
    Rule(
        uid="watchline-latency",
        title="Slow answers",
        group="watchline-calls",
        severity="warning",
        queries={"A": _slow("latency_s", "quantile(0.95)(i.latency_s)"), "calls": _slow("latency_s", "count()")},
        above=ANSWER_S,
        window_s=shares.WINDOW_S,
        for_s=300,
        missing_evaluations=shares.KEEP_S // 60,
        summary=f'{_SLICE}: one answer in twenty takes {{{{ printf "%.1f" $values.A.Value }}}} s or more',
        description="By the last 15 minutes of what is complete{{ if $values.calls }}, "
        '{{ printf "%.0f" $values.calls.Value }} answers{{ end }}. What to do: see whether questions or answers '
        "became longer, or the model slower.",
        board="watchline",
        panel=22,
        runbook_name="latency",
    ),
    Rule(
        uid="watchline-latency-unusual",
        title="Slower than usual",
        group="watchline-calls-unusual",
        severity="warning",
        queries={
            "A": _longer("now_s / usual_seconds"),
            "seconds": _longer("now_s"),
            "usual": _longer("usual_seconds"),
        },
        above=TIMES_AS_LONG,
        recovery=1.3,
        window_s=shares.WEEK_S,
        for_s=0,
        missing_evaluations=shares.KEEP_S // 60,
        summary=f'{_SLICE}: slow answers take at least {{{{ printf "%.1f" $values.A.Value }}}} times as long as usual '
        "at this hour",
        description='{{ if $values.usual }}The slowest in twenty take {{ printf "%.1f" $values.seconds.Value }} s at '
        'least, with 99.7 % confidence, usually {{ printf "%.1f" $values.usual.Value }} s, in the last hour of what is '
        "complete against the same hour of the seven days before. {{ end }}What to do: see whether questions or "
        "answers became longer, or the model slower.",
        board="watchline",
        panel=22,
        runbook_name="latency",
    ),
    Rule(
        uid="watchline-first-chunk",
        title="Slow first chunk",
        group="watchline-calls",
        severity="warning",
        queries={
            "A": _slow("time_to_first_chunk_s", "quantile(0.95)(i.time_to_first_chunk_s)"),
            "calls": _slow("time_to_first_chunk_s", "count()"),
        },
        above=FIRST_CHUNK_S,
        window_s=shares.WINDOW_S,
        for_s=300,
        missing_evaluations=shares.KEEP_S // 60,
        summary=f"{_SLICE}: one person in twenty waits "
        '{{ printf "%.1f" $values.A.Value }} s or more for the first words',
        description="By the last 15 minutes of what is complete{{ if $values.calls }}, "
        '{{ printf "%.0f" $values.calls.Value }} answers{{ end }}. What to do: see whether prompts became longer, or '
        "the provider has a queue.",
        board="watchline",
        panel=23,
        runbook_name="latency",
    ),
)
