"""Writes the locks in `.ci/locks`: each package with version and hashes of its files, for all Pythons and systems.

`make lock` keeps the versions that are there, as far as pyproject.toml allows; `make lock UPGRADE=--upgrade` takes the
newest. There is a lock for each way to install, without PyTorch; `torch-cuda.txt` has PyPI's build of it with what that
needs on Linux, `torch-cpu.txt` the CPU build, which is not on PyPI. Of that one give the wheels once for each version,
to have their hashes taken (`make lock TORCH_CPU="FILE ..."`): those of the version that is there are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / ".ci" / "locks"
# The extras of pyproject.toml in each; the first has all, and the others agree with it.
EXTRAS = {"dev": ("dev",), "embedded": ("embedded",), "worker": ("worker", "registry")}
HEAD = "# Made by `make lock`. Each file that is installed must have one of its package's hashes.\n"
OF_TORCH = ("cuda-", "nvidia-", "torch", "triton")
HASH = re.compile(r"--hash=sha256:([0-9a-f]+)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    parser.add_argument("--torch-cpu", nargs="*", type=Path, default=[], help="wheels of PyTorch's CPU build")
    args = parser.parse_args(arguments)
    before = {path.stem: entries(path.read_text(encoding="utf-8")) for path in LOCKS.glob("*.txt")}
    # uv takes the versions that are in its output file already.
    write("dev", [*before.get("dev", []), *before.get("torch-cuda", [])])
    torch: set[str] = set()
    for name, extras in EXTRAS.items():
        resolved = set(entries(_compile(name, extras, upgrade=args.upgrade)))
        of_torch = {text for text in resolved if name_of(text).startswith(OF_TORCH)}
        write(name, resolved - of_torch)
        torch |= of_torch
    write("torch-cuda", torch)
    (version,) = {text.split(" ")[0] for text in torch if name_of(text) == "torch"}
    hashes = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in args.torch_cpu]
    write("torch-cpu", cpu_build(version, hashes, before.get("torch-cpu", [])))
    return 0


def entries(lock: str) -> list[str]:
    """The packages of a lock, each with its hashes.

    Examples
    --------
    >>> entries("a==1 \\\n    --hash=sha256:0\nb==2\n")
    ['a==1 \\\n    --hash=sha256:0\n', 'b==2\n']
    """
    return re.findall(r"^[A-Za-z0-9].*?(?=^[A-Za-z0-9#]|\Z)", lock, re.M | re.S)


def name_of(entry: str) -> str:
    """The package's name."""
    return entry.partition("==")[0].lower()


def cpu_build(requirement: str, hashes: Iterable[str], before: Iterable[str]) -> list[str]:
    """The lock of the CPU build: the hashes given, and those that it had where its version is the same.

    Examples
    --------
    >>> cpu_build("torch==2", ["b"], ["torch==2+cpu \\\n    --hash=sha256:a\n"])
    ['torch==2+cpu \\\n    --hash=sha256:a \\\n    --hash=sha256:b\n']
    >>> cpu_build("torch==3", [], ["torch==2+cpu \\\n    --hash=sha256:a\n"])
    []
    """
    kept = [each for text in before if text.startswith(f"{requirement}+cpu ") for each in HASH.findall(text)]
    every = [f"--hash=sha256:{each}" for each in sorted({*hashes, *kept})]
    return [" \\\n    ".join([f"{requirement}+cpu", *every]) + "\n"] if every else []


def write(name: str, packages: Iterable[str]) -> None:
    """Writes a lock."""
    (LOCKS / f"{name}.txt").write_text(HEAD + "".join(sorted(packages, key=name_of)), encoding="utf-8")


def _compile(name: str, extras: Iterable[str], *, upgrade: bool) -> str:
    """What uv resolves."""
    path = LOCKS / f"{name}.txt"
    command = ["pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11", "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--quiet", "--output-file", str(path)]
    command += [option for extra in extras for option in ("--extra", extra)]
    if name != "dev":
        command += ["--constraint", str(LOCKS / "dev.txt")]
    elif upgrade:
        command += ["--upgrade"]
    subprocess.run([sys.executable, "-m", "uv", *command], cwd=ROOT, check=True)  # noqa: S603
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
