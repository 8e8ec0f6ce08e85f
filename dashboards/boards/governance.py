"""Panels of what people decide: approvals, erasures, retention, and the trail of it. Of the board Compliance."""

from __future__ import annotations

from watchline.dashboards.boards import parts
from watchline.dashboards.definitions import Panel, Rows
from watchline.dashboards.sql import GIVEN, chosen, whole_hours

_ACT = ("time", "position", "actor", "action", "target", "target_version", "accepted", "reason")
_OF_APP = "$__conditionalAll(g.details['app'] IN (${app:singlequote}), $app)"

APPROVED = (
    Panel(
        id=60,
        title="Approvals waiting",
        description="The newest version of a prompt or model that was drafted in this time, where nobody has "
        "promoted, withdrawn or replaced it. How many approvals it needs: `watchline prompts show`.",
        kind="table",
        queries={
            "A": f"""SELECT drafted AS time, app, target, version, author, length(arrayDistinct(arrayMap(each -> each.2,
    arrayFilter(each -> each.1 = newest, given)))) AS approvals
FROM
(
    SELECT g.details['app'] AS app, g.target AS target, maxIf(g.time, g.action LIKE '%drafted') AS drafted,
        argMaxIf(g.content_hash, g.position, g.action LIKE '%drafted') AS newest,
        argMaxIf(g.target_version, g.position, g.action LIKE '%drafted') AS version,
        argMaxIf(g.actor, g.position, g.action LIKE '%drafted') AS author,
        groupArrayIf((g.content_hash, g.actor), g.action LIKE '%approved') AS given
    FROM v_governance AS g
    WHERE $__timeFilter(g.time) AND g.accepted AND {_OF_APP}
        AND g.action IN ('prompt_drafted', 'model_drafted', 'prompt_approved', 'model_approved')
    GROUP BY app, target
)
WHERE newest != '' AND (app, newest) NOT IN
(
    SELECT d.details['app'], d.content_hash FROM v_governance AS d
    WHERE d.accepted AND d.action IN ({GIVEN}) AND d.time >= $__fromTime
)
ORDER BY time
LIMIT 100"""
        },
        unit="none",
        height=6,
    ),
    Panel(
        id=61,
        title="Unapproved prompts served",
        description="Prompts that answered in production and that nobody has promoted, by the hash that the app "
        "stamps. Of apps that have prompts in the audit trail.",
        kind="table",
        queries={
            "A": f"""SELECT max(u.hour) AS time, u.app AS app, u.environment AS environment,
    u.prompt_name AS prompt_name, u.prompt_version AS prompt_version, u.why AS why, sum(u.events) AS answers
FROM v_unapproved_prompts AS u
WHERE {whole_hours("v_unapproved_prompts", "u")}
GROUP BY app, environment, prompt_name, prompt_version, why
ORDER BY answers DESC
LIMIT 100"""
        },
        unit="none",
        height=6,
    ),
    Panel(
        id=62,
        title="Unregistered apps and models",
        description="Apps that sent and that nobody has registered, and models that answered and that their app may "
        "not use. Nothing is held to be unregistered where no app is registered.",
        kind="table",
        queries={
            "A": f"""SELECT max(u.hour) AS time, u.app AS app, u.environment AS environment,
    u.what AS what, u.model AS model, sum(u.events) AS answers
FROM v_unregistered AS u
WHERE {whole_hours("v_unregistered", "u")}
GROUP BY app, environment, what, model
ORDER BY answers DESC
LIMIT 100"""
        },
        unit="none",
        height=6,
    ),
    Panel(
        id=63,
        title="Emergency promotions",
        description="What one person gave to apps without approvals, and who has reviewed it since: another person is "
        "to, within 48 hours.",
        kind="table",
        queries={
            "A": f"""SELECT e.time AS time, e.app AS app, e.environment AS environment, e.target AS target,
    e.target_version AS version, e.actor AS promoted_by, e.why AS why, e.reviewed_by AS reviewed_by,
    if(e.overdue, 'overdue', '') AS state
FROM v_emergencies AS e
WHERE {chosen("v_emergencies", "e")}
ORDER BY time DESC
LIMIT 100"""
        },
        unit="none",
        height=6,
    ),
)

