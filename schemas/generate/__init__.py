"""Generates the files that follow from the Avro schemas and `columns.py`: `make generate`. Not in the wheel."""
