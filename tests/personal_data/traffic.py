"""Events with planted personal data in all their fields, through a real worker, and what is left of it afterwards."""

from __future__ import annotations

import base64
import html
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import UUID

from tests.end_to_end.workers import Worker
from tests.personal_data.leftovers import Search
from tests.personal_data.records import FORMATS, Place, record
from tests.personal_data.values import FIELDS, HELD_OUT, Values
from tests.stored_rows import everything
from watchline.streams import Producer
from watchline.streams.kafka import topics

RAW = (topics.interactions, topics.feedback, topics.dead_letters)  # hold texts as they came, for a short time
_WRAPPED: tuple[Callable[[str], str], ...] = (
    *[str] * 16,
    lambda text: base64.b64encode(text.encode()).decode(),
    quote,
    lambda text: json.dumps({"text": text}),
    lambda text: html.escape(text),
)
_AT_ONCE = 200  # events that the producer holds
_FIELDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "input": lambda text: {"input": text},
    "output": lambda text: {"output": text},
    "system": lambda text: {"system": text},
    "documents": lambda text: {"documents": [text]},
    "tool call": lambda text: {"tool_calls": [{"name": "lookup", "arguments": text, "result": text}]},
    "prompt variable": lambda text: {"prompt_variables": {"record": text}},
    "attribute": lambda text: {"attributes": {"context": text}},
    "error": lambda text: {"error": text},
}


@dataclass(frozen=True, slots=True)
class Event:
    """What is emitted, the comment of its feedback (or none), and what is planted in both."""

    call: dict[str, Any]
    comment: str
    planted: tuple[Place, ...]


@dataclass
class Left:
    """Planted values by label: how many, how many are left whole, of how many persons a surname is; and where."""

    events: int = 0
    planted: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    in_part: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)  # of values that are left: column, topic, log
    examples: list[str] = field(default_factory=list)


def events(seed: int, number: int) -> Iterator[Event]:
    """Events with one to three records each, in formats and fields drawn by chance; no value in two of them."""
    values = Values(seed, HELD_OUT)
    r = values.chance
    formats, labels = list(FORMATS), list(FIELDS)
    for index in range(number):
        call: dict[str, Any] = {
            "input": "What does it say?",
            "output": "It is done.",
            "model": "m",
            "event_id": str(UUID(int=index + 1, version=4)),
        }
        planted: list[Place] = []
        comment = ""
        for place in r.sample([*_FIELDS, "comment"], r.randint(1, 3)):
            row = record(values, r.choice(formats), labels)
            text = r.choice(_WRAPPED)(row.text)
            planted += row.planted
            if place == "comment":
                comment = text
            else:
                call |= _FIELDS[place](text)
        if r.random() < 0.1:
            call["conversation_id"] = values.of("EMAIL_ADDRESS")
            planted.append(Place(0, 0, "EMAIL_ADDRESS", call["conversation_id"]))
        yield Event(call, comment, tuple(planted))


def publish(worker: Worker, emitted: Sequence[Event]) -> None:
    """Emits the events, and feedback with their comments, and waits until all of it is stored."""
    with_producer = Producer(
        worker.settings.bootstrap_servers, app="records", topic_prefix=worker.settings.topic_prefix, strict=True
    )
    comments = 0
    for number, event in enumerate(emitted):
        if number % _AT_ONCE == 0:
            assert with_producer.flush(60)
        with_producer.emit(**event.call)
        if event.comment:
            comments += 1
            with_producer.feedback(event.call["event_id"], rating=-1, comment=event.comment)
    with_producer.close()
    assert not with_producer.stats.dropped, with_producer.stats
    worker.wait(lambda: (worker.count("v_interactions"), worker.count("v_feedback")) == (len(emitted), comments), 1800)
    worker.wait(lambda: worker.health()["lag_messages"] == 0)


def left(worker: Worker, emitted: Sequence[Event]) -> Left:
    """Searches all that the worker has stored, published and logged; ends the worker."""
    published = [
        (
            f"topic {topic.name}",
            f"{value!r} {headers!r}" if b"\0" in value else f"{value.decode('utf-8', 'replace')} {headers}",
        )
        for topic in topics.TOPICS
        if topic not in RAW
        for value, headers in worker.consume(topic)
    ]
    assert worker.stop() == 0
    strings = [*published, ("log", worker.log.read_text(encoding="utf-8", errors="replace"))]
    own = defaultdict[str, list[tuple[str, str]]](list)
    for line in everything(worker.data_dir).split("\n"):  # a bitmap may hold what else ends a line
        if line.strip():
            row = json.loads(line)
            some = own[row["event_id"]] if "event_id" in row else strings
            some += _strings("column", row)
    return _searched(emitted, own, strings)


def _searched(
    emitted: Sequence[Event], own: Mapping[str, list[tuple[str, str]]], elsewhere: Sequence[tuple[str, str]]
) -> Left:
    planted = [(event.call["event_id"], place) for event in emitted for place in event.planted]
    found = defaultdict[int, set[str]](set)  # where, by place in `planted`
    distinctive = [index for index, (_, place) in enumerate(planted) if _is_distinctive(place)]
    search = Search(planted[index][1].value for index in distinctive)
    wheres = defaultdict[str, set[str]](set)
    for where, text in [*elsewhere, *(item for some in own.values() for item in some)]:
        wheres[text].add(where)
    for text, some in wheres.items():
        for at in search.found(text):
            found[distinctive[at]] |= some
    in_part = set[int]()
    of_event = defaultdict[str, list[int]](list)
    for index, (event_id, _) in enumerate(planted):
        of_event[event_id].append(index)
    for event_id, indices in of_event.items():
        search = Search(planted[index][1].value for index in indices)
        persons = [index for index in indices if planted[index][1].kind == "PERSON"]
        surnames = Search(planted[index][1].value.split()[-1] for index in persons)
        for where, text in own.get(event_id, ()):
            for at in search.found(text):
                found[indices[at]].add(where)
            in_part |= {persons[at] for at in surnames.found(text)}
    result = Left(len(emitted))
    for index, (event_id, place) in enumerate(planted):
        result.planted[place.kind] += 1
        if found[index]:
            result.left[place.kind] += 1
            result.places.update(found[index])
            where = ", ".join(sorted(found[index]))
            result.examples.append(f"{place.kind:22} {place.value!r} in {where} of {event_id}")
        elif index in in_part:
            result.in_part[place.kind] += 1
    return result


def _is_distinctive(place: Place) -> bool:
    """Whether a value stands nowhere by chance, as a first name or a date of birth may."""
    return (
        sum(map(str.isalnum, place.value)) >= 8
        and place.kind != "DATE_OF_BIRTH"
        and (place.kind != "PERSON" or " " in place.value)
    )


def _strings(where: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every string of a row, its keys too, with the column that it stands in."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield where, key
            yield from _strings(f"{where}.{key}" if where.count(".") < 1 else where, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(where, inner)
