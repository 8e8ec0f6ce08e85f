"""What the store takes: each view, panel, rule and audit query at a number of interactions, and bytes an event by column.

`python -m tests.benchmarks.store 1000000` makes so many, a tenth of them on the last day and the others on the 29 before
it, of 40 apps whose traffic falls as Zipf's law has it, each with six findings, in one thread by SQL; one in 200 is
delivered twice, unmerged. It times what the boards, rules and audits ask, with the filters that they have: `cpu_s` of the
process, `wall_s`, `peak_mb` above what the process held before, and rows read. Run it alone: each runs in one thread.
"""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from watchline.schemas.migrate import migrate

SIZES = (10_000, 1_000_000)
DAYS, APPS, BLOCK = 30, 40, 250_000
DETECTORS = ("groundedness", "toxicity", "pii", "injection", "bias", "relevance")
MEMORY = 4_000_000_000  # bytes that a reader may take: dashboards/provisioning/clickhouse/users.sql

# What each number is turned into. `n` is the event's number, `r(k)` one of many independent numbers that it gives.
_EVENT = """
    toUUID(concat(lower(hex(toUInt64(ms) * 65536 + 28672 + n % 4096)), '8', substring(leftPad(lower(hex(sipHash64(n, 1))), 16, '0'), 2))) AS id,
    toDateTime64('{end}', 6, 'UTC') - toIntervalMicrosecond(86400000000 * if(n < 0.9 * {total},
        1 + (1 - n / (0.9 * {total})) * {days}, (1 - n / {total}) * 10)) AS at,
    toUnixTimestamp64Milli(at) AS ms,
    toUInt32(floor(pow({apps} + 1, (sipHash64(n, 3) % 1000003) / 1000003))) AS app_number,
    concat('app-', toString(app_number)) AS app_name,
    toString(1 + (sipHash64(n, 4) % 10 < 3)) AS version,
    if(sipHash64(n, 5) % 3 = 0, 'large', 'small') AS answering,
    concat('tenant-', toString(sipHash64(n, 6) % 50)) AS of_tenant
"""
_INTERACTIONS = """
INSERT INTO interactions
    (event_id, time, app, environment, tenant, trace_id, span_id, conversation_id, response_id, subject, operation,
    provider, request_model, response_model, model, prompt_name, prompt_version, prompt_hash, system_instructions,
    input_messages, output_messages, documents, request_parameters, input_tokens, output_tokens, cost, latency_s,
    time_to_first_chunk_s, finish_reasons, error_type, planned, redactions, producer_id, producer_sequence,
    raw_topic_id, raw_partition, raw_offset, stored_at)
WITH {event}
SELECT
    id, at, app_name, 'production', of_tenant,
    lower(hex(MD5(toString(n)))), lower(hex(sipHash64(n, 7))), lower(hex(MD5(concat('c', toString(intDiv(n, 4)))))),
    concat('chatcmpl-', lower(hex(MD5(concat('r', toString(n)))))),
    concat('1a2b3c4d:', lower(hex(SHA256(concat('s', toString(sipHash64(n, 8) % {subjects})))))),
    'chat', 'openai', answering, answering, answering, 'answer', version, lower(hex(SHA256(version))),
    'Answer from the documents alone.',
    [('user', concat('What does the bill of order ', toString(n), ' say, and when does it arrive?'))],
    [('assistant', concat('The bill of order ', toString(n), ' says ', toString(sipHash64(n, 9) % 900), '.90 euros.'))],
    [(concat('Order ', toString(n), ': ', toString(sipHash64(n, 9) % 900), '.90 euros.'), concat('doc-', toString(n % 9999)), 0.9)],
    map('temperature', '0.2'), 400 + n % 500, 50 + n % 90, 0.001 + (n % 90) / 100000,
    0.5 + (sipHash64(n, 10) % 4000) / 1000, 0.2, ['stop'], if(sipHash64(n, 11) % 100 = 0, 'Timeout', ''),
    CAST(arrayMap(d -> (d, '1'), {detectors}), 'Map(LowCardinality(String), LowCardinality(String))'),
    if(n % 11 = 0, map('EMAIL_ADDRESS', 1), map()),
    toUUID(concat('01935c3e-7a00-7000-8000-', leftPad(lower(hex(app_number)), 12, '0'))), n, 'topic', n % 4, n,
    toDateTime64(at + INTERVAL 20 SECOND, 3, 'UTC')
FROM (SELECT number AS n FROM numbers({first}, {count}) WHERE number % {every} = 0)
ORDER BY toStartOfHour(at)
"""
_FINDINGS = """
INSERT INTO findings
    (event_id, time, app, environment, tenant, prompt_name, prompt_version, model, detector, detector_version, decision,
    scores, score, threshold, alert_threshold, flagged, alert, calibration_version, spans, evidence, scored_fraction,
    duration_us, batch_size, device, stored_at)
WITH {event},
    (sipHash64(n, detector) % 1000) / 1000 AS probability,
    if(detector = 'relevance' AND n % 5 = 0, 'not_applicable', 'evaluated') AS decided,
    decided = 'evaluated' AND probability > 0.97 AS over
SELECT
    id, at, app_name, 'production', of_tenant, 'answer', version, answering, detector, '1', decided,
    if(decided = 'evaluated', map(detector, toFloat32(probability)), map()), if(decided = 'evaluated', probability, NULL),
    0.97, 0.99, over, over AND probability > 0.99, '1', if(over, [('output:0', 0, 18, detector, 0.98)], []),
    if(over, [(0, 'document:0', 0, 10, 0.9)], []), 1, 1000 + n % 3000, 32, 'cpu',
    toDateTime64(at + INTERVAL 19 SECOND, 3, 'UTC')
FROM (SELECT number AS n FROM numbers({first}, {count}) WHERE number % {every} = 0)
ARRAY JOIN {detectors} AS detector
ORDER BY toStartOfHour(at)
"""
_LEDGER = """
INSERT INTO ledger
    (topic_id, partition, first_offset, last_offset, app, hour, events, findings, event_ids, stored_at)
SELECT 'topic', p, first_offset, last_offset, app_name, hour, length(ids),
    CAST(arrayMap(d -> (d, length(ids)), {detectors}), 'Map(LowCardinality(String), UInt32)'), ids, hour + INTERVAL 1 HOUR
FROM
(
    WITH {event}
    SELECT n % 4 AS p, app_name, toStartOfHour(at) AS hour, min(n) AS first_offset, max(n) AS last_offset,
        groupArray(id) AS ids
    FROM (SELECT number AS n FROM numbers({first}, {count}))
    GROUP BY p, app_name, hour
)
"""


