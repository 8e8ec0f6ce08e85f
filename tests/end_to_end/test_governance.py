"""From the command line to a trail that is verified: recorded, kept, anchored, exported; and found out when changed."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.documentation import readmes
from tests.documentation.test_readme import KEEPS, TRAIL
from tests.streams.governance.books import DAY, Books, traffic
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.migrate import migrate
from watchline.streams import settings as settings_
from watchline.streams.cli.commands import page as page_
from watchline.streams.cli.main import main
from watchline.streams.clickhouse.connect import connect
from watchline.streams.embedded import store
from watchline.streams.embedded.broker import Broker
from watchline.streams.governance import place
from watchline.streams.governance.fold import Fold
from watchline.streams.governance.keys import Key, Roots
from watchline.streams.governance.log import Log
from watchline.streams.governance.proof.nightly import Nightly
from watchline.streams.kafka import admin, topics
from watchline.streams.query.open import open_queries
from watchline.streams.settings import Settings

USE_CASE = ("--detail", "risk_class=limited", "legal_basis=contract")


@pytest.fixture
def settings(broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Of a store with all tables and a broker with all topics, as the command line finds them too."""
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    values = {"KAFKA_URL": f"kafka://{broker}", "TOPIC_PREFIX": topic_prefix, "DATA_DIR": "d", "TOPIC_PARTITIONS": "4"}
    for name, value in values.items():
        monkeypatch.setenv(f"WATCHLINE_{name}", value)
    made = settings_.load()
    admin.create(made)
    with store.own(made):
        migrate(connect(made, database=""), made.clickhouse_database)
        yield made


def keep(settings: Settings) -> None:
    """Takes in what has come, and anchors it."""
    with closing(place.keeper(settings)) as keeper:
        for _ in range(50):
            if not keeper.step(0.2) and keeper.fold.next:
                return


