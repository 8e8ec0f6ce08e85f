-- Question: What went wrong, in the order of time: alerts, changes, losses, leaks, refused acts, emergencies, what went out unapproved?
-- For: SOC 2 CC7.3, SOC 2 CC7.4, EU AI Act 26(5)
-- Not answered: How long an alert lasted, and who looked after it: `alerts_fired`. Whether something was an incident, people decide. A gap of the monitoring itself: `monitoring_gaps`.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: limit = 10000 (most rows, the latest first)
SELECT time, kind, app, what, events
FROM
(
    SELECT time, 'change' AS kind, toString(app) AS app,
        concat(measure, ' of ', prompt_name, if(cause = '', '', concat(', explained by ', cause, ' ', cause_value))) AS what,
        toUInt64(events_after) AS events
    FROM v_signals
    WHERE page AND time >= {since:Date} AND time < {until:Date} + 1
    UNION ALL
    SELECT toDateTime64(time, 6, 'UTC'), 'messages gone before they were read', '', concat(topic, '/', toString(partition)),
        toUInt64(next_offset - first_missing)
    FROM v_offset_gaps
    WHERE time >= {since:Date} AND time < {until:Date} + 1
    UNION ALL
    SELECT toDateTime64(min(d.time), 6, 'UTC'), 'dead letters', toString(d.app), toString(d.kind), count()
    FROM v_dead_letters AS d
    WHERE d.time >= {since:Date} AND d.time < {until:Date} + 1
    GROUP BY toStartOfHour(d.time), d.app, d.kind
    UNION ALL
    SELECT min(f.time), 'leaked personal data', toString(f.app), '', count()
    FROM v_findings AS f
    WHERE f.detector = 'pii' AND f.scores['LEAK'] >= f.threshold AND f.decision = 'evaluated' AND f.time >= {since:Date} AND f.time < {until:Date} + 1
    GROUP BY toStartOfHour(f.time), f.app
    UNION ALL
    SELECT g.time, multiIf(NOT g.accepted, 'refused act', g.action = 'incident_began', 'alert', 'emergency'),
        g.details['app'],
        multiIf(NOT g.accepted, concat(g.action, ': ', g.reason),
            g.action = 'incident_began', concat(g.details['rule'], ', ', g.details['severity']),
            concat(g.target, ' version ', ifNull(g.target_version, ''))),
        1
    FROM v_governance AS g
    WHERE (NOT g.accepted OR g.action IN ('emergency_promoted', 'incident_began')) AND g.time >= {since:Date} AND g.time < {until:Date} + 1
    UNION ALL
    SELECT toDateTime64(p.hour, 6, 'UTC'), 'unapproved prompt', toString(p.app),
        concat(p.prompt_name, ' version ', p.prompt_version, ': ', p.why), p.events
    FROM v_unapproved_prompts AS p
    WHERE p.hour >= {since:Date} AND p.hour < {until:Date} + 1
)
ORDER BY time DESC, kind, app, what
LIMIT {limit:UInt64}
