"""The codec on hostile bytes and any record: nothing but PoisonError, no work beyond the bytes."""

from __future__ import annotations

import dataclasses
import json
import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.payloads import OVERLONG, Payloads, any_value, pieces, varint
from tests.fuzz.pipeline import read_plain
from tests.schemas.samples import INTERACTION, SAMPLES
from watchline.schemas import codec
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Interaction, InteractionBatch

RECORDS = [type(sample) for sample in SAMPLES]
BODIES = {type(sample).__name__: codec.encode_body(sample) for sample in SAMPLES}


def decoded(data: bytes | None, record_type: type[Any]) -> Any:
    """The record, or None for poison."""
    try:
        return codec.decode(data, record_type)
    except PoisonError as error:
        assert len(str(error)) < 200
        return None


# Bytes


@given(st.sampled_from(RECORDS), st.binary(max_size=200), st.booleans())
def test_arbitrary_bytes_are_poison_or_a_record(record_type: type[Any], data: bytes, framed: bool) -> None:
    decoded(data, record_type)
    found = decoded(codec.MAGIC + codec.schema_fingerprint(record_type.__name__) + data, record_type)
    if found is not None:
        codec.decode(codec.encode(found), record_type)
    if framed:
        decoded(codec.MAGIC + data, record_type)


@given(st.sampled_from(RECORDS), st.data())
def test_mutated_bytes_of_every_record_are_poison_or_a_record(record_type: type[Any], data: st.DataObject) -> None:
    """Each record's own pieces, one of them replaced: lengths, counts, branches, symbols and values that lie."""
    sample = SAMPLES[RECORDS.index(record_type)]
    schema = codec.schema(record_type.__name__)
    written = [piece.data for piece in pieces(schema, codec.to_plain(sample), schema["__named_schemas"])]
    assert b"".join(written) == BODIES[record_type.__name__]
    index = data.draw(st.integers(0, len(written) - 1))
    written[index] = data.draw(st.sampled_from(OVERLONG) | st.integers(-(2**63), 2**63 - 1).map(varint) | st.binary())
    decoded(codec.MAGIC + codec.schema_fingerprint(record_type.__name__) + b"".join(written), record_type)


@given(st.integers(0, 2**32))
def test_the_decoder_reads_what_fastavro_alone_reads(seed: int) -> None:
    """Field by field, on mutated envelopes: what one leaves out, invents or takes for something else shows here."""
    for payload in Payloads(str(seed), bases=5).take(20):
        found, plain = decoded(payload, InteractionBatch), read_plain(payload)
        assert (found is None) == (plain is None)
        if found is not None:
            # As text, since NaN is no NaN's equal.
            assert json.dumps(codec.to_plain(found), sort_keys=True) == json.dumps(plain, sort_keys=True)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.booleans())
def test_arrays_in_several_blocks_are_read(blocks: list[int], sized: bool) -> None:
    """As other writers than fastavro write them, with a block's size in bytes or without."""
    batch = SAMPLES[0]
    body = BODIES["InteractionBatch"]
    named = codec.schema("InteractionBatch")["__named_schemas"]
    item = b"".join(
        piece.data for piece in pieces(named["watchline.v1.Interaction"], codec.to_plain(batch.interactions[0]), named)
    )
    assert body.endswith(varint(1) + item + b"\0")
    body = body.removesuffix(varint(1) + item + b"\0")
    for count in filter(None, blocks):
        body += (varint(-count) + varint(count * len(item)) if sized else varint(count)) + count * item
    found = codec.decode(codec.MAGIC + codec.schema_fingerprint("InteractionBatch") + body + b"\0", InteractionBatch)
    assert found.interactions == sum(blocks) * batch.interactions


