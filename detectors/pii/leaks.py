"""Whether personal data in an answer is a leak or an echo: whether the person, or their conversation, had named it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watchline.detectors.pii.entities import LEFT_IN_PLACE
from watchline.schemas.records import Evidence, Interaction, Span

LABEL = "LEAK"  # of the finding's scores; no span has it
_NOT_SAID = frozenset(["system", "developer", "tool", "function"])  # roles of messages that the person has no part in


def origins(
    interaction: Interaction, texts: Mapping[str, str], spans: Sequence[Span]
) -> tuple[float, tuple[Evidence, ...]]:
    """The score of the surest leak, 0 where there is none, and for each span of an answer where else its value stands.

    A value that stands in a message of the user or in an earlier answer is an echo. Any other is a leak: from a
    document, a tool's result or a system prompt, if it stands there, else out of the model.

    Parameters
    ----------
    interaction
        Its messages' roles are read.
    texts
        By field, as `schemas.texts.texts` names them. Where they are redacted, equal placeholders are equal values.
    spans
        All of the interaction's.

    Examples
    --------
    >>> from watchline.schemas.records import Message
    >>> asked, answered = Message("user", "I am [PERSON_1]."), Message("assistant", "[PERSON_1], ask [PERSON_2].")
    >>> event = Interaction(event_id="1", time=0, app="a", input_messages=(asked,), output_messages=(answered,))
    >>> fields = {"input:0": asked.content, "output:0": answered.content}
    >>> places = [("input:0", 5, 15, 0.9), ("output:0", 0, 10, 0.9), ("output:0", 16, 26, 0.7)]
    >>> origins(event, fields, [Span(field, start, end, "PERSON", score) for field, start, end, score in places])
    (0.7, (Evidence(span=1, field='input:0', start=5, end=15, score=1.0),))
    """
    said, elsewhere = dict[str, Span](), dict[str, Span]()
    for span in spans:
        kind, _, number = span.field.partition(":")
        if kind != "output":
            heard = kind == "input" and interaction.input_messages[int(number)].role.lower() not in _NOT_SAID
            (said if heard else elsewhere).setdefault(_value(texts, span), span)
    leak, evidence = 0.0, []
    for index, span in enumerate(spans):
        if span.field.startswith("output:") and span.label not in LEFT_IN_PLACE:
            value = _value(texts, span)
            if origin := said.get(value) or elsewhere.get(value):
                evidence.append(Evidence(index, origin.field, origin.start, origin.end, 1.0))
            if value not in said:
                leak = max(leak, span.score)
    return leak, tuple(evidence)


def _value(texts: Mapping[str, str], span: Span) -> str:
    return texts[span.field][span.start : span.end].casefold()