def test_a_trail_from_its_first_key_to_its_bundle(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        code = main([*arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    assert run("governance", "log")[1].strip()  # an empty table, and no error
    assert run("audit", "verify")[1].startswith("watchline: there are no root keys at d/governance/roots.toml: ")
    code, said = run("governance", "init")
    assert code == 0 and "recorded at 0" in said, said
    assert run("governance", "init") == (0, "the log has begun already\n")
    root = "d/governance/keys/root.pem"
    assert Path(root).stat().st_mode & 0o777 == 0o600
    assert run("governance", "key", "anna.pem")[0] == 0
    code, said = run("governance", "record", "use_case_registered", "shop", "--key", "anna.pem", *USE_CASE)
    assert code == 1 and "is not registered" in said
    register = ("governance", "record", "key_registered", "anna.pem", "--detail", "holder=p1", "roles=owner")
    code, said = run(*register, "--text", "name=Anna Example", "--key", root)
    assert (code, said[:13]) == (0, "recorded at 1"), said
    said = run("governance", "record", "use_case_registered", "shop", "--key", "anna.pem", *USE_CASE)[1]
    assert said.startswith("recorded at 2")
    code, said = run("governance", "record", "hold_placed", "tenant:acme", "--key", "anna.pem", "--detail", "hold=h1")
    assert code == 1 and said == "rejected, at 3: p1 may not: it takes one who is privacy\n"
    code, said = run("governance", "record", "use_case_registered", "shop", "--key", "anna.pem", "--detail", "x=y")
    assert code == 2 and "needs risk_class" in said

    assert "NOT VALID: there are no entries" in run("audit", "verify")[1]  # nobody keeps the trail yet
    keep(settings)
    code, said = run("audit", "verify")
    assert code == 0 and said.startswith("VALID: 4 entries, of which 1 rejected"), said
    assert "anchors: 1, the last at 3" in said and "topic: the same 4 entries" in said and "after the last" not in said
    keep(settings)  # again, from the beginning: the same rows
    assert run("audit", "verify")[0] == 0
    shown = json.loads(run("governance", "log", "--format", "json")[1])
    assert [row["action"] for row in shown] == [
        "hold_placed", "use_case_registered", "key_registered", "key_registered"
    ]  # fmt: skip
    with closing(connect(settings)) as client:
        (text,) = client.query("SELECT text FROM v_governance_texts").result_rows
        assert text[0].endswith(":Anna Example")
        everything = str(client.query("SELECT * FROM v_governance").result_rows)
        assert "Anna" not in everything  # so that her name can go, and the trail stays whole
        client.command("DELETE FROM governance_texts WHERE 1")
        assert run("audit", "verify")[0] == 0

        code, said = run("audit", "export", "trail.zip")
        assert code == 0 and "4 entries and 1 anchors in trail.zip, SHA-256 " in said
        zipfile.ZipFile("trail.zip").extract("verify.py")
        command = [sys.executable, "-I", "verify.py", "trail.zip", "--roots", "d/governance/roots.toml"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.stdout.startswith("VALID: 4 entries from 0 to 3, 1 anchors"), done.stderr

        client.command("ALTER TABLE governance UPDATE accepted = true, reason = '' WHERE position = 3"
                       " SETTINGS mutations_sync = 1")  # fmt: skip
        assert run("audit", "verify") == (1, "NOT VALID: entry 3: it was changed after it was written\n")
        client.command("DELETE FROM governance WHERE position = 3")
        assert run("audit", "verify") == (1, "NOT VALID: entries 3 to 3 are missing: there is an anchor at 3\n")


def test_commands_of_the_trail(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the README, one after the other."""
    (block,) = (each for each in readmes.blocks(readmes.everything(), "sh") if "governance init" in each)
    lines = block.replace("\\\n", " ").splitlines()
    for line in lines:
        command = shlex.split(line, comments=True)[1:]
        if command[:2] == ["audit", "verify"]:
            keep(settings)
        assert main(command) == 0, (line, capsys.readouterr())
        if command[1] == "init":
            shutil.copy(place.folder(settings) / "keys" / "root.pem", "root.pem")
    assert {line for line in TRAIL if line.startswith("watchline ")} <= {*block.splitlines()}
    assert "3 entries" in capsys.readouterr().out


def test_commands_of_retention(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    def record(act: str, target: str, key: str, *details: str) -> None:
        assert main(["governance", "record", act, target, "--key", key, "--detail", *details]) == 0

    main(["governance", "init"])
    main(["governance", "key", "dpo.pem"])
    record("key_registered", "dpo.pem", str(place.folder(settings) / "keys" / "root.pem"), "holder=p1", "roles=privacy")
    record("retention_set", "text", "dpo.pem", "days=7")
    record("hold_placed", "app:held", "dpo.pem", "hold=h1")
    client = connect(settings)
    client.command(
        "INSERT INTO feedback (feedback_id, time, app, comment) SELECT generateUUIDv4(), "
        "now() - toIntervalDay(number), if(number % 2 = 0, 'held', 'shop'), 'thank you' FROM numbers(20)"
    )
    for line in KEEPS:
        assert main(shlex.split(line, comments=True)[1:]) == 0, (line, capsys.readouterr())
    by_app = "SELECT app, countIf(comment != ''), count() FROM feedback GROUP BY app ORDER BY app"
    assert client.query(by_app).result_rows == [("held", 10, 10), ("shop", 4, 10)]
    assert main(["governance", "record", "hold_released", "h1", "--key", "dpo.pem"]) == 0
    assert main(["retention", "report"]) == 1  # the store does not know it yet
    assert main(["retention", "apply"]) == 0
    assert client.query(by_app).result_rows == [("held", 4, 10), ("shop", 4, 10)]


def test_several_sign_one_act_by_a_file(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        main(["governance", "key", f"{name}.pem"])
    publics = capsys.readouterr().out.split()[3::4]
    Roots(dict(zip(("one", "two"), publics, strict=True)), 2).write(place.roots_file(settings))
    assert main(["governance", "init"]) == 1
    assert "registered by those who hold the root keys" in capsys.readouterr().err
    keeper = str(place.keeper_key_file(settings))
    details = ("--detail", "kind=service", "holder=keeper", "roles=auditor")
    begin = ["governance", "record", "key_registered", keeper, *details, "--key", "one.pem"]
    assert main(begin) == 1 and "1 of 2 root keys have signed it" in capsys.readouterr().out
    assert main([*begin, "--out", "act.json"]) == 0
    assert main(["governance", "sign", "act.json", "--key", "two.pem"]) == 0
    assert "key_registered" in capsys.readouterr().out  # who signs sees what
    assert main(["governance", "send", "act.json"]) == 0
    assert main(["governance", "init"]) == 0
    assert main(["governance", "send", "act.json"]) == 1
    assert "it came before, at 1" in capsys.readouterr().out


def test_a_topic_with_several_partitions_is_refused_with_what_to_do(
    settings: Settings, make_topic: Callable[[str, int], None]
) -> None:
    other = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}other."})
    with pytest.raises(ConfigurationError, match="there is no topic"):
        Log(other).check()
    make_topic(topics.governance(other.topic_prefix), 3)
    with pytest.raises(ConfigurationError, match=r"has 3 partitions.*--delete --topic .*governance, then"):
        Log(other).check()


@pytest.fixture
def make_topic(broker: str) -> Callable[[str, int], None]:
    def make(name: str, partitions: int) -> None:
        from confluent_kafka.admin import AdminClient, NewTopic

        client = AdminClient({"bootstrap.servers": broker})
        (made,) = client.create_topics([NewTopic(name, partitions, 1)]).values()
        made.result()

    return make


@contextmanager
def embedded(folder: Path, prefix: str) -> Iterator[tuple[Settings, Log]]:
    """A broker that forgets everything when it ends."""
    with Broker(folder / "broker.log") as broker:
        settings = settings_.load(kafka_url=broker.url, topic_prefix=prefix, data_dir=str(folder / "d"))
        admin.create(settings)
        log = Log(settings)
        log.fill()
        yield settings, log


def test_the_file_is_the_record_of_a_broker_that_forgets(tmp_path: Path, topic_prefix: str) -> None:
    from tests.streams.governance.logs import Written

    written = Written()
    acts = [written.act("key_revoked", f"{number:016x}", "first") for number in range(4)]
    with embedded(tmp_path, topic_prefix) as (_, log):
        assert [log.append(act, {}) for act in acts[:3]] == [0, 1, 2]
        before = [*log.read()]
    file = tmp_path / "d" / "governance" / "log.jsonl"
    assert len(file.read_bytes().splitlines()) == 3
    with file.open("ab") as half:
        half.write(b'{"time": 1, "val')  # a crash while it was written
    with embedded(tmp_path, topic_prefix) as (settings, log):
        assert [*log.read()] == before  # times too: the hashes are the same
        assert log.fill() == 3  # and not twice
        assert log.append(acts[3], {}) == 3
        assert [message.value for message in Log(settings).read()][:3] == [message.value for message in before]
    with embedded(tmp_path, topic_prefix) as (_, log):
        assert len([*log.read()]) == 4


def test_a_proof_is_signed_and_the_file_is_found_in_the_trail(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["governance", "init"]) == 0
    keeper = str(place.keeper_key_file(settings))
    with closing(connect(settings)) as client:
        client.test_database = settings.clickhouse_database
        Books(client).deliver(traffic(1))
    prove = ["prove", "--from", f"{DAY:%Y-%m-%d}", "--to", f"{DAY + timedelta(days=1):%Y-%m-%d}"]
    assert main([*prove, "--write", "day.json", "--sign", keeper]) == 0, capsys.readouterr()
    assert "recorded at 1" in capsys.readouterr().out
    keep(settings)
    assert main(["prove", "--verify", "day.json"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("recorded at 1 by keeper, ") and said.endswith("/2026-03-05T00:00:00Z, 0 unexplained\n")
    assert main(["audit", "verify"]) == 0

    roots, key = Roots.read(place.roots_file(settings)), Key.read(Path(keeper))
    fold = Fold(roots)
    for message in Log(settings).read():
        fold.take(message.value, message.time)
    fold.state.proved.clear()
    nightly = Nightly(settings, roots.log, key)
    assert nightly.look(fold.state, DAY + timedelta(days=1, hours=2))
    nightly.wait(60)
    entries = [fold.take(message.value, message.time) for message in Log(settings).read(fold.next)]
    assert [(entry.accepted, entry.event and entry.event.target) for entry in entries] == [
        (True, "2026-03-04T00:00:00Z/2026-03-05T00:00:00Z")
    ]


ADDRESS = "anna@example.com"
LOOKS_FOR = (
    f"SELECT app FROM v_interactions WHERE error_message LIKE '%{ADDRESS}%' -- {ADDRESS}",
    f'SELECT app AS "{ADDRESS}" FROM v_interactions',
    f"SELECT `{ADDRESS}` FROM v_interactions",
    f"SELECT app FROM v_interactions WHERE app = '{ADDRESS}",
    f"SELECT * FROM url('http://{ADDRESS}/')",
    "SELECT app FROM v_interactions WHERE app = {anna:String}",
)


def test_who_reads_what_is_recorded_by_each_door_and_not_what_they_looked_for(
    settings: Settings, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert main(["governance", "init"]) == 0
    assert main(["page", "readers", "add", "p1"]) == 0
    token = capsys.readouterr().out.split("#token=")[1].splitlines()[0]
    for sql in LOOKS_FOR:
        main(["sql", sql, "--param", f"anna={ADDRESS}"])
    with page_.page(settings, port=0) as link, page_.clickhouse_port(settings, 0, link) as store:
        port, at = int(re.search(r":(\d+),", store)[1]), link.partition("/#token=")  # type: ignore[index]
        for given in (token, at[2]):
            for sql in LOOKS_FOR:
                body = json.dumps({"sql": sql, "parameters": {"anna": ADDRESS}})
                post(f"{at[0]}/api/sql", body, {"Authorization": f"Bearer {given}"})
        start = json.loads(post(f"{at[0]}/api/start", "{}", {"Authorization": f"Bearer {token}"}))
        panel = start["boards"][0]["sections"][0]["panels"][0]["id"]
        asked = {"board": start["boards"][0]["uid"], "panel": panel, "from": "now-1h", "to": "now"}
        for _ in range(3):
            assert "queries" in post(f"{at[0]}/api/panel", json.dumps(asked), {"Authorization": f"Bearer {token}"})
        for user, password in (("watchline_reader", at[2]), ("p1", token)):
            login = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}
            for sql in LOOKS_FOR:
                post(f"http://127.0.0.1:{port}/?{urlencode({'param_anna': ADDRESS})}", sql, login)
            assert post(f"http://127.0.0.1:{port}/", "SELECT arrayJoin([1, 2, 3]) AS n FORMAT Native", login)
        assert "401" in post(f"http://127.0.0.1:{port}/", "SELECT 1", {**login, "X-ClickHouse-User": "p2"})
    keep(settings)
    assert main(["audit", "verify"]) == 0
    with open_queries(settings) as queries:
        rows = queries.query("SELECT * FROM v_reads ORDER BY position").by_column
        everything = str(queries.query("SELECT * FROM v_governance").rows)
    assert "anna" not in everything.lower() and ADDRESS not in caplog.text and "anna" not in caplog.text
    readers = {(row["door"], row["who"], row["proven"]) for row in rows}
    (user,) = {who for door, who, _ in readers if door == "cli"}
    everybody = "whoever has the link"
    assert readers == {
        ("cli", user, "uid"), ("page", "p1", "named"), ("page", everybody, "claimed"), ("port", "p1", "named"),
        ("port", everybody, "claimed")
    }  # fmt: skip
    assert re.fullmatch(rf"uid {os.getuid()}, [0-9a-f]{{12}}", user)
    for door, who, _ in readers:
        own = [row for row in rows if (row["door"], row["who"]) == (door, who)]
        found = {(row["shape"], row["how"]) for row in own}
        assert {
            ("SELECT app FROM v_interactions WHERE error_message LIKE ?", "ok"),
            ("SELECT app AS ? FROM v_interactions", "ok"),
            ("SELECT ? FROM v_interactions", "failed"),
            ("not readable", "refused"),
            ("SELECT * FROM url(?)", "refused"),
        } <= found, own
        assert sum(row["reads"] for row in own if not row["shape"].startswith("board ")) == 6 + (door == "port")
    (native,) = (row for row in rows if (row["door"], row["who"]) == ("port", "p1") and row["row_count"])
    assert native["row_count"] == 3
    (board,) = (row for row in rows if row["shape"].startswith("board "))
    assert board["reads"] >= 3 and board["who"] == "p1" and board["views"]
    folder = place.reads_folder(settings)
    assert {path.suffix for path in folder.iterdir()} <= {".key", ".lock"}
    assert (folder / "ids.key").stat().st_mode & 0o777 == 0o600

    shutil.rmtree(folder)
    folder.write_text("no folder")
    with caplog.at_level(logging.CRITICAL):
        assert main(["sql", "SELECT count() FROM v_interactions"]) == 1
    assert "nothing is read here that can't be recorded" in capsys.readouterr().err


def post(url: str, body: str, headers: Mapping[str, str]) -> str:
    """What one gets, whatever the status; that before it where it is an error."""
    request = urllib.request.Request(url, body.encode(), {**headers, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            content: bytes = response.read()
            return content.decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode('utf-8', 'replace')}"
