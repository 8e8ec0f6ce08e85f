"""What groundedness learns from: its form, and that neither a sentence alone nor its words give it away."""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from watchline.detectors.runtime.words import words
from watchline.detectors.training.grounding.cross_encoder import WRITTEN, Pairs, _batches, written

pytestmark = pytest.mark.slow


@cache
def documents() -> list[Any]:
    return [
        json.loads(line) for file in sorted(WRITTEN.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()
    ]


def test_every_document_has_pairs_that_differ() -> None:
    kinds = Counter(kind for row in documents() for kind, _, _ in row["claims"])
    assert len(documents()) >= 1000 and min(kinds.values()) >= 30
    assert all(right.strip() != wrong.strip() for row in documents() for _, right, wrong in row["claims"])
    assert len({row["document"] for row in documents()}) == len(documents())


def test_a_sentence_alone_does_not_say_whether_it_is_right() -> None:
    texts, labels, groups = [], [], []
    for number, row in enumerate(documents()):
        for _, right, wrong in row["claims"]:
            texts += [right, wrong]
            labels += [0, 1]
            groups += [number, number]
    counted = CountVectorizer(ngram_range=(1, 2), min_df=3).fit_transform(texts)
    folds = GroupKFold(5).split(counted, groups=groups)
    model = LogisticRegression(C=0.1, max_iter=300)
    odds = cross_val_predict(model, counted, labels, cv=list(folds), method="decision_function")
    assert roc_auc_score(labels, odds) <= 0.6


def test_overlap_of_words_does_not_say_so_either() -> None:
    labels, overlaps = [], []
    for row in documents():
        known = frozenset(words(row["document"]).content)
        for _, right, wrong in row["claims"]:
            for label, text in enumerate((right, wrong)):
                content = words(text).content
                labels.append(label)
                overlaps.append(np.mean([stem in known for stem in content]) if content else 0.0)
    auroc = roc_auc_score(labels, overlaps)
    assert max(auroc, 1 - auroc) <= 0.55


def test_a_pair_stays_in_one_step_the_right_sentence_first() -> None:
    groups = list(written(Pairs()))[:300]
    batches = _batches(groups, random.Random(1))
    assert sorted(id(group) for batch in batches for group in batch) == sorted(map(id, groups))
    assert all(right.label == 0 and wrong.label != 0 for right, wrong in groups)
    assert all(item.marks is None or item.first + len(item.marks) < len(item.ids) for g in groups for item in g)
