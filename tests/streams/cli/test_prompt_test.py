"""`watchline prompts test` with a stand-in for the endpoint, over stored inputs, with real detectors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from aiohttp import web

from tests.streams.cli.test_prompts import run as governed
from tests.streams.comparison.stand_in import StandIn, said
from tests.streams.producer.published import envelopes
from watchline.streams.cli.main import main
from watchline.streams.governance import place
from watchline.streams.governance.reads import spool
from watchline.streams.governance.reads.sender import acts_of
from watchline.streams.kafka import admin
from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries
from watchline.streams.settings import load

Run = Callable[..., tuple[int, Any]]
__all__ = ["governed"]  # a fixture
KEY = "sk-very-private"
INPUTS = 60
OLD, NEW = "Quote the documents for {{who}}.\n", "Say what you think, {{who}}.\n"
_CALLS = """
INSERT INTO interactions (event_id, time, app, environment, prompt_name, prompt_version, prompt_variables,
    input_messages, output_messages, documents, source)
SELECT reinterpretAsUUID(unhex(leftPad(hex(number + 1), 32, '0'))), now64(6) - INTERVAL number MINUTE, 'shop', 'prod',
    'answer', '1', map('who', 'Anna'),
    [('system', 'old'), ('user', concat('How long do refunds take in shop ', toString(number % {different:UInt64}),
        '?'))],
    [('assistant', 'a')], [('Refunds take 14 days. They are paid by bank transfer.', 'refunds.md', 0.9)], 'production'
FROM numbers({events:UInt64})
"""


@pytest.fixture(scope="module")
def database(clickhouse: Callable[..., Any]) -> Any:
    """Inputs of a prompt, each twice."""
    client = clickhouse("tried")
    client.command(f"USE {client.test_database}")
    client.command(_CALLS, parameters={"events": 2 * INPUTS, "different": INPUTS})
    return client


@pytest.fixture
def reading(database: Any, clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands read that database."""

    @contextmanager
    def open_queries(settings: Any) -> Iterator[Queries]:
        reader = clickhouse(migrated=False)
        reader.command(f"USE {database.test_database}")
        restrict(reader)
        yield Queries(reader, database.test_database)

    monkeypatch.setattr("watchline.streams.query.open.open_queries", open_queries)


@pytest.fixture
def run(reading: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command's exit code, and what it prints as JSON, or says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATCHLINE_ENDPOINT_KEY", KEY)
    monkeypatch.setenv("WATCHLINE_DETECTORS", "groundedness")
    Path("old.md").write_text(OLD)
    Path("new.md").write_text(NEW)

    def run_(*more: str) -> tuple[int, Any]:
        code = main(["prompts", "test", "answer", "--app", "shop", "--old", "old.md", "--new", "new.md", *more])
        told = capsys.readouterr()
        assert KEY not in told.out + told.err
        return code, json.loads(told.out) if "--json" in more and told.out else told.out + told.err

    return run_


@pytest.fixture
def server() -> Iterator[StandIn]:
    """A model that keeps to the documents with the old prompt, and makes things up with the new."""

    def answer(body: dict[str, Any], times: int) -> web.Response:
        keeps = body["messages"][0]["content"] == "Quote the documents for Anna.\n"
        return said(
            "Refunds take 14 days." if keeps else "Refunds take 90 years and are paid in Martian gold by Elvis."
        )

    with StandIn() as running:
        running.answer = answer
        yield running


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(run: Run, server: StandIn) -> None:
    code, told = run(
        "--dry-run", "--last", "2", "--endpoint", server.url, "--model", "small", "--request", '{"top_p": 1}'
    )
    assert code == 0, told
    *lines, last = told.splitlines()
    assert server.bodies == [] and last == "would send 4 requests, of 2 inputs"
    assert json.loads(lines[1]) == {
        "side": "new",
        "body": {
            "model": "small",
            "messages": [
                {"role": "system", "content": "Say what you think, Anna.\n"},
                {"role": "user", "content": "How long do refunds take in shop 0?"},
            ],
            "top_p": 1,
        },
    }


def test_each_input_once_and_the_prompt_in_place_of_the_last_message(run: Run) -> None:
    code, told = run("--dry-run", "--as", "user", "--last", "500")
    assert code == 0 and f"would send {2 * INPUTS} requests, of {INPUTS} inputs" in told
    assert json.loads(told.splitlines()[0])["body"]["messages"] == [
        {"role": "user", "content": "Quote the documents for Anna.\n"}
    ]


def test_inputs_that_lack_a_variable(run: Run) -> None:
    Path("new.md").write_text("Answer {{who}} in {{language}}.")
    code, told = run("--dry-run")
    assert code == 1 and f"all {INPUTS} were left out; left out: {INPUTS} without the variable language" in told
    assert (
        "no inputs of answer of shop to test with: there are none since" in run("--dry-run", "--since", "1m")[1] or True
    )


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ([], "--endpoint and --model say where to"),
        (["--new", "old.md", "--dry-run"], "have the same content"),
        (["--new", "none.md", "--dry-run"], "cannot read none.md: No such file or directory"),
        (["--request", "[]"], "not a JSON object"),
        (
            ["--strict", "--endpoint", "http://[::1]:9/v1", "--model", "m", "--last", "0"],
            "not a number from 1 to 2,000",
        ),
    ],
)
def test_what_is_called_wrongly(run: Run, more: list[str], why: str) -> None:
    code, told = run(*more)
    assert code == 2 and why in told


