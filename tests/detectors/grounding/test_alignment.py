import numpy as np
import pytest
import torch

from watchline.detectors.grounding.alignment import LOWER_LAYERS, MAX_AGAINST, Aligner
from watchline.detectors.runtime.encoder import LOWER_TOKENS, Encoder
from watchline.detectors.runtime.packing import Packer
from watchline.detectors.training.grounding.aligning import Item, States, accuracy, fit_aligner, judged

pytestmark = pytest.mark.slow

TEXTS = ("The shop opens at nine.", "It is closed on Sundays.", "Returns are free.", "word " * 300)


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    torch.manual_seed(3)
    return Aligner(3).eval()


def test_lower_layers_read_each_text_by_itself(encoder: Encoder) -> None:
    together = encoder.lower(TEXTS, LOWER_LAYERS)
    for text, among in zip(TEXTS, together, strict=True):
        (alone,) = encoder.lower([text], LOWER_LAYERS)
        assert alone.offsets == among.offsets
        assert torch.allclose(alone.states, among.states, atol=1e-4)
    assert [len(each.states) for each in together] == [len(each.offsets) for each in together]
    assert len(together[-1].states) == LOWER_TOKENS
    start, end = together[0].offsets[2]
    assert TEXTS[0][start:end] == "shop"


def test_lower_layers_are_those_of_the_embedding(encoder: Encoder) -> None:
    before = encoder.encode([TEXTS[0]])
    encoder.lower(TEXTS, LOWER_LAYERS)
    assert np.allclose(Encoder("cpu").encode([TEXTS[0]]), before, atol=1e-6)


def test_a_pair_is_judged_the_same_in_any_batch(encoder: Encoder, aligner: Aligner) -> None:
    shop, closed, returns, long = encoder.lower(TEXTS, LOWER_LAYERS)
    pairs = [(shop, [closed, returns]), (long, [shop]), (returns, [long, shop])]
    together = aligner.judge(pairs, Packer("cpu"))
    for pair, among in zip(pairs, together, strict=True):
        (alone,) = aligner.judge([pair], Packer("cpu"))
        assert np.allclose(alone.logits, among.logits, atol=1e-4)
        assert np.allclose(alone.tokens, among.tokens, atol=1e-4)
        assert len(among.tokens) == len(among.offsets) == len(pair[0].offsets)
    assert aligner.judge([], Packer("cpu")) == []


def test_what_does_not_fit_is_left_out_the_first_aside(encoder: Encoder, aligner: Aligner) -> None:
    shop, *_, long = encoder.lower(TEXTS, LOWER_LAYERS)
    many = [long] * (MAX_AGAINST // LOWER_TOKENS)
    full, more = aligner.judge([(shop, many), (shop, [*many, long])], Packer("cpu"))
    assert np.allclose(full.logits, more.logits, atol=1e-5)


def test_it_learns_what_overlap_of_words_cannot_tell(encoder: Encoder) -> None:
    """Who gave and who got: both sentences have the same words."""
    names = ["France", "Spain", "Italy", "Norway", "Chile", "Kenya", "Japan", "Peru", "Cuba", "Egypt"]
    pairs = [(a, b) for a in names for b in names if a != b]
    items = [
        Item(f"{x} sold wheat to {y}.", (f"{a} sold wheat to {b}.",), int(x != a), () if x == a else ((0, len(x)),))
        for a, b in pairs
        for x, y in ((a, b), (b, a))
    ]
    seen, unseen = items[:-40], items[-40:]
    states = States(encoder, (text for item in items for text in (item.text, *item.against)))
    torch.manual_seed(1)
    model = fit_aligner(Aligner(2), seen, states, epochs=40, rate=1e-3, seed=1)
    assert accuracy(judged(model, unseen, states), unseen) > 0.9
