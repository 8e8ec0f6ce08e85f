from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

CODE = """
import asyncio, sys, threading, time
from watchline.streams.worker import hang_watch
hang_watch.BEAT_S, hang_watch.LONGEST_HANG_S = 0.05, 1.0
async def work():
    watching = asyncio.create_task(hang_watch.watch())
    await asyncio.sleep(1.5)
    if "hang" in sys.argv:
        threading.Event().wait(60)
    watching.cancel()
asyncio.run(work())
if "after" in sys.argv:
    time.sleep(2)
print("done")
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", CODE, *words], capture_output=True, text=True, timeout=60)


def test_a_loop_that_hangs_ends_the_process_and_says_where() -> None:
    done = run("hang")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the event loop hangs" in done.stderr and "in work" in done.stderr


@pytest.mark.parametrize("when", ["", "after"], ids=["while it runs", "once it is over"])
def test_one_that_turns_goes_on(when: str) -> None:
    done = run(when)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
