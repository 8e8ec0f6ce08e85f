"""Personal data in every string of every record that apps fill, by walking the schemas: nothing of it is stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from watchline.schemas import codec
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Feedback, InteractionBatch
from watchline.schemas.texts import strings
from watchline.schemas.validation import repair, repair_envelope
from watchline.streams.clickhouse.tables import Table
from watchline.streams.messages import Message
from watchline.streams.settings import load
from watchline.streams.worker import feedback
from watchline.streams.worker.scoring.process import Job, Jobs

NOW = time.time_ns() // 1000
ID = "01935c3e-7a00-7000-8000-000000000001"
UUIDS = ("event_id", "feedback_id", "producer_id")  # which `validation` refuses where they are none
_SECOND = " too"
SENTENCE = "Hello, my name is Margaret Thornbury"
# Made up: a reserved domain, a test number of a card network.
PLANTED = {"e-mail": "jane.roe@example.com", "name": SENTENCE, "card": "4111 1111 1111 1111"}
TRACES = {"e-mail": ("jane.roe", "example.com"), "name": ("margaret", "thornbury"), "card": ("4111 1111", "41111111")}


def filled(node: Any, named: Mapping[str, Any], text: Callable[[], str], place: str = "") -> Any:
    """A plain value of a schema with a text in every string and every key, but in UUIDs."""
    if isinstance(node, list):
        return filled(next(option for option in node if option != "null"), named, text, place)
    kind = node["type"] if isinstance(node, dict) else node
    if kind in named:
        return filled(named[kind], named, text, place)
    match kind:
        case "record":
            return {item["name"]: filled(item["type"], named, text, item["name"]) for item in node["fields"]}
        case "array":
            return [filled(node["items"], named, text, place)]
        case "map":
            return {key: filled(node["values"], named, text, place) for key in (text(), text() + _SECOND)}
        case "string":
            return ID if place in UUIDS else text()
        case "enum":
            return node["symbols"][0]
        case "double":
            return 1.0
    return 1


def planted(record: type[Any], text: Callable[[], str]) -> dict[str, Any]:
    schema = codec.schema(record.__name__)
    plain: dict[str, Any] = filled(schema, schema["__named_schemas"], text)
    for value in (plain, *plain.get("interactions", ())):
        value["time"] = NOW
    return plain


def message(record: Any, offset: int) -> Message:
    return Message("raw", "raw", 0, offset, NOW, codec.encode(record))


@pytest.fixture(scope="module", params=["", "a key"], ids=["without a key", "with one"])
def jobs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    folder: Path = tmp_path_factory.mktemp("data")
    settings = load(detectors="pii", data_dir=folder, pseudonym_key=request.param)
    return Jobs(settings, waiting=lambda: None)


def shown(*tables: Table) -> str:
    assert all(table.rows for table in tables), [table.name for table in tables if not table.rows]
    return repr([row.values for table in tables for row in table.rows]).lower()


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_nothing_of_it_is_stored_or_published(jobs: Jobs, name: str) -> None:
    plain = planted(InteractionBatch, lambda: PLANTED[name])
    assert all(trace in repr(plain).lower() for trace in TRACES[name][:1])
    events = codec.from_plain(InteractionBatch, {**plain, "time": 0})
    report = codec.from_plain(InteractionBatch, {**plain, "interactions": []})
    opinion = codec.from_plain(Feedback, planted(Feedback, lambda: PLANTED[name]))
    scored = jobs.do(Job([message(events, 0), message(report, 1)]))
    assert not isinstance(scored, tuple) and not scored.dead_letters
    received, dead = jobs.do(Job([message(opinion, 0)], feedback=True))  # type: ignore[misc]
    assert not dead
    stored = shown(scored.interactions, scored.findings, scored.reports, feedback.table([received[0].repaired]))
    keys = [row.key for table in (scored.interactions, scored.findings, scored.reports) for row in table.rows]
    everywhere = stored + repr(keys).lower() + repr([(record.key, record.value) for record in scored.records]).lower()
    assert [trace for trace in TRACES[name] if trace in everywhere] == []
    assert len(scored.interactions.rows) == 1  # nothing is lost
    outcome = "pseudonym" if jobs._redactor._pseudonyms._key else "dropped"
    assert scored.replaced["tenant", outcome] == received[0].replaced["tenant", outcome] == 1
    assert ("", "trace_id") not in scored.invalid_fields and sum(scored.invalid_fields.values()) == 3


def test_what_is_no_uuid_is_refused() -> None:
    for name in UUIDS:
        record = InteractionBatch if name == "producer_id" else Feedback
        found = codec.from_plain(record, {**planted(record, lambda: "x"), name: PLANTED["e-mail"]})
        with pytest.raises(PoisonError, match=f"{name}: not a UUID"):
            if isinstance(found, Feedback):
                repair(found, received=NOW)
            else:
                repair_envelope(found, received=NOW)


@pytest.mark.parametrize("record", [InteractionBatch, Feedback])
def test_every_string_of_the_schema_has_a_rule(record: type[Any]) -> None:
    """One that `columns.py` forgets would be stored as it came."""
    made: list[str] = []

    def text() -> str:
        made.append(f"text {len(made)}")
        return made[-1]

    found = codec.from_plain(record, planted(record, text))
    records = [found, *getattr(found, "interactions", ())]
    assert made and {text.removesuffix(_SECOND) for each in records for _, text, _ in strings(each)} >= {*made}
