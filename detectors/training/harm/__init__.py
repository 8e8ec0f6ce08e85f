"""Trains the tower, toxicity, bias and injection."""
