"""The encoder and the detectors on CUDA give the CPU's results within the tolerance of bf16."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from watchline.detectors.runtime.encoder import Encoder

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
]

TEXTS = [f"Sentence number {index} is about {'many ' * (index % 40)}things." for index in range(3000)]


def test_cuda_gives_the_vectors_of_the_cpu() -> None:
    cpu = Encoder("cpu", cache_bytes=0).encode(TEXTS[:200])
    cuda = Encoder("cuda", cache_bytes=0).encode(TEXTS[:200])
    np.testing.assert_allclose(cuda, cpu, atol=2e-2)
    assert ((cuda * cpu).sum(1) > 0.999).all()


def test_batches_and_single_calls_agree_on_cuda() -> None:
    encoder = Encoder("cuda", cache_bytes=0)
    batch = encoder.encode(TEXTS)
    single = np.concatenate([encoder.encode([text]) for text in TEXTS[:50]])
    np.testing.assert_allclose(single, batch[:50], atol=2e-2)


def test_cuda_is_the_default_where_there_is_one() -> None:
    assert Encoder().device == "cuda"
