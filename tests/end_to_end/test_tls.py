"""TLS and logins on the whole way: app to Apache Kafka, to the worker, to ClickHouse over https with a password.

Each comes with the rights that SECURITY.md names and no others. Tansu has neither TLS nor logins.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import confluent_kafka
import psutil
import pytest
from confluent_kafka import Consumer, TopicPartition
from pydantic import SecretStr

from tests.certificates import Authority
from tests.clickhouse_server import ClickHouseServer
from tests.end_to_end.secure import PASSWORDS, SecureKafka, secure_kafka
from tests.end_to_end.workers import Worker
from tests.streams.producer.prompts import KEY, release
from watchline.streams import Producer
from watchline.streams.cli.main import main
from watchline.streams.governance.prompt_topic import publish
from watchline.streams.settings import Settings, load

HOME = os.environ.get("WATCHLINE_TEST_KAFKA_HOME")
pytestmark = pytest.mark.skipif(
    not HOME, reason="TLS and logins need an Apache Kafka (WATCHLINE_TEST_KAFKA_HOME); the embedded Tansu has neither"
)
CLICKHOUSE_PASSWORD = "clickhouse-hush"
QUICKLY_S = 30.0  # generous: two or three on a machine that nobody else uses


@dataclass(frozen=True, slots=True)
class Services:
    kafka: SecureKafka
    folder: Path
    clickhouse: Mapping[str, str]
    prefix: str = "watchline-tls."

    def environment(self, *settings: Mapping[str, str]) -> dict[str, str]:
        ours = {"WATCHLINE_TOPIC_PREFIX": self.prefix, "WATCHLINE_GROUP_ID": self.prefix + "workers"}
        ours |= {"WATCHLINE_DETECTORS": "", "WATCHLINE_DATA_DIR": str(self.folder / "data")}
        for each in (self.clickhouse, *settings):
            ours |= each
        return ours

    def changed(self, prefix: str, changes: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
        """Settings: a file's name is one in our folder, a word stands for an address."""
        return {
            prefix + name: str(self.folder / value) if name.endswith("FILE") else words.get(value, value)
            for name, value in changes.items()
        }

    def password_in_the_url(self, password: str = CLICKHOUSE_PASSWORD) -> dict[str, str]:
        url = self.clickhouse["WATCHLINE_CLICKHOUSE_URL"].replace("watchline@", f"watchline:{password}@")
        return {"WATCHLINE_CLICKHOUSE_URL": url, "WATCHLINE_CLICKHOUSE_PASSWORD": ""}

    def call(self, command: str, *settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "watchline.streams.cli.main", command],
            env={**os.environ, **self.environment(*settings)}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder, "clickhouse-authority")
    certificate = authority.issue("clickhouse", ["127.0.0.1"])
    users = {"watchline": CLICKHOUSE_PASSWORD}
    with (
        ClickHouseServer(folder / "clickhouse", cert=certificate.both, users=users) as server,
        secure_kafka(Path(str(HOME)), folder) as kafka,
    ):
        url = server.url.replace("://", "://watchline@")
        clickhouse = {"WATCHLINE_CLICKHOUSE_URL": url, "WATCHLINE_CLICKHOUSE_PASSWORD": CLICKHOUSE_PASSWORD}
        found = Services(kafka, folder, {**clickhouse, "WATCHLINE_CLICKHOUSE_CA_FILE": str(authority.file)})
        kafka.grant(found.prefix)
        migrated = found.call("migrate", kafka.login("watchline-migrate"))
        assert migrated.returncode == 0, migrated.stderr
        yield found


def worker(services: Services, name: str, login: Mapping[str, str]) -> Worker:
    folder = services.folder / name
    folder.mkdir()
    ours = {"WATCHLINE_DATA_DIR": str(folder), "WATCHLINE_GROUP_ID": services.prefix + name}
    settings = services.environment(login, ours)
    return Worker(login["WATCHLINE_KAFKA_URL"], services.prefix, folder, settings)


def emit(services: Services, login: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, **kafka: str) -> Producer:
    with monkeypatch.context() as patch:
        for name, value in login.items():
            patch.setenv(name, value)
        producer = Producer(app="bot", topic_prefix=services.prefix, strict=True, kafka=kafka)
    producer.emit(input="Who is it?", output="It is me.", model="m")
    return producer


