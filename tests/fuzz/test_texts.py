"""Any interaction's texts: each named once, all replaceable, cut within the limits and valid as UTF-8."""

from __future__ import annotations

import random
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.payloads import any_value
from watchline.schemas import codec
from watchline.schemas.records import Interaction
from watchline.schemas.texts import CUT, replace_texts, texts
from watchline.streams.producer import truncation
from watchline.streams.producer.truncation import truncate


def interaction(seed: int, odd: str = "") -> Interaction:
    """Any one; with a text that has no bytes in UTF-8 in some places."""
    named = codec.schema("InteractionBatch")["__named_schemas"]
    found = codec.from_plain(Interaction, any_value(named["watchline.v1.Interaction"], named, random.Random(seed)))
    names = [name for number, (name, _) in enumerate(texts(found)) if (seed >> number % 32) & 1]
    return replace_texts(found, {name: dict(texts(found))[name] + odd for name in names})


@given(st.integers(0, 2**32))
def test_every_text_is_named_once_and_replaced(seed: int) -> None:
    given = interaction(seed)
    found = list(texts(given))
    assert len(dict(found)) == len(found)
    assert repr(replace_texts(given, dict(found))) == repr(given)
    changed = {name: f"new {number}" for number, (name, _) in enumerate(found)}
    assert dict(texts(replace_texts(given, changed))) == changed


@given(st.integers(0, 2**32))
def test_texts_that_become_the_same_stay_apart(seed: int) -> None:
    """As placeholders of one value do: no entry of a map is lost, and none takes another one's name."""
    given = interaction(seed)
    same = replace_texts(given, {name: "[EMAIL_ADDRESS_1]" for name, _ in texts(given)})
    found = dict(texts(same))
    assert found.keys() == dict(texts(given)).keys()
    assert all(text.startswith("[EMAIL_ADDRESS_1]") for text in found.values())


@given(st.integers(0, 2**32), st.sampled_from(["", "\ud800", "\udfff\ud800", "\N{PILE OF POO}\udc80x"]))
def test_what_is_cut_is_within_the_limits_and_valid(seed: int, odd: str) -> None:
    given = interaction(seed, odd)
    before = dict(texts(given))
    with mock.patch.multiple(truncation, FIELD_LIMIT=1_000, EVENT_LIMIT=4_000):
        cut = truncate(given)
        assert repr(truncate(cut)) == repr(cut)
    after = dict(texts(cut))
    sizes = {name: len(text.encode()) for name, text in after.items()}  # raises where a text is not valid
    assert max(sizes.values(), default=0) <= 1_000 and sum(sizes.values()) <= 4_000
    named = {name: size for name, size in cut.truncated.items() if name not in given.truncated}
    for name, text in before.items():
        whole = text.encode("utf-8", "replace").decode()
        if name in named:
            assert len(whole.encode()) == named[name] > sizes.get(name, 0)
            head, _, tail = after.get(name, "").partition(CUT)
            assert whole.startswith(head.partition("~")[0])
            assert whole.partition("~")[0].endswith(tail.partition("~")[0])
        elif name not in given.truncated:
            assert after[name].partition("~")[0] == whole.partition("~")[0]
