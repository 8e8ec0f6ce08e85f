"""Every place in which something of a person can lie: what it holds, how it is found there and how it goes.

Erasure and access read it alike. What isn't here is neither erased nor shown: tests hold it against the migrations, the
topics and the files of a data folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from watchline.streams.kafka.tombstones import Kind

EVENTS = "{events}"  # in a condition: the ids of the events in question
SUBJECT = "if(empty(subject_hash), subject_key, concat(subject_key, ':', lower(hex(subject_hash))))"
_OF_EVENTS = f"event_id IN ({EVENTS})"
_OWN: Mapping[Kind, str] = {"tenant": "tenant", "event": "toString(event_id)"}  # also of what has no interaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the store.

    Parameters
    ----------
    holds : str
        What, for people to read.
    of_events : str
        Which of its rows are of the events whose ids `EVENTS` stands for; empty where none can be.
    own : mapping of str to str
        By kind of what is erased, SQL for the id as the row has it.
    ground : str
        Of a table without these: why its rows stay.
    view : str
        What shows its rows to the person; empty: they say no more than other rows do.
    """

    holds: str
    of_events: str = ""
    own: Mapping[Kind, str] = field(default_factory=dict)
    ground: str = ""
    view: str = ""


# In the order in which they are deleted: findings before the interaction, which is the mark that they are there.
TABLES: Mapping[str, Table] = {
    "findings": Table(holds="scores, places in the text, reasons", of_events=_OF_EVENTS, own=_OWN, view="v_findings"),
    "feedback": Table(
        holds="text, pseudonym",
        of_events=_OF_EVENTS,
        own={**_OWN, "subject": SUBJECT},
        view="v_feedback",
    ),
    "contents": Table(holds="hashes of texts, scores", of_events=_OF_EVENTS, own=_OWN),
    "superseded": Table(holds="ids, tenants", of_events=_OF_EVENTS, own=_OWN),
    "later_contents": Table(holds="ids, hashes, scores", of_events=_OF_EVENTS, own=_OWN),
    "uncommitted": Table(holds="ids", of_events=_OF_EVENTS),
    "dead_letters": Table(
        holds="coordinates, size, hash of what could not be processed",
        of_events=f"event_id IN (SELECT toString(event_id) FROM ({EVENTS}))",
        own={"event": "event_id"},
        view="v_dead_letters",
    ),
    "signals": Table(
        holds="numbers of groups; of a change in one tenant its name",
        own={"tenant": "if(cause = 'tenant', cause_value, slice['tenant'])"},
    ),
    "interactions": Table(
        holds="text, pseudonym",
        of_events=_OF_EVENTS,
        own={**_OWN, "subject": SUBJECT, "conversation": "conversation_id"},
        view="v_interactions",
    ),
    "erased": Table(
        holds="ids and numbers of what was erased", ground="what was erased counts as that, and not as lost"
    ),
    "ledger": Table(holds="offsets, ids of events, counts", ground="an id alone leads to no row any more"),
    "producer_hours": Table(holds="numbers of events", ground="numbers by hour, of no person"),
    "producer_reports": Table(holds="what producers dropped", ground="counts, of no person"),
    "offset_gaps": Table(holds="offsets", ground="offsets, of no person"),
    "canaries": Table(holds="our own test events", ground="of no person; gone after 30 days"),
    "watermarks": Table(holds="times", ground="of no person"),
    "dead_letter_replays": Table(holds="coordinates, hashes", ground="coordinates lead to a message that expires"),
    "quality_hourly": Table(holds="totals by hour", ground="counted anew without what was erased, within 10 minutes"),
    "usage_hourly": Table(holds="totals by hour", ground="counted anew without what was erased, within 10 minutes"),
    "governance": Table(holds="acts, by ids that say nothing", ground="the audit trail: it holds salted hashes alone"),
    "governance_texts": Table(
        holds="text that people wrote about acts", ground="searched for the id itself: see texts"
    ),
    "retention": Table(holds="days, names of held apps and tenants", ground="of no person"),
    "migrations": Table(holds="names of migrations", ground="of no person"),
}

Ends = Literal["expires", "stays"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A topic or a file. `holds` and `ground` as in `Table`; `ends`: whether what is there expires, or may stay."""

    holds: str
    ends: Ends
    ground: str


TOPICS: Mapping[str, Elsewhere] = {
    "interactions": Elsewhere(
        holds="raw text, pseudonym", ends="expires", ground="Kafka deletes it after its retention"
    ),
    "feedback": Elsewhere(holds="raw text, pseudonym", ends="expires", ground="Kafka deletes it after its retention"),
    "dead-letters": Elsewhere(holds="raw text", ends="expires", ground="Kafka deletes it after its retention"),
    "findings": Elsewhere(
        holds="scores, ids, embeddings of questions", ends="expires", ground="Kafka deletes it after its retention"
    ),
    "signals": Elsewhere(holds="numbers of groups", ends="expires", ground="Kafka deletes it after its retention"),
    "alerts": Elsewhere(holds="ids of events", ends="expires", ground="Kafka deletes it after its retention"),
    "prompt-monitors": Elsewhere(
        holds="numbers of groups, ids of examples", ends="stays", ground="an id alone leads to no row any more"
    ),
    "starts": Elsewhere(holds="offsets", ends="stays", ground="of no person"),
    "governance": Elsewhere(holds="acts", ends="stays", ground="the audit trail: it holds salted hashes alone"),
    "governance-texts": Elsewhere(
        holds="text that people wrote about acts", ends="stays", ground="searched for the id itself: see texts"
    ),
    "prompts": Elsewhere(holds="prompts that apps get", ends="stays", ground="of no person"),
    "tombstones": Elsewhere(holds="salted hashes", ends="stays", ground="so that it is not stored again"),
    "alert-state": Elsewhere(
        holds="numbers of groups, ids of examples", ends="stays", ground="an id alone leads to no row any more"
    ),
}

STORE = "clickhouse"
# By their first name below the data folder. All but the store's own are searched for the id.
FILES: Mapping[str, str] = {
    STORE: "the embedded store: its tables, and parts that are set aside or replaced",
    "store.sock": "a socket",
    "store.lock": "nothing",
    "worker.json": "addresses of the worker's pages",
    "logs": "logs of broker and worker: no texts",
    "faust": "nothing that is kept",
    "governance": "acts, anchors, keys, tombstones: hashes, and what people wrote",
    "receive-token": "a password",
}

# Tables of ClickHouse's own diary, where the server keeps them. `erase` itself sends hashes alone.
LOGS = (
    "query_log", "query_thread_log", "query_views_log", "text_log", "crash_log", "trace_log", "asynchronous_insert_log",
    "opentelemetry_span_log", "processors_profile_log", "session_log",
)  # fmt: skip

# Nobody can look there from here: a certificate names them, and who must act.
NOT_REACHABLE: Mapping[str, str] = {
    "backups": "whoever makes them deletes those of before; `watchline restore` obeys the tombstones first",
    "exports": "whoever took data away: `governance log` names each act `exported`, `export touched DIR` its lines",
    "log files of servers": "whoever runs ClickHouse and Kafka: what others asked may stand there until they rotate",
    "the apps": "whoever runs them: their own stores, and events that their producers still hold",
}
