"""Answers that are bad: more than a fixed limit, or more than usual at this hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watchline.dashboards.alert_rules import shares
from watchline.dashboards.alert_rules.shares import Share, same
from watchline.dashboards.definitions import Rule
from watchline.dashboards.sql import COMPLETE, named

_SLICE = (
    "{{ $labels.app }} ({{ $labels.environment }}): prompt {{ $labels.prompt_name }} version "
    "{{ $labels.prompt_version }} on {{ $labels.model }}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """`does`: what a bad one does, to come after "of the answers"; `limit`: what share of them is too much."""

    name: str
    title: str
    detector: str
    does: str
    limit: float
    panel: int = 16
    bad: str = "r.flagged"
    history: bool = True
    runbook: str = "flagged-answers"
    is_harm: bool = True

    @property
    def uid(self) -> str:
        return f"watchline-{self.name}"

    @property
    def about(self) -> str:
        return self.detector if self.is_harm else "app"


_KINDS = (
    _Kind(
        name="unsupported-answers",
        title="Unsupported answers",
        detector="groundedness",
        does="claim what their sources don't say",
        # Answers are counted by `flagged`, the balanced operating point: a share has no use for a point so strict that
        # it sees one bad answer in twenty; its false alarms are why the limit is as high as this.
        limit=0.35,
        panel=12,
        runbook="unsupported-answers",
        is_harm=False,
    ),
    _Kind(name="toxicity", title="Toxicity", detector="toxicity", does="are toxic, or the questions are", limit=0.1),
    _Kind(
        name="leaked-personal-data",
        title="Leaked personal data",
        detector="pii",
        does="have personal data that neither the person nor the conversation had named",
        limit=0.05,
        panel=40,
        bad="r.scores['LEAK'] >= ifNull(r.threshold, 0.5)",
        history=False,  # the rollups count all personal data, named or leaked
        runbook="leaked-personal-data",
    ),
    _Kind(
        name="injection",
        title="Injection",
        detector="injection",
        does="were asked for with instructions that are to take over the model",
        limit=0.2,
    ),
    _Kind(name="bias", title="Bias", detector="bias", does="hold a stereotype, or the questions do", limit=0.1),
    _Kind(
        name="irrelevant-answers",
        title="Irrelevant answers",
        detector="relevance",
        does="don't answer the question, or had documents that don't",
        limit=0.4,
        is_harm=False,
    ),
)

DETECTORS = tuple(kind.detector for kind in _KINDS)
HARM = tuple(kind.detector for kind in _KINDS if kind.is_harm)
_WHERE_TO_LOOK = "What to do: read the rows behind the panel, then the runbook."


def _rules() -> Iterator[Rule]:
    for kind in _KINDS:
        yield _busy(kind)
        yield _quiet(kind)
        if kind.history:
            yield _more_than_usual(kind)
    yield _late()


def _counted(kind: _Kind) -> Share:
    return Share(view="v_findings", where=f"r.detector = '{kind.detector}' AND r.decision = 'evaluated'", bad=kind.bad)


def _busy(kind: _Kind) -> Rule:
    counted = _counted(kind)
    return Rule(
        uid=kind.uid,
        title=kind.title,
        group="watchline-answers",
        severity="warning",
        queries={
            "A": counted.busy(),
            "share": counted.busy("bad / n"),
            "answers": counted.busy("n"),
            "unscored": _unscored(kind),
            **({"before": _before(kind)} if kind.history else {}),
        },
        above=kind.limit,
        window_s=shares.WINDOW_S,
        recovery=kind.limit / 4,
        for_s=0,  # the interval of 99.7 % is what keeps chance out
        keep_firing_for_s=shares.OVER_S,
        missing_evaluations=shares.KEEP_S // 60,
        summary=f"{_SLICE}: at least {{{{ humanizePercentage $values.A.Value }}}} of the answers {kind.does}",
        description="By the last 15 minutes of what is complete, with 99.7 % confidence{{ if $values.answers }}: "
        '{{ humanizePercentage $values.share.Value }} of {{ printf "%.0f" $values.answers.Value }} scored{{ end }}. '
        + (
            "The other versions and models of this prompt, in the day before: {{ if $values.before }}"
            "{{ humanizePercentage $values.before.Value }}{{ else }}unknown, none answered{{ end }}. "
            if kind.history
            else ""
        )
        + "{{ if $values.unscored }}Incomplete: {{ humanizePercentage $values.unscored.Value }} of "
        "the checks gave no score. {{ end }}" + _WHERE_TO_LOOK,
        board="watchline-quality",
        panel=kind.panel,
        about=kind.about,
        lead=2.0,
        details=_details(kind),
        runbook_name=kind.runbook,
    )


def _quiet(kind: _Kind) -> Rule:
    counted = _counted(kind)
    return Rule(
        uid=f"{kind.uid}-slow",
        title=f"{kind.title}, little traffic",
        group="watchline-answers-slow",
        severity="warning",
        queries={
            "A": counted.quiet(),
            "share": counted.quiet("bad / n"),
            "answers": counted.quiet("n"),
            "hours": counted.quiet("hours"),
        },
        above=kind.limit,
        recovery=kind.limit / 4,
        window_s=shares.DAY_S,
        for_s=0,
        keep_firing_for_s=120,
        interval_s=600,
        summary=f"{_SLICE}: at least {{{{ humanizePercentage $values.A.Value }}}} of the answers {kind.does}",
        description="By its latest answers, of which there are few, with 99.7 % confidence{{ if $values.hours }}: "
        '{{ humanizePercentage $values.share.Value }} of {{ printf "%.0f" $values.answers.Value }} in the last '
        '{{ printf "%.1f" $values.hours.Value }} hours{{ end }}. ' + _WHERE_TO_LOOK,
        board="watchline-quality",
        panel=kind.panel,
        about=kind.about,
        lead=2.0,
        details=_details(kind),
        runbook_name=kind.runbook,
    )


def _more_than_usual(kind: _Kind) -> Rule:
    return Rule(
        uid=f"{kind.uid}-unusual",
        title=f"{kind.title}, more than usual",
        group="watchline-answers-unusual",
        severity="warning",
        queries={
            "A": shares.usual(kind.detector, kind.bad),
            "share": shares.usual(kind.detector, kind.bad, "bad / n"),
            "answers": shares.usual(kind.detector, kind.bad, "n"),
            "usual": shares.usual(kind.detector, kind.bad, "usual_bad / usual_n"),
        },
        above=shares.UNUSUAL,
        recovery=0.01,
        window_s=shares.WEEK_S,
        for_s=0,
        keep_firing_for_s=shares.OVER_S,
        missing_evaluations=shares.KEEP_S // 60,
        summary="{{ $labels.app }} ({{ $labels.environment }}): prompt {{ $labels.prompt_name }}: "
        f"more answers than usual at this hour {kind.does}"
        "{{ if $values.usual }}: {{ humanizePercentage $values.share.Value }}, usually "
        "{{ humanizePercentage $values.usual.Value }}{{ end }}",
        description="In the last hour of what is complete{{ if $values.answers }}, "
        '{{ printf "%.0f" $values.answers.Value }} answers{{ end }}, or the last 15 minutes of it, '
        "against the same hour of the seven days before. The intervals are apart by "
        "{{ humanizePercentage $values.A.Value }} at least. " + _WHERE_TO_LOOK,
        board="watchline-quality",
        panel=kind.panel,
        about=kind.about,
        lead=2.0,
        runbook_name=kind.runbook,
    )


def _late() -> Rule:
    """One rule for all detectors: each day that has late events is read once."""
    kinds = {kind.detector: (kind.bad, kind.limit, kind.about) for kind in _KINDS}
    values = {
        "share": "bad / n",
        "answers": "n",
        "low": "low",
        "limit": "too_much",
        "oldest": "oldest",
        "newest": "newest",
    }
    return Rule(
        uid="watchline-late-answers",
        lead=2.0,
        title="Late answers that are bad",
        group="watchline-answers-late",
        severity="warning",
        queries={"A": shares.late(kinds), **{name: shares.late(kinds, value) for name, value in values.items()}},
        above=0.0,
        # By when they were stored, of which nothing is under way: the watermark may stand still meanwhile.
        ends="now",
        window_s=shares.WEEK_S,
        for_s=0,
        keep_firing_for_s=shares.WINDOW_S,
        interval_s=300,
        summary="{{ $labels.app }} ({{ $labels.environment }}): prompt {{ $labels.prompt_name }}: of answers that "
        "arrived only now, {{ $labels.detector }} flags {{ if $values.low }}at least "
        "{{ humanizePercentage $values.low.Value }}{{ else }}too many{{ end }}",
        description='{{ if $values.answers }}The events are from {{ printf "%.1f" $values.oldest.Value }} to '
        '{{ printf "%.1f" $values.newest.Value }} hours ago and were stored in the last 15 minutes, when '
        "the windows of the other rules were over: {{ humanizePercentage $values.share.Value }} of "
        '{{ printf "%.0f" $values.answers.Value }} are flagged; more than {{ humanizePercentage $values.limit.Value }} '
        "with 99.7 % confidence is too much. {{ end }}" + _WHERE_TO_LOOK,
        board="watchline-quality",
        panel=16,
        details=f"""WITH {COMPLETE}
