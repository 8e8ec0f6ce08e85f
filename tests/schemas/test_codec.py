from __future__ import annotations

import dataclasses
import json
import os
import pickle
import subprocess
import sys
import typing
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import avro.schema
import pytest
from fastavro import parse_schema, schemaless_writer

from tests.schema_registry import reads
from tests.schemas.samples import SAMPLES
from watchline.schemas import codec, records
from watchline.schemas.errors import Kind, PoisonError, TransientError
from watchline.schemas.records import Feedback, FindingBatch, InteractionBatch


class Ids:
    """A registry of these schemas, their places in the list being the ids."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def schema_id(self, name: str) -> int:
        return self.texts.index(codec.schema_text(name))

    def schema(self, schema_id: int) -> str:
        if schema_id >= len(self.texts):
            raise PoisonError(Kind.UNDECODABLE, "unknown id")
        return self.texts[schema_id]


OURS = Ids("another's", *(codec.schema_text(type(sample).__name__) for sample in SAMPLES))
FRAMINGS = pytest.mark.parametrize("registry", [None, OURS], ids=["single-object", "confluent"])
STORED = sorted((codec.AVRO / "samples").glob("*.bin"))
BATCH = next(sample for sample in SAMPLES if isinstance(sample, InteractionBatch))


@FRAMINGS
@pytest.mark.parametrize("record", SAMPLES, ids=lambda record: type(record).__name__)
def test_round_trip(record: Any, registry: Ids | None) -> None:
    # Who has a registry reads both.
    decoded = codec.decode(codec.encode(record, registry), type(record), OURS)
    # Embeddings travel as 32-bit floats; the samples' values are exact in both.
    assert decoded == record


def test_interactions_are_the_last_field_of_the_envelope() -> None:
    """What `encode_envelope` relies on."""
    assert codec.schema("InteractionBatch")["fields"][-1]["name"] == "interactions"


@FRAMINGS
@pytest.mark.parametrize("count", [0, 1, 3, 64])
def test_an_envelope_of_encoded_interactions_is_the_envelope_encoded(count: int, registry: Ids | None) -> None:
    different = dataclasses.replace(BATCH.interactions[0], input_messages=(), output_messages=())
    interactions = ((BATCH.interactions[0], different) * count)[:count]
    bodies = [codec.encode_body(interaction) for interaction in interactions]
    found = codec.encode_envelope(dataclasses.replace(BATCH, interactions=()), bodies, registry)
    assert found == codec.encode(dataclasses.replace(BATCH, interactions=interactions), registry)


@pytest.mark.parametrize("record", SAMPLES, ids=lambda record: type(record).__name__)
def test_the_samples_set_every_field(record: Any) -> None:
    """A field that the samples leave at its default would not be covered by the compatibility test."""
    unset = [
        field.name
        for field in dataclasses.fields(record)
        if field.default is not dataclasses.MISSING and getattr(record, field.name) == field.default
    ]
    assert unset == []


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_bytes_of_every_version_can_be_read(path: Path) -> None:
    name, _, fingerprint = path.stem.partition("-")
    data = path.read_bytes()
    assert data[2:10].hex() == fingerprint
    decoded = codec.decode(data, getattr(records, name))
    assert any(type(sample).__name__ == name and decoded.__class__ is type(sample) for sample in SAMPLES)


@pytest.mark.parametrize("record", SAMPLES, ids=lambda record: type(record).__name__)
def test_the_current_schema_has_a_stored_sample(record: Any) -> None:
    """Whoever changes a schema keeps the old one in history/ and stores a new sample."""
    name = type(record).__name__
    path = codec.AVRO / "samples" / f"{name}-{codec.schema_fingerprint(name).hex()}.bin"
    assert codec.decode(path.read_bytes(), type(record)) == record


def test_every_schema_of_a_stored_sample_is_known() -> None:
    assert {path.stem.partition("-")[0] for path in STORED} == {type(record).__name__ for record in SAMPLES}


@pytest.mark.parametrize("record", SAMPLES, ids=lambda record: type(record).__name__)
def test_the_text_for_a_registry_is_the_schema_whole(record: Any) -> None:
    name = type(record).__name__
    text = codec.schema_text(name)
    assert codec._fingerprint(parse_schema(json.loads(text))) == codec.schema_fingerprint(name)
    assert '"doc"' in text and ("logicalType" in text or name == "PromptRelease")  # which has neither times nor UUIDs
    assert avro.schema.parse(text)  # Apache's parser is stricter, and registries use its like


def test_the_text_for_a_registry_is_the_same_in_every_process() -> None:
    script = "from watchline.schemas.codec import schema_text as t; print(t('FindingBatch'), t('Signal'))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(texts) == 1


def test_fingerprint_is_that_of_the_specification() -> None:
    """The known CRC-64-AVRO of the "null" schema, little-endian as on the wire."""
    assert codec._fingerprint("null") == (0x63DD24E7CC258F8A).to_bytes(8, "little")


def test_python_types_have_the_fields_of_the_schemas() -> None:
    for path in codec.AVRO.glob("*.avsc"):
        declared = json.loads(path.read_text())
        if declared["type"] == "record":
            fields = [field.name for field in dataclasses.fields(getattr(records, declared["name"]))]
            assert fields == [field["name"] for field in declared["fields"]], declared["name"]
        else:
            assert list(typing.get_args(getattr(records, declared["name"]))) == declared["symbols"]


def test_every_field_is_documented() -> None:
    for path in codec.AVRO.glob("*.avsc"):
        declared = json.loads(path.read_text())
        assert declared["doc"]
        assert all(field.get("doc") for field in declared.get("fields", []))


GOOD = codec.encode(BATCH)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "empty message"),
        (b"", "empty message"),
        (b"\x00\x00\x00\x00\x07rest", "no schema registry"),
        (b"random bytes", "not framed as an Avro message"),
        (GOOD[:2] + b"\x01" * 8 + GOOD[10:], "unknown schema fingerprint 0101010101010101"),
        (GOOD[:12], "cannot be decoded"),
        (GOOD[:-1], "cannot be decoded"),
        (GOOD + b"\x00", "1 bytes after the end"),
    ],
)
def test_bad_bytes_are_poison(data: bytes | None, reason: str) -> None:
    with pytest.raises(PoisonError, match=reason) as error:
        codec.decode(data, InteractionBatch)
    assert (error.value.kind, error.value.field) == (Kind.UNDECODABLE, None)


def test_another_record_is_poison() -> None:
    with pytest.raises(PoisonError, match="unknown schema fingerprint"):
        codec.decode(GOOD, Feedback)
    with pytest.raises(PoisonError, match=r"schema id \d is not of watchline\.v1\.Feedback"):
        codec.decode(codec.encode(BATCH, OURS), Feedback, OURS)


def test_confluent_framing_is_a_zero_the_id_and_the_body() -> None:
    framed = codec.encode(BATCH, OURS)
    assert framed[:5] == b"\x00" + OURS.schema_id("InteractionBatch").to_bytes(4, "big")
    assert framed[5:] == GOOD[10:]
    with pytest.raises(PoisonError, match="no schema registry is configured"):
        codec.decode(framed, InteractionBatch)


def changed(name: str, change: Callable[[dict[str, Any]], object]) -> Ids:
    """A registry with another version of a schema under id 0."""
    declared = json.loads(codec.schema_text(name))
    change(declared)
    return Ids(json.dumps(declared))


def write(record: Any, registry: Ids, **more: Any) -> bytes:
    """A record as another version of Watchline would write it."""
    out = BytesIO(codec.CONFLUENT_MAGIC + bytes(4))
    out.seek(5)
    schemaless_writer(out, parse_schema(json.loads(registry.texts[0])), {**codec.to_plain(record), **more})
    return out.getvalue()


OPINION = next(sample for sample in SAMPLES if isinstance(sample, Feedback))


def test_a_newer_writers_field_is_left_out() -> None:
    added = {"name": "mood", "type": "string", "default": ""}
    registry = changed("Feedback", lambda schema: schema["fields"].insert(2, added))
    assert codec.decode(write(OPINION, registry, mood="sunny"), Feedback, registry) == OPINION


def test_an_older_writers_missing_field_gets_its_default() -> None:
    registry = changed("Feedback", lambda schema: schema["fields"].pop())
    last = codec.schema("Feedback")["fields"][-1]
    decoded = codec.decode(write(OPINION, registry), Feedback, registry)
    assert decoded == dataclasses.replace(OPINION, **{last["name"]: last["default"]})


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_every_version_is_compatible_by_avros_own_rules(path: Path) -> None:
    name, _, fingerprint = path.stem.partition("-")
    writer = codec._writers(name)[bytes.fromhex(fingerprint)]
    assert reads(codec.schema_text(name), json.dumps(codec._without(writer)))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_bytes_of_every_version_can_be_read_in_confluent_framing(path: Path) -> None:
    name, _, fingerprint = path.stem.partition("-")
    data, kind = path.read_bytes(), getattr(records, name)
    writer = codec._writers(name)[bytes.fromhex(fingerprint)]
    registry = Ids(json.dumps(codec._without(writer)))
    assert codec.decode(b"\0" * 5 + data[10:], kind, registry) == codec.decode(data, kind)


def test_a_schema_that_differs_in_words_only_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is resolved, which is slow."""
    registry = changed("Feedback", lambda schema: schema.update(doc="Other words."))
    calls: list[Any] = []
    real = codec.schemaless_reader
    monkeypatch.setattr(codec, "schemaless_reader", lambda *args: (calls.append(args[2]), real(*args))[1])
    assert codec.decode(write(OPINION, registry), Feedback, registry) == OPINION
    assert calls == [None]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("another's", "id 0 cannot be read as Avro: JSONDecodeError"),
        ('{"type": "record"}', "id 0 cannot be read as Avro: SchemaParse"),
        ('{"title": "JSON schema", "type": "object"}', "id 0 cannot be read as Avro"),
        ('"string"', "id 0 is not of watchline.v1.Feedback"),
        ('{"type": "record", "name": "watchline.v1.Feedback", "fields": []}', "Feedback cannot be decoded"),
        ('{"type": "record", "name": "their.Feedback", "fields": []}', "id 0 is not of watchline.v1.Feedback"),
        ("[" * 100_000, "id 0 cannot be read as Avro: RecursionError"),
    ],
)
def test_a_schema_that_is_not_ours_is_poison(text: str, reason: str) -> None:
    with pytest.raises(PoisonError, match=reason):
        codec.decode(b"\0" * 5 + GOOD[10:], Feedback, Ids(text))