TRAIL = (
    Panel(
        id=64,
        title="Refused acts",
        description="Acts that the rules don't allow: they changed nothing. The name is what the act claims.",
        kind="table",
        queries={
            "A": """SELECT g.time AS time, g.position AS position, g.actor AS claimed_by, g.action AS action,
    g.target AS target, g.reason AS reason
FROM v_governance AS g
WHERE $__timeFilter(g.time) AND NOT g.accepted
ORDER BY position DESC
LIMIT 100"""
        },
        unit="none",
        rows=Rows(view="v_governance", columns=_ACT, where="NOT accepted"),
        width=18,
        height=6,
    ),
    Panel(
        id=65,
        title="Broken links of the trail",
        description="Entries of the audit trail that don't follow on the one before, in the store. Anything but 0 "
        "means that one was changed, taken out or put in. An end that was cut off is not seen here: `watchline audit "
        "verify`.",
        kind="stat",
        queries={
            "A": """SELECT countIf(breaks) AS broken
FROM
(
    SELECT row_number() OVER before > 1 AND previous != lagInFrame(hash, 1, '') OVER before AS breaks
    FROM v_governance AS g
    WHERE g.position >= (SELECT min(b.position) FROM v_governance AS b WHERE $__timeFilter(b.time))
    WINDOW before AS (PARTITION BY log ORDER BY position ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)"""
        },
        thresholds=parts.ANY,
        width=6,
        height=6,
    ),
    Panel(
        id=69,
        title="Reads by person",
        description="How often each person, or reader, has read what Watchline's doors record: command line, page and "
        "port. «claimed» is a name that nothing proves.",
        kind="time_series",
        queries={
            "A": """SELECT $__timeInterval(r.time) AS time,
    concat(r.who, if(r.proven = 'claimed', ' (claimed)', '')) AS reader, sum(r.reads) AS reads
FROM v_reads AS r
WHERE $__timeFilter(r.time)
GROUP BY time, reader
ORDER BY time"""
        },
        rows=Rows(view="v_reads", columns=("time", "who", "proven", "door", "shape", "views", "reads", "row_count")),
        width=24,
        height=6,
    ),
    Panel(
        id=68,
        title="Acts by person",
        description="How many acts each person or service has signed that the rules allow.",
        kind="time_series",
        queries={
            "A": """SELECT $__timeInterval(g.time) AS time, g.actor AS actor, count() AS acts
FROM v_governance AS g
WHERE $__timeFilter(g.time) AND g.accepted
GROUP BY time, actor
ORDER BY time"""
        },
        rows=Rows(view="v_governance", columns=_ACT, where="accepted"),
        width=24,
        height=6,
    ),
)

TERMS = (
    Panel(
        id=66,
        title="Erasures",
        description="What was asked to be erased in this time, and what the last certificate says of it. A person is "
        "owed an answer within a month.",
        kind="table",
        queries={
            "A": """SELECT minIf(g.time, g.action = 'erasure_requested') AS time, g.target AS target,
    anyIf(g.details['kind'], g.action = 'erasure_requested') AS kind,
    argMaxIf(g.details['whole'], g.position, g.action = 'erasure_certified') AS certified,
    maxIf(g.time, g.action = 'erasure_certified') AS at,
    if(certified = '', 'open', toString(at)) AS certified_at
FROM v_governance AS g
WHERE g.accepted AND g.time >= $__fromTime AND g.action IN ('erasure_requested', 'erasure_certified')
GROUP BY target
HAVING time >= $__fromTime AND time <= $__toTime
ORDER BY time, target
LIMIT 100"""
        },
        unit="none",
        height=6,
    ),
    Panel(
        id=67,
        title="Retention",
        description="For how many days each class is kept: what people have set, and what `watchline retention apply` "
        "has put in force. Where the two differ, it is due.",
        kind="table",
        queries={
            "A": """SELECT class, app, toUInt16(sum(of_set)) AS days_set, toUInt16(sum(of_force)) AS days_in_force,
    multiIf(days_set = 0, 'default', days_set = days_in_force, 'in force', 'due') AS state
FROM
(
    SELECT splitByString('/app:', g.target)[1] AS class, splitByString('/app:', g.target)[2] AS app,
        toUInt16OrZero(argMax(g.details['days'], g.position)) AS of_set, 0 AS of_force
    FROM v_governance AS g
    WHERE g.accepted AND g.action = 'retention_set' AND g.time <= $__toTime
    GROUP BY g.target
    UNION ALL
    SELECT toString(r.class), toString(r.app), 0, r.days FROM v_retention AS r
)
GROUP BY class, app
ORDER BY class, app
LIMIT 100"""
        },
        unit="none",
        height=6,
    ),
)
