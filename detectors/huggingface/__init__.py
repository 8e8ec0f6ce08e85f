"""Bigger models by configuration, in the place of shipped weights."""
