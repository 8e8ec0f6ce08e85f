"""What a user asked, without what the app put around it."""

from __future__ import annotations

import re

from watchline.schemas.records import Interaction

MAX_CHARS = 1000
_ABOUT_THE_DOCUMENTS = re.compile(
    r"\b(?:summari[sz]e|summary of|tl;?dr|translate|rewrite|rephrase|overview of the following"
    r"|(?:this|these|following|above|attached|provided) (?:text|article|documents?|passages?|data|news|story|email))\b",
    re.IGNORECASE,
)


def question(interaction: Interaction) -> str:
    """The last thing the user said, without the documents where the prompt repeats them; at most 1000 characters.

    Of longer text beginning and end are kept: that is where a request stands.
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
    return _ABOUT_THE_DOCUMENTS.search(asked) is not None
