# ruff: noqa: E501 (tables of the card)
"""Trains the bias detector: `python -m watchline.detectors.training.harm.bias --data DIR`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score

from watchline.detectors.harm.bias import Bias
from watchline.detectors.harm.deobfuscation import deobfuscate
from watchline.detectors.harm.groups import mentions_group
from watchline.detectors.training import cards, ordinary
from watchline.detectors.training.harm import audit, group_texts
from watchline.detectors.training.harm.blending import OutOfFold, arguments, read_by_multitask, train
from watchline.detectors.training.harm.corpora import Example, benign, labelled, post, read, sample

SEED = 17
NEUTRAL = {"stereotype": 0}
_BENIGN = {
    "ragtruth_response": 200,
    "ragtruth_context": 100,
    "halueval_query": 100,
    "halueval_response": 150,
    "clinc": 200,
    "bold": 400,
}
# EDOS categories that generalise about women, rather than threaten or insult one.
_GENERALISING = ("2.1", "2.3", "3.2", "4.2")
_BBQ = ("age", "disability_status", "nationality", "physical_appearance", "religion", "sexual_orientation")


def main() -> None:
    """Trains, measures and writes weights and card."""
    options = arguments(__doc__)
    read, rest, outputs = read_by_multitask(examples(options.data), options.outputs)
    tensors, judged = train([*read, *rest], outputs, Bias.labels)
    benign_rows = np.array([example.source in _BENIGN for example in read])
    points = {label: cards.operating_point(of_label, benign_rows) for label, of_label in judged.items()}
    cards.save(Bias.name, tensors)
    card = _CARD.format(
        read=len(read),
        rest=len(rest),
        seed=SEED,
        points=cards.points_table(points),
        skipped=cards.skipped(read, judged),
        figures=cards.table(read, judged, points),
        alarms=ordinary.table(Bias(), options.data, points),
        groups=audit.table(audit.rates(Bias(), {"stereotype": points["stereotype"][0]})),
        **_pairs(read, judged["stereotype"]),
        **_redditbias(read, judged["stereotype"]),
    )
    cards.write(Bias.name, card)


def _pairs(read: Sequence[Example], judged: OutOfFold) -> Mapping[str, object]:
    """How often the more stereotyping sentence of a CrowS pair has the higher score, where both mention a group."""
    pairs: dict[str, list[int]] = {}
    for row, example in enumerate(read):
        if example.source == "crows_pairs":
            pairs.setdefault(example.group, []).append(row)
    # The order of the rows is that of the source: the more stereotyping one first.
    whole = [rows for rows in pairs.values() if len(rows) == 2]
    right = [judged.probability[more] > judged.probability[less] for more, less in whole]
    return {"pairs": len(whole), "ranked": f"{np.mean(right):.3f}"}


def _redditbias(read: Sequence[Example], judged: OutOfFold) -> Mapping[str, object]:
    """Macro-F1 on RedditBias, out of fold, flagging as many as are positive: a figure that no threshold moves."""
    rows = [row for row, example in enumerate(read) if example.source == "redditbias"]
    truth = judged.truth[rows] == 1
    share = 1 - truth.mean()
    at_prior = {
        name: f"{f1_score(truth, scores[rows] > np.quantile(scores[rows], share), average='macro'):.3f}"
        for name, scores in (
            ("reddit", judged.probability),
            ("reddit_ngrams", judged.ngram_score),
            ("reddit_multitask", judged.multitask_score),
        )
    }
    return at_prior | {"reddit_rows": len(rows)}


def examples(data: Path) -> list[Example]:
    """The training texts that mention a group."""
    return [
        Example(plain, example.source, example.group, example.labels)
        for example in _labelled(data)
        if mentions_group(plain := deobfuscate(example.text).text)
    ]


def _labelled(data: Path) -> Iterator[Example]:
    for item in read(data, "bias/redditbias"):
        if item["bias_sent"] in ("0", "1"):
            text = item["comment"]
            yield Example(text, "redditbias", f"redditbias-{text}", {"stereotype": int(item["bias_sent"])})
    for index, item in enumerate(read(data, "bias/crows_pairs")):
        yield Example(item["sent_more"], "crows_pairs", f"crows-{index}", {"stereotype": 1})
        yield Example(item["sent_less"], "crows_pairs", f"crows-{index}", NEUTRAL)
    for index, item in enumerate(read(data, "toxicity/toxigen_seeds")):
        yield Example(item["text"], "toxigen", f"toxigen-{index}", {"stereotype": item["hateful"]})
    for item in read(data, "toxicity/edos"):
        if item["label_sexist"] == "not sexist" or item["label_vector"].startswith(_GENERALISING):
            known = {"stereotype": int(item["label_sexist"] == "sexist")}
            yield Example(post(item["text"]), "edos", item["rewire_id"], known)
    for item in read(data, "toxicity/stormfront"):
        if item["label"] in ("hate", "noHate"):
            group = f"stormfront-{item['id'].split('_')[0]}"
            yield Example(post(item["text"]), "stormfront", group, {"stereotype": int(item["label"] == "hate")})
    for axis in _BBQ:
        # Templates differ by the words filled in: the question they ask keeps one template together.
        contexts = {item["context"]: item for item in read(data, f"bias/bbq_{axis}")}
        candidates = [
            Example(text, "bbq", f"bbq-{axis}-{item['question_index']}", NEUTRAL) for text, item in contexts.items()
        ]
        yield from sample(candidates, 50, SEED)
    for written, label in ((group_texts.HARMLESS, 0), (group_texts.BELITTLING, 1)):
        for text, line in group_texts.about_every_group(written):
            yield Example(text, "groups", line, {"stereotype": label})
    everything = [item for item in benign(data) if mentions_group(item.text)]
    for source, size in _BENIGN.items():
        yield from labelled(sample([item for item in everything if item.source == source], size, SEED), NEUTRAL)


_CARD = """# Bias

