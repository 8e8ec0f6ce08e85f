"""What people are to decide in time, and what nobody has allowed: approvals, erasures, retention, the trail itself."""

from __future__ import annotations

from watchline.dashboards.definitions import Rule
from watchline.dashboards.sql import COMPLETE, GIVEN, named

_HOUR = 3600
# A person is owed an answer within a month (GDPR, article 12): after three days somebody looks, five days before it
# ends somebody is woken.
_ERASURE_H, _ERASURE_CRITICAL_H = 72.0, 25 * 24.0
_REVIEW_H, _APPROVAL_H = 48.0, 24.0
_GOVERNANCE = "governance"  # an incident of its own, whatever else is wrong with the app

# A draft of a week that is the newest of its prompt, and that nobody has given to apps or taken away.
_WAITING = f"""SELECT $__toTime AS time, app, target, toFloat64(dateDiff('second', drafted, $__toTime) / 3600) AS value
FROM
(
    SELECT g.details['app'] AS app, g.target AS target, max(g.time) AS drafted,
        argMax(g.content_hash, g.position) AS newest
    FROM v_governance AS g
    WHERE g.accepted AND g.action IN ('prompt_drafted', 'model_drafted') AND $__timeFilter(g.time)
    GROUP BY app, target
)
WHERE (app, newest) NOT IN
(
    SELECT d.details['app'], d.content_hash FROM v_governance AS d
    WHERE d.accepted AND d.action IN ({GIVEN}) AND $__timeFilter(d.time)
)"""

_ERASURES = """SELECT $__toTime AS time, target, toFloat64(dateDiff('second', asked, $__toTime) / 3600) AS value
FROM
(
    SELECT g.target AS target, minIf(g.time, g.action = 'erasure_requested') AS asked,
        argMaxIf(g.details['whole'], g.position, g.action = 'erasure_certified') AS whole
    FROM v_governance AS g
    WHERE g.accepted AND g.action IN ('erasure_requested', 'erasure_certified') AND $__timeFilter(g.time)
    GROUP BY target
)
WHERE whole NOT IN ('complete', 'nothing found', 'pending') AND asked > toDateTime64(0, 6, 'UTC')"""

_BROKEN = """SELECT $__toTime AS time, toFloat64(countIf(breaks)) AS value
FROM
(
    SELECT row_number() OVER before > 1 AND previous != lagInFrame(hash, 1, '') OVER before AS breaks
    FROM v_governance AS g
    WHERE g.position >= (SELECT min(b.position) FROM v_governance AS b WHERE $__timeFilter(b.time))
    WINDOW before AS (PARTITION BY log ORDER BY position ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
HAVING value > 0"""


def _kept(kind: str) -> str:
    """The days in force of a class by app, of one for each row `i`, and what must be gone whatever its app.

    Two days more than that: of the zone whose days are counted, and for the server's merges.
    """
    return f"""(
            SELECT mapFromArrays(groupArray(k.app), groupArray(k.days)) FROM v_retention AS k WHERE k.class = '{kind}'
        ) AS kept, if(mapContains(kept, i.app), kept[i.app], kept['']) + 2 AS days_of_app,
        arrayMin(mapValues(kept)) + 2 AS fewest"""


_IS_HELD = """(concat('app:', i.app) IN (SELECT target FROM held)
            OR concat('tenant:', i.tenant) IN (SELECT target FROM held)
            OR concat('event:', toString(i.event_id)) IN (SELECT target FROM held))"""
