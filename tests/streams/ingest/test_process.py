"""`watchline receive` as a process: its token and its address."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.proto")

from tests.streams.ingest.receiving import lines_until, started
from watchline.schemas.errors import ConfigurationError
from watchline.streams.ingest.process import find_token
from watchline.streams.settings import Settings


def test_a_token_is_made_once_for_its_user_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    token, where = find_token(settings)
    file = tmp_path / "data" / "receive-token"
    assert len(token) > 40 and file.stat().st_mode & 0o777 == 0o600 and where == f"$(cat {file})"
    assert find_token(settings)[0] == token
    file.write_text("")
    with pytest.raises(ConfigurationError, match="holds no token"):
        find_token(settings)


@pytest.mark.parametrize("token", ["short", "with a space in it, and long", "ünïcode-ünïcode-ünïcode"])
def test_a_token_that_cannot_serve_is_refused(token: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="WATCHLINE_RECEIVE_TOKEN"):
        find_token(Settings(data_dir=tmp_path, receive_token=token))


@pytest.mark.slow
def test_a_busy_port_is_refused(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        environment = {"WATCHLINE_DATA_DIR": str(tmp_path), "WATCHLINE_KAFKA_URL": "127.0.0.1:1"}
        process = started(environment, "--port", str(other.getsockname()[1]))
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "WATCHLINE_RECEIVE_PORT" in said and "Traceback" not in said


@pytest.mark.slow
def test_it_says_where_it_listens_and_stops_when_it_is_told(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    environment = {
        "WATCHLINE_DATA_DIR": str(tmp_path),
        "WATCHLINE_KAFKA_URL": broker,
        "WATCHLINE_TOPIC_PREFIX": topic_prefix,
    }
    process = started(environment, "--port", "0")
    said = lines_until(process, "topic is missing")
    assert (
        re.search(r"traces at http://127\.0\.0\.1:\d+/v1/traces", said) and f"$(cat {tmp_path}/receive-token)" in said
    )
    assert (tmp_path / "receive-token").read_text() not in said
    process.send_signal(signal.SIGTERM)
    assert lines_until(process, "stopped") and process.wait(30) == 0
