-- What analysts ask: each statement must pass the policy and run.

-- windows
SELECT app, time, lagInFrame(latency_s) OVER (PARTITION BY app ORDER BY time) AS before FROM v_interactions;
SELECT app, cost, rank() OVER (PARTITION BY app ORDER BY cost DESC) AS place
    FROM v_interactions QUALIFY place <= 3;
SELECT time, sum(cost) OVER w AS total, count() OVER w AS n
    FROM v_interactions
    WINDOW w AS (PARTITION BY app ORDER BY time ROWS UNBOUNDED PRECEDING);
SELECT time, avg(latency_s) OVER (ORDER BY toUnixTimestamp(time) RANGE BETWEEN 3600 PRECEDING AND CURRENT ROW)
    FROM v_interactions;
SELECT detector, time, score - first_value(score) OVER (PARTITION BY detector ORDER BY time) FROM v_findings;
SELECT app, dense_rank() OVER (ORDER BY count() DESC), count() FROM v_interactions GROUP BY app;
SELECT ntile(4) OVER (ORDER BY cost), nth_value(cost, 2) OVER (ORDER BY cost) FROM v_interactions;
-- conditions and casts
SELECT CASE WHEN score >= 0.9 THEN 'high' WHEN score >= 0.5 THEN 'middle' ELSE 'low' END AS band, count()
    FROM v_findings
    GROUP BY band;
SELECT CASE detector WHEN 'pii' THEN 1 ELSE 0 END FROM v_findings;
SELECT multiIf(score > 0.9, 'a', score > 0.5, 'b', 'c'), score > 0.5 ? 'yes' : 'no' FROM v_findings;
SELECT time::Date, cost::Nullable(Float64), '1'::UInt8, score::Decimal(10, 4)::String
    FROM v_interactions, v_findings;
SELECT CAST(time AS Date), CAST(cost, 'Float64'), toFloat64OrNull('x'), accurateCastOrNull(1, 'UInt8')
    FROM v_interactions;
SELECT coalesce(cost, 0), ifNull(cost, 0), nullIf(app, ''), cost IS NOT NULL, isNull(cost) FROM v_interactions;
SELECT * FROM v_findings WHERE NOT (flagged AND score < 0.2) OR detector LIKE 't%' AND detector NOT LIKE '%x';
-- time
SELECT toStartOfInterval(time, INTERVAL 15 MINUTE) AS t, count()
    FROM v_interactions
    GROUP BY t
    ORDER BY t WITH FILL STEP toIntervalMinute(15);
SELECT count() FROM v_interactions WHERE time BETWEEN now() - INTERVAL 7 DAY AND now();
SELECT dateDiff('hour', min(time), max(time)), date_trunc('week', any(time)) FROM v_interactions;
SELECT toHour(time, 'Europe/Berlin') AS hour, toDayOfWeek(time) AS day, count()
    FROM v_interactions
    GROUP BY hour, day;
SELECT toDate(time) AS day, uniqExact(subject), formatDateTime(any(time), '%Y-%m')
    FROM v_interactions
    GROUP BY day
    ORDER BY day DESC;
SELECT time + INTERVAL 1 MONTH, addDays(time, 1), time - toIntervalHour(2), today() - 1, toYYYYMM(time)
    FROM v_interactions;
SELECT EXTRACT(YEAR FROM time), parseDateTimeBestEffort('2026-01-02 03:04'), toDateTime('2026-01-01 00:00:00', 'UTC')
    FROM v_interactions;
-- arrays, lambdas, maps, tuples
SELECT arrayMap(x -> x * 2, [1, 2]), arrayFilter((x, y) -> x > y, [1, 2], [2, 1]), arrayExists(x -> x = 1, [1]);
SELECT arrayMap((x, i) -> (i, x), ['a', 'b'], arrayEnumerate(['a', 'b'])), arraySort(x -> -x, [1, 2]),
    arrayFold((a, x) -> a + x, [1, 2], toInt64(0));
SELECT arrayStringConcat(groupUniqArray(app), ', '), arraySlice(groupArray(model), 1, 3), arrayReduce('max', [1, 2])
    FROM v_interactions;
SELECT arrayFirst(m -> m.role = 'user', input_messages).content, length(input_messages), input_messages[-1].role
    FROM v_interactions;
SELECT arrayMax(arrayMap(label -> scores[label], mapKeys(scores))), mapContains(scores, 'hate') FROM v_findings;
SELECT has(['a', 'b'], app), hasAny([1], [1, 2]), indexOf([1, 2], 2), [1, 2][1], [[1], []] FROM v_interactions;
SELECT tuple(app, model) AS pair, pair.1, (1, 'x').2, count() FROM v_interactions GROUP BY pair;
SELECT *
    FROM v_interactions
    WHERE (app, model) IN (SELECT app, model FROM v_interactions GROUP BY app, model HAVING count() > 1);
SELECT app, number FROM v_interactions ARRAY JOIN range(3) AS number WHERE number % 2 = 0;
SELECT map('a', 1)['a'], mapKeys(map('a', 1)), mapApply((k, v) -> (upper(k), v + 1), map('a', 1));
SELECT arrayMap(d -> (SELECT count() FROM v_findings WHERE score > 0.5), documents) FROM v_interactions;
-- aggregates
SELECT quantile(0.9)(latency_s), quantiles(0.5, 0.9, 0.99)(latency_s),
    quantileExact(0.5)(latency_s), median(latency_s)
    FROM v_interactions;
