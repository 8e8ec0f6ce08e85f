"""A stand-in for an OpenAI-compatible endpoint: a server on loopback that answers by rule."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from aiohttp import web

Answer = Callable[[dict[str, Any], int], web.Response]


class StandIn:
    """An OpenAI-compatible server on loopback; `answer` gets each request's body and how often it came before."""

    def __init__(self) -> None:
        self.answer: Answer = lambda body, times: said("fine")
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        self._loop = asyncio.new_event_loop()
        self._runner: Any = None
        self.url = ""

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        times = self.bodies.count(body)
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.wait_s(body))
        self.at_once -= 1
        return self.answer(body, times)

    def wait_s(self, body: dict[str, Any]) -> float:
        """Seconds until it answers."""
        return 10.0 if body["messages"][-1]["content"] == "slow" else 0.002

    def __enter__(self) -> StandIn:
        async def start() -> None:
            app = web.Application(client_max_size=1 << 24)
            app.router.add_post("/v1/chat/completions", self._handle)
            self._runner = web.AppRunner(app, shutdown_timeout=0.1)
            await self._runner.setup()
            await web.TCPSite(self._runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

        self._loop.run_until_complete(start())
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def said(text: Any, **more: Any) -> web.Response:
    """A chat completion."""
    choice = {"message": {"role": "assistant", "content": text, **more.pop("message", {})}, **more.pop("choice", {})}
    return web.json_response({"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 2}, **more})
