"""Secrets in files, for the settings of a worker and for the producer of an app."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.pseudonyms import pseudonym
from watchline.streams import Producer
from watchline.streams.security import secret_files
from watchline.streams.security.kafka_login import Security
from watchline.streams.settings import PREFIX, Settings, load, shown

SECRETS = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
VARIABLES = [*(PREFIX + name.upper() for name in SECRETS), "WATCHLINE_SUBJECT_KEY"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("hunter2\n")
    return path


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_setting_may_lie_in_a_file(name: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("WATCHLINE_KAFKA_USERNAME", "worker")
    monkeypatch.setenv("WATCHLINE_KAFKA_PASSWORD", "other")
    monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.setenv(f"{PREFIX}{name.upper()}_FILE", str(file))
    secret = "https://hunter2" if name.endswith("_url") else "hunter2"
    file.write_text(f"{secret}\n")
    loaded = load()
    assert getattr(loaded, name).get_secret_value() == secret
    assert "hunter2" not in str(shown(loaded)) + repr(loaded)
    assert (PREFIX + name.upper(), "********", str(file)) in shown(loaded)


def test_a_file_goes_before_the_toml_file(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "watchline.toml").write_text('clickhouse_password = "of the toml file"\n')
    assert load().clickhouse_password.get_secret_value() == "of the toml file"
    monkeypatch.setenv("WATCHLINE_CLICKHOUSE_PASSWORD_FILE", str(file))
    assert load().clickhouse_password.get_secret_value() == "hunter2"


def test_only_a_secret_may_lie_in_a_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_CLICKHOUSE_URL_FILE", str(file))
    with pytest.raises(ConfigurationError, match="unknown setting WATCHLINE_CLICKHOUSE_URL_FILE"):
        load()


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), ("folder", "Is a directory"), (b"", "is empty"), (b"\n", "is empty"), (b"\xff", "UTF-8")],
)
def test_a_file_that_holds_no_secret_is_named(
    variable: str, content: bytes | str | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
    monkeypatch.setenv(f"{variable}_FILE", str(path))
    with pytest.raises(ConfigurationError, match=f"^{variable}_FILE: {path}: .*{why}"):
        secret_files.read(variable)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_secret_in_both_places_is_an_error(variable: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "hunter3")
    monkeypatch.setenv(f"{variable}_FILE", str(file))
    with pytest.raises(ConfigurationError, match=f"^{variable}_FILE: .*: {variable} is set too") as error:
        if variable == "WATCHLINE_SUBJECT_KEY":
            Producer(app="both")
        else:
            load()
    assert "hunter" not in str(error.value)


@pytest.mark.parametrize(("content", "secret"), [("a b\r\n", "a b"), (" a\n\n", " a"), ("ä", "ä")])
def test_only_the_line_ends_at_its_end_are_no_part_of_it(
    content: str, secret: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(content.encode())
    monkeypatch.setenv("WATCHLINE_CLICKHOUSE_PASSWORD_FILE", str(file))
    assert load().clickhouse_password.get_secret_value() == secret


def test_the_producer_reads_them_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_DISABLED", "1")
    monkeypatch.setenv("WATCHLINE_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("WATCHLINE_KAFKA_USERNAME", "app")
    monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_URL", "http://registry:8081")
    monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_USERNAME", "app")
    for name in ("KAFKA_PASSWORD", "SCHEMA_REGISTRY_PASSWORD", "SUBJECT_KEY"):
        monkeypatch.setenv(f"WATCHLINE_{name}_FILE", str(file))
    assert Security.from_environment().client()["sasl.password"] == "hunter2"
    producer = Producer(app="files")
    assert producer._kafka["sasl.password"] == "hunter2"
    assert producer._schema_registry is not None
    assert producer._schema_registry["basic.auth.user.info"] == "app:hunter2"
    assert producer._pseudonym("anna") == pseudonym("anna", "hunter2")
