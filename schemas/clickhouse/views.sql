-- What readers use. Exact whether or not parts have merged (FINAL), made anew by every `watchline migrate`.

CREATE OR REPLACE VIEW v_interactions AS
SELECT *,
    arrayElement(arrayFilter(m -> m.1 = 'user', input_messages), -1).2 AS input,
    arrayStringConcat(arrayMap(m -> m.2, output_messages), '\n') AS output
FROM interactions FINAL;

-- A finding is shown once its interaction is: the interaction row is the commit mark.
CREATE OR REPLACE VIEW v_findings AS
SELECT * FROM findings FINAL
WHERE event_id IN (SELECT event_id FROM interactions);

CREATE OR REPLACE VIEW v_coverage AS
WITH
    plans AS
    (
        SELECT event_id, arrayJoin(mapKeys(planned)) AS detector
        FROM interactions FINAL
    ),
    decisions AS
    (
        SELECT event_id, detector, decision FROM findings FINAL
    )
SELECT
    plans.detector AS detector,
    (SELECT count() FROM interactions FINAL) AS events,
    count() AS planned,
    countIf(decisions.decision = 'evaluated') AS evaluated,
    countIf(decisions.decision = 'not_applicable') AS not_applicable,
    countIf(decisions.decision = 'failed') AS failed,
    countIf(decisions.decision IS NULL) AS missing,
    countIf(decisions.decision = 'not_sampled') AS not_sampled,
    countIf(decisions.decision = 'shed') AS shed
FROM plans
LEFT JOIN (SELECT event_id, detector, toNullable(toString(decision)) AS decision FROM decisions) AS decisions
    ON plans.event_id = decisions.event_id AND plans.detector = decisions.detector
GROUP BY detector
ORDER BY detector;

-- One row for each producer instance; `missing` events were numbered by it but never stored: dropped in the app,
-- lost on the way, or dead letters.
CREATE OR REPLACE VIEW v_producer_gaps AS
SELECT
    producer_id,
    any(app) AS app,
    any(environment) AS environment,
    min(time) AS first_time,
    max(time) AS last_time,
    uniqExact(producer_sequence) AS stored,
    max(producer_sequence) + 1 - uniqExact(producer_sequence) AS missing,
    max(producer_dropped) AS dropped
FROM interactions FINAL
GROUP BY producer_id;

CREATE OR REPLACE VIEW v_prompt_versions AS
SELECT
    i.app AS app,
    i.environment AS environment,
    i.prompt_name AS prompt_name,
    i.prompt_version AS prompt_version,
    groupUniqArrayIf(10)(i.prompt_hash, i.prompt_hash != '') AS prompt_hashes,
    groupUniqArray(10)(i.model) AS models,
    min(i.time) AS first_time,
    max(i.time) AS last_time,
    count() AS events,
    countIf(i.error_type != '') AS errors,
    quantileExact(0.5)(i.latency_s) AS latency_p50_s,
    quantileExact(0.95)(i.latency_s) AS latency_p95_s,
    sum(i.input_tokens) AS input_tokens,
    sum(i.output_tokens) AS output_tokens,
    sum(i.cost) AS cost
FROM interactions AS i FINAL
GROUP BY app, environment, prompt_name, prompt_version;

-- Share of flagged answers by prompt version and detector, with the 95 % Wilson interval.
CREATE OR REPLACE VIEW v_quality AS
SELECT
    app, environment, prompt_name, prompt_version, detector,
    countIf(decision = 'evaluated') AS evaluated,
    countIf(flagged) AS flagged_events,
    countIf(alert) AS alert_events,
    flagged_events / nullIf(evaluated, 0) AS rate,
    (rate + 1.9208 / evaluated - 1.96 * sqrt((rate * (1 - rate) + 0.9604 / evaluated) / evaluated))
        / (1 + 3.8416 / evaluated) AS rate_low,
    (rate + 1.9208 / evaluated + 1.96 * sqrt((rate * (1 - rate) + 0.9604 / evaluated) / evaluated))
        / (1 + 3.8416 / evaluated) AS rate_high
FROM v_findings
GROUP BY app, environment, prompt_name, prompt_version, detector;

CREATE OR REPLACE VIEW v_feedback AS SELECT * FROM feedback FINAL;

CREATE OR REPLACE VIEW v_signals AS SELECT * FROM signals FINAL;

CREATE OR REPLACE VIEW v_dead_letters AS SELECT * FROM dead_letters FINAL;

CREATE OR REPLACE VIEW v_offset_gaps AS SELECT * FROM offset_gaps FINAL;
