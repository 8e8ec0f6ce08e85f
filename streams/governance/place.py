"""Where governance has its files, and what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from watchline.streams.settings import Settings

if TYPE_CHECKING:
    from watchline.streams.governance.keeper import Keeper


def folder(settings: Settings) -> Path:
    """The folder for what no setting puts elsewhere."""
    return settings.data_dir / "governance"


def roots_file(settings: Settings) -> Path:
    """The file with the root keys."""
    return settings.governance_roots or folder(settings) / "roots.toml"


def anchor_file(settings: Settings) -> Path:
    """The file with the anchors."""
    return settings.governance_anchors or folder(settings) / "anchors.jsonl"


def keeper_key_file(settings: Settings) -> Path:
    """The file with the key that signs anchors."""
    return settings.governance_keeper_key or folder(settings) / "keys" / "keeper.pem"


def reads_folder(settings: Settings) -> Path:
    """The folder where processes write down who reads what, until it is recorded."""
    return folder(settings) / "reads"


def keeper(settings: Settings) -> Keeper:
    """One that keeps the trail, as the settings want it. Raises ConfigurationError."""
    from watchline.streams.governance import prompt_topic
    from watchline.streams.governance.keeper import Keeper
    from watchline.streams.governance.keys import Key, Roots

    roots, file = Roots.read(roots_file(settings)), keeper_key_file(settings)
    if not file.exists():
        return Keeper(settings, roots, None, anchor_file(settings))
    key = Key.read(file)
    return Keeper(
        settings,
        roots,
        key,
        anchor_file(settings),
        lambda releases: prompt_topic.publish(settings, releases, key),
        reads_folder(settings),
    )
