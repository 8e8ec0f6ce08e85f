"""Does Watchline itself see everything, in time?"""

from __future__ import annotations

from watchline.dashboards.boards import overview, parts
from watchline.dashboards.definitions import Board, Panel, Rows, Threshold
from watchline.dashboards.sql import by_variables, chosen

_GAP = Rows(
    view="v_producer_gaps",
    columns=("last_time", "app", "environment", "producer_id", "stored", "missing", "dropped", "dropped_by"),
)

_NOW = (
    overview.BOARD.panels[34],
    Panel(
        id=47,
        title="Slowest canary",
        description="How long the last canary of the slowest partition took from sending to storing: what every event "
        "takes.",
        kind="stat",
        queries={
            "A": """SELECT maxOrNull(c.delay_s) AS seconds
FROM v_canary AS c
WHERE $__timeFilter(c.last_arrived)"""
        },
        unit="seconds",
        decimals=1,
        thresholds=(Threshold(60, "warning"), Threshold(300, "critical")),
        width=4,
        height=4,
    ),
    Panel(
        id=48,
        title="Oldest canary",
        description="How long ago the last canary of the partition arrived that has waited longest. A worker sends "
        "one a minute; where none arrives, events don't either.",
        kind="stat",
        queries={
            "A": """SELECT dateDiff('second', minOrNull(c.last_arrived), $__toTime) AS seconds
FROM v_canary AS c
WHERE c.last_arrived > $__toTime - INTERVAL 7 DAY"""
        },
        unit="seconds",
        thresholds=(Threshold(150, "warning"), Threshold(300, "critical")),
        width=4,
        height=4,
    ),
    overview.BOARD.panels[4],
    overview.BOARD.panels[5],
    overview.BOARD.panels[6],
)

