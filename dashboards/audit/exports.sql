-- Question: What was taken out of the system or sent to a model by `prompts test`, when, by whom, how many rows, with which hash?
-- For: GDPR 5(2), SOC 2 CC6.7
-- Not answered: Where it is now, and whether it was deleted. What was copied by a query and not by an export: reads. Why: the text `reason` of the act.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT time, position, if(action = 'exported', actor, details['who']) AS who, target, details['app'] AS app,
    toUInt64OrZero(details['rows']) AS row_count, details['sha256'] AS sha256,
    details['basis'] AS basis, details['owner'] AS owner, details['until'] AS delete_by
FROM v_governance
WHERE accepted AND action IN ('exported', 'inputs_sent') AND time >= {since:Date} AND time < {until:Date} + 1
ORDER BY time, position