# Texts of a week: those before have been through it.
_DUE = f"""WITH {COMPLETE}, held AS
(
    SELECT p.target, p.time FROM v_governance AS p
    WHERE p.accepted AND p.action = 'hold_placed' AND p.time <= $__toTime
        AND ifNull(toDateOrNull(p.details['until']) >= toDate($__toTime), true)
        AND p.details['hold'] NOT IN
        (
            SELECT r.target FROM v_governance AS r
            WHERE r.accepted AND r.action = 'hold_released' AND r.time <= $__toTime
        )
)
SELECT $__toTime AS time, kind, toFloat64(due) AS value
FROM
(
    SELECT 'setting' AS kind, count() AS due
    FROM
    (
        SELECT splitByString('/app:', g.target)[1] AS class, splitByString('/app:', g.target)[2] AS of_app,
            toUInt16OrZero(argMax(g.details['days'], g.position)) AS days_set, max(g.time) AS set_at
        FROM v_governance AS g
        WHERE g.accepted AND g.action = 'retention_set' AND g.time <= $__toTime
        GROUP BY g.target
    ) AS s
    LEFT JOIN v_retention AS f ON s.class = f.class AND s.of_app = f.app
    WHERE s.set_at < $__toTime - INTERVAL 1 DAY AND s.days_set != f.days
    UNION ALL
    SELECT 'holds' AS kind, count() AS due
    FROM held
    WHERE time > (SELECT max(k.since) FROM v_retention AS k) AND 0 < (SELECT count() FROM v_retention)
    UNION ALL
    SELECT 'rows' AS kind, count() AS due
    FROM
    (
        SELECT {_kept("rows")}
        FROM v_interactions AS i
        WHERE notEmpty(kept) AND i.time <= complete - toIntervalDay(fewest)
            AND i.time <= complete - toIntervalDay(days_of_app) AND NOT {_IS_HELD}
    )
    UNION ALL
    SELECT 'texts' AS kind, count() AS due
    FROM
    (
        SELECT {_kept("text")}
        FROM v_interactions AS i
        WHERE notEmpty(kept) AND i.time <= complete - toIntervalDay(fewest)
            AND i.time <= complete - toIntervalDay(days_of_app) AND i.time > complete - toIntervalDay(days_of_app + 7)
            AND notEmpty(i.input_messages) AND NOT {_IS_HELD}
    )
)
WHERE due > 0"""


