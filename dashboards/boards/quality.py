"""How good are the answers, which are bad, and who says so?"""

from __future__ import annotations

from watchline.dashboards.boards import overview, parts
from watchline.dashboards.definitions import Board, Panel, Rows, Threshold
from watchline.dashboards.sql import chosen, wilson

_RATING = Rows(
    view="v_feedback",
    columns=("time", "app", "environment", "tenant", "rating", "score", "category", "comment", "event_id"),
)

_UNSUPPORTED = (
    Panel(
        id=12,
        title="Unsupported answers by prompt version",
        description="Share of the scored answers that claim what their sources don't say, by prompt version and "
        "model. The alert «Unsupported answers» watches this.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(f.time) AS time, f.app AS app, f.prompt_name AS prompt_name,
    f.prompt_version AS prompt_version, f.model AS model, countIf(f.flagged) / count() AS unsupported
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated' AND f.detector = 'groundedness'
GROUP BY time, app, prompt_name, prompt_version, model
ORDER BY time"""
        },
        unit="ratio",
        thresholds=(Threshold(0.35, "critical"),),
        rows=parts.UNSUPPORTED,
        height=9,
    ),
    Panel(
        id=13,
        title="Flagged, by prompt version and detector",
        description="Share of the scored interactions at or over the detector's balanced threshold, with its 95 % "
        "interval: versions whose intervals overlap are not shown to differ.",
        kind="table",
        queries={
            "A": f"""SELECT f.app AS app, f.prompt_name AS prompt_name, f.prompt_version AS prompt_version,
    f.model AS model,
    f.detector AS detector, count() AS scored, countIf(f.flagged) / scored AS flagged,
    {wilson("countIf(f.flagged)", "count()")} AS low,
    {wilson("countIf(f.flagged)", "count()", upper=True)} AS high
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated'
GROUP BY app, prompt_name, prompt_version, model, detector
ORDER BY app, prompt_name, detector, prompt_version
LIMIT 500"""
        },
        unit="none",
        rows=parts.FLAGGED,
        height=9,
    ),
    Panel(
        id=15,
        title="Latest unsupported answers",
        description="The claims, beside what the sources say; the text is redacted. `watchline show EVENT_ID` shows "
        "an event whole.",
        kind="table",
        queries={
            "A": f"""SELECT s.time AS time, s.app AS app, s.prompt_version AS prompt_version, s.model AS model,
    s.score AS score,
    s.input AS question, s.text AS claim, arrayStringConcat(s.evidence_texts, ' … ') AS sources,
    toString(s.event_id) AS event_id
FROM v_spans AS s
WHERE {chosen("v_spans", "s")} AND s.detector = 'groundedness' AND s.flagged
ORDER BY time DESC
LIMIT 50"""
        },
        unit="none",
        rows=parts.UNSUPPORTED,
        width=24,
        height=8,
    ),
)

_HARM = (
    Panel(
        id=16,
        title="Personal data, toxicity and the rest",
        description="Share of the scored interactions that were flagged, by detector.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(f.time) AS time, f.detector AS detector,
    countIf(f.flagged) / count() AS flagged
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated'
GROUP BY time, detector
ORDER BY time"""
        },
        unit="ratio",
        rows=parts.FLAGGED,
    ),
    Panel(
        id=38,
        title="When and how sure",
        description="How many scored interactions have which score, over time, all detectors that are flagged by a "
        "threshold: a change that stays below the threshold shows here first.",
        kind="heat_map",
        queries={
            "A": f"""SELECT $__timeInterval(f.time) AS time, concat('0.', toString(least(toUInt8(f.score * 10),
    9))) AS score,
    count() AS scored
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated' AND f.score IS NOT NULL
GROUP BY time, score
ORDER BY time, score"""
        },
        rows=parts.FINDING,
    ),
    Panel(
        id=39,
        title="Above the alert threshold",
        description="Findings so sure that each may be looked at for itself, by detector and app.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(f.time) AS time, f.app AS app, f.detector AS detector,
    countIf(f.alert) AS alerts
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated'
GROUP BY time, app, detector
ORDER BY time"""
        },
        rows=Rows(view="v_findings", columns=parts.FLAGGED.columns, where="alert"),
    ),
    Panel(
        id=40,
        title="Leaked personal data",
        description="Answers with personal data that neither the person nor the conversation had named, by app. The "
        "alert of this name watches it.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(f.time) AS time, f.app AS app,
    countIf(f.scores['LEAK'] >= f.threshold) AS answers
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated' AND f.detector = 'pii'
GROUP BY time, app
ORDER BY time"""
        },
        thresholds=parts.SOME,
        rows=Rows(
            view="v_findings",
            columns=parts.FLAGGED.columns,
            where="detector = 'pii' AND decision = 'evaluated' AND scores['LEAK'] >= threshold",
        ),
    ),
)

_PEOPLE = (
    Panel(
        id=17,
        title="Bad ratings",
        description="Share of people's ratings that are negative, by app.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(b.time) AS time, b.app AS app, countIf(b.rating < 0) / count() AS bad
FROM v_feedback AS b
WHERE {chosen("v_feedback", "b")} AND b.rating IS NOT NULL
GROUP BY time, app
ORDER BY time"""
        },
        unit="ratio",
        rows=Rows(view="v_feedback", columns=_RATING.columns, where="rating < 0"),
    ),
    Panel(
        id=41,
        title="Satisfaction",
        description="Mean of people's ratings, from 0, the worst of their scale, to 1, the best; with how many there "
        "are. A rating without a scale counts by its sign.",
        kind="table",
        queries={
            "A": f"""SELECT b.app AS app, count() AS ratings,
    round(avg(ifNull(b.score, if(b.rating < 0, 0., if(b.rating > 0, 1., 0.5)))), 3) AS satisfaction,
    countIf(b.rating < 0 OR b.score < 0.5) AS bad, countIf(b.comment != '') AS comments
FROM v_feedback AS b
WHERE {chosen("v_feedback", "b")} AND (b.rating IS NOT NULL OR b.score IS NOT NULL)
GROUP BY app
ORDER BY satisfaction
LIMIT 100"""
        },
        unit="none",
        rows=_RATING,
    ),
)

BOARD = Board(
    uid="watchline-quality",
    title="Quality",
    description="How good the answers are, which are bad, and what people say of them.",
    sections={
        "Unsupported answers": _UNSUPPORTED,
        "Personal data, toxicity and the rest": _HARM,
        "What people say": _PEOPLE,
        "What the monitor saw": (overview.BOARD.panels[14],),
    },
    variables=parts.ALL_VARIABLES,
    annotations=parts.ANNOTATIONS,
)
