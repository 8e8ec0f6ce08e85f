"""Exports of a real store: each row once, the same bytes each time, whole or not at all, and only who agreed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.streams.export.conftest import AGREED, TIME, Export, Store, event
from watchline.schemas.errors import ConfigurationError
from watchline.streams.export import check, dataset
from watchline.streams.export.consent import Consent, hashed, said_no
from watchline.streams.export.selection import PAGE, Selection
from watchline.streams.export.split import Split
from watchline.streams.kafka.tombstones import Tombstone, Tombstones, hash_of

HALVES = Split.read("train=.5,test=.5", 7)


@pytest.mark.slow
def test_two_thousand_rows_of_one_moment_come_each_once(store: Store) -> None:
    rows = [event(number, time=TIME) for number in range(2_000)]
    assert len(rows) > PAGE
    store.insert(*rows)
    export = store.export("jsonl")
    ids = [line["event_id"] for line in export.lines()]
    assert ids == sorted(str(row["event_id"]) for row in rows)
    assert export.manifest["rows"] == len(ids) == 2_000


@pytest.mark.slow
def test_the_same_bytes_whatever_threads_and_merges(store: Store) -> None:
    rows = [event(number, time=TIME + timedelta(minutes=number % 90)) for number in range(120)]
    for start in range(0, 120, 40):
        store.insert(*rows[start : start + 40])
    store.insert(*rows[20:60])  # delivered again
    for form in dataset.FORMATS:
        first = store.export(form, split=HALVES)
        store.client.command("OPTIMIZE TABLE interactions FINAL")
        assert store.export(form, split=HALVES, threads=4).bytes() == first.bytes()
        assert first.manifest["rows"] == 120


def test_a_page_that_is_too_large_is_read_in_smaller_ones(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchline.streams.query import reader

    monkeypatch.setitem(reader.LIMITS, "max_result_rows", 7)
    store.insert(*(event(number) for number in range(20)))
    assert [line["event_id"] for line in store.export("jsonl").lines()] == [
        str(event(n)["event_id"]) for n in range(20)
    ]


def sides(export: Export) -> dict[str, str]:
    """By event the part that it is in."""
    return {row["event_id"]: row["file"] for row in export.lines("events.jsonl")}


def test_a_conversation_keeps_its_side(store: Store) -> None:
    store.insert(*(event(number) for number in range(60)))
    before = sides(store.export(split=HALVES))
    store.insert(*(event(number) for number in range(60, 120)))
    later = sides(store.export("csv", split=Split.read("test=.5,train=.5", 7)))
    assert {identity: later[identity].partition(".")[0] for identity in before} == {
        identity: file.partition(".")[0] for identity, file in before.items()
    }
    assert {*before.values()} == {"train.jsonl", "test.jsonl"}
    of_talk: dict[str, set[str]] = {}
    for number in range(120):
        of_talk.setdefault(f"talk-{number // 3}", set()).add(later[str(event(number)["event_id"])])
    assert all(len(files) == 1 for files in of_talk.values())
    assert sides(store.export(split=dataclasses.replace(HALVES, seed=8))) != sides(store.export(split=HALVES))


def test_a_split_says_what_it_does_not_take() -> None:
    for text in (
        "train=.9,test=.2",
        "train=1",
        "train=.9,train=.1",
        "skipped=.5,a=.5",
        "../a=.5,b=.5",
        "a=nan,b=.5",
        "",
    ):
        with pytest.raises(ConfigurationError):
            Split.read(text, 0)
    assert Split.read("test=.1, train=.9", 0).shares == {"test": Decimal(".1"), "train": Decimal(".9")}


def test_the_same_content_comes_once(store: Store) -> None:
    store.insert(
        event(1), event(2, input_messages=event(1)["input_messages"], output_messages=[("assistant", "answer 1")])
    )
    export = store.export()
    first, second = (str(event(number)["event_id"]) for number in (1, 2))
    assert export.skipped() == {second: f"the same content came before: event {first}"}
    assert export.manifest["skipped"] == {"the same content came before": 1}


def test_who_has_not_agreed_is_out(store: Store) -> None:
    answers = ["yes", "Yes", "no", "", "yes ", "true"]
    store.insert(
        *(event(number, attributes={"training": said}) for number, said in enumerate(answers)), event(9, attributes={})
    )
    export = store.export()
    assert [row["event_id"] for row in export.lines("events.jsonl")] == [str(event(0)["event_id"])]
    assert export.manifest["skipped"] == {
        "no consent: training is not there": 1,
        "no consent: training says otherwise": 5,
    }
    assert export.manifest["consent"]["attribute"] == "training"


def test_without_a_rule_nobody_has_agreed(store: Store) -> None:
    store.insert(*(event(number) for number in range(3)))
    export = store.export(consent=Consent())
    assert (export.manifest["rows"], export.lines()) == (0, [])
    assert export.manifest["skipped"] == {"no consent: no attribute is named that would say so": 3}
    export = store.export(consent=Consent(basis="legitimate_interests"))
    assert export.manifest["rows"] == 3
    assert export.manifest["consent"] == {"needed": "no", "legal_basis": "legitimate_interests"}


def test_a_withdrawal_counts_for_what_was_said_before(store: Store) -> None:
    person, other = f"00112233:{7:064x}", f"00112233:{8:064x}"
    store.insert(*(event(number, subject=person) for number in range(3)), event(3, subject=other))
    old = store.export()
    assert old.manifest["rows"] == 4
    later = TIME + timedelta(days=20)
    store.insert(event(10, subject=person, time=later, attributes={"training": "no"}))
    selection = Selection(first=TIME - timedelta(days=1), end=TIME + timedelta(days=1))
    assert said_no(store.queries(), selection, "training", "yes") == {person}
    rule = dataclasses.replace(AGREED, said_no={person})
    assert [row["subject"] for row in store.export(consent=rule).lines("events.jsonl")] == [other]
    assert [*check.touched(old.folder, rule.gone)] == [
        {"event_id": str(event(number)["event_id"]), "file": "data.jsonl", "line": number + 1} for number in range(3)
    ]
    by_log = Consent(basis="contract", withdrawn={hashed(other)})
    assert store.export(consent=by_log).manifest["skipped"] == {"consent was withdrawn": 1}


def test_what_was_erased_is_out_and_is_found_again(store: Store) -> None:
    store.insert(*(event(number, tenant="acme" if number else "") for number in range(4)))
    old, salt = store.export(), "00" * 16
    for kind, value, numbers in (
        ("event", str(event(2)["event_id"]), [2]),
        ("subject", event(1)["subject"], [1]),
        ("conversation", "talk-0", [0, 1, 2]),
        ("tenant", "acme", [1, 2, 3]),
    ):
        stone = Tombstone(erasure="e1", kind=kind, app="", salt=salt, hash=hash_of(salt, kind, value))  # type: ignore[arg-type]
        rule = dataclasses.replace(AGREED, erased=Tombstones([stone]))
        assert [each["line"] - 1 for each in check.touched(old.folder, rule.gone)] == numbers
        assert store.export(consent=rule).manifest["skipped"] == {"it was erased": len(numbers)}


def finding(number: int, detector: str, **fields: Any) -> dict[str, Any]:
    kept = ("event_id", "time", "app", "environment", "source")
    return {
        **{name: value for name, value in event(number).items() if name in kept},
        "detector": detector,
        "detector_version": "v1",
        "decision": "evaluated",
        "flagged": False,
        "threshold": 0.5,
        "alert_threshold": 0.75,
        **fields,
    }


def test_only_what_a_detector_has_seen_and_not_flagged(store: Store) -> None:
    store.insert(
        finding(0, "toxicity"),
        finding(1, "toxicity", flagged=True),
        finding(2, "toxicity", decision="failed"),
        finding(3, "toxicity", decision="not_applicable"),
        finding(0, "bias", flagged=True),
        table="findings",
    )
    store.insert(*(event(number) for number in range(5)))
    export = store.export(without_flags=("toxicity",))
    assert export.manifest["skipped"] == {"flagged by toxicity": 1, "toxicity has not looked at it": 2}
    about = {"version": "v1", "threshold": 0.5, "alert_threshold": 0.75}
    assert export.manifest["detectors"] == [
        {"detector": "bias", **about, "rows": 1},
        {"detector": "toxicity", **about, "rows": 2},
    ]


def test_only_what_users_have_rated_so(store: Store) -> None:
    store.insert(*(event(number) for number in range(4)))
    ratings = [(0, 5), (1, 5), (1, 1), (2, 4)]
    store.insert(
        *(
            {
                "feedback_id": UUID(int=n),
                "event_id": event(number)["event_id"],
                "time": TIME,
                "app": "shop",
                "rating": rating,
            }
            for n, (number, rating) in enumerate(ratings)
        ),
        table="feedback",
    )
    export = store.export(min_rating=4)
    assert [line["event_id"] for line in export.lines("events.jsonl")] == [str(event(n)["event_id"]) for n in (0, 2)]
    assert export.manifest["skipped"] == {"nobody has rated it": 1, "rated below 4": 1}


def test_filters_narrow_it(store: Store) -> None:
    store.insert(event(0), event(1, app="bank"), event(2, source="canary"), event(3, time=TIME + timedelta(days=1)))
    assert [row["event_id"] for row in store.export(app="shop").lines("events.jsonl")] == [str(event(0)["event_id"])]
    assert store.export(app="shop' OR 1=1 --").manifest["rows"] == 0


def test_texts_that_retention_took_are_left_out(store: Store) -> None:
    store.insert(event(1, input_messages=[], output_messages=[]), event(2))
    export = store.export("jsonl")
    assert [*export.skipped().values()] == ["no text: retention has taken it, or there was none"]


def test_a_copy_ends_when_its_texts_do(store: Store) -> None:
    store.insert(event(1), event(2, app="bank"))
    assert store.export().manifest["retention"]["delete_every_copy_by"] == "2026-02-02"  # 30 whole days
    of_texts = {"since": TIME, "class": "text"}
    store.insert({**of_texts, "app": "", "days": 3}, {**of_texts, "app": "bank", "days": 5}, table="retention")
    retention = store.export().manifest["retention"]
    assert (retention["texts_end_from"], retention["delete_every_copy_by"]) == ("2026-01-06", "2026-01-08")


def test_an_export_is_whole_or_not_there(store: Store, tmp_path: Path) -> None:
    store.insert(event(1))

    def refuse(made: Mapping[str, Any], sha256: str) -> None:
        raise ConfigurationError("the audit trail has not taken it")

    around = Selection(first=TIME - timedelta(days=1), end=TIME + timedelta(days=1))
    wanted = dataset.Wanted(selection=around, format="chat", consent=AGREED)
    with pytest.raises(ConfigurationError, match="audit trail"):
        dataset.write(store.queries(), tmp_path / "new", wanted, "UTC", refuse)
    assert [*tmp_path.glob("*new*")] == []
    (tmp_path / "new").mkdir()
    with pytest.raises(ConfigurationError, match="already"):
        dataset.write(store.queries(), tmp_path / "new", wanted, "UTC", lambda made, sha256: None)


@pytest.mark.parametrize("form", dataset.FORMATS)
def test_check_finds_what_is_not_as_it_was_written(store: Store, form: dataset.Format) -> None:
    store.insert(
        *(event(number, system_instructions=f"a\r\n{number}") for number in range(5)), event(9, system_instructions="")
    )
    export = store.export(form)
    assert check.faults(export.folder) == []
    name = next(name for name in export.manifest["files"] if name.startswith("data."))
    path = export.folder / name
    path.write_bytes(path.read_bytes()[:-1])
    assert check.faults(export.folder) == [f"{name} is another one: its SHA-256 is not the manifest's"]
    path.unlink()
    (export.folder / "more.jsonl").write_text("")
    assert check.faults(export.folder) == ["more.jsonl is no part of it", f"{name} is missing"]


def test_check_counts_what_the_manifest_says(store: Store) -> None:
    store.insert(*(event(number) for number in range(5)), event(9, attributes={}))
    export = store.export()
    path = export.folder / "manifest.json"
    path.write_text(json.dumps({**export.manifest, "rows": 4}))
    assert len(check.faults(export.folder)) == 1
    path.write_text(json.dumps({**export.manifest, "skipped": {}}))
    assert check.faults(export.folder) == ["skipped.jsonl has other counts than the manifest"]
