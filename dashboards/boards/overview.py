"""Is anything wrong now, where, and since when?"""

from __future__ import annotations

from watchline.dashboards.boards import parts
from watchline.dashboards.definitions import Board, Panel, Threshold
from watchline.dashboards.sql import chosen, whole_hours, wilson

_NOW = (
    Panel(
        id=3,
        title="Unsupported answers",
        description="Share of the scored answers that claim what their sources don't say (groundedness, at the "
        "balanced operating point).",
        kind="stat",
        queries={
            "A": f"""SELECT countIf(f.flagged) / nullIf(count(), 0) AS share
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated' AND f.detector = 'groundedness'"""
        },
        unit="ratio",
        decimals=1,
        thresholds=(Threshold(0.1, "warning"), Threshold(0.35, "critical")),
        rows=parts.UNSUPPORTED,
        width=4,
        height=4,
    ),
    Panel(
        id=33,
        title="Failed calls",
        description="Share of the calls that ended in an error.",
        kind="stat",
        queries={
            "A": f"""SELECT countIf(i.error_type != '') / nullIf(count(), 0) AS share
FROM v_interactions AS i
WHERE {chosen("v_interactions", "i")}"""
        },
        unit="ratio",
        decimals=1,
        thresholds=(Threshold(0.02, "warning"), Threshold(0.1, "critical")),
        rows=parts.FAILED_CALL,
        width=4,
        height=4,
    ),
    Panel(
        id=4,
        title="Missing findings",
        description="Planned checks without any finding. Anything but 0 is an error of Watchline.",
        kind="stat",
        queries={"A": f"SELECT sum(missing) AS missing\nFROM {parts.checks()}"},
        thresholds=parts.ANY,
        rows=parts.UNCHECKED,
        width=4,
        height=4,
    ),
    Panel(
        id=5,
        title="Dead letters",
        description="Messages and events that could not be processed. One whose app can't be read counts for none.",
        kind="stat",
        queries={
            "A": f"""SELECT count() AS dead_letters
FROM v_dead_letters AS d
WHERE {chosen("v_dead_letters", "d")} AND NOT d.resolved"""
        },
        thresholds=parts.SOME,
        rows=parts.DEAD_LETTER,
        width=4,
        height=4,
    ),
    Panel(
        id=7,
        title="Since the last event",
        description="Time since an interaction was stored of what is chosen. Nothing came in the whole range: empty. "
        "The alert «No data» watches each app.",
        kind="stat",
        queries={
            "A": f"""SELECT dateDiff('second', maxOrNull(i.stored_at), $__toTime) AS seconds
FROM v_interactions AS i
WHERE {chosen("v_interactions", "i")}"""
        },
        unit="seconds",
        thresholds=(Threshold(600, "warning"), Threshold(3600, "critical")),
        rows=parts.CALL,
        width=4,
        height=4,
    ),
    Panel(
        id=34,
        title="Behind by",
        description="How long ago all that had come by then was scored and looked at: the age of the lowest "
        "watermark. Rules judge what is older than that.",
        kind="stat",
        queries={
            "A": """SELECT dateDiff('second', minOrNull(w.time), $__toTime) AS seconds
FROM v_watermarks AS w
WHERE w.stored_at > $__toTime - INTERVAL 1 DAY"""
        },
        unit="seconds",
        thresholds=(Threshold(120, "warning"), Threshold(600, "critical")),
        width=4,
        height=4,
    ),
)

