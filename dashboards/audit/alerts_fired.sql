-- Question: Which incidents did alerts tell of, how severe was each, how long did it last, and when did somebody look after it?
-- For: SOC 2 CC7.3, SOC 2 CC7.4, EU AI Act 26(5)
-- Not answered: What was done about it. What came before governance was on, and what Grafana evaluates: it keeps its own history. Who looked after it is a text that can be erased: v_governance_texts.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: app =  (only this app; empty for all)
SELECT
    b.target AS incident,
    b.details['rule'] AS rule,
    b.details['app'] AS app,
    b.details['environment'] AS environment,
    if(e.severity = '', b.details['severity'], e.severity) AS severity,
    parseDateTimeBestEffort(b.details['from'], 'UTC') AS began,
    b.time AS recorded,
    nullIf(e.ended, toDateTime(0, 'UTC')) AS ended,
    dateDiff('second', began, ended) AS lasted_s,
    nullIf(a.acknowledged, toDateTime64(0, 6, 'UTC')) AS acknowledged
FROM v_governance AS b
LEFT JOIN
(
    SELECT target, max(details['severity']) AS severity, max(parseDateTimeBestEffort(details['to'], 'UTC')) AS ended
    FROM v_governance WHERE accepted AND action = 'incident_ended' AND time >= {since:Date} GROUP BY target
) AS e ON e.target = b.target
LEFT JOIN
(
    SELECT details['incident'] AS incident, min(time) AS acknowledged
    FROM v_governance WHERE accepted AND action = 'acknowledged' AND time >= {since:Date} GROUP BY incident
) AS a ON a.incident = b.target
WHERE b.accepted AND b.action = 'incident_began' AND b.time >= {since:Date} AND b.time < {until:Date} + 1
    AND ({app:String} = '' OR b.details['app'] = {app:String})
ORDER BY began DESC, incident
