"""What was not checked, contradicts itself, was refused, or is gone."""

from __future__ import annotations

from watchline.dashboards.alert_rules.shares import FEWEST, same
from watchline.dashboards.definitions import OF_WATCHLINE, Rule
from watchline.dashboards.sql import COMPLETE, named

_HOUR = 3600
_SLICE = "{{ $labels.app }} ({{ $labels.environment }})"
_SHARE = 0.05
_LETTERS, _CONFLICTS = 10, 10


def _checks(value: str, condition: str) -> str:
    """Of the last complete hour, by app and detector. By counts: what was planned less what was found is missing."""
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, app, environment, detector, toFloat64({value}) AS value
FROM
(
    SELECT app, environment, detector, sum(of_plan) AS planned, sum(of_findings) AS found, sum(of_failed) AS failed,
        sum(of_shed) AS shed, planned - found AS missing
    FROM
    (
        SELECT {named("i", "app", "environment")}, arrayJoin(mapKeys(i.planned)) AS detector,
            toInt64(count()) AS of_plan, toInt64(0) AS of_findings, toInt64(0) AS of_failed, toInt64(0) AS of_shed
        FROM v_interactions AS i
        WHERE i.time > complete - INTERVAL {_HOUR} SECOND AND i.time <= complete
        GROUP BY app, environment, detector
        UNION ALL
        SELECT {named("f", "app", "environment")}, f.detector, toInt64(0), toInt64(count()),
            toInt64(countIf(f.decision = 'failed')), toInt64(countIf(f.decision = 'shed'))
        FROM v_findings AS f
        WHERE f.time > complete - INTERVAL {_HOUR} SECOND AND f.time <= complete
        GROUP BY app, environment, f.detector
    )
    GROUP BY app, environment, detector
)
WHERE {condition}"""


def _letters(value: str) -> str:
    return f"""SELECT $__toTime AS time, {named("d", "app")}, d.kind AS kind, toFloat64({value}) AS value
FROM v_dead_letters AS d
WHERE $__timeFilter(d.stored_at) AND NOT d.resolved
GROUP BY app, kind"""


RULES = (
    Rule(
        uid="watchline-missing-findings",
        title="Missing findings",
        group="watchline-checks",
        about=OF_WATCHLINE,
        severity="warning",
        queries={"A": _checks("missing", "missing > 0"), "planned": _checks("planned", "missing > 0")},
        above=0,
        window_s=_HOUR,
        for_s=300,
        interval_s=300,
        summary=f"{_SLICE}: "
        '{{ printf "%.0f" $values.A.Value }} planned checks by {{ $labels.detector }} have no finding',
        description="In the last hour of what is complete{{ if $values.planned }}, of "
        '{{ printf "%.0f" $values.planned.Value }}{{ end }}. It is an error of Watchline, or rows are lost. What to '
        "do: `watchline repair`.",
        board="watchline",
        panel=4,
        runbook_name="unchecked",
    ),
    Rule(
        uid="watchline-failed-findings",
        title="Failed checks",
        group="watchline-checks",
        about=OF_WATCHLINE,
        severity="warning",
        queries={
            "A": _checks("failed / planned", f"planned >= {FEWEST}"),
            "failed": _checks("failed", f"planned >= {FEWEST}"),
        },
        above=_SHARE,
        window_s=_HOUR,
        for_s=300,
        interval_s=300,
        summary=f"{_SLICE}: {{{{ humanizePercentage $values.A.Value }}}} of the checks by "
        "{{ $labels.detector }} fail",
        description="In the last hour of what is complete{{ if $values.failed }}: "
        '{{ printf "%.0f" $values.failed.Value }}{{ end }}. What it would have flagged is not seen. What to do: see '
        "the reasons, and the workers' logs.",
        board="watchline-pipeline",
        panel=20,
        details=f"""WITH {COMPLETE}