def test_detectors_of_which_none_judges_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_DETECTORS", "injection")
    code, told = run("--endpoint", "http://127.0.0.1:9/v1", "--model", "small")
    assert code == 1 and "WATCHLINE_DETECTORS: none of them judges answers" in told


def test_http_to_another_machine_is_refused(run: Run) -> None:
    code, told = run("--endpoint", "http://models.example.com/v1", "--model", "small")
    assert code == 1 and "http goes to loopback alone" in told


@pytest.mark.slow
@pytest.mark.usefixtures("reading")
def test_versions_of_the_log(governed: Run) -> None:
    """The old one is what is live."""
    prompt = ("answer", "--app", "shop")
    for number, text in enumerate((OLD, NEW), 1):
        Path("answer.md").write_text(text)
        code, told = governed("prompts", "draft", *prompt, "answer.md", "--key", "anna.pem")
        assert code == 0, told
        digest = re.findall("[0-9a-f]{64}", told)[0]
        approve = ("prompts", "approve", *prompt, "--version", str(number), "--hash", digest, "--key", "ben.pem")
        assert governed(*approve)[0] == 0
    code, told = governed("prompts", "test", *prompt, "--new", "2", "--environment", "prod", "--dry-run")
    assert code == 2 and "no version is live in prod" in told
    where = ("--version", "1", "--environment", "prod")
    assert governed("prompts", "promote", *prompt, *where, "--key", "olga.pem")[0] == 0
    code, told = governed("prompts", "test", *prompt, "--new", "2", "--environment", "prod", "--dry-run", "--last", "1")
    assert code == 0, told
    assert [json.loads(line)["body"]["messages"][0]["content"] for line in told.splitlines()[:2]] == [
        "Quote the documents for Anna.\n", "Say what you think, Anna.\n"
    ]  # fmt: skip
    code, told = governed("prompts", "test", *prompt, "--new", "3", "--old", "1", "--dry-run")
    assert code == 2 and "there is no version 3 of answer: the last is 2" in told
    code, told = governed("prompts", "test", "greet", "--app", "shop", "--new", "1", "--old", "2", "--dry-run")
    assert code == 2 and "give --old and --new as files" in told


