"""What the boards share: variables, annotations, rows behind panels, and panels that stand on more than one board."""

from __future__ import annotations

from watchline.dashboards.definitions import Annotation, Rows, Threshold, Variable
from watchline.dashboards.sql import VARIABLES, by_variables, chosen

ANSWER = ("time", "app", "environment", "tenant", "prompt_name", "prompt_version", "model")
FINDING = Rows(
    view="v_findings",
    columns=(*ANSWER, "detector", "score", "flagged", "event_id"),
    where="decision = 'evaluated'",
)
FLAGGED = Rows(
    view="v_findings",
    columns=(*ANSWER, "detector", "score", "detector_version", "event_id"),
    where="flagged",
)
UNSUPPORTED = Rows(
    view="v_spans",
    columns=(*ANSWER, "input", "text", "evidence_texts", "score", "event_id"),
    where="detector = 'groundedness' AND flagged",
)
CALL = Rows(
    view="v_interactions",
    columns=(
        *ANSWER,
        "error_type",
        "latency_s",
        "time_to_first_chunk_s",
        "input_tokens",
        "output_tokens",
        "cost",
        "event_id",
    ),
)
FAILED_CALL = Rows(view="v_interactions", columns=CALL.columns, where="error_type != ''")
SIGNAL = Rows(
    view="v_signals",
    columns=("time", "app", "environment", "prompt_name", "measure", "before", "after", "since", "cause", "event_id"),
)
DEAD_LETTER = Rows(
    view="v_dead_letters",
    columns=("time", "app", "topic", "partition", "offset", "event_index", "kind", "field", "reason", "event_id"),
    where="NOT resolved",
)
UNCHECKED = Rows(
    view="v_decisions",
    columns=(*ANSWER[:-1], "detector", "decision", "reason", "event_id"),
    where="decision NOT IN ('evaluated', 'not_applicable')",
)


def checks(bucket: str = "") -> str:
    """A subquery that counts checks, by detector and, given `$__timeInterval`, by time: those planned and what came.

    By counts and not by a join of each event's plan with its findings, which costs several times as much.
    """
    time, group = (f"{bucket}({{0}}.time) AS time, ", "time, ") if bucket else ("", "")
    return f"""(
    SELECT {group}detector, sum(of_plan) AS planned, sum(of_evaluated) AS evaluated,
        sum(of_not_applicable) AS not_applicable, sum(of_not_sampled) AS not_sampled, sum(of_shed) AS shed,
        sum(of_failed) AS failed, greatest(planned - sum(of_findings), 0) AS missing
    FROM
    (
        SELECT {time.format("i")}arrayJoin(mapKeys(i.planned)) AS detector, toInt64(count()) AS of_plan,
            toInt64(0) AS of_findings, toInt64(0) AS of_evaluated, toInt64(0) AS of_not_applicable,
            toInt64(0) AS of_not_sampled, toInt64(0) AS of_shed, toInt64(0) AS of_failed
        FROM v_interactions AS i
        WHERE {chosen("v_interactions", "i")}
        GROUP BY {group}detector
        UNION ALL
        SELECT {time.format("f")}f.detector, toInt64(0), toInt64(count()),
            toInt64(countIf(f.decision = 'evaluated')),
            toInt64(countIf(f.decision = 'not_applicable')), toInt64(countIf(f.decision = 'not_sampled')),
            toInt64(countIf(f.decision = 'shed')), toInt64(countIf(f.decision = 'failed'))
        FROM v_findings AS f
        WHERE {chosen("v_findings", "f")}
        GROUP BY {group}f.detector
    )
    GROUP BY {group}detector
)"""


SOME = (Threshold(1, "warning"),)
ANY = (Threshold(1, "critical"),)


def _variable(name: str) -> Variable:
    return Variable(
        name=name,
        label=VARIABLES[name],
        sql=f"SELECT DISTINCT toString(i.{name}) AS {name} FROM v_interactions AS i WHERE $__timeFilter(i.time)"
        f" ORDER BY {name} LIMIT 1000",
        default=("production",) if name == "source" else (),
    )


ALL_VARIABLES = tuple(_variable(name) for name in VARIABLES)

ANNOTATIONS = (
    Annotation(
        name="signals",
        title="Changes that the monitor saw",
        sql=f"""SELECT s.time AS time, concat(s.app, ': ', s.measure) AS title,
    concat('from ', ifNull(toString(round(s.before, 3)), 'unknown'), ' to ', ifNull(toString(round(s.after, 3)),
        'unknown'),
        ', what explains it: ', if(s.cause = '', 'nothing by itself', concat(s.cause, ' ', s.cause_value))) AS text
FROM v_signals AS s
WHERE {chosen("v_signals", "s")}
ORDER BY time
LIMIT 200""",
    ),
    Annotation(
        name="versions",
        title="Prompt versions and models seen for the first time in a week",
        sql=f"""SELECT min(u.hour) AS time, concat(u.app, ': ', u.prompt_name, ' ', u.prompt_version) AS title,
    concat('answers since this hour, on ', u.model) AS text
FROM v_usage_hourly AS u
WHERE u.hour >= $__fromTime - INTERVAL 7 DAY AND u.hour <= $__toTime{by_variables("v_usage_hourly", "u")}
GROUP BY u.app, u.prompt_name, u.prompt_version, u.model
HAVING time >= $__fromTime
ORDER BY time
LIMIT 200""",
    ),
)
