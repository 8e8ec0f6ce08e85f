"""A prompt as an app gets it: its text, and what an event says of it."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass

from watchline.schemas.errors import WatchlineError
from watchline.schemas.records import PromptRelease, PromptVariant

AGE = "watchline.prompt.age_s"  # the attribute of an event whose prompt was stale

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")


class PromptError(WatchlineError):
    """There is no prompt of this name that the app may use now, or it can't be filled in; never quotes a value.

    Examples
    --------
    >>> Prompt.default("answer", "Answer {{question}}").fill()
    Traceback (most recent call last):
    ...
    watchline.streams.producer.prompt.PromptError: question: prompt answer has this variable, and it was not given
    """


@dataclass(frozen=True, slots=True)
class Prompt:
    """A version of a prompt, as it was when it was asked for. Given to `emit` as `prompt`, the event names it.

    Parameters
    ----------
    name : str
        As the app asked for it.
    content : str
        With `{{name}}` where a variable goes.
    variables : tuple of str
        Their names.
    version : str
        Empty for the app's own default.
    content_hash : str
        SHA-256 of the content in UTF-8, in hexadecimal digits.
    age_s : float
        Seconds since Kafka last said that it is the one in force; infinite for the app's own default.
    stale : bool
        Whether that is longer than the app allowed. An event then has it as the attribute `watchline.prompt.age_s`.

    Examples
    --------
    >>> Prompt.default("answer", "Answer in {{language}}.").variables
    ('language',)
    """

    name: str
    content: str
    variables: tuple[str, ...]
    version: str
    content_hash: str
    age_s: float = 0.0
    stale: bool = False

    @classmethod
    def default(cls, name: str, content: str) -> Prompt:
        """The app's own, for when there is none that was promoted."""
        variables = tuple(sorted({each.strip() for each in _PLACEHOLDER.findall(content) if each.strip()}))
        return cls(name, content, variables, "", hash_of(content), math.inf, stale=True)

    def fill(self, /, **values: str) -> str:
        """The content with a value in the place of each variable, as it is: nothing in a value is read or changed.

        Raises
        ------
        PromptError
            One is missing, is none of the variables, or is no text.

        Examples
        --------
        >>> prompt = Prompt.default("answer", "Answer in {{language}}: {{question}}")
        >>> prompt.fill(language="{{question}}", question="a & b")
        'Answer in {{question}}: a & b'
        """
        for name in {*self.variables} | {*values}:
            if name not in values:
                raise PromptError(f"{name}: prompt {self.name} has this variable, and it was not given")
            if name not in self.variables:
                known = ", ".join(self.variables) or "none"
                raise PromptError(f"{name}: prompt {self.name} has no such variable; it has {known}")
            if not isinstance(values[name], str):
                raise PromptError(f"{name}: must be text, and is a {type(values[name]).__name__}")
        return _PLACEHOLDER.sub(lambda found: values.get(found[1].strip(), found[0]), self.content)


def hash_of(content: str) -> str:
    """The SHA-256 of a content, by which an approval and an interaction name it."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def variant(release: PromptRelease, conversation_id: str | None) -> PromptRelease | PromptVariant:
    """Which version a conversation gets: always the same one, until the share shrinks or the salt changes."""
    canary = release.canary
    if canary is None or conversation_id is None:
        return release
    digest = hashlib.sha256(f"{canary.salt}\0{conversation_id}".encode("utf-8", "surrogatepass")).digest()
    return canary if int.from_bytes(digest[:8], "big") * 100 < canary.share * 2**64 else release
