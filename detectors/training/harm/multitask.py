# ruff: noqa: E501 (tables of the card)
"""Trains the multitask model that toxicity, bias and injection share: `python -m watchline.detectors.training.harm.multitask --data DIR`.

All their labels at once, each known for some of the texts only; what the encoder's lower layers make of a text is
computed once. A first multitask model judges the half of the texts that it hasn't seen, for the detectors' own scripts to learn how
far to trust one; a second learns from all texts and is shipped.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional

from watchline.detectors.harm.blend import EXPERTS, LABELS, REGISTERS, experts
from watchline.detectors.harm.deobfuscation import deobfuscate
from watchline.detectors.harm.multitask import LOWER_LAYERS, WEIGHTS, MultitaskLayers, TextOutputs, judge
from watchline.detectors.harm.toxicity import marked
from watchline.detectors.harm.windowed import WINDOW
from watchline.detectors.runtime.encoder import Encoder
from watchline.detectors.runtime.packing import Packer
from watchline.detectors.runtime.text import windows
from watchline.detectors.training import cards
from watchline.detectors.training.grounding.aligning import States, descend, shuffled_packs
from watchline.detectors.training.harm import bias, counterfactuals, injection, toxicity
from watchline.detectors.training.harm.blending import FOLDS, arguments, fold, save_outputs, weigh
from watchline.detectors.training.harm.corpora import Example, read, split

SEED = 17
_HEAD_RATE = 1e-3
_BUDGET = 4096  # tokens of a step, padding included
_MARKS_WEIGHT = 0.5
_PAIRS_WEIGHT = 0.5
_GATE_WEIGHT = 0.2
PAIRED = "crows_pairs"
# Texts of the largest sources: the n-grams alone learn from the others. Hate is rare there: all of it is used.
_SIZES = {"davidson": 8_000, "stormfront": 4_500, "toxic_spans": 3_500}
_RARE = {"davidson": "hate", "stormfront": "hate"}
_MARKED = 9_000
_NAMES = (*LABELS, *EXPERTS)
# Parts of an encoder's layer by what torch calls them.
_PARTS = {
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}
_KINDS = ("weight", "bias")


@dataclass(frozen=True, slots=True)
class Item:
    """An example, and which of its characters are toxic; None where that is not known."""

    example: Example
    spans: Sequence[tuple[int, int]] | None = None
    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(len(_NAMES), np.float32))


def items(data: Path) -> list[Item]:
    """Everything that the multitask model learns from: each text once, with all that is known of it."""
    merged: dict[str, Example] = {}
    for example in (*toxicity.examples(data), *bias.examples(data), *injection.examples(data)):
        known = merged.get(example.text, example)
        merged[example.text] = replace(known, labels={**known.labels, **example.labels})
    chosen = split(list(merged.values()), _SIZES, SEED, _RARE)
    spanned = random.Random(SEED).sample(list(_spanned(data)), _MARKED)  # noqa: S311 - a draw, not a secret
    return weighted([*map(Item, chosen), *map(Item, _swapped(chosen)), *spanned])


def _swapped(originals: Sequence[Example]) -> Iterator[Example]:
    """Texts about another group of the same axis: as hateful, or as little, as they were."""
    dice = random.Random(SEED)  # noqa: S311 - a draw, not a secret
    for example in originals:
        if "hate" in example.labels and example.source not in ("davidson", "edos", "groups"):
            options = [
                text
                for group in counterfactuals.groups(example.text)
                if counterfactuals.GROUPS[group] != "gender"
                for _, text in counterfactuals.swapped(example.text, group)
            ]
            if options:
                yield replace(example, text=dice.choice(options), labels={"hate": example.labels["hate"]})


def _spanned(data: Path) -> Iterator[Item]:
    """Posts whose toxic characters are known, window by window, as the detector reads them."""
    for part in ("train", "trial"):
        for index, item in enumerate(read(data, f"toxicity/toxic_spans_{part}")):
            text, toxic = item["text"], set(ast.literal_eval(item["spans"]))
            if deobfuscate(text).text == text:
                for start, end in windows(text, WINDOW):
                    spans = [(place - start, place - start + 1) for place in range(start, end) if place in toxic]
                    example = Example(text[start:end], "toxic_spans", f"toxic_spans-{part}-{index}")
                    yield Item(example, spans)


def weighted(unweighted: Sequence[Item]) -> list[Item]:
    """With the weight of each label and expert, as `blending.weigh` has it: 0 where it isn't known."""
    examples = [item.example for item in unweighted]
    weights = np.stack([weigh(examples, _truth(examples, name), name) for name in _NAMES], axis=1).astype(np.float32)
    return [replace(item, weights=row) for item, row in zip(unweighted, weights, strict=True)]