_IN_TIME = (
    Panel(
        id=31,
        title="Canaries",
        description="The last canary of each partition of the raw topic, in the last week: how long it took from "
        "sending to storing, and how long ago it arrived.",
        kind="table",
        queries={
            "A": """SELECT c.topic AS topic, c.partition AS partition, c.last_arrived AS last_arrived,
    c.delay_s AS delay,
    c.age_s AS age, c.worker AS worker
FROM v_canary AS c
WHERE c.last_arrived > $__toTime - INTERVAL 7 DAY
ORDER BY age DESC
LIMIT 100"""
        },
        unit="none",
        height=7,
    ),
    Panel(
        id=49,
        title="From sent to stored",
        description="Median and 95th percentile of the time from an event's making to its storage, by app. One app "
        "alone: its clock is wrong or it sends late. All: the workers are behind.",
        kind="time_series",
        queries={
            "A": f"""SELECT time, app, q.1 AS percentile, q.2 AS seconds
FROM
(
    SELECT $__timeInterval(i.time) AS time, i.app AS app,
        arrayJoin(arrayZip(['median', '95 %'], quantiles(0.5, 0.95)(dateDiff('millisecond', i.time,
            i.stored_at) / 1000))) AS q
    FROM v_interactions AS i
    WHERE {chosen("v_interactions", "i")}
    GROUP BY time, app
)
ORDER BY time"""
        },
        unit="seconds",
        thresholds=(Threshold(60, "warning"), Threshold(300, "critical")),
        rows=parts.CALL,
        height=7,
    ),
    Panel(
        id=50,
        title="Watermarks",
        description="Up to when the monitors have looked at everything, by partition of the findings.",
        kind="table",
        queries={
            "A": """SELECT w.topic AS topic, w.partition AS partition, w.time AS complete_until,
    dateDiff('second', w.time, $__toTime) AS behind, w.stored_at AS told_at
FROM v_watermarks AS w
WHERE w.stored_at > $__toTime - INTERVAL 7 DAY
ORDER BY behind DESC
LIMIT 100"""
        },
        unit="none",
        height=7,
    ),
    Panel(
        id=51,
        title="Rollups",
        description="When each was counted last, and what went wrong since. They are counted every ten minutes.",
        kind="table",
        queries={
            "A": """SELECT r.rollup AS rollup, r.refreshed_at AS refreshed_at, r.age_s AS age, r.duration_s AS took,
    r.status AS status,
    r.exception AS error
FROM v_refreshes AS r
ORDER BY age DESC"""
        },
        unit="none",
        height=7,
    ),
    Panel(
        id=52,
        title="Time a check takes",
        description="95th percentile of the time that a batch took, by detector.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(f.time) AS time, f.detector AS detector,
    quantile(0.95)(f.duration_us) / 1e6 AS seconds
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated'
GROUP BY time, detector
ORDER BY time"""
        },
        unit="seconds",
        rows=parts.FINDING,
        width=24,
        height=7,
    ),
)

_CHECKED = (
    Panel(
        id=19,
        title="Coverage by detector",
        description="What became of every planned check. `not_applicable`: the detector says why it can't judge the "
        "text.",
        kind="table",
        queries={
            "A": "SELECT detector, planned, evaluated, not_applicable, not_sampled, shed, failed, missing\n"
            f"FROM {parts.checks()}\nORDER BY detector"
        },
        unit="none",
        rows=parts.UNCHECKED,
    ),
    Panel(
        id=20,
        title="Not evaluated",
        description="Planned checks without a score, by detector and decision.",
        kind="time_series",
        queries={
            "A": f"""SELECT time, detector, kind.1 AS decision, kind.2 AS checks
FROM
(
    SELECT time, detector, arrayJoin([('not_applicable', not_applicable), ('not_sampled', not_sampled), ('shed', shed),
        ('failed', failed), ('missing', missing)]) AS kind
    FROM {parts.checks("$__timeInterval")}
)
WHERE checks > 0
ORDER BY time, detector"""
        },
        rows=parts.UNCHECKED,
    ),
)

_LOST = (
    Panel(
        id=27,
        title="Dead letters by kind",
        description="By when they came to Kafka. A message that can't be decoded names no app, and counts where all "
        "are chosen. `watchline dead-letters replay` brings them back.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(d.time) AS time, d.kind AS kind, count() AS dead_letters
FROM v_dead_letters AS d
WHERE {chosen("v_dead_letters", "d")}
GROUP BY time, kind
ORDER BY time"""
        },
        rows=parts.DEAD_LETTER,
    ),
    Panel(
        id=28,
        title="Producer gaps",
        description="Producers with events that were numbered but never stored; `of_these_dropped`: those dropped in "
        "the app because its buffer was full.",
        kind="table",
        queries={
            "A": f"""SELECT g.app AS app, g.environment AS environment, toString(g.producer_id) AS producer,
    min(g.first_time) AS since, max(g.last_time) AS until, sum(g.stored) AS events, sum(g.missing) AS lost,
    sum(g.dropped) AS of_these_dropped, toString(sumMap(g.dropped_by)) AS by_reason
FROM v_producer_gaps AS g
WHERE {chosen("v_producer_gaps", "g", time="last_time")}
GROUP BY app, environment, producer
HAVING lost > 0 OR of_these_dropped > 0
ORDER BY lost DESC
LIMIT 100"""
        },
        unit="none",
        rows=_GAP,
    ),
    Panel(
        id=29,
        title="Gaps in Kafka",
        description="Messages that retention or a recreated topic took away before the worker read them. Raise "
        "retention, or find out why the worker was away.",
        kind="table",
        queries={
            "A": """SELECT o.time AS time, o.topic AS topic, o.partition AS partition, o.first_missing AS first_missing,
    o.next_offset - o.first_missing AS messages
FROM v_offset_gaps AS o
WHERE $__timeFilter(o.time)
ORDER BY time DESC
LIMIT 100"""
        },
        unit="none",
        height=6,
    ),
    Panel(
        id=53,
        title="Arguments that producers could not read",
        description="Events that came without an argument, because its type was wrong, or with it as an attribute, "
        "because no argument has its name: a mistake in an app.",
        kind="table",
        queries={
            "A": f"""SELECT u.app AS app, u.environment AS environment, u.records AS records, u.argument AS argument,
    u.type AS type,
    sum(u.events) AS events
FROM v_unreadable AS u
WHERE u.hour >= toStartOfHour($__fromTime) AND u.hour <= $__toTime{by_variables("v_unreadable", "u")}
GROUP BY app, environment, records, argument, type
ORDER BY events DESC
LIMIT 100"""
        },
        unit="none",
        height=6,
    ),
)

BOARD = Board(
    uid="watchline-pipeline",
    title="Pipeline health",
    description="Whether Watchline itself sees everything, and in time.",
    sections={"Now": _NOW, "In time": _IN_TIME, "Checked": _CHECKED, "Lost and refused": _LOST},
    variables=parts.ALL_VARIABLES,
    annotations=parts.ANNOTATIONS,
)
