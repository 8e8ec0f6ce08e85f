"""What records say beyond their fields: base classes of the generated ones, each named after its record."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchline.schemas.records import Message


class InteractionProperties:
    """What an Interaction says of itself."""

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
        """What the user asked: the last message of the user, or the last one where none is the user's."""
        for message in reversed(self.input_messages):
            if message.role == "user":
                return message.content
        return self.input_messages[-1].content if self.input_messages else ""

    @property
    def output(self) -> str:
        """What the model answered: the contents of its messages, joined by newlines."""
        return "\n".join(message.content for message in self.output_messages)


class InteractionBatchProperties:
    """What an InteractionBatch says of itself."""

    __slots__ = ()

    if TYPE_CHECKING:
        time: int

    @property
    def is_report(self) -> bool:
        """Whether it reports what the producer has dropped so far."""
        return self.time != 0
