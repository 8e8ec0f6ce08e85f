"""Trains groundedness and relevance."""
