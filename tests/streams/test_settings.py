from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchline.detectors import registry
from watchline.detectors.declarations import Declaration
from watchline.detectors.huggingface.settings import ModelSettings
from watchline.schemas.errors import ConfigurationError
from watchline.streams import settings
from watchline.streams.app_budget import AppBudget
from watchline.streams.settings import PREFIX, Settings, load, shown


def write_file(text: str) -> None:
    Path(os.environ["WATCHLINE_CONFIG"]).write_text(text)


def test_environment_wins_over_file_wins_over_default(monkeypatch: pytest.MonkeyPatch) -> None:
    write_file("batch_size = 7\nlinger_s = 0.5\n")
    monkeypatch.setenv("WATCHLINE_BATCH_SIZE", "9")
    loaded = load()
    assert (loaded.batch_size, loaded.linger_s, loaded.device) == (9, 0.5, "auto")
    source = {name: where for name, _, where in shown(loaded)}
    assert source["WATCHLINE_BATCH_SIZE"] == "environment"
    assert source["WATCHLINE_LINGER_S"].endswith("watchline.toml")
    assert source["WATCHLINE_DEVICE"] == "default"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BATCH_SIZE", "0", "greater than or equal to 1"),
        ("BATCH_SIZE", "many", "many"),
        ("DETECTORS", "pii,astrology", "unknown: astrology; known: pii, groundedness"),
        ("DEVICE", "tpu", "'auto', 'cpu' or 'cuda'"),
        ("CLICKHOUSE_URL", "clickhouse://host", "http://, https:// or chdb://"),
        ("SCHEMA_REGISTRY_URL", "registry:8081", r"http\(s\)://HOST:PORT"),
        ("SCHEMA_REGISTRY_URL", "http://a:8081,http://u:hunter2@b", "SCHEMA_REGISTRY_USERNAME"),
        ("SCHEMA_REGISTRY_CA_FILE", "/none.pem", "No such file"),
        ("CLICKHOUSE_DATABASE", "a; DROP", "match pattern"),
        ("LINGER_S", "nan", "LINGER_S"),
        ("MODELS", "toxic-bert", 'must be JSON: {"DETECTOR": {"model"'),
        ("MODELS", '{"pii": {"model": "a/b"}}', "no model for pii; allowed: groundedness, relevance"),
        ("MODELS", '{"bias": {}}', "bias: model: Field required"),
        ("MODELS", '{"bias": {"model": "a/b", "taks": "pair"}}', "bias: taks: Unexpected"),
        ("MODELS", '{"bias": {"model": "a/b", "task": "pairs"}}', "bias: task: Input should be 'sequence', 'pair'"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(ConfigurationError, match=message) as error:
        load()
    assert PREFIX + name in str(error.value)


def test_a_detector_is_known_from_its_declaration_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().detectors == tuple(registry.DETECTORS)
    with pytest.raises(ConfigurationError, match="unknown: politeness; known: pii, groundedness"):
        load(detectors="politeness,pii")
    declared = Declaration("politeness", "no.such.module:Politeness", ("rude",), tasks=("sequence",))
    monkeypatch.setitem(registry.DETECTORS, "politeness", declared)
    loaded = load(detectors="politeness,pii", models={"politeness": {"model": "a/b"}})
    assert loaded.detectors == ("pii", "politeness")
    assert loaded.models == {"politeness": ModelSettings("a/b")}


def test_settings_are_cheap_to_import() -> None:
    heavy = ("numpy", "torch", "spacy", "transformers", "safetensors", "sklearn")
    code = f"import sys, watchline.streams.settings; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_mistyped_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_BATCHSIZE", "3")
    with pytest.raises(ConfigurationError, match="unknown setting WATCHLINE_BATCHSIZE"):
        load()


def test_a_mistyped_name_in_the_file_is_an_error() -> None:
    write_file("batchsize = 3\n")
    with pytest.raises(ConfigurationError, match="BATCHSIZE"):
        load()


def test_a_broken_or_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_file("batch_size = \n")
    with pytest.raises(ConfigurationError, match=r"watchline\.toml"):
        load()
    monkeypatch.setenv("WATCHLINE_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigurationError, match="no file"):
        load()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xfe", "UnicodeDecodeError"),
        (b"x = " + b"[" * 5_000, "RecursionError"),
        (b"x = " + b"9" * 5_000, "ValueError"),
    ],
)
def test_a_file_that_is_no_toml_is_named(data: bytes, why: str) -> None:
    Path(os.environ["WATCHLINE_CONFIG"]).write_bytes(data)
    with pytest.raises(ConfigurationError, match=rf"watchline\.toml: cannot be read as TOML in UTF-8 \({why}\)"):
        load()


