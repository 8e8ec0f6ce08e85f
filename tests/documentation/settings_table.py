"""The table of settings in the README of streams, made from the settings: `make docs` writes it."""

from __future__ import annotations

from tests.documentation import readmes
from watchline.streams.settings import PREFIX, Settings, show_value

HEAD = "| setting | default | what it is |\n|---|---|---|\n"


def table() -> str:
    """A row for each setting."""
    rows = []
    for name, field in Settings.model_fields.items():
        # The default of a factory is this machine's.
        default = "" if field.default_factory else show_value(field.get_default())
        rows.append(f"| `{PREFIX}{name.upper()}` | {f'`{default}`' if default else ''} | {field.description} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    readmes.write_table(readmes.ROOT / "streams" / "README.md", HEAD, table())
