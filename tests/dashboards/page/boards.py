"""Two boards with a panel of each kind, and panels that show nothing or fail."""

from __future__ import annotations

from watchline.dashboards.definitions import Annotation, Board, Panel, Rows, Threshold, Variable

CHOSEN = " AND ".join(f"$__conditionalAll({name} IN (${{{name}:singlequote}}), ${name})" for name in ("app", "model"))
EVENTS = Rows(
    view="v_interactions",
    columns=("time", "app", "environment", "prompt_name", "prompt_version", "model", "input", "output", "event_id"),
)
UNSUPPORTED = Rows(
    view="v_findings",
    columns=("time", "app", "prompt_name", "prompt_version", "model", "detector", "score", "event_id"),
    where="detector = 'groundedness' AND flagged",
)
UNSUPPORTED_FINDINGS = "detector = 'groundedness' AND decision = 'evaluated'"
LIMITS = (Threshold(0.1, "warning"), Threshold(0.3, "critical"))
VARIABLES = tuple(
    Variable(name=name, label=label, sql=f"SELECT DISTINCT {name} FROM v_interactions WHERE $__timeFilter(time)")
    for name, label in (("app", "App"), ("model", "Model"))
)

OVERVIEW = Board(
    uid="overview",
    title="Overview",
    description="What is wrong now, where, and since when.",
    variables=VARIABLES,
    annotations=(
        Annotation(
            name="signals",
            title="Signal",
            sql="SELECT time, measure AS title, app AS text FROM v_signals WHERE $__timeFilter(time)",
        ),
    ),
    hours=2,
    sections={
        "Now": (
            Panel(
                id=1,
                title="Interactions",
                description="All calls of models that are stored.",
                kind="stat",
                queries={
                    "A": f"SELECT count() AS interactions FROM v_interactions WHERE $__timeFilter(time) AND {CHOSEN}"
                },
                rows=EVENTS,
                width=6,
                height=4,
            ),
            Panel(
                id=2,
                title="Unsupported answers",
                description="Share of the answers that say what their sources don't.",
                kind="stat",
                unit="ratio",
                thresholds=LIMITS,
                queries={
                    "A": "SELECT countIf(flagged) / nullIf(count(), 0) AS share FROM v_findings "
                    f"WHERE $__timeFilter(time) AND {UNSUPPORTED_FINDINGS} AND {CHOSEN}"
                },
                rows=UNSUPPORTED,
                width=6,
                height=4,
            ),
            Panel(
                id=3,
                title="Cost",
                description="What all calls cost together.",
                kind="stat",
                unit="usd",
                queries={"A": f"SELECT sum(cost) AS cost FROM v_interactions WHERE $__timeFilter(time) AND {CHOSEN}"},
                width=6,
                height=4,
            ),
            Panel(
                id=4,
                title="Canary delay",
                description="How long a test event takes from Kafka to the store, by partition: the longest.",
                kind="stat",
                unit="seconds",
                thresholds=(Threshold(60, "warning"), Threshold(300, "critical")),
                queries={"A": "SELECT max(delay_s) AS delay FROM v_canary WHERE $__timeFilter(time)"},
                width=6,
                height=4,
            ),
        ),
        "Quality": (
            Panel(
                id=5,
                title="Unsupported answers by prompt version",
                description="Share of the answers that say what their sources don't, for each version and model.",
                kind="time_series",
                unit="ratio",
                thresholds=LIMITS,
                queries={
                    "A": "SELECT $__timeInterval(time) AS time, prompt_name, prompt_version, model, "
                    "countIf(flagged) / count() AS unsupported "
                    f"FROM v_findings WHERE $__timeFilter(time) AND {UNSUPPORTED_FINDINGS} AND {CHOSEN} "
                    "GROUP BY time, prompt_name, prompt_version, model ORDER BY time"
                },
                rows=UNSUPPORTED,
            ),
            Panel(
                id=6,
                title="Interactions",
                description="How many calls came.",
                kind="time_series",
                queries={
                    # `i.time` is the column, `time` the beginning of an interval.
                    "A": "SELECT $__timeInterval(i.time) AS time, app, count() AS interactions "
                    f"FROM v_interactions AS i WHERE $__timeFilter(i.time) AND {CHOSEN} "
                    "GROUP BY time, app ORDER BY time"
                },
                rows=EVENTS,
            ),
            Panel(
                id=7,
                title="Flagged, by detector",
                description="Share of what each detector flagged.",
                kind="bar_gauge",
                unit="ratio",
                thresholds=LIMITS,
                queries={
                    "A": "SELECT detector, countIf(flagged) / count() AS flagged FROM v_findings "
                    f"WHERE $__timeFilter(time) AND decision = 'evaluated' AND {CHOSEN} "
                    "GROUP BY detector ORDER BY detector"
                },
                rows=Rows(view="v_findings", columns=UNSUPPORTED.columns, where="flagged"),
                width=8,
            ),
            Panel(
                id=8,
                title="Latency",
                description="How many answers took how long.",
                kind="heat_map",
                queries={
                    "A": "SELECT $__timeInterval(time) AS time, "
                    "concat(toString(round(latency_s, 1)), ' s') AS latency, "
                    f"count() AS answers FROM v_interactions WHERE $__timeFilter(time) AND {CHOSEN} "
                    "GROUP BY time, latency ORDER BY time, latency"
                },
                rows=EVENTS,
                width=8,
            ),
            Panel(
                id=9,
                title="State of the versions",
                description="Whether a version's answers are supported.",
                kind="state_timeline",
                unit="ratio",
                thresholds=LIMITS,
                queries={
                    "A": "SELECT $__timeInterval(time) AS time, prompt_version, "
                    "countIf(flagged) / count() AS unsupported "
                    f"FROM v_findings WHERE $__timeFilter(time) AND {UNSUPPORTED_FINDINGS} AND {CHOSEN} "
                    "GROUP BY time, prompt_version ORDER BY time"
                },
                rows=UNSUPPORTED,
                width=8,
            ),
            Panel(
                id=10,
                title="Prompt versions",
                description="Each prompt version with what it cost and how long it took.",
                kind="table",
                queries={
                    "A": "SELECT prompt_name, prompt_version, model, count() AS events, avg(latency_s) AS latency_s, "
                    "sum(cost) AS cost, max(time) AS last_time FROM v_interactions "
                    f"WHERE $__timeFilter(time) AND {CHOSEN} GROUP BY prompt_name, prompt_version, model "
                    "ORDER BY prompt_version"
                },
                rows=EVENTS,
                width=24,
            ),
        ),
    },
)