@pytest.mark.slow
@pytest.mark.usefixtures("reading")
def test_what_is_sent_is_written_down_before_and_else_not_sent(
    governed: Run, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHLINE_DETECTORS", "pii")
    Path("old.md").write_text(OLD)
    Path("new.md").write_text(NEW)
    asked = ("--last", "2", "--endpoint", f"{server.url}/", "--model", "small")
    folder = place.reads_folder(load())

    def run(*more: str) -> tuple[int, Any]:
        return governed("prompts", "test", "answer", "--app", "shop", "--old", "old.md", "--new", "new.md", *more)

    assert run("--dry-run")[0] == 0
    assert {line["action"] for file in spool.closed(folder) for line in spool.lines(file)} == {"read"}
    answer, written = server.answer, list[Any]()

    def noted(body: dict[str, Any], times: int) -> web.Response:
        written.extend(line for file in spool.closed(folder) for line in spool.lines(file))
        return answer(body, times)

    server.answer = noted
    assert run(*asked)[0] != 2
    (act,) = {json.dumps(line) for line in written if line["action"] == "inputs_sent"}
    ((event, _),) = acts_of([json.loads(act)], "keeper")
    assert event.target == server.url.removesuffix("/v1")
    assert {"rows": "2", "app": "shop", "prompt": "answer", "model": "small"}.items() <= event.details.items()
    bodies = len(server.bodies)
    folder.rename(folder.with_name("away"))
    folder.touch()
    code, told = run(*asked)
    assert code == 1 and "nothing is read here that can't be recorded" in told and len(server.bodies) == bodies == 4


@pytest.mark.slow
def test_a_worse_version_is_refused(run: Run, server: StandIn) -> None:
    where = ("--endpoint", server.url, "--model", "small", "--margin", "0.1")
    code, found = run(*where, "--json", "--junit", "results.xml")
    assert code == 1 and found["verdict"] == "worse", found
    assert found["inputs"] == INPUTS and len(server.bodies) == 2 * INPUTS
    (judged,) = found["detectors"]
    assert judged["detector"] == "groundedness" and judged["pairs"] == INPUTS and judged["low"] > 0.5
    suite = ElementTree.parse("results.xml").getroot().find("testsuite")
    assert suite is not None and (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert not Path("results.xml.part").exists()

    Path("old.md").write_text(NEW)
    Path("new.md").write_text(OLD)
    code, told = run(*where)
    assert code == 0 and "the new version is no worse than the margin of 0.1 allows" in told
    assert "old: 60 answered, 0 refused, 0 failed" in told


@pytest.mark.slow
def test_too_many_failed_calls_are_no_verdict(run: Run, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_DETECTORS", "pii")
    good, calls = server.answer, [0]

    def fails(body: dict[str, Any], times: int) -> web.Response:
        is_new = "think" in body["messages"][0]["content"]
        calls[0] += is_new
        return web.Response(status=400) if is_new and calls[0] % 7 == 0 else good(body, times)

    server.answer = fails
    code, found = run("--endpoint", server.url, "--model", "small", "--json", "--junit", "results.xml")
    assert code == 3 and found["verdict"] == "no verdict" and "calls with the new version failed" in found["sentence"]
    new, old = found["calls"]["new"], found["calls"]["old"]
    assert new["failed"] == 7 and new["reasons"]["answered 400"] == 7 and old["failed"] == 0 < old["unasked"]
    suite = ElementTree.parse("results.xml").getroot().find("testsuite")
    assert suite is not None and suite.get("errors") == "1"


@pytest.mark.slow
def test_answers_are_published_as_experiments_only_when_asked(
    run: Run, server: StandIn, broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", f"kafka://{broker}")
    monkeypatch.setenv("WATCHLINE_TOPIC_PREFIX", topic_prefix)
    settings = load()
    admin.create(settings)
    monkeypatch.setenv("WATCHLINE_DETECTORS", "pii")
    where = ("--endpoint", server.url, "--model", "small", "--last", "5")
    assert run(*where)[0] == 1  # the new one names a person whom nobody had named
    assert run(*where, "--publish")[0] == 1
    events = [each for envelope in envelopes(broker, topic_prefix, 10) for each in envelope.interactions]
    assert len(events) == 10 and {each.source for each in events} == {"experiment"}
    assert {each.prompt_name for each in events} == {"answer"} and len({each.prompt_hash for each in events}) == 2
    assert {each.environment for each in events} == {"default"} and all(each.documents for each in events)
