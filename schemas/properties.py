"""Properties that records have beside their fields: base classes of the generated ones, named after their record."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchline.schemas.records import Message, ToolCall


TOOL_ROLES = ("tool", "function")  # of messages with what a tool gave
TOOL_CALL = "tool_call"  # as a finish reason: the model waits for what a tool gives
_TOOL_CALLS = frozenset((TOOL_CALL, "tool_calls", "tool_use", "function_call"))
# Of OpenAI, Anthropic, Gemini, Bedrock and Cohere.
_WITHHELD = frozenset(
    (
        *("content_filter", "refusal", "safety", "prohibited_content", "blocklist", "spii", "recitation"),
        *("image_safety", "guardrail_intervened", "content_filtered", "error_toxic"),
    )
)


def is_tool_call(finish_reason: str) -> bool:
    """Whether a provider's finish reason says that the model waits for a tool.

    Examples
    --------
    >>> is_tool_call("tool_use"), is_tool_call("tool-calls"), is_tool_call("stop")
    (True, True, False)
    """
    return finish_reason.lower().replace("-", "_") in _TOOL_CALLS


def is_withheld(finish_reason: str) -> bool:
    """Whether a provider's finish reason says that there is no answer, or only part of one, for what it would say.

    Examples
    --------
    >>> is_withheld("content-filter"), is_withheld("SAFETY"), is_withheld("length")
    (True, True, False)
    """
    return finish_reason.lower().replace("-", "_") in _WITHHELD


class InteractionProperties:
    """Properties of an Interaction.

    Examples
    --------
    >>> from watchline.schemas.records import Interaction, Message
    >>> interaction = Interaction(
    ...     event_id="e-1",
    ...     time=1_700_000_000_000_000,
    ...     app="shop",
    ...     request_model="small",
    ...     input_messages=(Message("user", "Is it in stock?"), Message("assistant", "Which one?")),
    ...     output_messages=(Message("assistant", "Yes."), Message("assistant", "Two are left.")),
    ... )
    >>> interaction.model, interaction.input, interaction.output
    ('small', 'Is it in stock?', 'Yes.\\nTwo are left.')
    >>> interaction.is_step
    False
    """

    __slots__ = ()

    if TYPE_CHECKING:
        request_model: str | None
        response_model: str | None
        input_messages: tuple[Message, ...]
        output_messages: tuple[Message, ...]
        tool_calls: tuple[ToolCall, ...]
        finish_reasons: tuple[str, ...]

    @property
    def model(self) -> str | None:
        """The model that answered, else the one that was asked for."""
        return self.response_model or self.request_model

    @property
    def input(self) -> str:
        """What the user asked: the user's last message; where none is the user's, the last that isn't a tool's."""
        place = self.asked
        return "" if place is None else self.input_messages[place].content

    @property
    def asked(self) -> int | None:
        """Which of the input messages is `input`; None where there is none."""
        places = range(len(self.input_messages))
        for may_ask in (lambda role: role == "user", lambda role: role not in TOOL_ROLES):
            found = [place for place in places if may_ask(self.input_messages[place].role)]
            if found:
                return found[-1]
        return None

    @property
    def output(self) -> str:
        """What the model answered: the contents of its messages, joined by newlines."""
        return "\n".join(message.content for message in self.output_messages if message.content)

    @property
    def is_step(self) -> bool:
        """Whether the model called a tool instead of answering: the output is a step on the way to an answer."""
        waits = any(map(is_tool_call, self.finish_reasons))
        return waits or (bool(self.tool_calls) and not self.output.strip())


class InteractionBatchProperties:
    """Properties of an InteractionBatch.

    Examples
    --------
    >>> from watchline.schemas.records import InteractionBatch
    >>> InteractionBatch(producer_id="p-1", first_sequence=7, interactions=(), time=1_700_000_000_000_000).is_report
    True
    """

    __slots__ = ()

    if TYPE_CHECKING:
        time: int

    @property
    def is_report(self) -> bool:
        """Whether it is a producer's report of what it has dropped so far, rather than interactions."""
        return self.time != 0
