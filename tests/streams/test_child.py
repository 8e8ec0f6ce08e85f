"""A child process: started again when it ends, told to end, and its refusals said."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from watchline.schemas.errors import FatalError
from watchline.streams.child import Child

pytestmark = pytest.mark.slow
MODULE = "tests.streams.waiting_child"


def wait(until: Callable[[], bool], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not until():
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain"
        time.sleep(0.02)


def starts(file: Path) -> int:
    return len(file.read_text().split()) if file.exists() else 0


@pytest.mark.parametrize(("longest_pause_s", "second"), [(10.0, "1.0"), (0.5, "0.5")])
def test_it_is_started_again_with_growing_pauses_until_it_is_told_to_stop(
    longest_pause_s: float, second: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "starts"
    reasons = {7: "because it was asked to"}
    child = Child("the child", MODULE, "wait", str(file), reasons=reasons, longest_pause_s=longest_pause_s)
    child.start(30)
    assert starts(file) == 1
    os.kill(child.pid or 0, signal.SIGKILL)
    wait(lambda: starts(file) == 2)
    os.kill(child.pid or 0, signal.SIGUSR1)
    wait(lambda: starts(file) == 3)
    pid = child.pid
    child.stop()
    child.stop()
    assert pid is not None and not psutil.pid_exists(pid)
    assert starts(file) == 3
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "the child ended, by signal 9; starting it again in 0.5 s",
        f"the child ended, because it was asked to; starting it again in {second} s",
    ]


def test_what_refuses_to_start_says_why_and_is_not_started_again(tmp_path: Path) -> None:
    file = tmp_path / "starts"
    with pytest.raises(FatalError, match=r"^no room: in here$"):
        Child("the child", MODULE, "refuse", str(file)).start(30)
    assert starts(file) == 1


def test_what_ends_without_a_word_is_said(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match=r"^the child ended with code 5 before it was ready$"):
        Child("the child", MODULE, "end", str(tmp_path / "starts")).start(30)


def test_what_never_gets_ready_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "starts"
    child = Child("the child", MODULE, "hang", str(file))
    with pytest.raises(FatalError, match=r"^the child is not ready after 2 s$"):
        child.start(2)
    assert not psutil.pid_exists(child.pid or 0)


def test_an_optional_one_is_tried_again_though_it_refuses(tmp_path: Path) -> None:
    ends: list[str] = []
    child = Child("the child", MODULE, "refuse_once", str(tmp_path / "starts"), ended=lambda: ends.append(child.state))
    assert child.state == "starting"
    child.start(None)
    try:
        wait(lambda: child.state == "running")
        assert len(ends) == 1
        os.kill(child.pid or 0, signal.SIGKILL)
        wait(lambda: len(ends) == 2)
        wait(lambda: child.state == "running")
    finally:
        child.stop()
    since = r"restarting since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, last: "
    assert re.fullmatch(since + "no room: in here", ends[0])
    assert re.fullmatch(since + "by signal 9", ends[1])


def test_the_parent_hears_whole_lines(tmp_path: Path) -> None:
    heard: list[str] = []
    child = Child("the child", MODULE, "tell", str(tmp_path / "starts"), heard=heard.append).start(30)
    wait(lambda: len(heard) == 2)
    child.stop()
    assert heard == ["one\n", "two\n"]


def test_where_no_process_is_to_be_had_it_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock of a machine that has no memory for a fork."""
    popen, refusals = subprocess.Popen, iter([OSError(errno.ENOMEM, "Cannot allocate memory")] * 2)

    def refusing(*arguments: Any, **options: Any) -> Any:
        for refusal in refusals:
            raise refusal
        return popen(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", refusing)
    with pytest.raises(FatalError, match="the child cannot be started: Cannot allocate memory"):
        Child("the child", MODULE, "wait", str(tmp_path / "never")).start(30)
    file = tmp_path / "starts"
    child = Child("the child", MODULE, "wait", str(file))
    child.start(None)
    wait(lambda: starts(file) == 1)
    child.stop()


def test_what_cannot_be_understood_is_logged_and_it_is_watched_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "starts"
    child = Child("the child", MODULE, "tell", str(file), heard=json.loads)
    child.start(30)
    wait(lambda: "what the child says cannot be read" in caplog.text)
    os.kill(child.pid or 0, signal.SIGKILL)
    wait(lambda: starts(file) == 2)
    child.stop()


def test_whatever_a_callback_raises_it_is_watched_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise SystemExit

    file = tmp_path / "starts"
    child = Child("the child", MODULE, "tell", str(file), heard=fail, ended=fail, longest_pause_s=0.5)
    child.start(30)
    for count in (2, 3):
        os.kill(child.pid or 0, signal.SIGKILL)
        wait(lambda count=count: starts(file) == count)  # type: ignore[misc]
    child.stop()
    assert "the child is started again after an unexpected error" in caplog.text


def test_bytes_that_are_no_text_do_not_end_the_watching(tmp_path: Path) -> None:
    heard: list[str] = []
    child = Child("the child", MODULE, "garble", str(tmp_path / "starts"), heard=heard.append).start(30)
    wait(lambda: len(heard) == 2)
    child.stop()
    assert heard == ["\ufffd\n", "two\n"]


@pytest.mark.parametrize("module", ["watchline.streams.worker.monitors_process", MODULE])
def test_one_whose_parent_is_gone_when_it_starts_does_nothing(module: str, tmp_path: Path) -> None:
    """The store's own test is beside it."""
    file = tmp_path / "starts"
    command = [sys.executable, "-m", module, "wait", str(file)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, b"")
    assert starts(file) == 0
