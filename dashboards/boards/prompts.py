"""Which prompt version or model answers, since when, and is it better or worse than the one before?"""

from __future__ import annotations

from watchline.dashboards.boards import parts
from watchline.dashboards.definitions import Board, Panel
from watchline.dashboards.sql import chosen, whole_hours, wilson

_VERSIONS = (
    Panel(
        id=42,
        title="Versions: since when, how many, how good",
        description="Every prompt version and model of production in the range, the newest first: when its first and "
        "last answers came, to the hour, and the share of unsupported answers with its 95 % interval. Counted every "
        "ten minutes; the hour in which the range begins is in it, whole.",
        kind="table",
        queries={
            "A": f"""SELECT q.app AS app, q.environment AS environment, q.prompt_name AS prompt_name,
    q.prompt_version AS prompt_version, q.model AS model, min(q.hour) AS first_hour, max(q.hour) AS last_hour,
    sumIf(q.evaluated, q.detector = 'groundedness') AS scored,
    round(sumIf(q.flagged_events, q.detector = 'groundedness') / nullIf(scored, 0), 3) AS unsupported,
    round({wilson("sumIf(q.flagged_events, q.detector = 'groundedness')", "scored")}, 3) AS low,
    round({wilson("sumIf(q.flagged_events, q.detector = 'groundedness')", "scored", upper=True)}, 3) AS high
FROM v_quality_hourly AS q
WHERE {whole_hours("v_quality_hourly", "q")}
GROUP BY app, environment, prompt_name, prompt_version, model
ORDER BY first_hour DESC, app, prompt_name, prompt_version
LIMIT 200"""
        },
        unit="none",
        rows=parts.FINDING,
        width=24,
        height=9,
    ),
    Panel(
        id=43,
        title="Answers by version",
        description="How many answers each version and model gave: who took over from whom.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(i.time) AS time, i.app AS app, i.prompt_name AS prompt_name,
    i.prompt_version AS prompt_version, i.model AS model, count() AS answers
FROM v_interactions AS i
WHERE {chosen("v_interactions", "i")}
GROUP BY time, app, prompt_name, prompt_version, model
ORDER BY time"""
        },
        rows=parts.CALL,
    ),
    Panel(
        id=44,
        title="Which version answered",
        description="When each version and model gave answers, and how many an hour.",
        kind="state_timeline",
        queries={
            "A": f"""SELECT $__timeInterval(i.time) AS time, concat(i.prompt_name, ' ', i.prompt_version, ' on ',
    i.model) AS version,
    count() AS answers
FROM v_interactions AS i
WHERE {chosen("v_interactions", "i")}
GROUP BY time, version
ORDER BY time, version"""
        },
        rows=parts.CALL,
    ),
)

_BETTER_OR_WORSE = (
    Panel(
        id=45,
        title="Flagged by version",
        description="Share of the scored answers that were flagged, by version and detector, hour by hour.",
        kind="time_series",
        queries={
            "A": f"""SELECT toStartOfInterval(toDateTime(f.time), INTERVAL 1 HOUR) AS time,
    f.prompt_name AS prompt_name,
    f.prompt_version AS prompt_version, f.detector AS detector, countIf(f.flagged) / count() AS flagged
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated'
GROUP BY time, prompt_name, prompt_version, detector
ORDER BY time"""
        },
        unit="ratio",
        rows=parts.FLAGGED,
    ),
    Panel(
        id=46,
        title="Speed, length and cost by version",
        description="Of answers that neither failed nor were cancelled: latency, time to first chunk, tokens and cost "
        "of one. Calls whose price is unknown are counted beside, not as free.",
        kind="table",
        queries={
            "A": f"""SELECT i.app AS app, i.prompt_name AS prompt_name, i.prompt_version AS prompt_version,
    i.model AS model,
    count() AS answers, round(quantile(0.5)(i.latency_s), 3) AS latency_median, round(quantile(0.95)(i.latency_s),
        3) AS latency_95,
    round(quantile(0.95)(i.time_to_first_chunk_s), 3) AS first_chunk_95, round(avg(i.input_tokens)) AS input_tokens,
    round(avg(i.output_tokens)) AS output_tokens, round(avg(i.cost), 6) AS cost,
        countIf(i.cost IS NULL) AS without_price
FROM v_interactions AS i
WHERE {chosen("v_interactions", "i")}
    AND i.error_type = '' AND NOT i.cancelled
GROUP BY app, prompt_name, prompt_version, model
ORDER BY app, prompt_name, prompt_version
LIMIT 200"""
        },
        unit="none",
        rows=parts.CALL,
    ),
)

BOARD = Board(
    uid="watchline-prompts",
    title="Prompt versions",
    description="Which prompt version and model answers since when, and whether it is better than the one before.",
    sections={"Who answers": _VERSIONS, "Better or worse": _BETTER_OR_WORSE},
    variables=parts.ALL_VARIABLES,
    annotations=parts.ANNOTATIONS,
    hours=24,
)
