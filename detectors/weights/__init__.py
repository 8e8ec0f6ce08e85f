"""The weights of Watchline's detectors: in `FOLDER` a folder for each, with its model card (`card.md`)."""

from pathlib import Path

FOLDER = Path(__file__).parent