def test_a_variable_that_is_no_text_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_DETECTORS", "\udc80")
    with pytest.raises(ConfigurationError, match="WATCHLINE_DETECTORS: not text in UTF-8"):
        load()


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_CLICKHOUSE_PASSWORD", "hunter2")
    monkeypatch.setenv("WATCHLINE_CLICKHOUSE_URL", "https://writer:hunter2@host:8443")
    loaded = load()
    assert loaded.clickhouse_password.get_secret_value() == "hunter2"
    assert "hunter2" not in str(shown(loaded))
    assert "hunter2" not in repr(loaded)
    assert ("WATCHLINE_CLICKHOUSE_URL", "https://writer:********@host:8443", "environment") in shown(loaded)


def test_a_bad_value_with_a_secret_in_it_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_CLICKHOUSE_URL", "ftp://writer:hunter2@host")
    with pytest.raises(ConfigurationError) as error:
        load()
    assert "hunter2" not in str(error.value)


def test_a_login_in_the_wrong_setting_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_DETECTORS", "https://writer:hunter2@host")
    with pytest.raises(ConfigurationError, match=r"unknown: https://writer:\*+@host") as error:
        load()
    assert "hunter2" not in str(error.value)


def test_detectors_run_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_DETECTORS", " toxicity, pii ")
    assert load().detectors == ("pii", "toxicity")
    monkeypatch.setenv("WATCHLINE_DETECTORS", "")
    assert load().detectors == ()


def test_models_are_tables_in_the_file_and_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    write_file('[models.toxicity]\nmodel = "a/b"\nrevision = "main"\nlabels = {hate = "x", insult = ["y", "not z"]}\n')
    expected = ModelSettings("a/b", "main", labels={"hate": "x", "insult": ["y", "not z"]})
    assert load().models == {"toxicity": expected}
    monkeypatch.setenv("WATCHLINE_MODELS", '{"bias": {"model": "/models/bias", "max_tokens": 128}}')
    loaded = load()
    assert loaded.models == {"bias": ModelSettings("/models/bias", max_tokens=128)}
    value = {name: value for name, value, _ in shown(loaded)}["WATCHLINE_MODELS"]
    assert value == os.environ["WATCHLINE_MODELS"]
    monkeypatch.setenv("WATCHLINE_MODELS", "")
    assert load().models == {}


def test_budgets_of_apps_are_tables_in_the_file_and_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    write_file("app_events_per_s = 50\n[app_budgets.shop]\nevents_per_s = 0\n[app_budgets.bank]\n")
    assert load().app_events_per_s == 50
    assert load().app_budgets == {"shop": AppBudget(events_per_s=0), "bank": AppBudget()}
    monkeypatch.setenv("WATCHLINE_APP_BUDGETS", '{"shop": {"events_per_s": 0.0, "bytes_per_s": 2.5}}')
    loaded = load()
    assert loaded.app_budgets == {"shop": AppBudget(0, 2.5)}
    assert {name: value for name, value, _ in shown(loaded)}["WATCHLINE_APP_BUDGETS"] == os.environ[
        "WATCHLINE_APP_BUDGETS"
    ]
    for value, complaint in (
        ("{", r"WATCHLINE_APP_BUDGETS: .*must be JSON: {\"APP\": {\"events_per_s\": 20}}"),
        ('{"shop": {"events_per_s": -1}}', "WATCHLINE_APP_BUDGETS: shop: events_per_s: .*greater than or equal to 0"),
        ('{"shop": {"events": 1}}', "WATCHLINE_APP_BUDGETS: shop: events: "),
    ):
        monkeypatch.setenv("WATCHLINE_APP_BUDGETS", value)
        with pytest.raises(ConfigurationError, match=complaint):
            load()


def test_every_setting_is_documented() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert settings.show_value(field.get_default(call_default_factory=True)) is not None


def test_bootstrap_servers() -> None:
    assert load(kafka_url="kafka://a:1, b:2").bootstrap_servers == "a:1,b:2"


def test_the_schema_registry_client(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().schema_registry is None
    monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_URL", "https://a:8081, https://b")
    monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_USERNAME", "app")
    monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_PASSWORD", "hunter2")
    assert load().schema_registry == {"url": "https://a:8081, https://b", "basic.auth.user.info": "app:hunter2"}
    assert "hunter2" not in str(shown(load())) + repr(load())