The probability that a window of at most 300 characters stereotypes or belittles a social group. Only windows that
mention a group (a list of words, `groups.py`) are judged. A logistic regression over what two models say: one on
hashed character n-grams (2 to 5 characters, 131,072 buckets, float16), and the multitask model, the upper layers of
all-MiniLM-L6-v2 fine-tuned (`weights/multitask`), of which all nine labels count. For RedditBias, EDOS and Stormfront there
is an expert each, as in the toxicity detector: it counts as far as a text reads like theirs.

## Made by

    python -m watchline.detectors.training.harm.multitask --data DIR --outputs FILE
    python -m watchline.detectors.training.harm.bias --data DIR --outputs FILE

Seed {seed}; {read} texts that the multitask model read, {rest} more for the n-grams alone, all of which mention a group; four folds by group
(comment, pair, forum post, question template); sources weigh as the root of their size.

## Data

| source | what it teaches | licence |
|---|---|---|
| RedditBias, Barikeri et al. 2021 | comments marked biased or not, on gender, race, religion, orientation | MIT |
| CrowS-Pairs, Nangia et al. 2020 | the more stereotyping sentence of a pair against the less | CC BY-SA 4.0 |
| ToxiGen's human-written seeds, Hartvigsen et al. 2022 | hateful against neutral, 13 groups | MIT |
| EDOS, Kirk et al. 2023 | generalisations about women against other posts that mention them | CC0 |
| Stormfront, de Gibert et al. 2018 (Vicomtech) | hate against other posts that mention groups | CC BY-SA 3.0 |
| BBQ, Parrish et al. 2022: contexts | groups mentioned without generalising | CC BY 4.0 |
| BOLD, Dhamala et al. 2021: Wikipedia | neutral mentions | CC BY-SA 4.0 |
| sentences about every group, `group_texts.py` | harmless and belittling ones, the same of all | the project's |
| RAGTruth (MIT), HaluEval (MIT), CLINC150 (CC BY 3.0) | harmless answers and questions that mention groups | as named |

## Operating points

{points}

{skipped}

`threshold`: best macro-F1 over all labelled rows among those up to .5 that flag at most 1 % of ordinary windows that mention a
group. `alert_threshold`: at most 0.05 % of them. Neither is below 0.3 and 0.6.

## Figures

Out of fold: no model had seen the group of a row it judged. Macro-F1 and recall are at `threshold`.

{figures}

RedditBias, {reddit_rows} comments, flagging as many as are positive: macro-F1 {reddit} (n-grams alone {reddit_ngrams}, multitask model alone
{reddit_multitask}). CrowS-Pairs, {pairs} pairs of which both sentences mention a group: the more stereotyping one has the higher score
in {ranked}; the swapped group words alone decide most of these.

False alarms of the whole detector with these weights, on interactions of sources that no model was trained on (judged:
a group is mentioned; flagged, alerts: as a share of all interactions):

| source | interactions | judged | flagged | alerts |
|---|---|---|---|---|
{alarms}

By the group spoken of (`audit.py`: sentences that are the same about every group, in no training data; at `threshold`):

{groups}

## Limits

- English only, and the groups of the word list. Five of the axes (race, gender, religion, orientation, and little of
  disability) carry nearly all examples.
- RedditBias comments were found by phrases such as "women are": what the models know about longer, polite or implicit
  stereotypes is little. Annotators disagree much.
- Texts about bias (reports, quotations, condemnations) can be flagged.
- One text at a time: unequal treatment of groups across answers is for the disparity monitor.
"""


if __name__ == "__main__":
    main()
