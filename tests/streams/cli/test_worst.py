"""`watchline worst`: the most severe first, equal answers once, nothing that steers the terminal."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from watchline.schemas.migrate import migrate
from watchline.streams.cli.main import main
from watchline.streams.clickhouse.connect import connect
from watchline.streams.embedded import store
from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries
from watchline.streams.settings import load

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
# By number: answer, app, detector, score, severity.
ANSWERS = [
    ("Free.", "shop", "groundedness", 0.9, "high"),
    ("free.", "shop", "groundedness", 0.8, "high"),
    ("Free.", "shop", "groundedness", 0.95, "high"),
    ("Never.", "shop", "relevance", 0.99, "medium"),
    ("Mine.", "shop", "pii", 1.0, "high"),
    ("Free.", "bank", "groundedness", 0.91, "high"),
]


@pytest.fixture
def worst(
    clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[dict[str, Any]]]:
    """What it prints as JSON."""
    client = clickhouse("worst")
    for number, (answer, app, detector, score, severity) in enumerate(ANSWERS):
        event = {"event_id": UUID(int=number), "time": TIME, "app": app}
        finding = {"detector": detector, "decision": "evaluated", "score": score, "severity": severity, "flagged": True}
        spans = {"spans": [("output:0", 0, 4, "wrong", score)], "evidence": [(0, "document:0", 0, 4, 0.7)]}
        texts = {"output_messages": [("assistant", answer)], "documents": [("Paid.", "", None)]}
        for table, row in (("findings", {**event, **finding, **spans}), ("interactions", {**event, **texts})):
            client.insert(table, [list(row.values())], column_names=list(row), database=client.test_database)

    @contextmanager
    def open_queries(settings: Any) -> Iterator[Queries]:
        reader = clickhouse(migrated=False)
        reader.command(f"USE {client.test_database}")
        restrict(reader)
        yield Queries(reader, client.test_database)

    monkeypatch.setattr("watchline.streams.query.open.open_queries", open_queries)

    def run(*arguments: str) -> list[dict[str, Any]]:
        assert main(["worst", "--since", "2026-01-01", "--json", *arguments]) == 0
        found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
        return found

    return run


def test_the_most_severe_first_and_equal_answers_once(worst: Callable[..., list[dict[str, Any]]]) -> None:
    assert [(each["app"], each["output"], each["times"], round(each["score"], 2)) for each in worst()] == [
        ("shop", "Free.", 2, 0.95), ("bank", "Free.", 1, 0.91), ("shop", "free.", 1, 0.8), ("shop", "Never.", 1, 0.99),
    ]  # fmt: skip
    assert [each["output"] for each in worst("--detector", "pii", "--detector", "relevance")] == ["Mine.", "Never."]
    assert [each["app"] for each in worst("--app", "bank")] == ["bank"]
    assert len(worst("--most", "1")) == 1
    assert worst("--since", "1h") == []
    assert worst()[0]["spans"][0]["text"] == "Free" and worst()[0]["spans"][0]["evidence_texts"] == ["Paid"]


@pytest.mark.parametrize("most", ["0", "101", "many"])
def test_how_many_is_bounded(most: str) -> None:
    assert main(["worst", "--most", most]) == 2


@pytest.mark.slow
def test_many_answers_from_a_store_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """As many as are shown at most fit into the requests of a real store, of a thousand that are flagged."""
    monkeypatch.setenv("WATCHLINE_DATA_DIR", os.path.relpath(tmp_path / "data"))
    settings = load()
    with store.running(settings):
        with closing(connect(settings, database="")) as client:
            migrate(client, settings.clickhouse_database)
            client.command(
                "INSERT INTO watchline.interactions (event_id, time, app, output_messages) "
                "SELECT generateUUIDv4(), now64(6), 'a', [('assistant', toString(number))] FROM numbers(1000)"
            )
            client.command(
                "INSERT INTO watchline.findings (event_id, time, app, detector, decision, flagged, score) "
                "SELECT event_id, time, app, 'bias', 'evaluated', true, 0.9 FROM watchline.interactions"
            )
        assert main(["worst", "--most", "100", "--json"]) == 0
    assert len({answer["output"] for answer in json.loads(capsys.readouterr().out)}) == 100


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("width", [40, 80, 200])
def test_for_people(width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["worst", "--since", "2026-01-01"]) == 0
    printed = capsys.readouterr().out
    words = " ".join(printed.split())
    for text in (
        "groundedness 0.90 ALERT, severity high 2026-01-02 03:04:05 support-bot answer@7 gpt-4o-2024",
        "answer Refunds take 30 days 🙂. All of them are free.", "unsupported Refunds take 30 days 🙂",
        "nearest Refunds take 14 days.", "watchline show 0190b5a4-7c1e-7000-8000-000000000001",
    ):  # fmt: skip
        assert text in words
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", printed)
    assert main(["worst", "--since", "1h"]) == 0
    assert "nothing was flagged by groundedness, relevance" in capsys.readouterr().out