RULES = (
    Rule(
        uid="watchline-approvals-waiting",
        title="Approvals waiting",
        group="watchline-governance",
        about=_GOVERNANCE,
        severity="warning",
        queries={"A": _WAITING},
        above=_APPROVAL_H,
        window_s=7 * 24 * _HOUR,
        ends="now",
        for_s=0,
        interval_s=300,
        summary="{{ $labels.app }}: the newest version of {{ $labels.target }} has waited for "
        '{{ printf "%.0f" $values.A.Value }} hours',
        description="It is drafted, and nobody has promoted, withdrawn or replaced it. After a week it is taken as "
        "left aside. What to do: `watchline prompts diff` shows what approvers are to look at, `watchline prompts "
        "show` how many approvals it has and needs.",
        board="watchline-compliance",
        panel=60,
        runbook_name="approvals",
    ),
    Rule(
        uid="watchline-unapproved-prompt",
        title="Unapproved prompt served",
        group="watchline-governance",
        about=_GOVERNANCE,
        severity="warning",
        queries={
            "A": f"""SELECT $__toTime AS time, {named("u", "app", "environment", "prompt_name", "prompt_version")},
    toFloat64(sum(u.events)) AS value
FROM v_unapproved_prompts AS u
WHERE u.hour >= toStartOfHour($__toTime - INTERVAL 1 HOUR) AND u.hour <= $__toTime
GROUP BY app, environment, prompt_name, prompt_version"""
        },
        above=0,
        window_s=2 * _HOUR,
        ends="now",
        for_s=0,
        interval_s=300,
        summary="{{ $labels.app }} ({{ $labels.environment }}): prompt {{ $labels.prompt_name }} version "
        '{{ $labels.prompt_version }} has answered {{ printf "%.0f" $values.A.Value }} times and is not promoted',
        description="In this hour and the one before, by the hash that the app stamps. Somebody has deployed it past "
        "the approvals, or the app doesn't stamp it. What to do: see why on the board, then promote it or roll it "
        "back.",
        board="watchline-compliance",
        panel=61,
        runbook_name="approvals",
    ),
    Rule(
        uid="watchline-unregistered",
        title="Unregistered app or model",
        group="watchline-governance",
        about=_GOVERNANCE,
        severity="warning",
        queries={
            "A": f"""SELECT $__toTime AS time, {named("u", "app", "environment", "model")},
    toFloat64(sum(u.events)) AS value
FROM v_unregistered AS u
WHERE u.hour >= toStartOfHour($__toTime - INTERVAL 1 HOUR) AND u.hour <= $__toTime
GROUP BY app, environment, model"""
        },
        above=0,
        window_s=2 * _HOUR,
        ends="now",
        for_s=0,
        interval_s=300,
        summary="{{ $labels.app }} ({{ $labels.environment }}): {{ $labels.model }} has answered "
        '{{ printf "%.0f" $values.A.Value }} times, and the app is not registered or may not use it',
        description="In this hour and the one before. What to do: register the app's use case with its models, or "
        "deploy the model by an act; else find who has changed it.",
        board="watchline-compliance",
        panel=62,
        runbook_name="approvals",
    ),
    Rule(
        uid="watchline-emergency-review",
        title="Emergency without review",
        group="watchline-governance",
        about=_GOVERNANCE,
        severity="warning",
        queries={
            "A": """SELECT $__toTime AS time, e.app AS app, e.environment AS environment, e.target AS target,
    toFloat64(max(dateDiff('second', e.time, $__toTime)) / 3600) AS value
FROM v_emergencies AS e
WHERE $__timeFilter(e.time) AND e.reviewed_at IS NULL
GROUP BY app, environment, target"""
        },
        above=_REVIEW_H,
        window_s=90 * 24 * _HOUR,
        ends="now",
        for_s=0,
        interval_s=300,
        summary="{{ $labels.app }} ({{ $labels.environment }}): nobody has reviewed the emergency promotion of "
        '{{ $labels.target }} for {{ printf "%.0f" $values.A.Value }} hours',
        description="One person gave it to apps, and another was to look at it within 48 hours. Until then the app "
        "can have no other emergency. What to do: another person than who wrote or promoted it looks, and records "
        "`emergency_reviewed`.",
        board="watchline-compliance",
        panel=63,
        runbook_name="approvals",
    ),
    Rule(
        uid="watchline-refused-acts",
        title="Refused acts",
        group="watchline-governance",
        about=_GOVERNANCE,
        severity="warning",
        queries={
            "A": """SELECT $__toTime AS time, toFloat64(count()) AS value
FROM v_governance AS g
WHERE NOT g.accepted AND $__timeFilter(g.stored_at)
HAVING value > 0"""
        },
        above=0,
        window_s=_HOUR,
        ends="now",
        for_s=0,
        interval_s=300,
        critical_beyond=10,
        summary='The rules have refused {{ printf "%.0f" $values.A.Value }} acts in the last hour',
        description="They changed nothing. Somebody has made a mistake, or has forged or replayed an act: whoever can "
        "write to the topic can try. What to do: `watchline governance log --rejected` says what and why.",
        board="watchline-compliance",
        panel=64,
        details="""SELECT min(g.position) AS first_position, max(g.position) AS last_position, max(g.time) AS last_time
FROM v_governance AS g
WHERE NOT g.accepted AND $__timeFilter(g.stored_at)""",
        runbook_name="audit-trail",
    ),
    Rule(
        uid="watchline-broken-trail",
        title="Audit trail broken",
        group="watchline-governance",
        about=_GOVERNANCE,
        severity="critical",
        queries={"A": _BROKEN},
        above=0,
        window_s=7 * 24 * _HOUR,
        ends="now",
        for_s=0,
        interval_s=300,
        summary='{{ printf "%.0f" $values.A.Value }} entries of the audit trail don\'t follow on the one before',
        description="Of those of the last week, in the store: one was changed, taken out or put in. What SQL can't "
        "see, an end that is cut off or written anew, `watchline audit verify` does. What to do: run it; the topic "
        "has the record.",
        board="watchline-compliance",
        panel=65,
        runbook_name="audit-trail",
    ),
    Rule(
        uid="watchline-erasure-overdue",
        title="Erasure overdue",
        group="watchline-governance",
        about=_GOVERNANCE,
        severity="warning",
        queries={"A": _ERASURES},
        above=_ERASURE_H,
        critical_beyond=_ERASURE_CRITICAL_H,
        window_s=366 * 24 * _HOUR,
        ends="now",
        for_s=0,
        interval_s=300,
        summary='{{ $labels.target }} has been open for {{ printf "%.0f" $values.A.Value }} hours',
        description="Nothing certifies that it is done, and no hold stands against it. The person is owed an answer "
        "within a month of asking. What to do: `watchline erase status` says in which place it stands still, "
        "`watchline erase resume` goes on.",
        board="watchline-compliance",
        panel=66,
        runbook_name="erasure-and-retention",
    ),
    Rule(
        uid="watchline-retention-due",
        title="Retention due",
        group="watchline-retention",
        about=_GOVERNANCE,
        severity="warning",
        queries={"A": _DUE},
        above=0,
        window_s=9 * 24 * _HOUR,
        for_s=0,
        interval_s=_HOUR,
        summary='{{ printf "%.0f" $values.A.Value }} {{ $labels.kind }} are past their retention, or not in force',
        description="Rows and texts that two days after their end are still there, in no hold; of settings those that "
        "were set a day ago and that nobody has put in force; holds that nobody has put in force, so that what they "
        "hold is deleted all the same. What to do: `watchline retention report`, then `watchline retention apply`.",
        board="watchline-compliance",
        panel=67,
        runbook_name="erasure-and-retention",
    ),
)