SELECT arrayStringConcat(topK(3)(f.reason), ', ') AS reasons, minOrNull(f.time) AS first_of_them
FROM v_findings AS f
WHERE f.time > complete - INTERVAL 1 DAY AND f.time <= complete AND f.decision = 'failed'
    AND {same("f", ("app", "environment"))} AND f.detector = {{detector:String}}""",
        runbook_name="unchecked",
    ),
    Rule(
        uid="watchline-shed-findings",
        title="Stored unscored",
        group="watchline-checks",
        about=OF_WATCHLINE,
        severity="warning",
        queries={
            "A": _checks("shed / planned", f"planned >= {FEWEST}"),
            "shed": _checks("shed", f"planned >= {FEWEST}"),
        },
        above=_SHARE,
        window_s=_HOUR,
        for_s=300,
        interval_s=300,
        summary=f"{_SLICE}: {{{{ humanizePercentage $values.A.Value }}}} of the checks by "
        "{{ $labels.detector }} were left out",
        description="In the last hour of what is complete{{ if $values.shed }}: "
        '{{ printf "%.0f" $values.shed.Value }}{{ end }}. The workers had to catch up, or the app is over its budget. '
        "What to do: more workers, or a smaller sample.",
        board="watchline-pipeline",
        panel=20,
        runbook_name="unchecked",
    ),
    Rule(
        uid="watchline-conflicts",
        title="Conflicts",
        group="watchline-checks",
        severity="warning",
        queries={
            "A": f"""SELECT $__toTime AS time, {named("c", "app")}, if(c.detector = '', 'texts',
    c.detector) AS detector,
    toFloat64(uniqExact(c.event_id)) AS value
FROM v_conflicts AS c
WHERE $__timeFilter(c.stored_at)
GROUP BY app, detector"""
        },
        above=_CONFLICTS,
        window_s=_HOUR,
        ends="now",
        for_s=0,
        interval_s=300,
        summary='{{ printf "%.0f" $values.A.Value }} events of {{ $labels.app }} came again in the last hour and say '
        "otherwise of {{ $labels.detector }} than what is stored",
        description="What was stored first is shown. Either a detector isn't deterministic or was changed without "
        "another version, or somebody sends ids that are not theirs. What to do: see «Conflicts» on the board.",
        board="watchline-compliance",
        panel=32,
    ),
    Rule(
        uid="watchline-dead-letters",
        title="Dead letters",
        group="watchline-losses",
        severity="warning",
        queries={"A": _letters("count()")},
        above=_LETTERS,
        window_s=900,
        ends="now",
        summary='{{ printf "%.0f" $values.A.Value }} dead letters of the app {{ $labels.app }} in 15 minutes: '
        "{{ $labels.kind }}",
        description="Its events are not stored; those of the other apps are. Unknown is what can't be read, so that "
        "nobody knows who sent it. What to do: `watchline dead-letters list --counts` says why; once the cause is "
        "gone, `watchline dead-letters replay` brings them back.",
        board="watchline-pipeline",
        panel=27,
    ),
    Rule(
        uid="watchline-offset-gaps",
        title="Gaps in Kafka",
        group="watchline-losses",
        about=OF_WATCHLINE,
        severity="critical",
        queries={
            "A": """SELECT $__toTime AS time, o.topic AS topic, toString(o.partition) AS partition,
    toFloat64(sum(o.next_offset - o.first_missing)) AS value
FROM v_offset_gaps AS o
WHERE $__timeFilter(o.stored_at)
GROUP BY topic, partition"""
        },
        above=0,
        window_s=_HOUR,
        ends="now",
        for_s=0,
        keep_firing_for_s=0,
        summary='{{ printf "%.0f" $values.A.Value }} messages of partition {{ $labels.partition }} of '
        "{{ $labels.topic }} were gone before they were read",
        description="Retention or a recreated topic took them away. They can't be brought back. What to do: raise the "
        "topic's retention, and find out why no worker read them in time.",
        board="watchline-pipeline",
        panel=29,
    ),
)
