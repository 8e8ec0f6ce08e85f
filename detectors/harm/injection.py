"""Orders to the model where none belong: a user's against the app's instructions, or planted in documents."""

from __future__ import annotations

from collections.abc import Iterator

from watchline.detectors.declarations import INJECTION
from watchline.detectors.grounding.evidence import units
from watchline.detectors.harm.windowed import WINDOW, TextField, WindowedDetector
from watchline.detectors.runtime.text import sentences, windows
from watchline.schemas.properties import TOOL_ROLES
from watchline.schemas.records import Interaction


class Injection(WindowedDetector):
    """Two probabilities: injection, in the user's last message; indirect_injection, in documents and tool results.

    A document is read sentence by sentence, since an attack is short and a window would dilute it; the stretches are
    those that groundedness embeds, so that they cost nothing more. A detector sees the words, not whether the model
    obeyed. Direct attacks and look-alikes were written for the project; indirect ones are BIPIA's (Yi et al. 2023) and
    the project's, put into ordinary documents: see the model card.
    """

    name, labels = INJECTION.name, INJECTION.labels
    VERSION = "2"
    max_windows = 40

    def text_fields(self, interaction: Interaction) -> Iterator[TextField]:
        messages = interaction.input_messages
        asked = interaction.asked
        if asked is not None:
            yield TextField(f"input:{asked}", messages[asked].content, self.labels[:1])
        planted = [
            (f"input:{index}", message.content) for index, message in enumerate(messages) if message.role in TOOL_ROLES
        ]
        planted += [(f"document:{index}", document.content) for index, document in enumerate(interaction.documents)]
        planted += [
            (f"tool_call_result:{index}", call.result or "") for index, call in enumerate(interaction.tool_calls)
        ]
        yield from (TextField(field, text, self.labels[1:]) for field, text in planted)

    def cut(self, text_field: TextField, plain: str) -> list[tuple[int, int]]:
        return windows(plain, WINDOW) if text_field.labels == self.labels[:1] else passages(plain)


def passages(text: str) -> list[tuple[int, int]]:
    """Start and end of the sentences of a document, short ones joined with the next."""
    return [(unit.start, unit.end) for unit in units("", text, sentences(text))]
