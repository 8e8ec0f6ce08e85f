"""How much of a watched call's processor time is Watchline's own: what the calling thread spends in it, call by call.

`tests.benchmarks.integrations` compares whole calls, whose own p99 is far above what is added. Here the same call gives
both: of clients that are wrapped, all less what the library's own method takes within; of callbacks, what they take. Of
LiteLLM's streams the pieces aren't counted, nor what its own threads do.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from statistics import median, quantiles
from typing import Any

from tests.benchmarks.integrations import LIBRARIES, producer
from tests.benchmarks.producer import broker, machine
from tests.streams.integrations.model_api import ModelApi

CALLS, WARM, PAUSE_S = 1000, 40, 0.002
MAIN = threading.get_ident()


class Watch:
    """Adds up the calling thread's time within what it times, the outermost alone."""

    def __init__(self) -> None:
        self.seconds, self._depth = 0.0, 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed, and the stream that it may give."""

        def call(*args: Any, **named: Any) -> Any:
            given = self._run(function, *args, **named)
            return Stream(given, self) if named.get("stream") else given

        return call

    def _run(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        if threading.get_ident() != MAIN or self._depth:
            return function(*args, **named)
        self._depth, started = 1, time.thread_time()
        try:
            return function(*args, **named)
        finally:
            self.seconds += time.thread_time() - started
            self._depth = 0


class Stream:
    """A stream, whose pieces are timed."""

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner, self._watch = inner, watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._watch._run(next, self._inner)


def _callbacks(library: str) -> list[tuple[type, tuple[str, ...]]]:
    """The classes and methods by which a library calls Watchline."""
    if library == "langchain":
        from watchline.langchain import WatchlineCallbackHandler as Handler

        return [(Handler, tuple(name for name in vars(Handler) if name.startswith("on_")))]
    if library == "litellm":
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        from watchline.litellm import Watchline

        return [(Watchline, ("log_pre_api_call", "log_post_api_call"))]
    from watchline import llama_index

    return [
        (llama_index._Spans, ("new_span", "prepare_to_exit_span", "prepare_to_drop_span")),
        (llama_index._Events, ("handle",)),
    ]


def measured(library: str, stream: bool, root: str, kafka: str) -> tuple[list[float], list[float]]:
    """Microseconds of each call in all, and Watchline's own."""
    watch = Watch()
    if is_wrapped := library in ("openai", "anthropic"):
        call = _wrapped(library, stream, root, kafka, watch)
    else:
        for kind, names in _callbacks(library):
            for name in names:
                setattr(kind, name, watch.timed(getattr(kind, name)))
        found = LIBRARIES[library]("watched", stream, root, kafka)
        assert found
        call = found
    whole, own = [], []
    for number in range(WARM + CALLS):
        watch.seconds, started = 0.0, time.thread_time()
        call()
        took = time.thread_time() - started
        if number >= WARM:
            whole.append(took * 1e6)
            own.append((took - watch.seconds if is_wrapped else watch.seconds) * 1e6)
        time.sleep(PAUSE_S)
    return whole, own


def _wrapped(library: str, stream: bool, root: str, kafka: str, watch: Watch) -> Callable[[], object]:
    """A call of a client whose own method is timed before Watchline wraps it."""
    import importlib

    from tests.benchmarks.integrations import ASKED

    module = importlib.import_module(library)
    if library == "openai":
        client = module.OpenAI(base_url=f"{root}/v1", api_key="none")
        resource, asked = client.chat.completions, {"model": "gpt-4o", **ASKED}
    else:
        client = module.Anthropic(base_url=root, api_key="none")
        resource, asked = client.messages, {"model": "claude-sonnet-5", "max_tokens": 64, **ASKED}
    resource.create = watch.timed(resource.create)
    importlib.import_module(f"watchline.{library}").watch(client, producer(kafka))
    if stream:
        return lambda: list(resource.create(stream=True, **asked))
    return lambda: resource.create(**asked)


def main() -> None:
    """Prints a line for each library, whole answers and streams, each in a process of its own."""
    if len(sys.argv) > 1:
        library, stream, root, kafka = sys.argv[1:]
        whole, own = measured(library, bool(int(stream)), root, kafka)
        name = f"{library}{', streamed' if int(stream) else ''}"
        print(
            f"{name:24}{median(whole):8.0f} ({quantiles(whole, n=100)[98]:6.0f})"
            f"{median(own):8.0f} ({quantiles(own, n=100)[98]:5.0f})",
            flush=True,
        )
        return
    print(f"machine: {machine()}\nus of the calling thread's processor time, p50 (p99) of {CALLS:,} calls")
    print(f"{'':24}{'the call':>17}{'Watchline':>16}", flush=True)
    with ModelApi() as api, broker() as kafka:
        for library in LIBRARIES:
            for stream in "01":
                os.spawnl(
                    os.P_WAIT, sys.executable, sys.executable, "-m", __spec__.name, library, stream, api.root, kafka
                )


if __name__ == "__main__":
    main()
