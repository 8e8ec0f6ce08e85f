"""Trains the multitask model, toxicity, bias and injection."""
