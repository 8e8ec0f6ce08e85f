"""Whether Watchline itself sees everything in time, and whether each app still sends."""

from __future__ import annotations

from watchline.dashboards.definitions import OF_WATCHLINE, Rule
from watchline.dashboards.sql import COMPLETE, named

_CANARY_MINUTES, _LAG_S, _SILENT_MINUTES, _ROLLUP_S, _EVENTS_AN_HOUR = 5, 300, 30, 3600, 40


def _lag(value: str) -> str:
    """Of the slowest partition. Where no canary arrives at all, «No canary» tells, and this one is silent."""
    return f"""SELECT $__toTime AS time, toFloat64({value}) AS value
FROM
(
    SELECT max(c.delay_s) AS canary_s, min(c.last_arrived) AS arrived,
        (
            SELECT dateDiff('second', minOrNull(w.time), $__toTime) FROM v_watermarks AS w
            WHERE w.stored_at > $__toTime - INTERVAL 1 DAY
        ) AS watermark_s
    FROM v_canary AS c
    WHERE c.last_arrived > $__toTime - INTERVAL 7 DAY
)
WHERE arrived > $__toTime - INTERVAL {_CANARY_MINUTES} MINUTE AND value IS NOT NULL"""


def _silence(value: str) -> str:
    """Apps that have events in this hour on other days, a week ago too, and when one of the last day arrived.

    By when it arrived: who always delivers late isn't silent.
    """
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, app, environment, toFloat64({value}) AS value
FROM
(
    SELECT app, environment, max(last_event) AS last, countIf(events >= {_EVENTS_AN_HOUR}) AS days,
        avgIf(events, events > 0) AS usual, maxIf(events, day = toDate(complete - INTERVAL 7 DAY)) AS week_ago
    FROM
    (
        SELECT {named("u", "app", "environment")}, sum(u.events) AS events, toDate(u.hour) AS day,
            toDateTime64(0, 6, 'UTC') AS last_event
        FROM v_usage_hourly AS u
        WHERE u.hour IN
            (SELECT toStartOfHour(complete - INTERVAL {_SILENT_MINUTES} MINUTE) - INTERVAL arrayJoin(range(1, 8)) DAY)
        GROUP BY app, environment, u.hour
        UNION ALL
        SELECT {named("i", "app", "environment")}, 0, toDate(0), max(least(i.stored_at, complete))
        FROM v_interactions AS i
        WHERE i.time > complete - INTERVAL 1 DAY AND i.time <= complete AND i.source = 'production'
        GROUP BY app, environment
    )
    GROUP BY app, environment
)
WHERE days >= 3 AND week_ago >= {_EVENTS_AN_HOUR}"""


RULES = (
    Rule(
        uid="watchline-no-canary",
        title="No canary",
        group="watchline-pipeline",
        about=OF_WATCHLINE,
        severity="critical",
        queries={
            # A partition that has been dead for days still has its row.
            "A": """SELECT $__toTime AS time, c.topic AS topic, toString(c.partition) AS partition,
    dateDiff('second', c.last_arrived, $__toTime) / 60 AS value
FROM v_canary AS c
WHERE c.last_arrived > $__toTime - INTERVAL 7 DAY AND c.last_arrived <= $__toTime + INTERVAL 1 MINUTE"""
        },
        above=_CANARY_MINUTES - 2,
        window_s=7 * 86_400,
        ends="now",
        for_s=120,  # a store that is restarted wakes nobody
        no_data="alerting",
        error="alerting",
        summary="{{ if $values.A }}No canary has come through partition {{ $labels.partition }} of {{ $labels.topic "
        "}} for "
        '{{ printf "%.0f" $values.A.Value }} minutes: events don\'t either{{ else }}No canary came, or ClickHouse '
        "does not "
        "answer: nothing is being watched{{ end }}",
        description="The partition has no worker, or its worker is stuck, or can't reach Kafka or ClickHouse. What to "
        "do: `watchline doctor`, then /readyz and /livez of the workers, then their logs; stacks stand there when one "
        "is stuck.",
        board="watchline-pipeline",
        panel=31,
    ),
    Rule(
        uid="watchline-lag",
        title="Behind",
        group="watchline-pipeline",
        about=OF_WATCHLINE,
        severity="critical",
        queries={
            "A": _lag("greatest(canary_s, toFloat64(ifNull(watermark_s, 0)))"),
            "canary": _lag("canary_s"),
            "watermark": _lag("watermark_s"),
        },
        above=_LAG_S,
        window_s=86_400,
        ends="now",
        for_s=120,
        summary='Watchline is {{ printf "%.0f" $values.A.Value }} seconds behind: what happens now is not seen yet',
        description="{{ if $values.canary }}The slowest partition's last canary took "
        '{{ printf "%.0f" $values.canary.Value }} s to be stored. {{ end }}{{ if $values.watermark }}All is looked at '
        'up to {{ printf "%.0f" $values.watermark.Value }} s ago. {{ end }}The other rules judge what is complete, so '
        "they are late by as much. What to do: see whether there is more traffic, or a worker less.",
        board="watchline-pipeline",
        panel=49,
    ),
    Rule(
        uid="watchline-no-data",
        title="No data",
        group="watchline-pipeline",
        severity="warning",
        queries={
            "A": _silence("if(last = toDateTime64(0, 6, 'UTC'), 1440, dateDiff('second', last, complete) / 60)"),
            "usual": _silence("usual"),
        },
        above=_SILENT_MINUTES,
        window_s=8 * 86_400,
        summary="{{ $labels.app }} ({{ $labels.environment }}) has sent nothing for "
        '{{ printf "%.0f" $values.A.Value }} minutes or more',
        description='{{ if $values.usual }}In this hour of other days it sent {{ printf "%.0f" $values.usual.Value }} '
        "events on average. {{ end }}The pipeline is alive, or «No canary» would tell. What to do: see whether the "
        "app has traffic and what its producer logs.",
        board="watchline",
        panel=9,
    ),
    Rule(
        uid="watchline-old-rollups",
        title="Old rollups",
        group="watchline-pipeline",
        about=OF_WATCHLINE,
        severity="warning",
        queries={
            "A": """SELECT $__toTime AS time, r.rollup AS rollup,
    toFloat64(max(dateDiff('second', r.refreshed_at, $__toTime))) AS value
FROM v_refreshes AS r
WHERE r.refreshed_at IS NOT NULL
GROUP BY r.rollup"""
        },
        above=_ROLLUP_S,
        window_s=86_400,
        ends="now",
        for_s=600,
        summary='{{ $labels.rollup }} was counted {{ printf "%.0f" $values.A.Value }} seconds ago, and should be each '
        "600",
        description="What is usual is read from it, and what came again is found by it. What to do: `SELECT rollup, "
        "exception FROM v_refreshes` says what went wrong.",
        board="watchline-pipeline",
        panel=51,
        details="SELECT arrayStringConcat(groupUniqArray(r.exception), ' ') AS errors FROM v_refreshes AS r WHERE "
        "r.rollup = {rollup:String}",
    ),
)
