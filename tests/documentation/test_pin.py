"""`make pin`, with a stand-in for Docker that gives digests: it writes what it is given, and nothing else."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

PIN = runpy.run_path(str(Path(__file__).parents[2] / ".ci" / "pin.py"))
DIGEST = "sha256:" + "0123456789abcdef" * 4
COMPOSE = "services:\n  a:\n    image: maker/a:1.2.3  # why\n  b:\n    image: watchline:local\n    build: .\n"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    compose, dockerfile = tmp_path / "docker-compose.yml", tmp_path / "Dockerfile"
    compose.write_text(COMPOSE)
    dockerfile.write_text("# FROM here\nFROM python:3.11-slim\nRUN true\n")
    return [compose, dockerfile]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    return tmp_path / "bin" / "docker"


def stand_in(docker: Path, script: str) -> None:
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)


def test_every_image_gets_the_digest_that_docker_gives(files: list[Path], docker: Path) -> None:
    stand_in(docker, f'[ "$1 $2 $3" = "buildx imagetools inspect" ] && echo {DIGEST}')
    assert PIN["main"](files) == 0
    expected = COMPOSE.replace("maker/a:1.2.3", f"maker/a:1.2.3@{DIGEST}")
    assert files[0].read_text() == expected
    assert files[1].read_text() == f"# FROM here\nFROM python:3.11-slim@{DIGEST}\nRUN true\n"
    newer = DIGEST.replace("0", "f")
    stand_in(docker, f"echo {newer}")
    assert PIN["main"](files) == 0
    assert files[0].read_text() == expected.replace(DIGEST, newer)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'failed to do request: no such host' >&2; exit 1", "no such host"),
        ("echo latest", "latest"),
        ("true", "no digest"),
        (
            f'case $4 in python*) echo {DIGEST} ;; *) echo "unknown manifest" >&2; exit 1 ;; esac',
            "maker/a:1.2.3: unknown",
        ),
    ],
    ids=["no network", "no digest", "nothing", "one of two"],
)
def test_nothing_is_written_that_was_not_fetched(
    script: str, why: str, files: list[Path], docker: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [path.read_text() for path in files]
    stand_in(docker, script)
    assert PIN["main"](files) == 1
    assert re.search(f"{re.escape(why)}.*; nothing is written", capsys.readouterr().err)
    assert [path.read_text() for path in files] == before


def test_without_docker_it_says_so(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert PIN["main"](files) == 1
    assert "Docker's client is not here" in capsys.readouterr().err
    assert files[0].read_text() == COMPOSE


def test_it_finds_every_image_of_the_project() -> None:
    found = {match["image"].split(":")[0] for path in PIN["FILES"] for match in PIN["IMAGE"].finditer(path.read_text())}
    assert found == {"apache/kafka", "clickhouse/clickhouse-server", "grafana/grafana", "python"}
