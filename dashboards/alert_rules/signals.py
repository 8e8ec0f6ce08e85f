"""Changes that the online monitor saw and that may wake somebody."""

from __future__ import annotations

from watchline.dashboards.alert_rules.quality import DETECTORS, HARM
from watchline.dashboards.alert_rules.shares import same
from watchline.dashboards.definitions import Rule
from watchline.dashboards.sql import named

_LABELS = ("app", "environment", "prompt_name")


def _changes(value: str) -> str:
    """A number of each app, prompt and measure that changed in the last hour.

    Several measures are one notification; harm that rose is another one.
    """
    return f"""SELECT $__toTime AS time, {named("s", *_LABELS)}, s.measure AS measure,
    if(s.measure IN {HARM} AND s.after > s.before, s.measure, 'app') AS about, toFloat64({value}) AS value
FROM v_signals AS s
WHERE $__timeFilter(s.stored_at) AND s.page
GROUP BY app, environment, prompt_name, measure, about
HAVING value IS NOT NULL"""


# What detectors find is what the answers are like: tokens and seconds that moved with it are not what is wrong.
_IS_WORSE = f"max(s.measure IN {DETECTORS} AND s.after > s.before)"
_OTHERS = f"""SELECT time, app, environment, prompt_name, measure, about, value
FROM
(
    SELECT time, app, environment, prompt_name, measure, about,
        toFloat64(count() OVER (PARTITION BY app, environment, prompt_name) - 1) AS value
    FROM ({_changes("count()")})
)
WHERE value > 0"""
RULES = (
    Rule(
        uid="watchline-drift",
        title="Drift",
        group="watchline-drift",
        severity="warning",
        queries={
            "A": _changes("count()"),
            "before": _changes("round(argMin(s.before, (s.stored_at, s.signal_id)), 3)"),
            "after": _changes("round(argMin(s.after, (s.stored_at, s.signal_id)), 3)"),
            "lead": _changes(_IS_WORSE),
            "others": _OTHERS,
        },
        above=0,
        window_s=3600,
        ends="now",  # a signal is told when it is there
        for_s=0,
        keep_firing_for_s=0,
        summary="{{ $labels.app }} ({{ $labels.environment }}): {{ $labels.measure }} of prompt "
        "{{ $labels.prompt_name }} went from "
        '{{ if $values.before }}{{ printf "%g" $values.before.Value }}{{ else }}unknown{{ end }} to '
        '{{ if $values.after }}{{ printf "%g" $values.after.Value }}{{ else }}unknown{{ end }}',
        description="{{ if $values.others }}Other measures of this prompt that moved in the same hour: "
        '{{ printf "%.0f" $values.others.Value }}. {{ end }}Changes of {{ $labels.measure }} in the last hour that '
        'may wake somebody: {{ printf "%.0f" $values.A.Value }}. What to do: look at «Signals» on the board, for '
        "since when and what explains it, and at the examples before and after.",
        board="watchline",
        panel=14,
        details=f"""SELECT
    argMin(if(s.cause = '', 'nothing by itself', concat(s.cause, ' ', s.cause_value)), (s.stored_at,
        s.signal_id)) AS explained_by,
    argMin(arrayStringConcat(s.ruled_out, ', '), (s.stored_at, s.signal_id)) AS ruled_out,
    argMin(arrayStringConcat(s.moved_with, ', '), (s.stored_at, s.signal_id)) AS moved_with,
    minOrNull(s.since) AS since, max(s.events_after) AS events_after
FROM v_signals AS s
WHERE $__timeFilter(s.stored_at) AND s.page AND {same("s", _LABELS)} AND s.measure = {{measure:String}}""",
    ),
)
