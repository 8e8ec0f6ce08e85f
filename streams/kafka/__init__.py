"""Topics, their administration, the schema registry, what is read back from a log."""
