"""What happens to a batch of events, in the order of the files' names in the worker: decode, score, store, publish."""
