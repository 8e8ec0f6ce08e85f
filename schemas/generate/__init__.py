"""Makes the files that say again what the Avro schemas and `columns.py` say: `make generate`. Not in the wheel."""
