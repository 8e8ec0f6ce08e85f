"""What is known of redacted events beside what the app sent. Nothing yet: prices and tenants will come here."""

from __future__ import annotations

from watchline.streams.worker.scoring.part import Part
from watchline.streams.worker.stages.stage import Stage


class Enrich(Stage[Part]):
    """Passes batches on as they are."""

    name = "enrich"

    def run(self, part: Part, /) -> Part:
        return part
