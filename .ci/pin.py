"""`make pin`: fixes every image to the digest that its tag has now, as the registry says; nothing is guessed.

Asks `docker buildx imagetools inspect`, which needs Docker's client and the network. Where one image can't be looked up
nothing is written at all.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = (ROOT / "docker-compose.yml", ROOT / "streams" / "Dockerfile", ROOT / "dashboards" / "Dockerfile")
# NAME:TAG, with the digest of an earlier time; images that are built here have the tag `local`.
IMAGE = re.compile(
    r"^(?P<before>\s*(?:image:|FROM) )(?P<image>[\w./-]+:(?!local\b)[\w.-]+)(?:@sha256:[0-9a-f]{64})?", re.M
)
TIMEOUT_S = 60


def main(files: Sequence[Path] = FILES) -> int:
    """Looks all up, then writes; returns the exit code."""
    try:
        texts = {path: path.read_text(encoding="utf-8") for path in files}
        images = sorted({found["image"] for text in texts.values() for found in IMAGE.finditer(text)})
        digests = {image: digest(image) for image in images}
    except LookupError as error:
        print(f"make pin: {error}; nothing is written", file=sys.stderr)
        return 1
    for path, text in texts.items():
        path.write_text(pinned(text, digests.__getitem__), encoding="utf-8")
    for image, found in digests.items():
        print(f"{image}@{found}")
    return 0


def pinned(text: str, digest_of: Callable[[str], str]) -> str:
    """The text with each image's digest behind its tag."""
    return IMAGE.sub(lambda found: f"{found['before']}{found['image']}@{digest_of(found['image'])}", text)


def digest(image: str) -> str:
    """The digest of an image's index, for every architecture. Raises LookupError, with Docker's own words."""
    docker = shutil.which("docker")
    if docker is None:
        raise LookupError("Docker's client is not here; run it where `docker buildx` is")
    command = [docker, "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise LookupError(f"{image}: no answer in {TIMEOUT_S} s") from None
    found = done.stdout.strip()
    if done.returncode or not re.fullmatch(r"sha256:[0-9a-f]{64}", found):
        raise LookupError(f"{image}: {(done.stderr.strip() or found or 'no digest').splitlines()[0]}")
    return found


if __name__ == "__main__":
    sys.exit(main())