_WHERE = (
    Panel(
        id=35,
        title="Worst slices",
        description="Where answers are flagged most, for sure: by the lower end of the share's 95 % interval, so that "
        "three answers don't lead. At least ten scored.",
        kind="table",
        queries={
            "A": f"""SELECT f.app AS app, f.environment AS environment, f.prompt_name AS prompt_name,
    f.prompt_version AS prompt_version, f.model AS model, f.detector AS detector, count() AS scored,
    round(countIf(f.flagged) / count(), 3) AS flagged, round({wilson("countIf(f.flagged)", "count()")}, 3) AS at_least
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated'
GROUP BY app, environment, prompt_name, prompt_version, model, detector
HAVING scored >= 10 AND at_least > 0
ORDER BY at_least DESC
LIMIT 20"""
        },
        unit="none",
        rows=parts.FLAGGED,
        height=9,
    ),
    Panel(
        id=36,
        title="Flagged, by detector",
        description="Share of the scored interactions that each detector flags.",
        kind="bar_gauge",
        queries={
            "A": f"""SELECT f.detector AS detector, countIf(f.flagged) / count() AS flagged
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated'
GROUP BY detector
ORDER BY detector"""
        },
        unit="ratio",
        decimals=1,
        thresholds=(Threshold(0.1, "warning"), Threshold(0.35, "critical")),
        rows=parts.FLAGGED,
        width=6,
        height=9,
    ),
    Panel(
        id=2,
        title="Interactions",
        description="Interactions of what is chosen that were stored, by the producer's time.",
        kind="stat",
        queries={
            "A": f"""SELECT count() AS interactions
FROM v_interactions AS i
WHERE {chosen("v_interactions", "i")}"""
        },
        rows=parts.CALL,
        width=6,
        height=4,
    ),
    Panel(
        id=6,
        title="Lost before storage",
        description="Events that a producer numbered and that were never stored: dropped in the app, lost on the way "
        "or dead letters. Of producers that sent something in this range.",
        kind="stat",
        queries={
            "A": f"""SELECT sum(g.missing) AS missing
FROM v_producer_gaps AS g
WHERE {chosen("v_producer_gaps", "g", time="last_time")}"""
        },
        thresholds=parts.SOME,
        width=6,
        height=5,
    ),
)

_SINCE = (
    Panel(
        id=9,
        title="Interactions per second",
        description="How many were stored, by app and the producer's time. The alert «No data» watches each app.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(i.time) AS time, i.app AS app, count() / $__interval_s AS interactions
FROM v_interactions AS i
WHERE {chosen("v_interactions", "i")}
GROUP BY time, app
ORDER BY time"""
        },
        unit="per_second",
        rows=parts.CALL,
    ),
    Panel(
        id=10,
        title="Errors",
        description="Share of the interactions that ended in an error, by app and model.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(i.time) AS time, i.app AS app, i.model AS model,
    countIf(i.error_type != '') / count() AS errors
FROM v_interactions AS i
WHERE {chosen("v_interactions", "i")}
GROUP BY time, app, model
ORDER BY time"""
        },
        unit="ratio",
        thresholds=(Threshold(0.1, "critical"),),
        rows=parts.FAILED_CALL,
    ),
    Panel(
        id=14,
        title="Signals",
        description="Changes that the online monitor saw: what moved, from what to what, since when, in which part of "
        "the traffic. The alert «Drift» tells of those with `page`.",
        kind="table",
        queries={
            "A": f"""SELECT s.time AS time, s.app AS app, s.prompt_name AS prompt_name, s.measure AS measure,
    s.kind AS kind,
    arrayStringConcat(arrayMap((k, v) -> concat(k, ' ', v), mapKeys(s.slice), mapValues(s.slice)), ', ') AS slice,
    arrayStringConcat(arrayMap((k, v) -> concat(k, ' ', v), mapKeys(s.baseline), mapValues(s.baseline)),
        ', ') AS against,
    s.before AS before, s.after AS after, s.since AS since,
    trimBoth(concat(s.cause, ' ', s.cause_value, ' ', s.cause_kind)) AS cause,
    arrayStringConcat(s.ruled_out, ', ') AS ruled_out, arrayStringConcat(s.moved_with, ', ') AS moved_with,
    s.events_before AS events_before, s.events_after AS events_after, s.method AS method, s.p_value AS p_value,
    s.page AS page, toString(s.event_id) AS event_id
FROM v_signals AS s
WHERE {chosen("v_signals", "s")}
ORDER BY time DESC
LIMIT 100"""
        },
        unit="none",
        rows=parts.SIGNAL,
        width=24,
        height=7,
    ),
)

