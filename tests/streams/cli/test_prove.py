"""`watchline prove`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.streams.governance.books import DAY, DETECTORS, Books, following, traffic
from watchline.streams.cli.main import main
from watchline.streams.query import reader as query
from watchline.streams.query.run import Queries

EVENTS = traffic(11, 30)
OF_THE_DAY = ["prove", "--from", "2026-03-04", "--to", "2026-03-05"]


@pytest.fixture(scope="module")
def client(clickhouse: Callable[..., Any]) -> Any:
    made = clickhouse("prove_cli")
    books = Books(made)
    books.deliver(EVENTS)
    later = following(traffic(12, 30), EVENTS, timedelta(days=1))  # of which one is lost
    books.deliver(later)
    books.delete("interactions", f"event_id = '{later[4].id}'")
    books.age()
    return made


@pytest.fixture(autouse=True)
def reading(client: Any, clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands read that database: chDB opens one folder a process, so not through settings."""

    @contextmanager
    def open_queries(settings: Any) -> Iterator[Queries]:
        reader = clickhouse(migrated=False)
        reader.command(f"USE {client.test_database}")
        query.restrict(reader)
        yield Queries(reader, client.test_database)

    monkeypatch.setattr("watchline.streams.query.open.open_queries", open_queries)


def test_what_is_whole_is_proven_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "day.json"
    assert main([*OF_THE_DAY, "--json", "--write", str(file)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads(file.read_bytes())
    assert report["proven"] and report["rows"] == len(EVENTS) and report["unexplained"] == 0
    assert report["counts"]["findings"] == {"evaluated": len(EVENTS) * len(DETECTORS)}
    assert main([*OF_THE_DAY, "--write", str(file)]) == 2  # what was written stays
    assert "there is a file" in capsys.readouterr().err


def test_people_get_a_table_with_what_is_not_protected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(OF_THE_DAY) == 0
    said = capsys.readouterr().out
    assert ["findings", "evaluated", "90", "100.0000", "%", "yes"] in [line.split() for line in said.splitlines()]
    assert "not protected:" in said and "canaries: none is in the store" in said
    assert said.splitlines()[-1].startswith("PROVEN: all of 2026-03-04T00:00:00Z/2026-03-05T00:00:00Z has a reason")


def test_the_first_that_is_lost_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "--from", "2026-03-04", "--to", "2026-03-06"]) == 1
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("NOT PROVEN: 2 without a reason in 2026-03-04T00:00:00Z/2026-03-06T00:00:00Z; the first: ")
    assert "the first: event 00000000-0000-000c-0000-000000000005, app " in said
    assert "was stored, by the ledger, and is not there" in said


@pytest.mark.parametrize(
    "arguments", [["--from", "2025-01-01", "--to", "2025-01-02"], [*OF_THE_DAY[1:], "--app", "no"]]
)
def test_nothing_is_no_proof(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", *arguments]) == 1
    assert "nothing to prove" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "two ends"),
        (["--from", "2026-03-04"], "two ends"),
        (["--from", "2026-03-05", "--to", "2026-03-04"], "before it begins"),
        (["--from", "2026-03-04", "--to", "2026-03-04"], "is empty"),
        (["--from", "2026-03-04T00:30", "--to", "2026-03-05"], "say 2026-03-04T00:00:00Z or 2026-03-04T01:00:00Z"),
        (["--from", "2026-03-04", "--to", "2100-01-01"], "may still be in flight"),
        (["--verify", "x.json", "--app", "a"], "a file alone"),
    ],
)
def test_an_interval_that_is_none_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_report_is_the_one_that_was_signed(client: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "day.json"
    assert main([*OF_THE_DAY, "--write", str(file)]) == 0
    assert main(["prove", "--verify", str(file)]) == 1
    assert "the audit trail has no report of 2026-03-04" in capsys.readouterr().err
    details = {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "unexplained": "0"}
    columns = ["log", "position", "actor", "action", "target", "details", "accepted"]
    for position, accepted in enumerate((False, True)):
        row = ["l", position, "p1", "proved", f"{DAY:%Y-%m-%d}", details, accepted]
        client.insert("governance", [row], column_names=columns, database=client.test_database)
    assert main(["prove", "--verify", str(file)]) == 0
    assert "recorded at 1 by p1" in capsys.readouterr().out
    file.write_bytes(file.read_bytes().replace(b'"unexplained":0', b'"unexplained":1'))
    assert main(["prove", "--verify", str(file)]) == 1
