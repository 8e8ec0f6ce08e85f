"""The locks: every requirement of pyproject.toml is in them within its range, every file by its hash, and all agree."""

from __future__ import annotations

import re
import runpy
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / ".ci" / "lock.py"))
LOCKS: Path = SCRIPT["LOCKS"]
EXTRAS: Mapping[str, tuple[str, ...]] = SCRIPT["EXTRAS"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = [name.rsplit(" ")[-1] for name in PROJECT["project"]["classifiers"] if re.search(r":: 3\.\d+$", name)]
FILES = [*EXTRAS, "torch-cpu", "torch-cuda"]


def entries(lock: str) -> list[Requirement]:
    """What a lock names."""
    texts = SCRIPT["entries"]((LOCKS / f"{lock}.txt").read_text(encoding="utf-8"))
    return [Requirement(text.partition("\\")[0]) for text in texts]


def versions(lock: str, python: str = PYTHONS[0]) -> dict[str, str]:
    """The version of each package on Linux."""
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    found = [each for each in entries(lock) if each.marker is None or each.marker.evaluate(here)]
    assert len({canonicalize_name(each.name) for each in found}) == len(found), "a package has two versions"
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in found}


def required(extra: str) -> Iterator[Requirement]:
    """The project's requirements with an extra, and those of the extras of its own that it names."""
    own = PROJECT["project"]["optional-dependencies"]
    for text in (*PROJECT["project"]["dependencies"], *own[extra], *PROJECT["build-system"]["requires"]):
        requirement = Requirement(text)
        if requirement.name != "watchline":
            yield requirement
        for inner in requirement.extras if requirement.name == "watchline" else ():
            yield from required(inner)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", EXTRAS)
def test_what_the_project_requires_is_in_the_lock_within_its_range(lock: str, python: str) -> None:
    locked = versions(lock, python) | versions("torch-cuda", python)
    for extra in EXTRAS[lock]:
        for requirement in required(extra):
            version = locked.get(canonicalize_name(requirement.name), "none")
            assert requirement.specifier.contains(version), f"{requirement}, locked: {version}; `make lock`"


@pytest.mark.parametrize("lock", FILES)
def test_every_entry_is_one_version_with_hashes(lock: str) -> None:
    text = (LOCKS / f"{lock}.txt").read_text(encoding="utf-8")
    for entry in SCRIPT["entries"](text):
        assert re.fullmatch(r"[\w.-]+==[\w.!+]+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n", entry), entry
    assert "://" not in text


@pytest.mark.parametrize("lock", [name for name in EXTRAS if name != "dev"])
def test_the_locks_agree(lock: str) -> None:
    for python in PYTHONS:
        every = versions("dev", python)
        assert versions(lock, python).items() <= every.items()


def test_both_builds_of_pytorch_are_locked_by_themselves_in_one_version() -> None:
    cuda = versions("torch-cuda")
    assert versions("torch-cpu") == {"torch": cuda["torch"] + "+cpu"}
    assert {"nvidia-cublas", "triton"} < set(cuda)
    assert all(name.startswith(SCRIPT["OF_TORCH"]) for name in cuda)
    for lock in EXTRAS:
        assert not any(name.startswith(SCRIPT["OF_TORCH"]) for name in versions(lock))


@pytest.mark.parametrize(("found", "locks"), [(0, ["worker", "torch-cpu"]), (1, ["worker", "torch-cpu", "torch-cuda"])])
def test_the_installer_takes_files_by_their_hash_and_builds_none(found: int, locks: list[str], tmp_path: Path) -> None:
    """With a stand-in for Python that writes down what it is asked, and finds a CPU build of PyTorch or not."""
    python, asked = tmp_path / "python", tmp_path / "asked"
    python.write_text(f'#!/bin/sh\necho "$*" >> {asked}\ncase $* in *torch-cpu.txt) exit {found} ;; esac\n')
    python.chmod(0o755)
    subprocess.run([ROOT / ".ci" / "install", python, "worker", ".", "./detectors/weights"], check=True)
    *locked, projects = asked.read_text(encoding="utf-8").splitlines()
    assert [re.findall(r"([\w-]+)\.txt$", line)[0] for line in locked] == locks
    assert all("--no-deps --require-hashes --only-binary :all: -r " in line for line in locked)
    assert projects.endswith("--no-deps --no-build-isolation . ./detectors/weights")