@pytest.mark.parametrize("count", [2**31, 2**62, 2**63 - 1, -1, -(2**63)])
@pytest.mark.parametrize("kind", ["string", "count", "branch"])
def test_a_length_or_count_that_lies_costs_no_memory(kind: str, count: int) -> None:
    sample = SAMPLES[0]
    schema = codec.schema("InteractionBatch")
    written = list(pieces(schema, codec.to_plain(sample), schema["__named_schemas"]))
    tracemalloc.start()
    for index, piece in enumerate(written):
        if piece.kind == kind:
            rest = b"".join(each.data for each in written[index + 1 :])
            body = b"".join(each.data for each in written[:index]) + varint(count) + rest
            decoded(codec.MAGIC + codec.schema_fingerprint("InteractionBatch") + body, InteractionBatch)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 5_000_000


@pytest.mark.parametrize("record_type", RECORDS, ids=lambda record_type: record_type.__name__)
def test_no_schema_of_ours_lets_few_bytes_mean_endless_work(record_type: type[Any]) -> None:
    assert codec._least_bytes(codec.schema(record_type.__name__), {})


class Registry:
    """Holds one schema, whatever the id."""

    def __init__(self, *fields: Any) -> None:
        ours = json.loads(codec.schema_text("InteractionBatch"))
        self._text = json.dumps({**ours, "fields": [*ours["fields"], *fields]})

    def schema(self, schema_id: int) -> str:
        return self._text

    def schema_id(self, name: str) -> int:
        return 7


NODE = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}


@pytest.mark.parametrize(
    ("later", "value"),
    [
        (NODE, b"\x02" * 500_000 + b"\0"),  # ended the process by the depth of its stack
        ({"type": "array", "items": "null"}, varint(2**62) + b"\0"),  # never ended
        ({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}, varint(2**62) + b"\0"),
        ({"type": "map", "values": {"type": "array", "items": {"type": "record", "name": "E", "fields": []}}}, b"\0"),
    ],
    ids=["recursive", "nulls", "fixed of no size", "empty records"],
)
def test_a_registered_schema_of_endless_work_is_poison(later: Any, value: bytes) -> None:
    data = b"\0\0\0\0\x07" + BODIES["InteractionBatch"] + value
    with pytest.raises(PoisonError, match="schema id 7 is recursive or has an array of items without bytes"):
        codec.decode(data, InteractionBatch, Registry({"name": "later", "type": later}))


def test_a_registered_schema_with_a_field_more_is_read() -> None:
    later = {
        "name": "later",
        "type": ["null", {"type": "map", "values": ["null", "watchline.v1.Message", NODE["name"]]}],
    }
    later["type"][1]["values"].pop()  # type: ignore[index]
    data = b"\0\0\0\0\x07" + BODIES["InteractionBatch"] + b"\x02\x02\x02k\x00\0"
    assert codec.decode(data, InteractionBatch, Registry(later)) == SAMPLES[0]


# Records


@given(st.sampled_from(RECORDS), st.integers(0, 2**32))
def test_any_record_survives(record_type: type[Any], seed: int) -> None:
    """Field by field, extremes, NaN and NUL included; a double keeps its sign, a tuple its order."""
    schema = codec.schema(record_type.__name__)
    plain = any_value(schema, schema["__named_schemas"], random.Random(seed))
    record = codec.from_plain(record_type, plain)
    found = codec.decode(codec.encode(record), record_type)
    assert repr(found) == repr(record)  # NaN is no NaN's equal
    assert repr(codec.to_plain(found)) == repr(plain)


@given(st.sampled_from([field.name for field in dataclasses.fields(Interaction)]), st.data())
def test_a_value_that_the_schema_does_not_allow_is_refused_or_survives(name: str, data: st.DataObject) -> None:
    """Never written as something that can't be read; half a surrogate pair has no bytes."""
    odd = st.text(max_size=3) | st.just("\ud800") | st.integers() | st.floats() | st.binary(max_size=3) | st.booleans()
    value = data.draw(odd | st.lists(odd, max_size=2) | st.dictionaries(odd, odd, max_size=2))
    record = dataclasses.replace(INTERACTION, **{name: value})
    try:
        written = codec.encode(dataclasses.replace(SAMPLES[0], interactions=(record,)))
    except (ValueError, TypeError):
        return
    codec.decode(written, InteractionBatch)
