"""What happens to a batch of events, in this order: decode, redact, score, store, publish."""
