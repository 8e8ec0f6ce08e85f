"""Events cut to a size that Kafka takes, with the length that each cut text had."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from watchline.schemas.records import Interaction
from watchline.schemas.texts import replace_texts, texts

FIELD_LIMIT = 256 * 1024  # bytes of one text
EVENT_LIMIT = 512 * 1024  # bytes of all texts of an event


def truncate(interaction: Interaction) -> Interaction:
    """The interaction with every text within the limits and valid as UTF-8; itself where nothing has to change.

    `truncated` then names each cut text, as `schemas.texts` does, with its length in bytes before. What can't be
    written as UTF-8 (half of a surrogate pair) becomes a question mark.
    """
    texts_by_field = dict(texts(interaction))
    changed: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for field, text in texts_by_field.items():
        if text.isascii():
            sizes[field] = len(text)
            continue
        encoded = text.encode("utf-8", "replace")
        sizes[field] = len(encoded)
        if b"?" in encoded and encoded.decode() != text:
            changed[field] = encoded.decode()
    longest = min(FIELD_LIMIT, _longest(sizes.values(), EVENT_LIMIT))
    cut = {field: size for field, size in sizes.items() if size > longest}
    for field in cut:
        changed[field] = texts_by_field[field][:longest].encode("utf-8", "replace")[:longest].decode("utf-8", "ignore")
    if not changed:
        return interaction
    return replace(replace_texts(interaction, changed), truncated={**interaction.truncated, **cut})


def _longest(sizes: Iterable[int], total: int) -> int:
    """The longest that each may be, so that all fit into `total` and only the longest are cut."""
    ordered = sorted(sizes)
    for index, size in enumerate(ordered):
        share = total // (len(ordered) - index)
        if size > share:
            return share
        total -= size
    return FIELD_LIMIT