def _truth(examples: Sequence[Example], name: str) -> NDArray[np.float64]:
    label = name.split("@")[0]
    return np.array([example.labels.get(label, np.nan) for example in examples], np.float64)


def fresh(encoder: Encoder) -> MultitaskLayers:
    """A multitask model with the encoder's own upper layers, which denies everything."""
    model = MultitaskLayers()
    for mine, theirs in zip(model.layers, encoder.upper_layers(LOWER_LAYERS), strict=True):
        own = theirs.state_dict()
        renamed = {f"{ours}.{kind}": own[f"{name}.{kind}"] for name, ours in _PARTS.items() for kind in _KINDS}
        for kind in _KINDS:
            parts = [own[f"attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            renamed[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
        mine.load_state_dict(renamed)
    for head in (model.outputs, model.marks):
        nn.init.zeros_(head.weight)
        nn.init.constant_(head.bias, -2.0)
    return model


def fit(
    model: MultitaskLayers,
    all_items: Sequence[Item],
    states: States,
    *,
    epochs: int = 3,
    rate: float = 2.5e-4,
    seed: int = SEED,
) -> MultitaskLayers:
    """Trains in place, by AdamW (Loshchilov and Hutter 2019); the rate as `descend` has it."""
    torch.manual_seed(seed)
    dice = random.Random(seed)  # noqa: S311
    layers, heads = [*model.layers.parameters()], [*model.outputs.parameters(), *model.marks.parameters()]
    optimizer = torch.optim.AdamW(
        [{"params": layers, "lr": rate}, {"params": heads, "lr": _HEAD_RATE}], weight_decay=0.01
    )
    plan = [batch for _ in range(epochs) for batch in _batches(all_items, states, dice)]
    return descend(model, optimizer, plan, lambda batch: _loss(model, batch, states))


def _loss(model: MultitaskLayers, batch: Sequence[Item], states: States) -> Tensor:
    lower = [states[item.example.text] for item in batch]
    with torch.autocast(states.device.split(":")[0], torch.bfloat16, enabled=_fast_bfloat16(states.device)):
        outputs, marks = (output.float() for output in model(lower))
    truth = torch.from_numpy(np.stack([_truth([item.example for item in batch], name) for name in _NAMES], axis=1))
    weights = torch.from_numpy(np.stack([item.weights for item in batch])).to(outputs.device)
    losses = weights * functional.binary_cross_entropy_with_logits(
        outputs[:, : len(_NAMES)], truth.nan_to_num().float().to(outputs.device), reduction="none"
    )
    general, special = (
        losses[:, part].sum() / weights[:, part].sum().clamp(min=1)
        for part in (slice(len(LABELS)), slice(len(LABELS), None))
    )
    registers = [_register(item.example.source) for item in batch]
    gate = functional.cross_entropy(outputs[:, len(_NAMES) :], torch.tensor(registers, device=outputs.device))
    loss: Tensor = general + special + _GATE_WEIGHT * gate
    words: list[Tensor] = []
    for row, item in enumerate(batch):
        if item.spans is not None:
            offsets = lower[row].offsets[1:-1]
            toxic = {start for start, _ in item.spans}
            target = [float(any(place in toxic for place in range(a, b))) for a, b in offsets]
            words.append(
                functional.binary_cross_entropy_with_logits(
                    marks[row, 1 : 1 + len(offsets)], torch.tensor(target, device=marks.device), reduction="none"
                )
            )
    if words:
        loss = loss + _MARKS_WEIGHT * torch.cat(words).mean()
    column = LABELS.index("stereotype")
    pairs = [
        outputs[row, column] - outputs[row + 1, column]
        for row in range(len(batch) - 1)
        if batch[row].example.source == PAIRED and batch[row].example.group == batch[row + 1].example.group
    ]
    if pairs:  # the more stereotyping one comes first
        loss = loss + _PAIRS_WEIGHT * functional.softplus(-torch.stack(pairs)).mean()
    return loss


def _fast_bfloat16(device: str) -> bool:
    return device != "cpu" or bool(torch.cpu.get_capabilities().get("amx_bf16"))


def _register(source: str) -> int:
    return REGISTERS.index(source if source in REGISTERS else REGISTERS[-1])


def _batches(all_items: Sequence[Item], states: States, dice: random.Random) -> list[list[Item]]:
    """The sentences of a pair stay side by side."""
    units: dict[str, list[Item]] = {}
    for place, item in enumerate(all_items):
        units.setdefault(item.example.group if item.example.source == PAIRED else str(place), []).append(item)
    return shuffled_packs(list(units.values()), lambda item: states.tokens(item.example.text), _BUDGET, dice)


def judged(model: MultitaskLayers, texts: Sequence[str], states: States) -> list[TextOutputs]:
    """What the model makes of each text."""
    packer, out = Packer(states.device), []
    for start in range(0, len(texts), 1024):  # states come in half precision and are widened piece by piece
        out += judge(model, packer, [states[text] for text in texts[start : start + 1024]])
    return out


def word_f1(judged_items: Sequence[tuple[Item, TextOutputs]], marked_from: float) -> float:
    """Mean over posts of the F1 of the toxic characters; 1 where neither side marks any (Pavlopoulos et al. 2021)."""
    posts: dict[str, list[int]] = {}
    for item, outputs in judged_items:
        words = {place for word in marked(item.example.text, outputs, marked_from) for place in range(*word)}
        toxic = {start for start, _ in item.spans or ()}
        counts = posts.setdefault(item.example.group, [0, 0, 0])
        counts[0] += len(words & toxic)
        counts[1] += len(words)
        counts[2] += len(toxic)
    return float(np.mean([2 * both / (one + other) if one + other else 1.0 for both, one, other in posts.values()]))


def main() -> None:
    """Trains two multitask models; writes what the first says of texts that it hasn't seen, the second's weights, and the card."""
    options = arguments(__doc__)
    encoder = Encoder(cache_bytes=0, lower_cache_bytes=0)
    all_items = items(options.data)
    states = States(encoder, (item.example.text for item in all_items), LOWER_LAYERS)
    folds = fold([item.example.group for item in all_items])
    unseen = [item for item, number in zip(all_items, folds, strict=True) if number < FOLDS // 2]
    model = fit(
        fresh(encoder),
        weighted([item for item, number in zip(all_items, folds, strict=True) if number >= FOLDS // 2]),
        states,
    )
    said = judged(model, [item.example.text for item in unseen], states)
    save_outputs(
        options.outputs, [item.example.text for item in unseen], np.stack([outputs.outputs for outputs in said])
    )
    model = fit(fresh(encoder), all_items, states)
    WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
    save_file(model.quantised(), WEIGHTS)
    spanned = [(item, outputs) for item, outputs in zip(unseen, said, strict=True) if item.spans is not None]
    grid = np.arange(-3, 3, 0.25)
    best = max(grid, key=lambda point: word_f1(spanned[::2], point))
    card = _CARD.format(
        seed=SEED,
        texts=len(all_items),
        tokens=sum(states.tokens(item.example.text) for item in all_items),
        swapped=len(list(_swapped([item.example for item in all_items]))),
        marked=_MARKED,
        marked_from=best,
        word_f1=word_f1(spanned[1::2], best),
        figures=_figures(unseen, said),
        registers=_registers(unseen, said),
    )
    cards.write(WEIGHTS.parent.name, card)


def _figures(unseen: Sequence[Item], ours: Sequence[TextOutputs]) -> str:
    lines = []
    sources = np.array([item.example.source for item in unseen])
    for label in LABELS:
        for source in dict.fromkeys(sources.tolist()):
            rows = [row for row in np.flatnonzero(sources == source).tolist() if label in unseen[row].example.labels]
            truth = np.array([unseen[row].example.labels[label] for row in rows])
            if len(truth) and 0 < truth.sum() < len(truth):
                own, expert = (
                    f"{roc_auc_score(truth, [ours[row].outputs[_NAMES.index(name)] for row in rows]):.3f}"
                    if name
                    else ""
                    for name in (label, experts(label).get(source))
                )
                lines.append(f"| {label} | {source} | {len(truth)} | {truth.sum()} | {own} | {expert} |")
    return "\n".join(lines)


def _registers(unseen: Sequence[Item], ours: Sequence[TextOutputs]) -> str:
    true = np.array([_register(item.example.source) for item in unseen])
    taken = np.array([outputs.outputs[len(_NAMES) :].argmax() for outputs in ours])
    return ", ".join(f"{name} {(taken[true == place] == place).mean():.2f}" for place, name in enumerate(REGISTERS))


_CARD = """# The multitask model: what toxicity, bias and injection share

Layers 3 to 6 of all-MiniLM-L6-v2 (Apache-2.0), fine-tuned on what its lowest two layers, which stay as they are, make of a
window of text. [CLS] and the mean of the tokens go into one linear head: nine labels; twelve experts, each for what one
source's annotators mean by a label; and which of these sources a text reads like, or none. Each token goes into another
head, which says whether it is part of what is toxic. The layers' matrices are stored in int8, a scale for each row, the
rest in float16. The detectors weigh it against character n-grams: see their cards for data, licences, figures of the whole,
and limits.

## Made by

    python -m watchline.detectors.training.harm.multitask --data DIR --outputs FILE

Seed {seed}; {texts} texts of {tokens} tokens in all, {swapped} of them made from others by naming another group, {marked}
windows of posts with their toxic words marked. Binary cross-entropy of the labels that a source gives, sources weighed as
the root of their size; that of the experts on their own source and, at a fifth of the weight, on ordinary traffic; that of
the marks, half as much; cross-entropy of the register, a fifth; for a CrowS pair also the logistic loss of the wrong order,
half as much. Where the machine has fast bfloat16 (CUDA, AMX) the layers are trained in it. AdamW, rate 2.5e-4 (heads
1e-3), 3 epochs, packs of 4,096 tokens, warm-up over 6 %, linear decay, gradients clipped at 1. A first multitask model learns from half of the data and judges the other half, for the figures here and for the
detectors' scripts; the shipped one learns from all of it, so it may be a little better, and its log-odds larger.

## Figures

AUROC of the first multitask model, alone, on the half that it hasn't seen (by post, template, pair, document):

| label | source | n | positive | AUROC | the expert's |
|---|---|---|---|---|---|
{figures}

Of what is of each register, the share that it is taken for: {registers}.

Toxic words of posts (SemEval-2021 task 5), mean character F1 of a post: {word_f1:.3f} from log-odds {marked_from:g}, which half of
the posts chose for the other half.

More texts would help most: a multitask model of a quarter of the data against that of half, both judging the other half, has AUROC
(experts) .870 and .888 for sexism in EDOS, .862 and .867 for hate in Davidson, .873 and .895 in Stormfront, .804 and .843
for stereotypes in RedditBias; toxic words .632 and .652. The shipped one learned from twice as much again. Storing it in
int8 moved log-odds by .01 on average, .10 at most (their standard deviation is 2.5).
"""


if __name__ == "__main__":
    main()
