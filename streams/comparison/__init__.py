"""Compares two versions of a prompt: in the traffic that both had, and on inputs that both are given."""
