"""Functions whose calls are events: at once, as coroutines, as generators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.streams.producer.test_observe import Recorder


def test_a_function_s_input_and_output() -> None:
    with Recorder() as producer:

        @producer.watch(prompt="answer@7")
        def answer(question: str, model: str = "m") -> str:
            """Answers."""
            return question.upper()

        @producer.watch()
        def search(words: str, limit: int = 3) -> list[str]:
            return [words] * limit

        class Bot:
            @producer.watch()
            def reply(self, to: str) -> str:
                return to

        assert answer("why?", model="big") == "WHY?" and answer.__doc__ == "Answers."
        assert search("a", limit=2) == ["a", "a"] and Bot().reply("hi") == "hi"
        first, second, third = producer.seen
        assert (first["input"], first["output"], first["model"], first["prompt"]) == ("why?", "WHY?", "big", "answer@7")
        assert second["input"] == {"words": "a", "limit": 2} and second["output"] == ["a", "a"]
        assert (third["input"], third["output"]) == ("hi", "hi")


def test_an_error_is_the_function_s_own() -> None:
    with Recorder() as producer:

        @producer.watch()
        def fails(question: str) -> str:
            raise KeyError(question)

        with pytest.raises(KeyError):
            fails("x")
        with pytest.raises(TypeError, match="missing 1 required"):
            fails()  # type: ignore[call-arg]
        assert [type(seen["error"]) for seen in producer.seen] == [KeyError, TypeError]


def test_coroutines_and_generators() -> None:
    with Recorder() as producer:

        @producer.watch()
        async def later(question: str) -> str:
            await asyncio.sleep(0)
            return "later"

        @producer.watch()
        def pieces(question: str) -> Iterator[str]:
            yield from ("a", "b")

        @producer.watch()
        async def pieces_later(question: str) -> AsyncIterator[str]:
            for piece in ("c", "d"):
                yield piece

        async def main() -> tuple[str, list[Any]]:
            return await later("q"), [piece async for piece in pieces_later("q")]

        assert asyncio.run(main()) == ("later", ["c", "d"]) and list(pieces("q")) == ["a", "b"]
        left = pieces("q")
        next(left)
        left.close()  # type: ignore[attr-defined]
        seen = [(each["input"], each["output"], bool(each["cancelled"])) for each in producer.seen]
        assert seen == [("q", "later", False), ("q", "cd", False), ("q", "ab", False), ("q", "a", True)]
