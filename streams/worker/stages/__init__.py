"""What happens to a batch of events, in the order of the files' names in the worker: decode, redact, score, store,
publish."""
