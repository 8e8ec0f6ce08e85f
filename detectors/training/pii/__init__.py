"""Trains the recogniser of names."""