SELECT min(r.time) AS first_event, max(r.time) AS last_event, min(r.stored_at) AS arrived_from,
    max(r.stored_at) AS arrived_until
FROM v_findings AS r
WHERE {shares.is_late("r")} AND r.decision = 'evaluated'
    AND {same("r", ("app", "environment", "prompt_name", "detector"))}""",
    )


def _unscored(kind: _Kind) -> str:
    """Share of the checks that failed or were shed, where it is so large that the others may not stand for them."""
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, {named("r", "app", "environment", "prompt_name", "prompt_version", "model")},
    countIf(r.decision IN ('failed', 'shed')) / countIf(r.decision IN ('failed', 'shed', 'evaluated')) AS value
FROM v_findings AS r
WHERE r.time > complete - INTERVAL {shares.WINDOW_S} SECOND AND r.time <= complete AND r.source = 'production'
    AND r.detector = '{kind.detector}'
GROUP BY app, environment, prompt_name, prompt_version, model
HAVING value > 0.1"""


def _before(kind: _Kind) -> str:
    """For each version and model of a prompt, the share of all the others' in the day before.

    By the rollup, and for the last two hours, which it may not have yet, by the findings themselves.
    """
    slices = ("app", "environment", "prompt_name", "prompt_version", "model")
    return f"""WITH {COMPLETE}, toStartOfHour(complete) - INTERVAL 1 HOUR AS counted
SELECT $__toTime AS time, app, environment, prompt_name, prompt_version, model,
    round((prompt_bad - bad) / (prompt_n - n), 4) AS value
FROM
(
    SELECT app, environment, prompt_name, prompt_version, model, sum(evaluated) AS n, sum(flagged_events) AS bad,
        sum(n) OVER (PARTITION BY app, environment, prompt_name) AS prompt_n,
        sum(bad) OVER (PARTITION BY app, environment, prompt_name) AS prompt_bad
    FROM
    (
        SELECT {named("q", *slices)}, q.evaluated AS evaluated, q.flagged_events AS flagged_events
        FROM v_quality_hourly AS q
        WHERE q.hour > complete - INTERVAL 1 DAY AND q.hour < counted AND q.detector = '{kind.detector}'
        UNION ALL
        SELECT {named("r", *slices)}, count(), countIf(r.flagged)
        FROM v_findings AS r
        WHERE r.time >= counted AND r.time <= complete AND r.source = 'production'
            AND r.detector = '{kind.detector}' AND r.decision = 'evaluated'
        GROUP BY app, environment, prompt_name, prompt_version, model
    )
    GROUP BY app, environment, prompt_name, prompt_version, model
)
WHERE prompt_n > n"""


def _details(kind: _Kind) -> str:
    """How far it reaches, examples, and which version and model answered before."""
    return f"""WITH {COMPLETE}
SELECT
    count() AS bad_answers, uniqExact(r.tenant) AS tenants, minOrNull(r.time) AS first_of_them,
    arrayStringConcat(arrayMap(id -> toString(id), groupArraySample(3, 1)(r.event_id)), ', ') AS examples,
    (
        SELECT argMax(concat('version ', q.prompt_version, ' on ', q.model), q.hour) FROM v_quality_hourly AS q
        WHERE q.hour > $__toTime - INTERVAL 7 DAY AND q.hour <= $__toTime
            AND {same("q", ("app", "environment", "prompt_name"))}
            AND NOT ({same("q", ("prompt_version", "model"))})
    ) AS answered_before
FROM v_findings AS r
WHERE r.time > complete - INTERVAL 1 DAY AND r.time <= complete AND r.source = 'production'
    AND r.detector = '{kind.detector}' AND r.decision = 'evaluated' AND {kind.bad}
    AND {same("r")}"""


RULES = tuple(_rules())