SELECT countIf(flagged), sumIf(score, flagged), avgIf(score, NOT flagged), uniqIf(event_id, flagged),
    countIf(score > 0.5) / count()
    FROM v_findings;
SELECT topK(5)(app), argMax(model, time), groupArray(3)(app), any(app), anyLast(app), stddevPop(latency_s)
    FROM v_interactions;
SELECT app, model, count() FROM v_interactions GROUP BY ROLLUP(app, model);
SELECT app, count() AS n FROM v_interactions GROUP BY app WITH TOTALS HAVING n > 0 ORDER BY n DESC;
SELECT app, model, grouping(app), count() FROM v_interactions GROUP BY GROUPING SETS ((app, model), (app), ());
SELECT app, model, count() FROM v_interactions GROUP BY CUBE(app, model) ORDER BY ALL;
SELECT count(DISTINCT app), uniq(app, model), sum(DISTINCT cost), count(*) FILTER (WHERE cost > 0)
    FROM v_interactions;
SELECT corr(score, toUnixTimestamp(time)), histogram(5)(score), simpleLinearRegression(score, score), max2(1, 2)
    FROM v_findings;
-- joins, subqueries, WITH
SELECT i.app, f.detector, avg(f.score)
    FROM v_interactions AS i
    LEFT JOIN v_findings AS f ON i.event_id = f.event_id AND i.time = f.time
    GROUP BY ALL;
SELECT * FROM v_findings AS f LEFT ANTI JOIN v_feedback AS b USING (event_id);
SELECT a.detector
    FROM v_coverage AS a
    INNER JOIN (SELECT detector, count() AS n FROM v_findings GROUP BY detector) AS b ON a.detector = b.detector
    WHERE b.n > 1;
SELECT f.time, s.time FROM v_findings AS f ASOF JOIN v_interactions AS s ON f.app = s.app AND f.time >= s.time;
WITH daily AS (SELECT toDate(time) AS day, count() AS n FROM v_interactions GROUP BY day),
    top AS (SELECT max(n) AS n FROM daily) SELECT day
    FROM daily
    WHERE n = (SELECT n FROM top);
WITH (SELECT avg(score) FROM v_findings) AS average SELECT detector, avg(score) - average
    FROM v_findings
    GROUP BY detector;
WITH toDate('2026-01-01') AS start, ['a', 'b'] AS apps SELECT count()
    FROM v_interactions
    WHERE time >= start AND has(apps, app);
WITH total AS (SELECT count() AS total FROM v_findings) SELECT total FROM total;
SELECT * FROM v_interactions WHERE EXISTS(SELECT 1 FROM v_findings WHERE flagged);
SELECT detector FROM v_coverage EXCEPT SELECT detector FROM v_findings;
SELECT detector FROM v_coverage INTERSECT SELECT detector FROM v_findings ORDER BY detector LIMIT 3;
SELECT x, n
    FROM (SELECT 'a' AS x, count() AS n FROM v_findings UNION ALL SELECT 'b', count() FROM v_interactions)
    ORDER BY x;
SELECT x.1, x.2 FROM (SELECT arrayJoin([(1, 'a'), (2, 'b')]) AS x);
SELECT c.* FROM v_coverage AS c, v_coverage AS d WHERE c.detector = d.detector;
-- lists of columns, limits
SELECT app, time, cost FROM v_interactions ORDER BY cost DESC NULLS LAST LIMIT 2 BY app;
SELECT * EXCEPT (input_messages, output_messages) FROM v_interactions ORDER BY time DESC LIMIT 10 OFFSET 20;
SELECT app FROM v_interactions ORDER BY app ASC, time DESC LIMIT 5, 10;
SELECT DISTINCT app, model FROM v_interactions WHERE time > now() - INTERVAL 1 DAY AND app != '';
SELECT app FROM v_interactions ORDER BY time DESC LIMIT 3 WITH TIES;
-- text
SELECT lower(app) || '/' || model, concat(app, '-', model), substring(output, 1, 80), length(output)
    FROM v_interactions;
SELECT extractAll(output, '[0-9]+'), replaceRegexpAll(output, '\\s+', ' '),
    splitByChar(' ', output)[1], match(output, '^A')
    FROM v_interactions;
SELECT JSONExtractString('{"a": "b"}', 'a'), JSONExtract('{"a": 1}', 'a', 'Int64'),
    position(output, 'x'), output ILIKE '%x%'
    FROM v_interactions;
SELECT round(avg(score), 3), floor(1.5), intDiv(7, 2), 7 % 2, -score, pow(2, 3), log(2), bitAnd(3, 1),
    greatest(1, 2), cityHash64(any(detector)) % 10, max(score)
    FROM v_findings
    GROUP BY score;
SELECT hex(MD5('x')), formatReadableSize(1000), toTypeName(1), bar(score, 0, 1, 20),
    if(1, 2, 3), NULL, true, inf, nan, 0x1F, 1e3
    FROM v_findings
    GROUP BY score;