def fill(client: Any, interactions: int, end: datetime) -> None:
    """Stores so many interactions that end then, with what belongs to them: those of every 200th number twice."""
    settings = "SETTINGS max_insert_threads = 1, max_threads = 1, async_insert = 0"
    for first in range(0, interactions, BLOCK):
        for every in (1, 200):
            values = {
                "detectors": list(DETECTORS),
                "first": first,
                "count": min(BLOCK, interactions - first),
                "every": every,
                "subjects": max(interactions // 20, 1),
            }
            event = _EVENT.format(end=f"{end:%Y-%m-%d %H:%M:%S}", days=DAYS - 1, apps=APPS, total=interactions)
            for statement in (_FINDINGS, _INTERACTIONS) + ((_LEDGER,) if every == 1 else ()):
                client.command(statement.format(event=event, **values) + settings)


if __name__ == "__main__":
    import os
    import clickhouse_connect
    n = int(sys.argv[1]); path = sys.argv[2]
    c = clickhouse_connect.get_client(interface="chdb", path=path)
    t=time.time(); migrate(c, "watchline"); print("migrate", time.time()-t)
    t=time.time(); fill(c, n, datetime.now(UTC).replace(microsecond=0)); print("fill", time.time()-t)
    print(c.query("select table, sum(rows), count(), formatReadableSize(sum(bytes_on_disk)) from system.parts where active and database='watchline' group by 1").result_rows)
    print(c.query("select toDate(time) d, count() from interactions group by d order by d").result_rows[-3:])
    print(c.query("select app, count() from interactions group by app order by 2 desc limit 5").result_rows)