_COST_AND_SPEED = (
    Panel(
        id=22,
        title="Latency",
        description="Median and 95th percentile of the whole answer, by model. Failed and cancelled calls aside.",
        kind="time_series",
        queries={
            "A": f"""SELECT time, model, q.1 AS percentile, q.2 AS seconds
FROM
(
    SELECT $__timeInterval(i.time) AS time, i.model AS model,
        arrayJoin(arrayZip(['median', '95 %'], quantiles(0.5, 0.95)(i.latency_s))) AS q
    FROM v_interactions AS i
    WHERE {chosen("v_interactions", "i")}
        AND i.latency_s IS NOT NULL AND i.error_type = '' AND NOT i.cancelled
    GROUP BY time, model
)
ORDER BY time"""
        },
        unit="seconds",
        rows=parts.CALL,
    ),
    Panel(
        id=23,
        title="Time to first chunk",
        description="Median and 95th percentile, by model, where the app streams.",
        kind="time_series",
        queries={
            "A": f"""SELECT time, model, q.1 AS percentile, q.2 AS seconds
FROM
(
    SELECT $__timeInterval(i.time) AS time, i.model AS model,
        arrayJoin(arrayZip(['median', '95 %'], quantiles(0.5, 0.95)(i.time_to_first_chunk_s))) AS q
    FROM v_interactions AS i
    WHERE {chosen("v_interactions", "i")}
        AND i.time_to_first_chunk_s IS NOT NULL
    GROUP BY time, model
)
ORDER BY time"""
        },
        unit="seconds",
        rows=parts.CALL,
    ),
    Panel(
        id=25,
        title="Cost per hour",
        description="US dollars, by model, at the rate of each point. Calls whose price is unknown are not in it: see "
        "beside.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(i.time) AS time, i.model AS model,
    sum(i.cost) * 3600 / $__interval_s AS cost
FROM v_interactions AS i
WHERE {chosen("v_interactions", "i")}
    AND i.cost IS NOT NULL
GROUP BY time, model
ORDER BY time"""
        },
        unit="usd",
        rows=parts.CALL,
        width=8,
    ),
    Panel(
        id=37,
        title="Cost by app",
        description="US dollars of whole hours, from the hour in which the range begins; what each good answer cost, "
        "and how many calls have no known price and are not in it. Good: nothing flags it, nobody rates it low, no "
        "error ended it.",
        kind="table",
        queries={
            "A": f"""SELECT c.app AS app, c.tenant AS tenant, c.model AS model, sum(c.events) AS calls,
    sum(c.without_cost) AS without_price, round(sum(c.cost), 4) AS cost, sum(c.good_answers) AS good_answers,
    round(sum(c.cost) / nullIf(sum(c.good_answers), 0), 6) AS cost_per_good_answer
FROM v_cost_hourly AS c
WHERE {whole_hours("v_cost_hourly", "c")}
GROUP BY app, tenant, model
ORDER BY cost DESC
LIMIT 100"""
        },
        unit="none",
        rows=parts.CALL,
        width=8,
    ),
    Panel(
        id=24,
        title="Tokens per second",
        description="Input and output, all models; cached and reasoning tokens are parts of these.",
        kind="time_series",
        queries={
            "A": f"""SELECT time, t.1 AS kind, t.2 AS tokens
FROM
(
    SELECT $__timeInterval(i.time) AS time, arrayJoin([('input', sum(i.input_tokens) / $__interval_s),
        ('output', sum(i.output_tokens) / $__interval_s)]) AS t
    FROM v_interactions AS i
    WHERE {chosen("v_interactions", "i")}
        AND (i.input_tokens IS NOT NULL OR i.output_tokens IS NOT NULL)
    GROUP BY time
)
ORDER BY time"""
        },
        unit="per_second",
        rows=parts.CALL,
        width=8,
    ),
)

BOARD = Board(
    uid="watchline",
    title="Overview",
    description="Production LLM traffic: what is wrong now, where, and since when.",
    sections={
        "Wrong now": _NOW,
        "Where": _WHERE,
        "Since when": _SINCE,
        "Speed and cost": _COST_AND_SPEED,
    },
    variables=parts.ALL_VARIABLES,
    annotations=parts.ANNOTATIONS,
)
