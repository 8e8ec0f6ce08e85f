"""Properties that records have beside their fields: base classes of the generated ones, named after their record."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchline.schemas.records import Message


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
    """

    __slots__ = ()

    if TYPE_CHECKING:
        request_model: str | None
        response_model: str | None
        input_messages: tuple[Message, ...]
        output_messages: tuple[Message, ...]

    @property
    def model(self) -> str | None:
        """The model that answered, else the one that was asked for."""
        return self.response_model or self.request_model

    @property
    def input(self) -> str:
        """What the user asked: the user's last message, or the last message of all where none is the user's."""
        for message in reversed(self.input_messages):
            if message.role == "user":
                return message.content
        return self.input_messages[-1].content if self.input_messages else ""

    @property
    def output(self) -> str:
        """What the model answered: the contents of its messages, joined by newlines."""
        return "\n".join(message.content for message in self.output_messages)


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
