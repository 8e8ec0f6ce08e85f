"""What watching a library's calls costs an app: its thread's processor time a call, beside OpenTelemetry's.

Each library answers from a stand-in for its HTTP API on this machine, three ways in turn, so that what else the machine
does meets all: as it is, watched by Watchline, and with OpenInference's instrumentor and OpenTelemetry's SDK, where
these are installed (`pip install openinference-instrumentation-openai` and the like). What other threads do (sending,
exporting) isn't counted for either.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

from tests.benchmarks.producer import broker, machine
from tests.streams.integrations.model_api import ModelApi

BLOCKS, CALLS, WARM = 15, 40, 40
VARIANTS = ("bare", "watched", "OpenTelemetry")
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "How much is it, and when will it arrive? " * 20}]}


def main() -> None:
    """Prints a line for each library, whole answers and streams."""
    print(f"machine: {machine()}")
    print(f"us of the calling thread's processor time a call, of {BLOCKS * CALLS} calls each; in brackets the p99")
    print(f"{'':24}{'bare':>16}{'Watchline adds':>18}{'OpenTelemetry adds':>22}")
    with ModelApi() as api, broker() as kafka:
        for library in LIBRARIES:
            for stream in (False, True):
                taken = measured(library, stream, api.root, kafka)
                line = f"{library}{', streamed' if stream else '':12}".ljust(24)
                bare = taken["bare"]
                line += f"{median(bare):8.0f} ({percentile_99(bare):5.0f})"
                for variant, width in (("watched", 18), ("OpenTelemetry", 22)):
                    times = taken[variant]
                    added = "not installed"
                    if times:
                        more = median(times) - median(bare), percentile_99(times) - percentile_99(bare)
                        added = "{:+.0f} ({:+6.0f})".format(*more)
                    line += added.rjust(width)
                print(line, flush=True)


def measured(library: str, stream: bool, root: str, kafka: str) -> dict[str, list[float]]:
    """Microseconds of each call, by variant: the blocks of all in turn."""
    apps = {}
    for variant in VARIANTS:
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.integrations",
            library,
            variant,
            str(int(stream)),
            root,
            kafka,
        ]
        apps[variant] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    taken: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for _ in range(BLOCKS):
        for variant, app in apps.items():
            assert app.stdin and app.stdout
            app.stdin.write("go\n")
            taken[variant] += json.loads(app.stdout.readline())
    for app in apps.values():
        app.communicate()
    return taken


def percentile_99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def serve(library: str, variant: str, stream: str, root: str, kafka: str) -> None:
    """One app: a block of calls for each line that comes."""
    call = LIBRARIES[library](variant, bool(int(stream)), root, kafka)
    if call:
        for _ in range(WARM):
            call()
    for _ in sys.stdin:
        times = []
        for _ in range(CALLS if call else 0):
            before = time.thread_time()
            call()
            times.append((time.thread_time() - before) * 1e6)
            time.sleep(0.002)
        print(json.dumps(times), flush=True)


def producer(kafka: str) -> Any:
    from watchline import Producer

    return Producer(kafka, app="bench", kafka={"allow.auto.create.topics": True})


def instrumented(name: str, instrumentor: str) -> bool:
    """Whether OpenInference has put its spans around a library; they go nowhere, from another thread."""
    try:
        module = importlib.import_module(f"openinference.instrumentation.{name}")
    except ImportError:
        return False
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    getattr(module, instrumentor)().instrument(tracer_provider=provider)
    return True


def _openai(variant: str, stream: bool, root: str, kafka: str) -> Callable[[], object] | None:
    import openai

    if variant == "OpenTelemetry" and not instrumented("openai", "OpenAIInstrumentor"):
        return None
    client = openai.OpenAI(base_url=f"{root}/v1", api_key="none")
    if variant == "watched":
        from watchline.openai import watch

        watch(client, producer(kafka))
    if stream:
        return lambda: list(client.chat.completions.create(model="gpt-4o", stream=True, **ASKED))
    return lambda: client.chat.completions.create(model="gpt-4o", **ASKED)


def _anthropic(variant: str, stream: bool, root: str, kafka: str) -> Callable[[], object] | None:
    import anthropic

    if variant == "OpenTelemetry" and not instrumented("anthropic", "AnthropicInstrumentor"):
        return None
    client = anthropic.Anthropic(base_url=root, api_key="none")
    if variant == "watched":
        from watchline.anthropic import watch

        watch(client, producer(kafka))
    asked: dict[str, Any] = {"model": "claude-sonnet-5", "max_tokens": 64, **ASKED}
    if stream:
        return lambda: list(client.messages.create(stream=True, **asked))
    return lambda: client.messages.create(**asked)


def _langchain(variant: str, stream: bool, root: str, kafka: str) -> Callable[[], object] | None:
    from langchain_core.language_models import FakeListChatModel

    if variant == "OpenTelemetry" and not instrumented("langchain", "LangChainInstrumentor"):
        return None
    callbacks: list[Any] = []
    if variant == "watched":
        from watchline.langchain import WatchlineCallbackHandler

        callbacks = [WatchlineCallbackHandler(producer(kafka))]
    model = FakeListChatModel(responses=["The total is 12 euros, and it arrives on Thursday."])
    if stream:
        return lambda: list(model.stream(ASKED["messages"], config={"callbacks": callbacks}))
    return lambda: model.invoke(ASKED["messages"], config={"callbacks": callbacks})


def _litellm(variant: str, stream: bool, root: str, kafka: str) -> Callable[[], object] | None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    if variant == "OpenTelemetry" and not instrumented("litellm", "LiteLLMInstrumentor"):
        return None
    if variant == "watched":
        from watchline.litellm import Watchline

        litellm.callbacks = [Watchline(producer(kafka))]
    asked: dict[str, Any] = {"model": "openai/gpt-4o", "api_base": f"{root}/v1", "api_key": "none", **ASKED}
    if stream:
        return lambda: list(litellm.completion(stream=True, **asked))
    return lambda: litellm.completion(**asked)


def _llama_index(variant: str, stream: bool, root: str, kafka: str) -> Callable[[], object] | None:
    from llama_index.core.llms import ChatMessage, MockLLM

    if variant == "OpenTelemetry" and not instrumented("llama_index", "LlamaIndexInstrumentor"):
        return None
    if variant == "watched":
        from watchline.llama_index import watch

        watch(producer(kafka))
    model = MockLLM(max_tokens=12)
    asked = [ChatMessage(each["content"]) for each in ASKED["messages"]]
    if stream:
        return lambda: list(model.stream_chat(asked))
    return lambda: model.chat(asked)


LIBRARIES: dict[str, Callable[[str, bool, str, str], Callable[[], object] | None]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "langchain": _langchain,
    "litellm": _litellm,
    "llama_index": _llama_index,
}


if __name__ == "__main__":
    serve(*sys.argv[1:]) if len(sys.argv) > 1 else main()