ODD = Board(
    uid="odd",
    title="Odd ones",
    description="Panels that show nothing, fail, or have much.",
    variables=VARIABLES,
    hours=2,
    sections={
        "All": (
            Panel(
                id=1,
                title="Nothing",
                description="No row.",
                kind="time_series",
                queries={
                    "A": "SELECT time, app, 1 AS n FROM v_interactions WHERE $__timeFilter(time) AND app = 'none'"
                },
            ),
            Panel(
                id=2,
                title="Unknown",
                description="A number that isn't known.",
                kind="stat",
                unit="seconds",
                queries={
                    "A": "SELECT max(latency_s) AS latency FROM v_interactions "
                    "WHERE app = 'none' AND $__timeFilter(time)"
                },
            ),
            Panel(
                id=3,
                title="Refused",
                description="A function that nobody may use.",
                kind="table",
                queries={"A": "SELECT file('/etc/hostname') AS text FROM v_interactions WHERE $__timeFilter(time)"},
            ),
            Panel(
                id=4,
                title="Gap",
                description="One point isn't known.",
                kind="time_series",
                queries={
                    "A": "SELECT fromUnixTimestamp(toUnixTimestamp($__fromTime) + number * 600) AS time, 'all' AS app, "
                    "if(number = 3, NULL, number) AS n FROM (SELECT arrayJoin(range(12)) AS number) ORDER BY time"
                },
            ),
            Panel(
                id=5,
                title="Ten thousand rows",
                description="Many.",
                kind="table",
                queries={
                    "A": "SELECT number, concat('row ', toString(number)) AS text "
                    "FROM (SELECT arrayJoin(range(10000)) AS number) ORDER BY number"
                },
                width=24,
            ),
        )
    },
)
BOARDS = (OVERVIEW, ODD)
