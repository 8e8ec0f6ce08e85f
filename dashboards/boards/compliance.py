"""What can be shown to an auditor: what was checked, by what, what was taken out, what is lost or contradicts."""

from __future__ import annotations

from watchline.dashboards.boards import governance, parts, pipeline, quality
from watchline.dashboards.definitions import Board, Panel, Rows
from watchline.dashboards.sql import by_variables, chosen

_CONFLICT = Rows(
    view="v_conflicts",
    columns=(
        "time",
        "hour",
        "app",
        "tenant",
        "detector",
        "first_decision",
        "decision",
        "first_score",
        "score",
        "event_id",
    ),
)
_GONE = Rows(
    view="v_missing_events",
    columns=("time", "app", "detectors", "topic_id", "partition", "first_offset", "last_offset", "lost", "event_id"),
)

_CHECKED = (
    Panel(
        id=54,
        title="Checked",
        description="Share of the planned checks that came to a verdict or to a reason why there is none to give.",
        kind="stat",
        queries={
            "A": f"SELECT sum(evaluated + not_applicable) / nullIf(sum(planned), 0) AS share\nFROM {parts.checks()}"
        },
        unit="ratio",
        decimals=2,
        rows=parts.UNCHECKED,
        width=6,
    ),
    pipeline.BOARD.panels[19],
    Panel(
        id=55,
        title="Lost rows",
        description="Events that were stored, by the ledger, and are not there: deleted, or in a damaged part. "
        "Anything but 0 needs an explanation; `watchline repair` brings back what Kafka still has.",
        kind="stat",
        queries={
            "A": f"""SELECT count() AS events
FROM v_missing_events AS m
WHERE m.day >= toDate($__fromTime) AND m.day <= toDate($__toTime){by_variables("v_missing_events", "m")}"""
        },
        thresholds=parts.ANY,
        rows=_GONE,
        width=6,
    ),
    Panel(
        id=56,
        title="Detectors and thresholds in force",
        description="Which version of each detector judged with which thresholds, from when to when, and how often.",
        kind="table",
        queries={
            "A": f"""SELECT f.detector AS detector, f.detector_version AS detector_version,
    f.calibration_version AS calibration,
    round(f.threshold, 4) AS threshold, round(f.alert_threshold, 4) AS alert_threshold, min(f.time) AS first_time,
    max(f.time) AS last_time, count() AS evaluated
FROM v_findings AS f
WHERE {chosen("v_findings", "f")}
    AND f.decision = 'evaluated'
GROUP BY detector, detector_version, calibration, threshold, alert_threshold
ORDER BY detector, first_time
LIMIT 200"""
        },
        unit="none",
        rows=parts.FINDING,
        width=24,
        height=7,
    ),
)

_PERSONAL = (
    Panel(
        id=57,
        title="Taken out before storage",
        description="Pieces of personal data that were replaced before anything was stored, by kind.",
        kind="time_series",
        queries={
            "A": f"""SELECT $__timeInterval(i.time) AS time, r.1 AS kind, sum(r.2) AS pieces
FROM v_interactions AS i ARRAY JOIN CAST(i.redactions, 'Array(Tuple(String, UInt32))') AS r
WHERE {chosen("v_interactions", "i")}
GROUP BY time, kind
ORDER BY time"""
        },
        rows=Rows(view="v_interactions", columns=parts.CALL.columns, where="notEmpty(redactions)"),
    ),
    quality.BOARD.panels[40],
)

_CONTRADICTIONS = (
    Panel(
        id=32,
        title="Conflicts",
        description="What came again and said otherwise, by the same version of a detector, or with other texts of "
        "the event (`texts`). What was stored first is shown everywhere else. By the hour of the event; found within "
        "ten minutes.",
        kind="table",
        queries={
            "A": f"""SELECT c.hour AS time, c.app AS app, if(c.detector = '', 'texts', c.detector) AS detector,
    toString(c.event_id) AS event_id, c.first_decision AS first_decision, c.first_score AS first_score,
    c.decision AS decision, c.score AS score
FROM v_conflicts AS c
WHERE {chosen("v_conflicts", "c", time="hour")}
ORDER BY time DESC
LIMIT 100"""
        },
        unit="none",
        rows=_CONFLICT,
        width=24,
        height=6,
    ),
    Panel(
        id=58,
        title="Scored again",
        description="Events that another version of a detector judged after the one whose finding is shown, by "
        "version.",
        kind="table",
        queries={
            "A": f"""SELECT r.app AS app, r.detector AS detector, r.first_version AS first_version,
    r.detector_version AS detector_version,
    count() AS events, countIf(r.decision != r.first_decision) AS decided_otherwise, min(r.hour) AS first_hour,
    max(r.hour) AS last_hour
FROM v_rescored AS r
WHERE {chosen("v_rescored", "r", time="hour")}
GROUP BY app, detector, first_version, detector_version
ORDER BY app, detector, last_hour DESC
LIMIT 100"""
        },
        unit="none",
        height=6,
    ),
    Panel(
        id=59,
        title="Ids that came under another key",
        description="Ids that came with another hour, tenant or app than at first, and that views leave out.",
        kind="table",
        queries={
            "A": f"""SELECT s.stored_at AS time, s.app AS app, s.tenant AS tenant, s.hour AS hour,
    s.kept_app AS kept_app,
    s.kept_tenant AS kept_tenant, s.kept_hour AS kept_hour, toString(s.event_id) AS event_id
FROM v_superseded AS s
WHERE {chosen("v_superseded", "s", time="stored_at")}
ORDER BY time DESC
LIMIT 100"""
        },
        unit="none",
        height=6,
    ),
)

BOARD = Board(
    uid="watchline-compliance",
    title="Compliance",
    description="What was checked, by what, what was taken out, what is lost or contradicts itself, and what people "
    "decided.",
    sections={
        "Was everything checked?": _CHECKED,
        "Personal data": _PERSONAL,
        "Lost": (pipeline.BOARD.panels[28], pipeline.BOARD.panels[29]),
        "Contradictions": _CONTRADICTIONS,
        "What people approve": governance.APPROVED,
        "The audit trail": governance.TRAIL,
        "Erasure and retention": governance.TERMS,
    },
    variables=parts.ALL_VARIABLES,
    annotations=parts.ANNOTATIONS,
    hours=24,
)
