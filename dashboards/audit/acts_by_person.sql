-- Question: How often did each person or service do what, from when to when, and how often was it refused?
-- For: HIPAA 164.312(b), SOC 2 CC6.1
-- Not answered: Of a refused act the name is what it claims: nobody need have signed it. Who a holder's id stands for: the text `name` of the act that registered the key, until it is erased.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT actor, action, countIf(accepted) AS accepted_acts, countIf(NOT accepted) AS refused, min(time) AS first_time,
    max(time) AS last_time, uniqExact(target) AS targets
FROM v_governance
WHERE time >= {since:Date} AND time < {until:Date} + 1 AND actor != ''
GROUP BY actor, action
ORDER BY actor, action
