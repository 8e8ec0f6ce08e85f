"""Where apps run: gunicorn's workers forked after the producer was made, a function that is frozen between calls."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.streams.producer.published import envelopes, make_topics

pytestmark = pytest.mark.slow

GUNICORN_APP = """
import os, sys, time
from watchline import Producer

producer = Producer(os.environ["BROKER"], app="web", topic_prefix=os.environ["PREFIX"])
producer.emit(input="preloaded", output="in the parent", model="m")

def app(request, start_response):
    producer.emit(input=request["PATH_INFO"], output=str(os.getpid()), model="m")
    time.sleep(0.02)  # so that the other worker takes what comes meanwhile
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""

FROZEN_APP = """
import sys
from watchline import Producer

producer = Producer(sys.argv[1], app="function", topic_prefix=sys.argv[2])
for line in sys.stdin:
    producer.emit(input=line.strip(), output="answer", model="m")
    print(producer.flush(10), producer.stats.dropped, flush=True)
"""


@contextmanager
def gunicorn(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """An address of the app under gunicorn, which forks two workers after it has loaded the app."""
    (folder / "web.py").write_text(GUNICORN_APP, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--bind", address, "web:app"]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            yield address
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def ask(address: str, path: str) -> str:
    for _ in range(300):
        with suppress(urllib.error.URLError), urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            return str(answer.read().decode())
        time.sleep(0.1)  # until it has begun
    raise TimeoutError(address)


def test_gunicorn_that_loads_the_app_before_it_forks(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    make_topics(broker, topic_prefix)
    paths = [f"/{number}" for number in range(60)]
    processes: set[str] = set()
    with (
        gunicorn(tmp_path, {**os.environ, "BROKER": broker, "PREFIX": topic_prefix}) as address,
        ThreadPoolExecutor(4) as callers,
    ):
        processes.update(callers.map(partial(ask, address), paths))
        while len(processes) < 2 and len(paths) < 2000:  # one worker may have answered all of them
            paths.append(f"/{len(paths)}")
            processes.add(ask(address, paths[-1]))
    assert len(processes) == 2
    found = envelopes(broker, topic_prefix, 1 + len(paths))
    events = [event for envelope in found for event in envelope.interactions]
    assert sorted(event.input for event in events) == sorted(["preloaded", *paths])
    assert {event.output for event in events} == {"in the parent", *processes}
    assert len({envelope.producer_id for envelope in found}) == 3


def test_a_function_that_is_frozen_between_calls(broker: str, topic_prefix: str) -> None:
    """As AWS Lambda does it: nothing runs between a flush at the end of a call and the next call."""
    make_topics(broker, topic_prefix)
    command = [sys.executable, "-c", FROZEN_APP, broker, topic_prefix]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as function:
        assert function.stdin and function.stdout
        for number in range(4):
            function.stdin.write(f"call {number}\n")
            assert function.stdout.readline() == "True 0\n"
            function.send_signal(signal.SIGSTOP)
            found = envelopes(broker, topic_prefix, number + 1)  # all of them are in Kafka while it stands still
            assert {event.input for envelope in found for event in envelope.interactions} == {
                f"call {each}" for each in range(number + 1)
            }
            time.sleep(1)
            function.send_signal(signal.SIGCONT)
        function.stdin.close()
        assert function.wait(30) == 0
