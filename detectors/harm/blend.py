"""Probability of each label for a short text: character n-grams and the multitask model, weighed against each other.

One linear model a label reads the n-grams; a second, whose features are the n-gram scores of all labels and the
log-odds of the multitask model, learns on rows that neither had seen how far to trust which, which calibrates the
result as well (stacking, Wolpert 1992; Platt 1999). Where people write in another register (tweets, forums), annotators
have drawn the line elsewhere: an expert learns it from their texts alone, and counts as far as the text reads like
theirs (mixture of experts, Jacobs et al. 1991). What the n-grams find clearly harmless the multitask model needn't read
(a cascade, Viola and Jones 2001).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from watchline.detectors.declarations import BIAS, INJECTION, TOXICITY
from watchline.detectors.harm.ngrams import row
from watchline.detectors.runtime.calibration import Logistic

Numbers = NDArray[np.float64]

# What the multitask model says of a text, in this order: log-odds of the labels, those of the experts
# (label@register), and the logits of the registers. Registers but the last are sources of what people write to each
# other.
LABELS = (*TOXICITY.labels, *BIAS.labels, *INJECTION.labels)
EXPERTS = (
    "hate@davidson",
    "insult@davidson",
    "violence@edos",
    "sexism@edos",
    "stereotype@edos",
    "hate@hatemoji",
    "violence@hatemoji",
    "sexism@hatemoji",
    "hate@stormfront",
    "stereotype@stormfront",
    "insult@toxic_spans",
    "stereotype@redditbias",
)
REGISTERS = ("davidson", "edos", "hatemoji", "stormfront", "toxic_spans", "redditbias", "other")
OUTPUTS = len(LABELS) + len(EXPERTS) + len(REGISTERS)


def experts(label: str) -> Mapping[str, str]:
    """The experts of a label, by register.

    Examples
    --------
    >>> experts("hate")["stormfront"]
    'hate@stormfront'
    """
    return {expert.split("@")[1]: expert for expert in EXPERTS if expert.split("@")[0] == label}


def models(labels: Sequence[str]) -> list[str]:
    """The names of what there is a model of: the labels first, then their experts."""
    return [*labels, *(expert for label in labels for expert in experts(label).values())]


class Blend:
    """The models of some labels, from one safetensors file.

    Tensors of a label, and of an expert: `NAME.ngrams` (BUCKETS,) float16, and a `Logistic` of the prefix `NAME.`,
    whose features are those of `features`. `clear.below` (1,) and `clear.outputs` (OUTPUTS,): see the attributes.

    Parameters
    ----------
    path
        The file.
    labels
        Of `LABELS`, in the order of the columns that `probabilities` is to give.

    Attributes
    ----------
    clear_below : float
        The suspicion (log-odds) below which the multitask model needn't read a text.
    clear_outputs : (OUTPUTS,) array of float32
        What the multitask model says of such texts on average.

    Raises
    ------
    FileNotFoundError
    KeyError
        The file lacks a tensor of a label or of one of its experts.
    """

    def __init__(self, path: Path, labels: Sequence[str]) -> None:
        tensors = load_file(path)
        self._labels = labels
        names = models(labels)
        self._ngrams = np.stack([tensors[f"{name}.ngrams"] for name in names]).astype(np.float32)
        self._judges = {name: Logistic.load(tensors, f"{name}.") for name in names}
        self.clear_below = float(tensors["clear.below"][0])
        self.clear_outputs: NDArray[np.float32] = tensors["clear.outputs"]

    def ngram_scores(self, text: str) -> Numbers:
        """What the n-grams alone say of a text: (models,), the labels first, then the experts.

        Cheap, and enough to choose which texts the multitask model reads.
        """
        return row(text).dot(self._ngrams)

    def probabilities(self, ngram_scores: Numbers, outputs: NDArray[np.floating]) -> Numbers:
        """Calibrated probabilities of n texts.

        Parameters
        ----------
        ngram_scores : (n, models)
            A row of `ngram_scores` for each.
        outputs : (n, OUTPUTS)
            Log-odds and logits of the multitask model, not calibrated.

        Returns
        -------
        (n, labels) array of float64
        """
        general, special = (features(ngram_scores, outputs, self._labels, is_expert) for is_expert in (False, True))
        chances = {name: judge.probability(special if "@" in name else general) for name, judge in self._judges.items()}
        likely = registers(outputs)
        return np.stack([mixed(label, chances, likely) for label in self._labels], axis=1)

    def suspicion(self, ngram_scores: Numbers) -> Numbers:
        """How suspicious n texts look by their n-grams: the highest log-odds of any label.

        Parameters
        ----------
        ngram_scores : (n, models)

        Returns
        -------
        (n,) array of float64
            Were what the multitask model says of them average.
        """
        return suspicion([self._judges[label] for label in self._labels], ngram_scores)


def suspicion(judges: Sequence[Logistic], ngram_scores: Numbers) -> Numbers:
    """The highest log-odds that any label's model gives where the multitask model gives its average: (n,)."""
    average = np.tile(judges[0].mean[len(judges) :], (len(ngram_scores), 1))
    inputs = np.concatenate([ngram_scores[:, : len(judges)], average], axis=1)
    return np.asarray(np.max([judge.log_odds(inputs) for judge in judges], axis=0), dtype=np.float64)


def features(ngram_scores: Numbers, outputs: NDArray[np.floating], labels: Sequence[str], expert: bool) -> Numbers:
    """The features of a second model: scores and log-odds of the labels; for an expert those of the experts as well."""
    scores = ngram_scores if expert else ngram_scores[:, : len(labels)]
    log_odds = outputs[:, : len(LABELS) + (len(EXPERTS) if expert else 0)]
    return np.concatenate([scores, log_odds], axis=1, dtype=np.float64)


def registers(outputs: NDArray[np.floating]) -> Numbers:
    """How likely each text is of each register, by the multitask model's (n, OUTPUTS): (n, REGISTERS)."""
    logits = outputs[:, len(LABELS) + len(EXPERTS) :].astype(np.float64)
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Numbers = likely / likely.sum(axis=1, keepdims=True)
    return probabilities


def mixed(label: str, chances: Mapping[str, Numbers], likely: Numbers) -> Numbers:
    """A label's probability, from what its own model and its experts say.

    Each expert counts as far as the text is likely to be of its register, the label's own model for all the rest.

    Parameters
    ----------
    chances
        By the names of `models`: (n,) each.
    likely : (n, REGISTERS)
        Of `registers`.

    Returns
    -------
    (n,) array of float64
    """
    total = chances[label].copy()
    for register, expert in experts(label).items():
        total += likely[:, REGISTERS.index(register)] * (chances[expert] - chances[label])
    return total
