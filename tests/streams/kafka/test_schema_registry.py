"""The way to a schema registry: over HTTP against the stand-in, with its faults, and against the client's own mock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import Authority
from tests.schema_registry import RegistryStandIn
from watchline.schemas.codec import schema_text
from watchline.schemas.errors import ConfigurationError, FatalError, PoisonError, TransientError
from watchline.streams.kafka import schema_registry
from watchline.streams.kafka.schema_registry import TOPICS, SchemaRegistry, client_settings

SUBJECTS = [f"w.{name}-value" for name in ("interactions", "feedback", "findings", "signals", "governance", "prompts")]


@pytest.fixture
def stand_in() -> Iterator[RegistryStandIn]:
    with RegistryStandIn() as running:
        yield running


def registry(stand_in: RegistryStandIn, **more: Any) -> SchemaRegistry:
    return SchemaRegistry({"url": stand_in.url, **more}, "w.", pause=lambda seconds: None)


def test_subjects_are_those_of_the_topics_with_a_record() -> None:
    assert [SchemaRegistry({}, "w.").subject(name) for name in TOPICS] == SUBJECTS


@pytest.mark.parametrize("where", ["http", "mock"])
def test_registered_once_then_found(where: str, stand_in: RegistryStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    first = registry(stand_in) if where == "http" else SchemaRegistry({"url": "mock://"}, "w.")
    if where == "mock":  # which knows no compatibility
        for unknown in ("_require_backward", "_compatible"):
            monkeypatch.setattr(first, unknown, lambda *_: True)
    assert first.missing() == SUBJECTS
    with pytest.raises(FatalError, match=r"w\.signals-value.*watchline migrate"):
        first.require()
    assert first.register() == SUBJECTS
    assert first.register() == first.missing() == []
    first.require()
    for name in TOPICS:
        assert first.schema(first.schema_id(name)) == schema_text(name)
    if where == "http":
        again = registry(stand_in)
        assert again.register() == []
        assert [again.schema_id(name) for name in TOPICS] == [first.schema_id(name) for name in TOPICS]


def test_each_id_is_asked_for_once(stand_in: RegistryStandIn) -> None:
    known = registry(stand_in)
    known.register()
    fresh = registry(stand_in)
    stand_in.requests.clear()
    for _ in range(3):
        fresh.schema(known.schema_id("Signal"))
        fresh.schema_id("Signal")
    assert len(stand_in.requests) == 2


def test_an_id_that_comes_late_is_waited_for(stand_in: RegistryStandIn) -> None:
    added: list[int] = []
    late = SchemaRegistry({"url": stand_in.url}, "w.", pause=lambda _: added.append(stand_in.add("s", '"string"')))
    assert late.schema(101) == '"string"'
    assert added == [101]


def test_an_unknown_id_is_poison_and_nonsense_does_not_make_wait_twice(stand_in: RegistryStandIn) -> None:
    pauses: list[float] = []
    patient = SchemaRegistry({"url": stand_in.url}, "w.", pause=pauses.append)
    for unknown in (7, 8, 9):
        with pytest.raises(PoisonError, match=f"schema id {unknown} is not in the registry"):
            patient.schema(unknown)
    assert len(pauses) == schema_registry.UNKNOWN_RETRIES
    assert sum(pauses) == 3.0
    assert len(stand_in.requests) == len(pauses) + 3


def test_one_unknown_id_again_and_again_is_asked_for_once_in_a_while(
    stand_in: RegistryStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_registry, "UNKNOWN_S", 60.0)
    asked = registry(stand_in)
    for _ in range(20):
        with pytest.raises(PoisonError, match="schema id 101 is not in the registry"):
            asked.schema(101)
    assert len(stand_in.requests) == schema_registry.UNKNOWN_RETRIES + 1
    assert stand_in.add("s", '"string"') == 101
    monkeypatch.setattr(schema_registry, "MOST_IDS", 1)
    with pytest.raises(PoisonError):
        asked.schema(102)
    assert asked.schema(101) == '"string"', "another has taken its place"


def test_a_flood_of_ids_is_not_remembered(stand_in: RegistryStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_registry, "MOST_IDS", 10)
    asked = registry(stand_in)
    known = [stand_in.add("s", f'{{"type": "string", "doc": "{number}"}}') for number in range(35)]
    for schema_id in known:
        asked.schema(schema_id)
    for unknown in range(1_000, 1_035):
        with pytest.raises(PoisonError):
            asked.schema(unknown)
    assert (len(asked._schemas), len(asked._unknown)) == (5, 5)
    assert len(asked.client._cache.schema_id_index[None]) == 5  # the client's own
    assert len(stand_in.requests) == 70 + schema_registry.UNKNOWN_RETRIES, "each is asked for once"


@pytest.mark.parametrize("kind", ["JSON", "PROTOBUF"])
def test_another_kind_of_schema_is_poison(kind: str, stand_in: RegistryStandIn) -> None:
    schema_id = stand_in.add("theirs", "{}", kind)
    with pytest.raises(PoisonError, match=f"schema id {schema_id} is not Avro but {kind}"):
        registry(stand_in).schema(schema_id)
    stand_in.schemas[schema_id] = {"schema": "{}", "references": [{"name": "a", "subject": "b", "version": 1}]}
    with pytest.raises(PoisonError, match="refers to other schemas"):
        registry(stand_in).schema(schema_id)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_a_registry_that_refuses_is_no_poison(status: int, stand_in: RegistryStandIn) -> None:
    stand_in.status = status  # 404 with another code than the registry's own: say, a proxy's
    asked = registry(stand_in)
    with pytest.raises(TransientError, match="WATCHLINE_SCHEMA_REGISTRY_URL") as error:
        asked.schema(1)
    assert ("_USERNAME" in str(error.value)) == (status in (401, 403))
    with pytest.raises(TransientError):
        asked.schema_id("Signal")
    with pytest.raises(TransientError):
        asked.register()


def test_down_or_slow_is_tried_again_within_bounds(stand_in: RegistryStandIn) -> None:
    schema_id = stand_in.add("s", '"string"')
    stand_in.delay_s = 0.3
    with pytest.raises(TransientError, match=r"not reachable.*Timeout"):
        registry(stand_in, timeout=0.05).schema(schema_id)
    stand_in.delay_s = 0.0
    stand_in.stop()
    with pytest.raises(TransientError, match=r"not reachable.*ConnectError"):
        registry(stand_in).schema(schema_id)

    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            stand_in.start()

    back = SchemaRegistry({"url": stand_in.url}, "w.", timeout_s=60, pause=pause)
    assert back.schema(schema_id) == '"string"'
    assert [round(seconds) for seconds in pauses[1:]] == [1, 2]


def test_whoever_is_told_to_stop_tries_no_more(stand_in: RegistryStandIn) -> None:
    stand_in.status = 503
    pauses: list[float] = []
    patient = SchemaRegistry({"url": stand_in.url}, "w.", timeout_s=60, pause=pauses.append)
    patient.stopping = lambda: len(pauses) == 2
    with pytest.raises(TransientError):
        patient.schema(1)
    assert len(stand_in.requests) == 3


def test_something_that_is_no_registry_is_no_poison(stand_in: RegistryStandIn) -> None:
    stand_in.schemas[5] = {"greeting": "hello"}
    with pytest.raises(TransientError, match="is not a schema registry"):
        registry(stand_in).schema(5)


def test_login() -> None:
    with RegistryStandIn(login="app:sec:ret") as stand_in:
        schema_id = stand_in.add("s", '"string"')
        good = client_settings(stand_in.url, "app", "sec:ret")
        assert good is not None
        assert SchemaRegistry(good, "w.").schema(schema_id) == '"string"'
        with pytest.raises(TransientError, match="refuses the login") as error:
            SchemaRegistry({**good, "basic.auth.user.info": "app:wrong"}, "w.").schema(schema_id)
        assert "wrong" not in str(error.value)


def test_tls(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    with RegistryStandIn(certificate=authority.issue("registry", ["127.0.0.1"]).both) as stand_in:
        schema_id = stand_in.add("s", '"string"')
        trusting = client_settings(stand_in.url, ca_file=str(authority.file))
        assert trusting is not None
        assert SchemaRegistry(trusting, "w.").schema(schema_id) == '"string"'
        for settings in ({**trusting, "ssl.ca.location": str(other.file)}, {"url": stand_in.url}):
            with pytest.raises(TransientError, match=r"untrusted certificate.*WATCHLINE_SCHEMA_REGISTRY_CA_FILE"):
                SchemaRegistry(settings, "w.").schema(schema_id)


def test_incompatible_with_what_is_there_registers_nothing(stand_in: RegistryStandIn) -> None:
    older = json.loads(schema_text("Signal"))
    older["fields"] = [field for field in older["fields"] if field["name"] != "kind"]  # which has no default
    stand_in.add("w.signals-value", older)
    with pytest.raises(FatalError, match=r"w\.signals-value are not compatible.*None was registered"):
        registry(stand_in).register()
    assert list(stand_in.subjects) == ["w.signals-value"]


def test_a_subject_is_held_to_backward_compatibility(stand_in: RegistryStandIn) -> None:
    stand_in.levels.update({"": "NONE", "w.feedback-value": "FULL_TRANSITIVE", "w.signals-value": "FORWARD"})
    registry(stand_in).register()
    assert [stand_in.levels[subject] for subject in SUBJECTS] == [
        *("BACKWARD", "FULL_TRANSITIVE", "BACKWARD", "BACKWARD", "BACKWARD", "BACKWARD")
    ]
    assert stand_in.levels[""] == "NONE"


def test_settings_that_cannot_be_right() -> None:
    assert client_settings("") is None
    for conf, reason in (
        ({"url": "ftp://registry"}, "WATCHLINE_SCHEMA_REGISTRY_URL"),
        ({"url": "http://user:hunter2@registry"}, "_USERNAME and _PASSWORD"),
        ({"url": "http://registry", "ssl.ca.location": "/none.pem"}, "_CA_FILE: /none.pem: No such file"),
    ):
        with pytest.raises(ConfigurationError, match=reason) as error:
            _ = SchemaRegistry(conf, "w.").client
        assert "hunter2" not in str(error.value)
