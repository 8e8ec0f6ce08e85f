-- Question: Are records kept for six months and more: how old is the oldest of each app, and which retention is in force?
-- For: EU AI Act 19, EU AI Act 26(6)
-- Not answered: Whether another law asks for longer, and what lies in Kafka and in backups: `watchline retention report`. An app whose oldest record is young may be young. Records that somebody deleted by hand: `watchline prove`.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: days = 183 (how many days they must be kept)
WITH
    (SELECT mapFromArrays(groupArray(k.app), groupArray(k.days)) FROM v_retention AS k WHERE k.class = 'rows') AS kept,
    (SELECT groupArray(h.target) FROM v_governance AS h WHERE h.accepted AND h.action = 'retention_set') AS set_by_people
SELECT
    s.app AS app,
    min(s.time) AS oldest,
    max(s.time) AS newest,
    count() AS events,
    dateDiff('day', oldest, now64(6, 'UTC')) AS oldest_days,
    nullIf(if(mapContains(kept, app), kept[app], kept['']), 0) AS days_in_force,
    has(set_by_people, concat('rows/app:', app)) OR has(set_by_people, 'rows') AS set_by_an_act,
    multiIf(days_in_force IS NULL, 'nothing is deleted: no retention is in force', days_in_force >= {days:UInt32}, 'long enough',
        'too short') AS verdict
FROM v_stored_events AS s
WHERE s.time >= {since:Date} AND s.time < {until:Date} + 1
GROUP BY app
ORDER BY app
