"""The worker's page: what it says of the monitors, and what fails while it is served."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import urlopen

from watchline.streams.health import page
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import ConsumerState, Partition, Progress


@dataclass
class Member:
    stopping: bool = False
    fails: bool = False

    def consumer_state(self, ends: Mapping[Partition, int]) -> ConsumerState:
        if self.fails:
            raise AttributeError("no consumer")
        return ConsumerState()


@dataclass
class Monitors:
    state: str = "restarting since 2026-01-02T03:04:05Z, last: by signal 9"
    lag_messages: int | None = None


def ask(member: Member, *paths: str, progress: Progress | None = None) -> list[tuple[int, str]]:
    """Status and body of one page after the other; the member that fails does so at the first."""

    def get(url: str) -> tuple[int, str]:
        try:
            with urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    async def answers() -> list[tuple[int, str]]:
        shown = progress or Progress()
        runner, port = await page.serve(member, shown, Metrics({}), Monitors(), "127.0.0.1", 0)
        found = []
        for path in paths:
            found.append(await asyncio.to_thread(get, f"http://127.0.0.1:{port}{path}"))
            member.fails = False
        await runner.cleanup()
        return found

    return asyncio.run(answers())


def test_monitors_that_are_down_are_said_and_the_worker_is_alive() -> None:
    ((status, body),) = ask(Member(), "/livez")
    assert status == 200
    said = json.loads(body)
    assert said["monitors"] == "restarting since 2026-01-02T03:04:05Z, last: by signal 9"
    assert (said["status"], said["monitors_lag_messages"]) == ("ok", None)


def test_a_page_that_fails_is_an_error_of_that_answer_alone() -> None:
    for path in ("/livez", "/metrics"):
        assert [status for status, _ in ask(Member(fails=True), path, path)] == [500, 200]


def test_a_store_that_lacks_something_is_degraded_and_ready() -> None:
    progress = Progress(joined=True, degraded=["3 stored events are missing: run `watchline repair`"])
    progress.store_attempt(None)
    (ready, body), (alive, said) = ask(Member(), "/readyz", "/livez", progress=progress)
    assert (ready, json.loads(body)) == (200, {"ready": True, "reasons": [], "degraded": progress.degraded})
    assert (alive, json.loads(said)["degraded"], json.loads(said)["status"]) == (200, progress.degraded, "ok")
