"""Where prompts are written: a folder of a git repository, or an export of Langfuse or of PromptLayer.

Each gives the newest content of each name, with a number that grows there, so that the log can refuse an older one.
What they say of who gets which version (labels, deployments) is left aside: the log alone says that.
"""

from __future__ import annotations

import json
import string
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.governance.prompts.content import canonical
from watchline.streams.governance.verifier import canonical as canonical_json

SUFFIXES = (".md", ".txt")
_FILE_MODES = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class Written:
    """A content as it stands in a source, under its name there, and the details of an act that drafts it."""

    name: str
    content: str
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def revision(self) -> int:
        """The number that grows in the source."""
        return int(self.details["revision"])


def git(folder: Path) -> list[Written]:
    """The files `NAME.md` and `NAME.txt` of a folder, as its last commit has them; README aside.

    What isn't committed is not there, and a checkout's line ends make no difference. A name is the path in the folder,
    without the suffix. The revision is how many commits lead to this one.

    Raises ConfigurationError where it is no git repository with its whole history, or a file is none that can be read.
    """

    def run(*arguments: str) -> bytes:
        try:
            command = ["git", "-C", str(folder), *arguments]
            return subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 - no shell
        except FileNotFoundError:
            raise ConfigurationError("git is not installed") from None
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ConfigurationError(f"git can't read {folder}: {said[-1] if said else 'it says nothing'}") from None

    if run("rev-parse", "--is-shallow-repository").strip() == b"true":
        raise ConfigurationError(f"{folder} lacks the history before some commit: `git fetch --unshallow` brings it")
    commit = run("rev-parse", "HEAD").decode().strip()
    details = {"source": "git", "commit": commit, "revision": run("rev-list", "--count", commit).decode().strip()}
    found: dict[str, Written] = {}
    for line in run("ls-tree", "-r", "-z", commit).split(b"\0"):
        described, _, raw_path = line.partition(b"\t")
        path = PurePosixPath(raw_path.decode("utf-8", "replace"))
        if path.suffix not in SUFFIXES or path.stem == "README" or described.split()[0].decode() not in _FILE_MODES:
            continue
        name = str(path.with_suffix(""))
        if name in found:
            raise ConfigurationError(f"{folder} has two files of the name {name}: of {', '.join(SUFFIXES)} keep one")
        blob = run("cat-file", "blob", described.split()[2].decode())
        found[name] = Written(name, _readable(blob, f"{folder}/{path}"), details)
    return [*found.values()]


def langfuse(file: Path) -> list[Written]:
    """The prompts of an export: what Langfuse's API gives of each at /api/public/v2/prompts/NAME, in one file.

    One object, an array, one a line, or under `data`. The list without a name (/api/public/v2/prompts) has no texts.
    A chat is its messages as canonical JSON. Raises ConfigurationError.
    """

    def one(prompt: Mapping[str, Any]) -> Written:
        if "prompt" not in prompt:
            raise ConfigurationError(
                f"{file}: prompt {prompt['name']} has no text: Langfuse's list has none; take each from "
                "/api/public/v2/prompts/NAME"
            )
        details = {"source": "langfuse", "revision": str(int(prompt["version"]))}
        return Written(str(prompt["name"]), _text(prompt["prompt"], f"{file}: {prompt['name']}"), details)

    return _newest(file, "data", one)


def promptlayer(file: Path) -> list[Written]:
    """The prompts of an export: what PromptLayer's API gives at /prompt-templates, or of each, in one file.

    A completion is its text, a chat its messages as canonical JSON. Variables written {so} become {{so}}.
    Raises ConfigurationError.
    """

    def one(prompt: Mapping[str, Any]) -> Written:
        name, template = str(prompt.get("prompt_name") or prompt["name"]), prompt["prompt_template"]
        where = f"{file}: {name}"
        variables = _of_f_string if template.get("template_format", "f-string") == "f-string" else str
        chat = template["type"] == "chat"
        parts = [
            {"content": variables(_joined(each["content"], where)), "role": str(each["role"])}
            for each in (template["messages"] if chat else [{"role": "", "content": template["content"]}])
        ]
        details = {"source": "promptlayer", "revision": str(int(prompt["version"]))}
        return Written(name, _text(parts if chat else parts[0]["content"], where), details)

    return _newest(file, "items", one)


SOURCES: Mapping[str, Callable[[Path], list[Written]]] = {"git": git, "langfuse": langfuse, "promptlayer": promptlayer}


def _newest(file: Path, under: str, one: Callable[[Mapping[str, Any]], Written]) -> list[Written]:
    """The newest of each name in a file of JSON."""
    found: dict[str, Written] = {}
    try:
        for each in _objects(file.read_text("utf-8-sig"), under):
            read = one(each)
            if read.name not in found or found[read.name].revision < read.revision:
                found[read.name] = read
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{file} is no such export: {type(error).__name__} {error}") from None
    if not found:
        raise ConfigurationError(f"{file} has no prompts")
    return [*found.values()]


def _objects(text: str, under: str) -> Iterator[Mapping[str, Any]]:
    try:
        read = json.loads(text)
    except ValueError:
        read = [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(read, dict):
        read = read.get(under, [read])
    yield from read


def _text(prompt: Any, where: str) -> str:
    content = prompt if isinstance(prompt, str) else canonical_json(prompt).decode()
    return _readable(content.encode(), where)


def _readable(raw: bytes, where: str) -> str:
    try:
        return canonical(raw)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _joined(content: str | Iterable[Mapping[str, Any]], where: str) -> str:
    """The text of a message, which has it in parts."""
    if isinstance(content, str):
        return content
    parts = [*content]
    if other := [each["type"] for each in parts if each["type"] != "text"]:
        raise ConfigurationError(f"{where}: a part of type {other[0]} is no text")
    return "".join(str(each["text"]) for each in parts)


def _of_f_string(text: str) -> str:
    """Variables {so} as {{so}}, and braces that are none as they are meant. Raises ValueError.

    >>> _of_f_string("Answer {question} as {{json}}")
    'Answer {{question}} as {json}'
    """
    found, variables = "", 0
    for literal, name, form, conversion in string.Formatter().parse(text):
        found += literal + ("" if name is None else "{{" + name + "}}")
        variables += name is not None
        if form or conversion or found.count("{{") != variables:
            raise ValueError(f"braces after {literal[-20:]!r} are no variable's name, or can't be told from one")
    return found
