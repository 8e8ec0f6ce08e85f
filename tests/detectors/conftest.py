"""What the detectors' tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from watchline.detectors.runtime.encoder import Encoder


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """On the CPU, its caches empty at the start of a file."""
    from watchline.detectors.runtime.encoder import Encoder  # loads torch, which quick tests do without

    return Encoder("cpu")