def test_scram_and_mutual_tls_from_app_to_clickhouse(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two apps and two workers, one of each with a password and one with a certificate; each worker reads all."""
    kafka = services.kafka
    # The most talkative they can be: no secret may come of it.
    talkative = {"WATCHLINE_LOG_LEVEL": "DEBUG", "WATCHLINE_CANARY_INTERVAL_S": "60"}
    scram, mtls = kafka.login("watchline-worker"), kafka.certificate("watchline-worker")
    workers = [
        worker(services, "scram", {**scram, **talkative}),
        worker(services, "mtls", {**mtls, **talkative, **services.password_in_the_url()}),
    ]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(Worker.start, workers))
        for login in (kafka.login("an-app"), kafka.certificate("an-app")):
            producer = emit(services, login, monkeypatch)
            assert producer.close(20) and producer.stats.delivered == 1
        for running in workers:
            running.wait(lambda running=running: running.health()["events"] >= 2)
            running.wait(lambda running=running: running.health()["lag_messages"] == 0)
            running.wait(lambda running=running: running.health()["monitors_lag_messages"] == 0)
            assert running._process is not None
            assert "hush" not in str(psutil.Process(running._process.pid).cmdline())
        assert workers[0].count("v_interactions") == 2
        assert workers[0].count("v_canary") >= 1
        assert [running.stop() for running in workers] == [0, 0]
    finally:
        for running in workers:
            running.end()
    assert not any("hush" in running.log.read_text() for running in workers)


def test_an_app_reads_its_prompts_with_the_rights_it_has(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHLINE_PROMPT_KEYS", KEY.public)
    publish(load(kafka_url=services.kafka.plain, topic_prefix=services.prefix), [release(7, app="bot")], KEY)
    for name, login in {"scram": services.kafka.login("an-app"), "mtls": services.kafka.certificate("an-app")}.items():
        monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path / name))
        with emit(services, login, monkeypatch) as producer:
            assert producer.prompt("answer", timeout_s=QUICKLY_S).version == "7"


@pytest.mark.parametrize("clickhouse", ["right", "wrong"])
@pytest.mark.parametrize(
    "command", [["config"], ["config", "--format", "json"], ["doctor"], ["migrate"], ["sql", "SELECT 1"]]
)
def test_no_command_says_a_secret(
    command: list[str],
    clickhouse: str,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Every setting that holds one has one, URLs too; right and wrong ones, with all that DEBUG has to say."""
    secret = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
    assert len(secret) >= 3
    planted = {
        f"WATCHLINE_{name.upper()}": f"{'http://127.0.0.1:1/' * name.endswith('_url')}{name}-hush"
        for name in [*secret, "subject_key"]
    }
    registry = {"WATCHLINE_SCHEMA_REGISTRY_URL": "http://127.0.0.1:1", "WATCHLINE_SCHEMA_REGISTRY_USERNAME": "someone"}
    url = services.password_in_the_url("clickhouse-hush" if clickhouse == "right" else "wrong-hush")
    login = services.kafka.login("watchline-migrate")
    for name, value in services.environment(planted, registry, login, url, {"WATCHLINE_LOG_LEVEL": "DEBUG"}).items():
        monkeypatch.setenv(name, value)
    said = ""
    try:
        main(command.split())
    except Exception:
        said = traceback.format_exc()  # which DEBUG lets through
    printed = capfd.readouterr()
    said += printed.out + printed.err
    assert said
    assert "hush" not in said


def test_an_app_may_send_and_nothing_else(services: Services) -> None:
    names = {name.removeprefix("WATCHLINE_").lower(): value for name, value in services.kafka.login("an-app").items()}
    client = load(**names).kafka_client
    consumer = Consumer({**client, "group.id": "spy"})
    consumer.assign([TopicPartition(f"{services.prefix}interactions", 0, 0)])
    errors: list[str] = []
    deadline = time.monotonic() + 20
    while "TOPIC_AUTHORIZATION_FAILED" not in errors and time.monotonic() < deadline:
        errors += [message.error().name() for message in consumer.consume(1, 1)]  # fails where a message came
    consumer.close()
    assert "TOPIC_AUTHORIZATION_FAILED" in errors
    outcomes: list[str] = []
    producer = confluent_kafka.Producer(client)
    for topic in ("findings", "prompt-monitors", "governance"):
        producer.produce(services.prefix + topic, b"", on_delivery=lambda error, _: outcomes.append(error.name()))
    assert producer.flush(20) == 0
    assert outcomes == 3 * ["TOPIC_AUTHORIZATION_FAILED"]


# What is changed of a good login, and what is said.
WRONG = {
    "password": ({"PASSWORD": "wrong-hush"}, "refuses the login of 'watchline-worker'.*WATCHLINE_KAFKA_PASSWORD"),
    "authority": ({"CA_FILE": "clickhouse-authority.pem"}, r"local issuer certificate \(WATCHLINE_KAFKA_CA_FILE\)"),
    "host": ({"URL": "IP"}, r"not valid for '127.0.0.1'. \(WATCHLINE_KAFKA_URL\)"),
    "port without TLS": ({"URL": "PLAIN"}, "WATCHLINE_KAFKA_SECURITY_PROTOCOL is SASL_SSL"),
    "port with certificates": ({"URL": "MTLS"}, "refuses the client certificate.*WATCHLINE_KAFKA_CERTIFICATE_FILE"),
}


def spoiled(services: Services, changes: Mapping[str, str]) -> dict[str, str]:
    kafka = services.kafka
    words = {"PLAIN": kafka.plain, "MTLS": kafka.mtls, "IP": kafka.sasl_ssl.replace("localhost", "127.0.0.1")}
    return {**kafka.login("watchline-worker"), **services.changed("WATCHLINE_KAFKA_", changes, words)}


@pytest.mark.parametrize(("command", "case"), [*(("migrate", case) for case in WRONG), ("doctor", "password")])
def test_what_is_wrong_with_kafka_is_said_at_start(
    command: str, case: str, services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, message = WRONG[case]
    for name, value in services.environment(spoiled(services, changes)).items():
        monkeypatch.setenv(name, value)
    started = time.monotonic()
    assert main([command]) == 1
    assert time.monotonic() - started < QUICKLY_S
    printed = capsys.readouterr()
    assert re.search(message, printed.out + printed.err), printed
    assert "hush" not in printed.out + printed.err


@pytest.mark.parametrize("whose", ["KAFKA", "CLICKHOUSE"])
def test_a_worker_ends_at_a_wrong_password(whose: str, services: Services) -> None:
    login = services.kafka.login("watchline-worker")
    started = time.monotonic()
    done = services.call("worker", login, {f"WATCHLINE_{whose}_PASSWORD": "wrong-hush"})
    assert time.monotonic() - started < QUICKLY_S
    assert done.returncode == 1
    assert re.search(f"refuses the login.*WATCHLINE_{whose}_", done.stderr), done.stderr
    assert "hush" not in done.stdout + done.stderr


@pytest.mark.parametrize("case", ["password", "authority", "host"])
def test_an_app_goes_on_and_its_log_says_why_nothing_is_sent(
    case: str, services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    login = {**services.kafka.login("an-app"), **spoiled(services, WRONG[case][0])}
    producer = emit(services, login, monkeypatch)
    started = time.monotonic()
    producer.emit(input="And now?", output="Still me.", model="m")
    assert time.monotonic() - started < 0.1
    while time.monotonic() - started < 10 and not re.search("authentication|certificate", caplog.text):
        time.sleep(0.05)
    said = "SASL authentication error|certificate (verify failed|could not be verified)"
    assert re.search(said, caplog.text), caplog.text
    assert "hush" not in caplog.text
    assert not producer.close(0.1)
    assert producer.stats.dropped == 2


def test_settings_of_the_client_win_over_the_environment(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    login = spoiled(services, WRONG["password"][0])
    right = {"sasl.username": "an-app", "sasl.password": PASSWORDS["an-app"]}
    producer = emit(services, login, monkeypatch, **right)
    assert producer.close(20) and producer.stats.delivered == 1


CLICKHOUSE = {
    "password": ({"PASSWORD": "wrong-hush"}, "refuses the login; see WATCHLINE_CLICKHOUSE_URL, _PASSWORD"),
    "authority": ({"CA_FILE": "authority.pem"}, "local issuer certificate.*WATCHLINE_CLICKHOUSE_CA_FILE"),
    "host": ({"URL": "localhost"}, "not valid for 'localhost'.*WATCHLINE_CLICKHOUSE_URL"),
    "no such file": ({"CA_FILE": "none.pem"}, "WATCHLINE_CLICKHOUSE_CA_FILE: .*none.pem: No such file"),
    "http": ({"URL": "http"}, "WATCHLINE_CLICKHOUSE_CA_FILE: is set, but WATCHLINE_CLICKHOUSE_URL is not https"),
}


@pytest.mark.parametrize("case", CLICKHOUSE)
def test_what_is_wrong_with_clickhouse_is_said_at_start(
    case: str, services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, message = CLICKHOUSE[case]
    url = services.clickhouse["WATCHLINE_CLICKHOUSE_URL"]
    words = {"localhost": url.replace("127.0.0.1", "localhost"), "http": url.replace("https", "http")}
    made = services.changed("WATCHLINE_CLICKHOUSE_", changes, words)
    for name, value in services.environment(services.kafka.login("watchline-migrate"), made).items():
        monkeypatch.setenv(name, value)
    started = time.monotonic()
    assert main(["migrate"]) == 1
    assert time.monotonic() - started < QUICKLY_S
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert "hush" not in error
