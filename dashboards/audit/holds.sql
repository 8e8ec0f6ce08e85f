-- Question: What is kept from deletion, by whom, since when, until when, and which holds have ended?
-- For: GDPR 17(3), GDPR 18
-- Not answered: Why: the text `reason` of the act. Which rows it keeps: `watchline retention plan`.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (as it was at the end of this day, UTC)
SELECT
    p.details['hold'] AS hold,
    p.target AS held,
    p.time AS placed_at,
    p.actor AS placed_by,
    toDateOrNull(p.details['until']) AS last_day,
    nullIf(r.time, toDateTime64(0, 6, 'UTC')) AS released_at,
    r.actor AS released_by,
    released_at IS NULL AND ifNull(last_day >= least(today(), {until:Date}), true) AS in_force
FROM
(
    SELECT details, target, time, actor FROM v_governance
    WHERE accepted AND action = 'hold_placed' AND time >= {since:Date} AND time < {until:Date} + 1
) AS p
LEFT JOIN
(
    SELECT target, time, actor FROM v_governance
    WHERE accepted AND action = 'hold_released' AND time < {until:Date} + 1
) AS r ON p.details['hold'] = r.target
ORDER BY placed_at, hold
