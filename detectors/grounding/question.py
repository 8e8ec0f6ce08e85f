"""What a user asked, without what the app put around it."""

from __future__ import annotations

from watchline.detectors.languages.english import ENGLISH
from watchline.schemas.records import Interaction

MAX_CHARS = 1000


def question(interaction: Interaction) -> str:
    """The last thing the user said, without the documents where the prompt repeats them; at most 1000 characters.

    Of longer text beginning and end are kept: that is where a request stands.

    Examples
    --------
    >>> from watchline.schemas.records import Document, Message
    >>> prompt = Message("user", "Returns are free. How do I return it?")
    >>> documents = (Document("Returns are free."),)
    >>> question(Interaction(event_id="1", time=0, app="shop", input_messages=(prompt,), documents=documents))
    'How do I return it?'
    """
    text = interaction.input
    for document in interaction.documents:
        if document.content.strip():
            text = text.replace(document.content.strip(), " ")
    text = " ".join(text.split())
    half = MAX_CHARS // 2
    return text if len(text) <= MAX_CHARS else f"{text[:half]} {text[-half + 1 :]}"


def about_documents(asked: str) -> bool:
    """Whether a question asks for something to be done with the documents: a summary, a translation."""
    return ENGLISH.conversation.about_documents.search(asked) is not None