def test_a_schema_that_cannot_be_used_is_parsed_once() -> None:
    """Else each message that names it would cost that."""
    parsed = codec._registered.cache_info().misses
    for _ in range(3):
        with pytest.raises(PoisonError):
            codec.decode(b"\0" * 5, Feedback, Ids('{"type": "record", "name": "parsed.once", "fields": []}'))
    assert codec._registered.cache_info().misses == parsed + 1


@pytest.mark.parametrize("data", [b"\0", b"\0\0\0\0", b"\0\xff\xff\xff\xff", b"\0\x80\0\0\0body"])
def test_what_is_no_id_is_not_asked_for(data: bytes) -> None:
    class Away(Ids):
        def schema(self, schema_id: int) -> str:
            raise TransientError("away")

    with pytest.raises(PoisonError, match="without a valid schema id"):
        codec.decode(data, Feedback, Away())
    with pytest.raises(TransientError):
        codec.decode(b"\0" * 5, Feedback, Away())


def test_an_error_comes_through_pickle_as_it_was() -> None:
    """As from a process of its own."""
    error = PoisonError(Kind.INVALID, "negative", "cost")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (PoisonError, "cost: negative", vars(error))


def test_an_error_never_quotes_the_data() -> None:
    with pytest.raises(PoisonError) as error:
        codec.decode(GOOD.replace(b"total", b"\xff\xff\xff\xff\xff"), InteractionBatch)
    assert "support-bot" not in str(error.value)


def test_finding_batches_hold_tuples() -> None:
    batch = next(sample for sample in SAMPLES if isinstance(sample, FindingBatch))
    decoded = codec.decode(codec.encode(batch), FindingBatch)
    assert isinstance(decoded.items[0].findings[0].spans, tuple)
    hash(decoded.items[0].findings[0].spans)
