"""Evaluates the alert rules, keeps what they found, and tells people: what Grafana does, for a team without it."""
