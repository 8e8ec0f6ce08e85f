"""What is held of a person, for the person: every row that the registry's places show, with others' words masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchline.streams.governance.places import EVENTS, NOT_REACHABLE, SUBJECT, TABLES, TOPICS
from watchline.streams.query.run import Queries

MASK = "[of another person in this conversation]"
_OWN = "subject IN (SELECT arrayJoin(splitByChar(',', {ids:String})))"  # pseudonyms have no comma
_EVENTS = f"SELECT event_id FROM v_interactions WHERE {_OWN}"
_SHARED = f"""
SELECT conversation_id FROM v_interactions
WHERE conversation_id != '' AND conversation_id IN (SELECT conversation_id FROM v_interactions WHERE {_OWN})
GROUP BY conversation_id
HAVING countIf(NOT ({_OWN})) > 0
"""


def held(queries: Queries, stored: Sequence[str]) -> dict[str, Any]:
    """All of it, as JSON can hold it.

    Parameters
    ----------
    queries : Queries
    stored : sequence of str
        What the person's ids are stored as.

    Returns
    -------
    dict
        `places`: the rows of each table, as its view shows them: after redaction. `masked`: how many messages of
        others, in the same conversations, were replaced. `elsewhere`: what is not in here, and how long it stays.

    Raises what `Queries.query` raises.
    """
    names = {"ids": ",".join(stored)}
    places = {
        name: [dict(row) for row in queries.query(f"SELECT * FROM {table.view} WHERE {_where(name)}", names).by_column]
        for name, table in TABLES.items()
        if table.view
    }
    shared = {row["conversation_id"] for row in queries.query(_SHARED, names).by_column}
    masked = _mask(places["interactions"], shared)
    topics = {
        f"topic {name}": f"{place.holds}: {place.ground}" for name, place in TOPICS.items() if place.ends == "expires"
    }
    return {"places": places, "masked": masked, "elsewhere": {**topics, **NOT_REACHABLE}}


def count(queries: Queries, stored: Sequence[str]) -> int:
    """How many events there are of it. Raises what `Queries.query` raises."""
    counted = queries.query(f"SELECT count() AS events FROM v_interactions WHERE {_OWN}", {"ids": ",".join(stored)})
    return int(counted.rows[0][0])


def _where(name: str) -> str:
    table = TABLES[name]
    own = _OWN if table.own.get("subject") == SUBJECT else "false"
    return own if name == "interactions" else f"{table.of_events.replace(EVENTS, _EVENTS)} OR {own}"


def _mask(events: list[dict[str, Any]], shared: set[str]) -> int:
    """Leaves, of a conversation with others, what the person asked and was answered."""
    ours = {event["input"] for event in events}
    masked = 0
    for event in events:
        if event["conversation_id"] not in shared:
            continue
        hidden = set()
        for number, message in enumerate(event["input_messages"]):
            if message["role"] != "system" and message["content"] not in ours:
                message["content"] = MASK
                hidden.add(number)
        event["input_parts"] = [part for part in event["input_parts"] if part["message"] not in hidden]
        masked += len(hidden)
    return masked
